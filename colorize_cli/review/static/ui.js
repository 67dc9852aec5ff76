// Small helpers for all parts of the page.

export const $ = id => document.getElementById(id);

let fading;
export function toast(text) {
  const box = $("toast");
  box.textContent = text;
  box.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => box.classList.remove("shown"), 4000);
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export const pressed = (button, value) => button.setAttribute("aria-pressed", String(value));

// Shows a picture after it is decoded, and frees the previous one.
export async function show(image, url) {
  const loading = new Image();
  loading.src = url;
  await loading.decode().catch(() => {});
  const before = image.src;
  image.src = url;
  if (before.startsWith("blob:")) URL.revokeObjectURL(before);
}

// Runs one task at a time; of the tasks requested meanwhile, only the last one.
export function latest(task) {
  let running = false, waiting = null;
  return async function ask(...given) {
    if (running) { waiting = given; return; }
    running = true;
    try {
      let next = given;
      while (next) { waiting = null; await task(...next); next = waiting; }
    } finally {
      running = false;
    }
  };
}

export const sureness = value => value < 0.4 ? "colors are uncertain in most of the picture"
  : value < 0.55 ? "colors are uncertain in parts of the picture" : "colors are likely in most of the picture";
export const typing = event => event.target.closest("input:not([type=range]):not([type=color]), textarea, select, dialog");
