// A color from another photo; the photo never leaves the browser.

import { $ } from "./ui.js";

export function start(onColor) {
  const dialog = $("pipette-dialog"), canvas = $("pipette-canvas"), pen = canvas.getContext("2d", { willReadFrequently: true });
  $("pipette").addEventListener("click", () => dialog.showModal());
  $("pipette-close").addEventListener("click", () => dialog.close());
  $("pipette-file").addEventListener("change", async event => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const picture = await createImageBitmap(file), scale = Math.min(1, 900 / Math.max(picture.width, picture.height));
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.hidden = false;
      $("pipette-color").textContent = "";
    } catch {
      $("pipette-color").textContent = "This file cannot be shown.";
    }
  });
  canvas.addEventListener("click", event => {
    const x = Math.floor(event.offsetX * canvas.width / canvas.clientWidth), y = Math.floor(event.offsetY * canvas.height / canvas.clientHeight);
    // The mean of a few pixels: one of them may be grain.
    const { data } = pen.getImageData(Math.max(0, x - 2), Math.max(0, y - 2), 5, 5);
    const mean = [0, 1, 2].map(channel => Math.round(data.filter((_, place) => place % 4 === channel).reduce((sum, value) => sum + value, 0) / (data.length / 4)));
    onColor(`#${mean.map(value => value.toString(16).padStart(2, "0")).join("")}`);
    dialog.close();
  });
}
