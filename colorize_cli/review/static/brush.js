// Strokes: kept as color, width and points; after each stroke all are sent as one transparent picture.

import { $, element, pressed } from "./ui.js";
import * as viewer from "./viewer.js";

const LONGEST = 768;
const stage = $("stage"), canvas = $("strokes"), cursor = $("cursor"), pen = canvas.getContext("2d");
const SWATCHES = [
  ["Light skin", "#e8b795"], ["Tanned skin", "#c58c63"], ["Brown skin", "#8d5a3c"], ["Dark skin", "#5b3826"],
  ["Blond hair", "#c9a66b"], ["Brown hair", "#5e4029"], ["Lips", "#b5615a"], ["Wood", "#8a5f3b"],
  ["Sky", "#7fb2e5"], ["Deep sky", "#3f7cc4"], ["Water", "#4d8096"], ["Grass", "#6f9440"],
  ["Foliage", "#3f6b34"], ["Straw", "#cdb26a"], ["Earth", "#7a5a44"], ["Sand", "#cfb48a"],
  ["Brick", "#a4523b"], ["Roof tile", "#b8643f"], ["Brass", "#b08d3c"], ["Cream", "#efe3c2"],
  ["Field gray uniform", "#5d6a57"], ["Khaki uniform", "#9b8a5e"], ["Olive uniform", "#5f6038"], ["Navy uniform", "#26345c"],
  ["Red", "#b3262e"], ["Orange", "#d2722b"], ["Yellow", "#e0bb3a"], ["Green", "#3c8a4e"],
  ["Turquoise", "#3a9a94"], ["Blue", "#2f5fb3"], ["Violet", "#6d4a9c"], ["Pink", "#d18aa5"],
];
let base = null, done = [], undone = [], drawing = null, color = SWATCHES[0][1], kind = "color", share = 0.03, visible = false;
let onChange = () => {}, spot = [0.5, 0.5];

export function start(changed) {
  onChange = changed;
  $("swatches").append(...SWATCHES.map(([name, value], number) => {
    const swatch = element("button", { type: "button", class: "swatch", role: "radio", "aria-label": name, title: name, "aria-checked": "false", tabindex: number ? "-1" : "0", "data-color": value });
    swatch.style.background = value;
    swatch.addEventListener("click", () => setColor(value));
    return swatch;
  }));
  $("swatches").addEventListener("keydown", event => {
    const all = [...$("swatches").children], step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8 }[event.key];
    const next = all[all.indexOf(document.activeElement) + (step ?? 0)];
    if (step && next) { next.focus(); setColor(next.dataset.color); event.preventDefault(); event.stopPropagation(); }
  });
  $("any-color").addEventListener("input", event => setColor(event.target.value));
  for (const name of ["color", "neutral", "erase"]) $(`brush-${name}`).addEventListener("click", () => setKind(name));
  $("brush-size").addEventListener("input", event => { share = Number(event.target.value) / 100; sized(); });
  $("undo").addEventListener("click", undo);
  $("redo").addEventListener("click", redo);
  $("clear").addEventListener("click", clear);
  $("show-strokes").addEventListener("click", () => { visible = !visible; pressed($("show-strokes"), visible); fade(); });
  stage.addEventListener("pointerdown", begin);
  stage.addEventListener("pointermove", follow);
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("pointerleave", () => { if (!drawing) cursor.hidden = true; });
  setColor(color);
  sized();
}

export function open(width, height, picture) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  base = picture; done = []; undone = []; drawing = null; spot = [0.5, 0.5];
  redraw();
  buttons();
  fade();
}

export function setColor(value) {
  color = value;
  setKind("color");
  $("any-color").value = value;
  const all = [...$("swatches").children], match = all.find(swatch => swatch.dataset.color === value);
  for (const swatch of all) { swatch.setAttribute("aria-checked", String(swatch === match)); swatch.tabIndex = swatch === (match ?? all[0]) ? 0 : -1; }
}

function setKind(name) {
  kind = name;
  for (const other of ["color", "neutral", "erase"]) pressed($(`brush-${other}`), other === name);
}

function sized() {
  $("brush-size-value").textContent = `${(share * 100).toFixed(1)} % of the photo`;
  const side = Math.max(6, share * viewer.longSide());
  cursor.style.width = cursor.style.height = `${side}px`;
}

export function resize(step) {
  const input = $("brush-size");
  input.value = Number(input.value) + step;
  input.dispatchEvent(new Event("input"));
}

function begin(event) {
  if (!viewer.view.painting || event.button !== 0 || event.shiftKey) return;
  stage.setPointerCapture(event.pointerId);
  drawing = { color: kind === "neutral" ? "#808080" : color, erase: kind === "erase", width: share, points: [viewer.placeOf(event)] };
  redraw();
  fade();
}

function follow(event) {
  if (!viewer.view.painting) return;
  const place = viewer.placeOf(event);
  spot = place;
  moveCursor();
  if (!drawing) return;
  drawing.points.push(place);
  redraw();
}

function end() {
  if (!drawing) return;
  finish(drawing);
  drawing = null;
}

function finish(stroke) {
  done.push(stroke);
  undone = [];
  changed();
}

function moveCursor() {
  const [x, y] = viewer.onStage(spot);
  cursor.hidden = !viewer.view.painting;
  cursor.style.left = `${x}px`;
  cursor.style.top = `${y}px`;
  sized();
}

export function hideCursor() { cursor.hidden = true; }

// By keyboard: arrows move the brush, Enter paints a dab.
export function nudge(x, y) {
  spot = [Math.min(1, Math.max(0, spot[0] + x * share / 2)), Math.min(1, Math.max(0, spot[1] + y * share / 2))];
  moveCursor();
}
export function dab() {
  const [x, y] = spot;
  finish({ color: kind === "neutral" ? "#808080" : color, erase: kind === "erase", width: share, points: [[x, y], [x + 0.001, y]] });
  moveCursor();
}

export function undo() { if (done.length) { undone.push(done.pop()); changed(); } }
export function redo() { if (undone.length) { done.push(undone.pop()); changed(); } }
function clear() { done.push({ clear: true }); undone = []; changed(); }

function changed() {
  redraw();
  buttons();
  canvas.toBlob(blob => onChange(blob), "image/png");
}

const empty = () => !base && !done.some(stroke => !stroke.clear && !stroke.erase);
export const painted = () => !(done.at(-1)?.clear) && !empty();

function buttons() {
  $("undo").disabled = !done.length;
  $("redo").disabled = !undone.length;
  $("clear").disabled = !painted();
}

function redraw() {
  pen.globalCompositeOperation = "source-over";
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (base) pen.drawImage(base, 0, 0, canvas.width, canvas.height);
  for (const stroke of [...done, ...(drawing ? [drawing] : [])]) draw(stroke);
}

function draw(stroke) {
  if (stroke.clear) { pen.globalCompositeOperation = "source-over"; pen.clearRect(0, 0, canvas.width, canvas.height); return; }
  pen.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
  pen.strokeStyle = stroke.color;
  pen.lineWidth = Math.max(2, stroke.width * Math.max(canvas.width, canvas.height));
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  const [first, ...rest] = stroke.points.map(([x, y]) => [x * canvas.width, y * canvas.height]);
  pen.moveTo(...first);
  for (const point of rest.length ? rest : [[first[0] + 0.1, first[1]]]) pen.lineTo(...point);
  pen.stroke();
}

function fade() { canvas.style.opacity = drawing ? 0.9 : visible ? 0.75 : 0; }
export const settled = () => { if (!drawing) fade(); };
