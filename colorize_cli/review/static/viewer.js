// The stage: gray and color with a movable border, zoom to 1:1 and beyond, and full-size tiles beyond the resolution of the preview.

import * as api from "./api.js";
import { $, show } from "./ui.js";

const stage = $("stage"), picture = $("picture"), handle = $("handle"), tiles = $("tiles");
let width = 1, height = 1, fullWidth = 1, scale = 1, left = 0, top = 0, split = 50, fitted = true, getTile = null, tileTimer, tileTurn = 0;
let grayShown = false;
export const view = { painting: false };

export function start() {
  new ResizeObserver(() => { if (fitted) fit(); else moved(); }).observe(stage);
  stage.addEventListener("wheel", event => { event.preventDefault(); zoomAt(Math.exp(-event.deltaY * 0.0015), event.offsetX, event.offsetY, event.target); }, { passive: false });
  drag(handle, event => setSplit((event.clientX - stage.getBoundingClientRect().left - left) / (scale * width) * 100));
  let at = null;
  stage.addEventListener("pointerdown", event => {
    if (event.target.closest("#handle") || (view.painting && !event.shiftKey && event.button !== 1)) return;
    at = [event.clientX - left, event.clientY - top];
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", event => { if (at) { left = event.clientX - at[0]; top = event.clientY - at[1]; fitted = false; moved(); } });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => { at = null; });
  handle.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -100, End: 100 }[event.key];
    if (step) { setSplit(split + step); event.preventDefault(); event.stopPropagation(); }
  });
  $("zoom-in").addEventListener("click", () => zoomAt(1.25));
  $("zoom-out").addEventListener("click", () => zoomAt(0.8));
  $("zoom-fit").addEventListener("click", fit);
  $("zoom-full").addEventListener("click", full);
}

function drag(target, move) {
  target.addEventListener("pointerdown", event => { target.setPointerCapture(event.pointerId); event.stopPropagation(); });
  target.addEventListener("pointermove", event => { if (target.hasPointerCapture(event.pointerId)) move(event); });
}

export function open(details, tileOf) {
  width = details.preview_width; height = details.preview_height; fullWidth = details.width; getTile = tileOf;
  picture.style.width = `${width}px`;
  picture.style.height = `${height}px`;
  tiles.replaceChildren();
  grayShown = false;
  setSplit(50);
  fit();
}

export const showGray = url => show($("gray"), url);
export const showColor = async url => { await show($("color"), url); stale(); };

export function fit() {
  if (!stage.clientWidth) return;
  fitted = true;
  scale = Math.min(stage.clientWidth / width, stage.clientHeight / height, fullWidth / width);
  left = (stage.clientWidth - scale * width) / 2;
  top = (stage.clientHeight - scale * height) / 2;
  moved();
}

export function full() {
  zoomAt(fullWidth / width / devicePixelRatio / scale);
}

export function zoomAt(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2, target = stage) {
  if (target !== stage && target.closest) {
    const box = stage.getBoundingClientRect(), own = target.getBoundingClientRect();
    if (target !== stage && !target.closest("#picture")) { x += own.left - box.left; y += own.top - box.top; }
    else { x = x * scale + left; y = y * scale + top; }
  }
  const most = 8 * Math.max(1, fullWidth / width), least = 0.5 * Math.min(stage.clientWidth / width, stage.clientHeight / height);
  const next = Math.min(most, Math.max(least, scale * factor));
  left = x - (x - left) * next / scale;
  top = y - (y - top) * next / scale;
  scale = next;
  fitted = false;
  moved();
}

export function pan(x, y) { left -= x; top -= y; fitted = false; moved(); }

function moved() {
  // At least a part of the picture stays visible.
  left = Math.min(stage.clientWidth - 60, Math.max(60 - scale * width, left));
  top = Math.min(stage.clientHeight - 60, Math.max(60 - scale * height, top));
  picture.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  handle.style.left = `${Math.min(stage.clientWidth, Math.max(0, left + scale * width * split / 100))}px`;
  const percent = 100 * scale * devicePixelRatio * width / fullWidth;
  $("zoom").textContent = `${Math.round(percent)} %`;
  stage.classList.toggle("pannable", !fitted);
  clearTimeout(tileTimer);
  tileTimer = setTimeout(loadTiles, 180);
}

function setSplit(value) {
  split = Math.min(100, Math.max(0, value));
  handle.setAttribute("aria-valuenow", String(Math.round(split)));
  handle.setAttribute("aria-valuetext", `${Math.round(split)} percent gray`);
  clip();
  moved();
}

export function toggleGray() { grayShown = !grayShown; clip(); return grayShown; }

function clip() {
  const from = grayShown ? 100 : view.painting ? 0 : split;
  $("color").style.clipPath = `inset(0 0 0 ${from}%)`;
  tiles.style.clipPath = `inset(0 0 0 ${from}%)`;
  handle.hidden = grayShown || view.painting;
  $("tag-gray").hidden = view.painting && !grayShown;
  $("tag-color").hidden = grayShown;
}

export function setPainting(value) { view.painting = value; stage.classList.toggle("painting", value); clip(); }

// Position of a pointer in the picture, 0..1 on each axis.
export function placeOf(event) {
  const box = stage.getBoundingClientRect();
  return [(event.clientX - box.left - left) / (scale * width), (event.clientY - box.top - top) / (scale * height)];
}
export const onStage = ([x, y]) => [left + x * scale * width, top + y * scale * height];
export const longSide = () => scale * Math.max(width, height);

// Full-size tiles with old colors are removed.
function stale() { tileTurn++; tiles.replaceChildren(); clearTimeout(tileTimer); tileTimer = setTimeout(loadTiles, 250); }

async function loadTiles() {
  const finer = scale * devicePixelRatio > 1.05 && fullWidth > width;
  if (!finer || !getTile) { tiles.replaceChildren(); return; }
  const turn = ++tileTurn, zoom = fullWidth / width;
  const x = Math.max(0, -left / scale), y = Math.max(0, -top / scale);
  const w = Math.min(width - x, stage.clientWidth / scale), h = Math.min(height - y, stage.clientHeight / scale);
  if (w <= 1 || h <= 1 || w * zoom > 4096 || h * zoom > 4096) return;
  const box = { x: Math.floor(x * zoom), y: Math.floor(y * zoom), w: Math.ceil(w * zoom), h: Math.ceil(h * zoom) };
  try {
    const { url } = await getTile(box);
    if (turn !== tileTurn) { URL.revokeObjectURL(url); return; }
    const image = new Image();
    image.alt = "";
    image.src = url;
    await image.decode();
    if (turn !== tileTurn) return;
    image.style.cssText = `left:${box.x / zoom}px;top:${box.y / zoom}px;width:${image.naturalWidth / zoom}px;height:${image.naturalHeight / zoom}px`;
    tiles.replaceChildren(image);
    URL.revokeObjectURL(url);
  } catch { /* the preview remains */ }
}
