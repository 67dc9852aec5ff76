// The grid: only visible rows are in the page, so that ten thousand photos scroll smoothly.

import * as api from "./api.js";
import { $, element, toast } from "./ui.js";

const CARD = 236, CARD_HEIGHT = 236;
const grid = $("grid"), space = $("grid-space");
const shots = new Map();
let order = [], chosen = 0, columns = 1, cardWidth = CARD, grayOnly = false, onOpen = () => {}, onDecide = () => {};
const cards = new Map();

export function start({ open, decide }) {
  onOpen = open;
  onDecide = decide;
  grid.addEventListener("scroll", draw, { passive: true });
  grid.addEventListener("keydown", onKey);
  grid.addEventListener("click", event => {
    const card = event.target.closest(".shot");
    if (card) choose(order.indexOf(Number(card.dataset.id)));
  });
  grid.addEventListener("dblclick", event => event.target.closest(".shot") && onOpen(order[chosen]));
  new ResizeObserver(layout).observe(grid);
  for (const id of ["filter-name", "filter-folder", "filter-state", "filter-confidence", "order"])
    $(id).addEventListener("input", () => arrange());
}

export function put(rows) {
  for (const row of rows) shots.set(row.id, { ...shots.get(row.id), ...row });
  const folders = [...new Set([...shots.values()].map(shot => shot.folder))].sort();
  const select = $("filter-folder");
  if (select.options.length !== folders.length + 1)
    select.replaceChildren(new Option("All folders", ""), ...folders.map(folder => new Option(folder || "(top)", `/${folder}`)));
  arrange();
}

// A changed photo keeps its place until the user sorts again, so that nothing moves under the pointer.
export function update(row) {
  shots.set(row.id, { ...shots.get(row.id), ...row });
  cards.get(row.id)?.remove();
  cards.delete(row.id);
  count();
  draw();
}

export const get = id => shots.get(id);
export const current = () => order[chosen];
export const neighbour = (id, step) => order[order.indexOf(id) + step];
export function select(id) { const place = order.indexOf(id); if (place >= 0) choose(place); }
export const focus = () => grid.focus({ preventScroll: true });
export const states = () => Object.groupBy ? Object.groupBy(shots.values(), shot => shot.state) : [...shots.values()].reduce((all, shot) => ((all[shot.state] ??= []).push(shot), all), {});

function fits(shot) {
  const name = $("filter-name").value.trim().toLowerCase(), folder = $("filter-folder").value;
  const state = $("filter-state").value, sure = $("filter-confidence").value;
  if (name && !`${shot.folder}/${shot.name}`.toLowerCase().includes(name)) return false;
  if (folder && `/${shot.folder}` !== folder) return false;
  if (state && shot.state !== state) return false;
  if (sure === "unknown") return shot.confidence === null;
  return !sure || (shot.confidence !== null && shot.confidence < Number(sure));
}

function arrange() {
  const before = order[chosen];
  const found = [...shots.values()].filter(fits);
  // Photos of unknown confidence follow the uncertain ones, in the order of their names.
  if ($("order").value === "confidence") found.sort((a, b) => (a.confidence ?? 2) - (b.confidence ?? 2) || a.id - b.id);
  else found.sort((a, b) => a.id - b.id);
  order = found.map(shot => shot.id);
  chosen = Math.max(0, order.indexOf(before));
  for (const card of cards.values()) card.remove();
  cards.clear();
  $("empty").hidden = order.length > 0;
  grid.hidden = order.length === 0;
  const none = shots.size === 0;
  $("empty-title").textContent = none ? "Drop a photo here" : "No photo fits these filters";
  $("empty-text").textContent = none ? "It is colorized on this computer and is not sent anywhere." : `${shots.size} photos are hidden.`;
  $("choose").hidden = !none;
  count();
  layout();
}

function count() {
  const by = states(), all = shots.size;
  const parts = [`${order.length === all ? all : `${order.length} of ${all}`} photo${all === 1 ? "" : "s"}`];
  for (const state of ["accepted", "rejected"]) if (by[state]?.length) parts.push(`${by[state].length} ${state}`);
  $("counts").textContent = all ? parts.join(" · ") : "";
}

function layout() {
  const width = grid.clientWidth - 20;
  if (width <= 0) return;
  columns = Math.max(width < 480 ? 2 : 1, Math.floor(width / CARD));
  cardWidth = Math.floor(width / columns);
  space.style.height = `${Math.ceil(order.length / columns) * CARD_HEIGHT + 10}px`;
  for (const [id, card] of cards) place(card, order.indexOf(id));
  draw();
}

function place(card, number) {
  card.style.cssText = `left:${10 + (number % columns) * cardWidth}px;top:${Math.floor(number / columns) * CARD_HEIGHT}px;width:${cardWidth}px;height:${CARD_HEIGHT}px`;
}

function draw() {
  const first = Math.max(0, Math.floor(grid.scrollTop / CARD_HEIGHT) - 1) * columns;
  const last = Math.min(order.length, (Math.ceil((grid.scrollTop + grid.clientHeight) / CARD_HEIGHT) + 1) * columns);
  const wanted = new Set(order.slice(first, last));
  for (const [id, card] of cards) if (!wanted.has(id)) { card.remove(); cards.delete(id); }
  for (let number = first; number < last; number++) {
    const id = order[number];
    if (!cards.has(id)) { const card = makeCard(shots.get(id), number); cards.set(id, card); space.append(card); }
  }
  mark();
}

function mark() {
  for (const [id, card] of cards) card.setAttribute("aria-selected", String(id === order[chosen]));
  const there = cards.has(order[chosen]);
  if (there) grid.setAttribute("aria-activedescendant", `shot-${order[chosen]}`);
  else grid.removeAttribute("aria-activedescendant");
}

function makeCard(shot, number) {
  const sure = shot.confidence === null ? "" : shot.confidence.toFixed(2);
  const state = shot.state === "open" ? "" : shot.state === "accepted" ? "✓ accepted" : "✕ rejected";
  const thumb = element("div", { class: "thumb" });
  const card = element("div", {
    class: "shot", role: "option", id: `shot-${shot.id}`, "data-id": shot.id, "aria-selected": "false",
    "aria-setsize": order.length, "aria-posinset": number + 1, title: shot.note || shot.name,
  }, element("figure", {}, thumb, element("figcaption", {},
    element("span", { class: "name" }, shot.name), element("span", { class: "sure", title: "Confidence" }, sure),
    element("span", { class: "where" }, state ? element("span", { class: `badge ${shot.state}` }, state) : shot.folder),
    element("span", { class: "sure" }, shot.note ? "✎" : "", element("span", { class: "unseen" }, shot.note)))));
  place(card, number);
  fill(card, thumb, shot);
  return card;
}

async function fill(card, thumb, shot) {
  const gray = element("img", { alt: "" }), color = element("img", { alt: "", class: "top" });
  thumb.append(gray, color);
  if (shot.problem) { thumb.append(element("p", { class: "message" }, shot.problem)); }
  try {
    await load(gray, shot.id, "gray", card);
    const { confidence } = await queued(card, () => load(color, shot.id, "color", card));
    color.classList.add("there");
    if (confidence && shot.confidence === null) {
      shots.get(shot.id).confidence = Number(confidence);
      card.querySelector(".sure").textContent = Number(confidence).toFixed(2);
    }
  } catch (error) {
    if (card.isConnected && !shot.problem) thumb.append(element("p", { class: "message" }, error.message));
  }
}

async function load(image, id, kind, card) {
  const found = await api.thumbnail(id, kind);
  image.src = found.url;
  await image.decode().catch(() => {});
  URL.revokeObjectURL(found.url);
  return found;
}

// Color thumbnails that need a network are requested one by one, so that the open photo does not wait for them.
let last = Promise.resolve();
function queued(card, task) {
  const turn = last.then(() => card.isConnected && !grid.closest("[hidden]") ? task() : {});
  last = turn.catch(() => {});
  return turn;
}

function choose(number) {
  if (!order.length) return;
  chosen = Math.min(Math.max(number, 0), order.length - 1);
  const top = Math.floor(chosen / columns) * CARD_HEIGHT;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + CARD_HEIGHT > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + CARD_HEIGHT - grid.clientHeight;
  draw();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const page = Math.max(1, Math.floor(grid.clientHeight / CARD_HEIGHT)) * columns;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page, PageDown: page, Home: -order.length, End: order.length };
  const id = order[chosen];
  if (event.key in steps) choose(chosen + steps[event.key]);
  else if (event.key === "Enter" && id !== undefined) onOpen(id);
  else if (event.key === " ") { grayOnly = !grayOnly; grid.classList.toggle("gray-only", grayOnly); toast(grayOnly ? "Gray" : "Color"); }
  else if (/^[aru]$/i.test(event.key) && id !== undefined) onDecide(id, { a: "accepted", r: "rejected", u: "open" }[event.key.toLowerCase()]);
  else if (/^n$/i.test(event.key) && id !== undefined) onOpen(id, { note: true });
  else return;
  event.preventDefault();
}
