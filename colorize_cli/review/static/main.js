// The page: grid and photo, keys, dropped photos, and applying decisions.

import * as api from "./api.js";
import * as brush from "./brush.js";
import * as grid from "./grid.js";
import * as photo from "./photo.js";
import * as pipette from "./pipette.js";
import * as viewer from "./viewer.js";
import { $, element, toast, typing } from "./ui.js";

const tabs = new BroadcastChannel("colorize-review");
let final = "";

async function begin() {
  grid.start({ open: (id, how) => go(id, how), decide });
  photo.start({ row, leave: () => { location.hash = ""; }, step });
  pipette.start(color => { brush.setColor(color); photo.setPainting(true); });
  tabs.onmessage = ({ data }) => row(data);
  addEventListener("hashchange", route);
  addEventListener("keydown", onKey);
  drops();
  dialogs();
  try {
    const found = await api.listing();
    final = found.final;
    grid.put(found.photos);
    document.body.dataset.ready = "true";
    route();
  } catch (error) {
    toast(error.message);
  }
}

let wanted = {};
function go(id, how = {}) { wanted = how; if (location.hash === `#/${id}`) route(); else location.hash = `#/${id}`; }

function route() {
  const match = /^#\/(\d+)$/.exec(location.hash), id = match && Number(match[1]);
  const atPhoto = match !== null && grid.get(id) !== undefined;
  $("photo-view").hidden = !atPhoto;
  $("grid-view").hidden = atPhoto;
  document.body.classList.toggle("at-photo", atPhoto);
  document.body.classList.toggle("at-grid", !atPhoto);
  if (atPhoto) {
    grid.select(id);
    $("previous").disabled = grid.neighbour(id, -1) === undefined;
    $("next").disabled = grid.neighbour(id, 1) === undefined;
    photo.open(id, wanted);
    if (!wanted.note) $("stage").focus({ preventScroll: true });
    wanted = {};
    document.title = `${grid.get(id).name} · Review`;
  } else {
    photo.leave();
    grid.focus();
    document.title = "Review · colorize";
  }
}

function step(by) {
  const next = grid.neighbour(photo.openId(), by);
  if (next !== undefined) go(next);
}

function row(changed, { tell = false } = {}) {
  grid.update(changed);
  if (tell) tabs.postMessage(changed);
}

async function decide(id, state) {
  try {
    row(await api.decide(id, state, grid.get(id).note), { tell: true });
    toast(`${grid.get(id).name}: ${state}`);
  } catch (error) {
    toast(error.message);
  }
}

function onKey(event) {
  if (typing(event) || document.querySelector("dialog[open]")) return;
  const key = event.key, plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && key === "?") { $("help-dialog").showModal(); return; }
  if ($("photo-view").hidden) return;
  if ((event.ctrlKey || event.metaKey) && /^z$/i.test(key)) { event.shiftKey ? brush.redo() : brush.undo(); event.preventDefault(); return; }
  if ((event.ctrlKey || event.metaKey) && /^y$/i.test(key)) { brush.redo(); event.preventDefault(); return; }
  if (!plain) return;
  const onStage = document.activeElement === $("stage"), arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (arrows && onStage && viewer.view.painting) brush.nudge(...arrows);
  else if (arrows && onStage && $("stage").classList.contains("pannable")) viewer.pan(arrows[0] * 60, arrows[1] * 60);
  else if (arrows && (onStage || document.activeElement === document.body) && arrows[0]) step(arrows[0]);
  else if (key === "Enter" && onStage && viewer.view.painting) brush.dab();
  else if (key === " " && !event.target.closest("button, a")) viewer.toggleGray();
  else if (key === "Escape") location.hash = "";
  else {
    const actions = {
      a: () => photo.decide("accepted"), r: () => photo.decide("rejected"), u: () => photo.decide("open"), n: () => $("note").focus(),
      c: photo.toggleConfidence, p: photo.togglePainting, "+": () => viewer.zoomAt(1.25), "=": () => viewer.zoomAt(1.25),
      "-": () => viewer.zoomAt(0.8), 0: viewer.fit, 1: viewer.full, "[": () => brush.resize(-0.5), "]": () => brush.resize(0.5),
    };
    const action = actions[key.toLowerCase()];
    if (!action) return;
    action();
  }
  event.preventDefault();
}

function drops() {
  let depth = 0;
  const holdsFiles = event => [...event.dataTransfer?.types ?? []].includes("Files");
  addEventListener("dragenter", event => { if (holdsFiles(event)) { depth++; $("drop-cover").hidden = false; event.preventDefault(); } });
  addEventListener("dragover", event => { if (holdsFiles(event)) event.preventDefault(); });
  addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); $("drop-cover").hidden = depth === 0; });
  addEventListener("drop", event => {
    depth = 0;
    $("drop-cover").hidden = true;
    if (holdsFiles(event)) { event.preventDefault(); add(event.dataTransfer.files); }
  });
  for (const id of ["choose", "add"]) $(id).addEventListener("click", () => $("files").click());
  $("files").addEventListener("change", event => { add(event.target.files); event.target.value = ""; });
}

async function add(files) {
  let first;
  for (const file of files) {
    toast(`Reading ${file.name} …`);
    try {
      const shot = await api.add(file);
      grid.put([shot]);
      first ??= shot.id;
      toast(`${file.name} was added.`);
    } catch (error) {
      toast(`${file.name}: ${error.message}`);
    }
  }
  if (first !== undefined && files.length === 1) go(first);
}

function dialogs() {
  $("help").addEventListener("click", () => $("help-dialog").showModal());
  $("apply").addEventListener("click", () => {
    const count = grid.states().accepted?.length ?? 0;
    $("apply-text").textContent = `${count} accepted photo${count === 1 ? " is" : "s are"} written at full size to ${final}. Scans and earlier results stay as they are.`;
    $("apply-start").disabled = count === 0;
    $("apply-state").textContent = count === 0 ? "Accept some photos first." : "";
    $("apply-messages").replaceChildren();
    $("apply-progress").hidden = true;
    $("apply-dialog").showModal();
  });
  $("apply-close").addEventListener("click", () => $("apply-dialog").close());
  $("apply-start").addEventListener("click", apply);
}

async function apply() {
  $("apply-start").disabled = true;
  try {
    let progress = await api.apply();
    const bar = $("apply-progress");
    bar.hidden = false;
    for (;;) {
      bar.max = progress.total || 1;
      bar.value = progress.done + progress.failed;
      $("apply-messages").replaceChildren(...progress.messages.map(text => element("li", {}, text)));
      $("apply-state").textContent = progress.running ? `${progress.done + progress.failed} of ${progress.total}`
        : `${progress.done} written${progress.failed ? `, ${progress.failed} failed` : ""}.`;
      if (!progress.running) break;
      await new Promise(resolve => setTimeout(resolve, 300));
      progress = await api.applied();
    }
  } catch (error) {
    $("apply-state").textContent = error.message;
  }
  $("apply-start").disabled = false;
}

begin();
