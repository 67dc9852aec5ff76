// The reference: a color photo, from a file or of this review, that says what the colors are.

import * as api from "./api.js";
import { $ } from "./ui.js";

const MOST_LISTED = 500;
let name = "", colored = [], onChange = () => {}, current = () => undefined;

export function start(changed, openId) {
  onChange = changed;
  current = openId;
  const dialog = $("reference-dialog"), list = $("reference-list");
  $("reference-choose").addEventListener("click", async () => {
    tellProblem("");
    // Asked anew: results are applied, and photos found to be in color, while the page is open.
    try { colored = (await api.listing()).photos.filter(shot => shot.colored); } catch (error) { tellProblem(error.message); }
    $("reference-file").value = "";
    $("reference-search").value = "";
    fill();
    dialog.showModal();
  });
  $("reference-search").addEventListener("input", fill);
  list.addEventListener("change", () => { $("reference-use").disabled = list.selectedIndex < 0; });
  list.addEventListener("dblclick", use);
  list.addEventListener("keydown", event => { if (event.key === "Enter") use(); });
  $("reference-use").addEventListener("click", use);
  $("reference-close").addEventListener("click", () => dialog.close());
  $("reference-file").addEventListener("change", event => {
    const [file] = event.target.files;
    if (file) take(() => api.sendReference(file));
  });
  $("reference-remove").addEventListener("click", () => { name = ""; onChange(""); $("reference-choose").focus(); });

  function use() { if (list.value) take(() => api.chooseReference(Number(list.value))); }
}

async function take(ask) {
  tellProblem("");
  try {
    const found = await ask();
    name = found.name;
    $("reference-dialog").close();
    onChange(found.reference);
  } catch (error) {
    tellProblem(error.message);
  }
}

function fill() {
  const part = $("reference-search").value.trim().toLowerCase();
  const found = colored.filter(shot => shot.id !== current() && `${shot.folder}/${shot.name}`.toLowerCase().includes(part));
  const options = found.slice(0, MOST_LISTED).map(shot => new Option(shot.folder ? `${shot.folder}/${shot.name}` : shot.name, shot.id));
  if (!options.length) {
    const none = new Option(part ? "No photo has this name." : "No photo has colors yet: colorize or apply some first.", "");
    none.disabled = true;
    options.push(none);
  }
  $("reference-list").replaceChildren(...options);
  $("reference-use").disabled = true;
}

export function open(known) { name = known; }

export function describe(look, controls) {
  const takes = controls.takes_reference, has = Boolean(look.reference);
  $("reference-why").textContent = takes ? "Takes colors from a photo of the same people, clothes or place."
    : `${look.model} has no encoder to compare photos with: it takes no reference.`;
  $("reference-choose").disabled = !takes;
  $("reference-choose").textContent = has ? "Choose another" : "Choose a photo";
  $("reference-name").hidden = !has;
  $("reference-name").textContent = name || "A reference that is not there any more";
  $("reference-remove").hidden = !has;
  if (!has) $("reference-fit").hidden = true;
}

export function tell(fit) {
  $("reference-fit").hidden = fit === null;
  if (fit === null) return;
  $("reference-fit").textContent = fit.used ? `Used: ${Math.round(fit.match * 100)} % of both photos match.`
    : "Not used: it shows other things than this photo.";
  document.body.dataset.referenced = String(Number(document.body.dataset.referenced ?? 0) + 1);
}

function tellProblem(text) { $("reference-message").hidden = !text; $("reference-message").textContent = text; }
