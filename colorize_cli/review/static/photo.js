// One photograph: its settings, its decision, and the queue that requests new colors.

import * as api from "./api.js";
import * as brush from "./brush.js";
import * as reference from "./reference.js";
import * as viewer from "./viewer.js";
import { $, element, latest, pressed, show, sureness, toast } from "./ui.js";

let details = null, look = null, controls = null, turn = 0, showing = { confidence: false }, noteTimer = null;
let onRow = () => {}, onLeave = () => {}, onStep = () => {};

export function start({ row, leave, step }) {
  onRow = row; onLeave = leave; onStep = step;
  viewer.start();
  brush.start(strokes => repaint(strokes));
  reference.start(chosen => { look.reference = chosen; settings(); recolor(); }, () => details?.id);
  $("back").addEventListener("click", () => onLeave());
  $("previous").addEventListener("click", () => onStep(-1));
  $("next").addEventListener("click", () => onStep(1));
  $("accept").addEventListener("click", () => decide("accepted"));
  $("reject").addEventListener("click", () => decide("rejected"));
  $("note").addEventListener("change", () => decide(details.state, { quiet: true }));
  $("note").addEventListener("keydown", event => { if (event.key === "Escape") { $("stage").focus(); event.stopPropagation(); } });
  $("vividness").addEventListener("input", event => { look.vividness = Number(event.target.value); settings(); recolor(); });
  $("strength").addEventListener("input", event => { look.strength = Number(event.target.value); settings(); recolor(); });
  $("model").addEventListener("change", event => chooseModel(event.target.value));
  $("mode-compare").addEventListener("click", () => setPainting(false));
  $("mode-paint").addEventListener("click", () => setPainting(true));
  $("toggle-confidence").addEventListener("click", toggleConfidence);
  $("show-variants").addEventListener("click", showVariants);
  for (const id of ["any-color", "swatches", "brush-color", "brush-neutral", "brush-erase"])
    $(id).addEventListener("click", () => setPainting(true));
}

export const openId = () => details?.id;

export async function open(id, { note = false } = {}) {
  const mine = ++turn;
  message("");
  setPainting(false);
  $("busy").hidden = false;
  $("photo-title").textContent = "Opening …";
  $("photo-facts").textContent = "";
  for (const image of ["gray", "color"]) $(image).removeAttribute("src");
  $("variants").hidden = true;
  setConfidence(false);
  try {
    const found = await api.details(id);
    if (mine !== turn) return;
    details = found;
    look = { ...found.look };
    controls = { vividness: found.vividness, variants: found.variants, needs_hints: found.needs_hints, takes_reference: found.takes_reference };
    reference.open(found.reference);
    describe();
    viewer.open(details, box => api.tile(details.id, look, box));
    const [gray, strokes] = await Promise.all([api.gray(id), found.strokes ? api.strokes(id) : null]);
    if (mine !== turn) return;
    await viewer.showGray(gray.url);
    brush.open(found.preview_width, found.preview_height, strokes);
    settings();
    await colors();
    if (note) $("note").focus();
  } catch (error) {
    if (mine === turn) { message(error.message); $("photo-title").textContent = $("photo-title").textContent.replace("Opening …", "This photo cannot be shown"); }
  } finally {
    if (mine === turn) $("busy").hidden = true;
  }
}

export function leave() { turn++; details = null; setPainting(false); }

function describe() {
  const { name, folder, width, height, confidence, warnings, in_color } = details;
  $("photo-title").textContent = name;
  const facts = [folder, `${width} × ${height} pixels`];
  if (confidence !== null) facts.push(`confidence ${confidence.toFixed(2)}: ${sureness(confidence)}`);
  $("photo-facts").textContent = facts.filter(Boolean).join(" · ");
  const all = [...warnings, ...(in_color ? ["This photo is already in color. Its own colors are not used."] : [])];
  $("warnings").replaceChildren(...all.map(text => element("li", {}, text)));
  $("note").value = details.note;
  $("decision").hidden = details.upload;
  $("save-card").hidden = !details.upload;
  $("model").replaceChildren(...details.models.map(({ name, title }) => new Option(`${name} — ${title}`, name)));
  $("model").value = look.model;
  state();
}

function state() {
  pressed($("accept"), details.state === "accepted");
  pressed($("reject"), details.state === "rejected");
}

function settings() {
  const has = controls.vividness !== null;
  const value = look.vividness ?? controls.vividness ?? 0;
  $("vividness").disabled = !has;
  $("vividness").value = value;
  $("vividness-value").textContent = has ? value.toFixed(2) : "";
  $("vividness-why").hidden = has;
  $("vividness-why").textContent = has ? "" : `${look.model} predicts one color, not several with their probabilities: it has no vividness.`;
  $("strength").value = look.strength;
  $("strength-value").textContent = look.strength.toFixed(2);
  const why = !controls.variants ? `${look.model} predicts one color: it has no variants.`
    : look.reference ? "The reference defines the colors. Remove it to see variants."
    : brush.painted() ? "The strokes define the colors. Clear them to see variants." : "";
  $("show-variants").disabled = Boolean(why);
  $("variants-why").hidden = !why;
  $("variants-why").textContent = why;
  if (why) $("variants").hidden = true;
  reference.describe(look, controls);
  $("save").href = api.fileAddress(details.id, look);
}

async function chooseModel(model) {
  look = { model, strength: look.strength, reference: look.reference };
  $("busy").hidden = false;
  try {
    controls = await api.controls(details.id, look);
    if (!controls.takes_reference) look.reference = "";
    settings();
    await colors();
  } catch (error) {
    message(error.message);
  } finally {
    $("busy").hidden = true;
  }
  if (!$("variants").hidden) showVariants();
}

async function colors() {
  const mine = turn, id = details.id;
  if (controls.needs_hints && !brush.painted()) { message(`${look.model} only spreads the colors that you paint. Paint a stroke.`); return; }
  const { url, reference: fit } = await api.preview(id, look);
  if (mine !== turn) return;
  message("");
  reference.tell(fit);
  await viewer.showColor(url);
  if (showing.confidence) await confidence();
}

const recolor = latest(async () => { try { await colors(); } catch (error) { message(error.message); } });

const repaint = latest(async strokes => {
  const mine = turn, id = details.id;
  try {
    const { url } = await api.paint(id, look, strokes);
    if (mine !== turn) return;
    message("");
    await viewer.showColor(url);
    document.body.dataset.painted = String(Number(document.body.dataset.painted ?? 0) + 1);
  } catch (error) {
    message(error.message);
  }
  brush.settled();
  settings();
  if (details.state === "accepted") decide("open", { quiet: true, why: "The strokes have changed: accept the photo again." });
});

async function confidence() {
  const mine = turn;
  const { url, confidence: mean } = await api.confidence(details.id, look);
  if (mine !== turn) return;
  await show($("confidence"), url);
  details.confidence = Number(mean);
  const kept = $("note").value;
  describe();
  $("note").value = kept;
  onRow({ id: details.id, confidence: details.confidence });
}

function setConfidence(value) {
  showing.confidence = value;
  pressed($("toggle-confidence"), value);
  $("confidence").hidden = !value;
}

export async function toggleConfidence() {
  setConfidence(!showing.confidence);
  if (showing.confidence) try { await confidence(); } catch (error) { setConfidence(false); message(error.message); }
}

export function setPainting(value) {
  viewer.setPainting(value);
  document.body.classList.toggle("painting", value);
  pressed($("mode-paint"), value);
  pressed($("mode-compare"), !value);
  if (!value) brush.hideCursor();
  if (value) setConfidence(false);
}
export const togglePainting = () => setPainting(!viewer.view.painting);

async function showVariants() {
  const mine = turn, box = $("variants");
  box.hidden = false;
  box.replaceChildren();
  for (let number = 1; number <= controls.variants; number++) {
    const button = element("button", { type: "button", "aria-label": `Variant ${number}`, "aria-pressed": String((look.variant ?? 1) === number) });
    box.append(button);
    button.addEventListener("click", () => {
      look.variant = number;
      for (const other of box.children) pressed(other, other === button);
      settings();
      recolor();
    });
    const { url } = await api.variant(details.id, { ...look, variant: number });
    if (mine !== turn) return;
    button.append(element("img", { src: url, alt: "" }), element("span", {}, String(number)));
  }
}

// One after the other: leaving the note by a click on Reject sends both, and the last one must count.
let deciding = Promise.resolve();
export function decide(state_, how = {}) {
  if (!details || details.upload) return deciding;
  const asked = [details.id, state_, $("note").value, { ...look }];
  deciding = deciding.then(() => record(asked, how));
  return deciding;
}

async function record([id, state_, note, chosen], { quiet = false, why = "" }) {
  try {
    const row = await api.decide(id, state_, note, chosen);
    onRow(row, { tell: true });
    if (details?.id !== id) return;
    Object.assign(details, row);
    state();
    if (why || !quiet) toast(why || { accepted: "Accepted", rejected: "Rejected", open: "Open again" }[state_]);
  } catch (error) {
    message(error.message);
  }
}

function message(text) { $("stage-message").hidden = !text; $("stage-message").textContent = text; }
