// Requests to the server. Failures become errors with the server's message.

export class Failure extends Error {}

async function answered(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The server does not respond. Start `colorize review` again.");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  try {
    const { message, remedy } = JSON.parse(text);
    throw new Failure([message, remedy].filter(Boolean).join(" "));
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(text || `The server answered ${answer.status}.`);
  }
}

const withLook = (path, look, more = {}) => `${path}?${new URLSearchParams({ look: JSON.stringify(look), ...more })}`;
const json = async (path, options) => (await answered(path, options)).json();
const picture = async (path, options) => {
  const answer = await answered(path, options);
  const match = answer.headers.get("x-reference-match");
  return {
    url: URL.createObjectURL(await answer.blob()), confidence: answer.headers.get("x-confidence"),
    reference: match === null ? null : { match: Number(match), used: answer.headers.get("x-reference-used") === "1" },
  };
};
const sent = (method, value) => ({ method, body: JSON.stringify(value), headers: { "content-type": "application/json" } });

export const listing = () => json("/api/photos");
export const details = id => json(`/api/photos/${id}`);
export const controls = (id, look) => json(withLook(`/api/photos/${id}/controls`, look));
export const thumbnail = (id, kind, signal) => picture(`/api/photos/${id}/thumbnail/${kind}`, { signal });
export const gray = id => picture(`/api/photos/${id}/gray`);
export const preview = (id, look) => picture(withLook(`/api/photos/${id}/preview`, look));
export const variant = (id, look) => picture(withLook(`/api/photos/${id}/variant`, look));
export const confidence = (id, look) => picture(withLook(`/api/photos/${id}/confidence`, look));
export const paint = (id, look, strokes) => picture(withLook(`/api/photos/${id}/strokes`, look), { method: "PUT", body: strokes });
export const strokes = async id => {
  const answer = await answered(`/api/photos/${id}/strokes`);
  return answer.status === 204 ? null : createImageBitmap(await answer.blob());
};
export const tile = (id, look, box, gray) => picture(withLook(`/api/photos/${id}/tile`, look, { ...box, ...(gray ? { gray: 1 } : {}) }));
export const decide = (id, state, note, look) => json(`/api/photos/${id}/decision`, sent("PUT", { state, note, ...(look ? { look } : {}) }));
export const add = file => json("/api/photos", { method: "POST", body: file, headers: { "x-name": encodeURIComponent(file.name) } });
export const sendReference = file => json("/api/references", { method: "POST", body: file, headers: { "x-name": encodeURIComponent(file.name) } });
export const chooseReference = id => json(`/api/photos/${id}/reference`, { method: "POST" });
export const fileAddress = (id, look) => withLook(`/api/photos/${id}/file`, look);
export const apply = () => json("/api/apply", { method: "POST" });
export const applied = () => json("/api/apply");
