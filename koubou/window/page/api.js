// The API as the page asks it: JSON and streams, with the token in a header, never in an address.

const ROOT = new URL("api/v1/", document.baseURI);
const KEY = "koubou.token";
const WITHIN = 15_000;

/** An answer that says no: `kind` for programs, `message` for people, `problems` of a task file. */
export class Refused extends Error {
  constructor(status, told) {
    super(String(told?.detail ?? told?.title ?? `HTTP ${status}`));
    this.status = status;
    this.kind = String(told?.type ?? "")
      .split(":")
      .pop();
    this.problems = Array.isArray(told?.problems) ? told.problems : [];
  }
}

/** Nobody answered at all. */
export class Away extends Error {}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  drop: () => sessionStorage.removeItem(KEY),
};

export function get(path) {
  return ask(path, {});
}

/** A change. It carries a key, so that a try which is sent twice is done once. */
export function post(path, body = {}) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": chance() };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function ask(path, options) {
  const response = await send(path, { ...options, signal: AbortSignal.timeout(WITHIN) });
  try {
    return await response.json();
  } catch {
    throw new Away("the answer was cut short");
  }
}

async function send(path, options) {
  const headers = { ...options.headers };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  let response;
  try {
    response = await fetch(new URL(path, ROOT), { ...options, headers, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (options.signal?.aborted && options.signal.reason?.name === "AbortError") throw options.signal.reason;
    throw new Away(String(error?.message ?? error));
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => null);
  // A proxy that has lost the window speaks for it, and not in its words.
  if (response.status >= 502 && !told?.type) throw new Away(`HTTP ${response.status}`);
  throw new Refused(response.status, told);
}

/** The events of a stream as {id, name, data}; a browser's EventSource could not send the token. */
export async function* stream(path, signal, after = null) {
  const headers = { Accept: "text/event-stream" };
  if (after !== null) headers["Last-Event-ID"] = String(after);
  const response = await send(path, { headers, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    yield { id: null, name: "open", data: null };
    yield* events(reader);
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function* events(reader) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const found = parse(block);
      if (found) yield found;
    }
  }
}

function parse(block) {
  const found = { id: null, name: "message", data: null };
  for (const line of block.split("\n")) {
    const [, field, value] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
    if (field === "id") found.id = value;
    if (field === "event") found.name = value;
    if (field === "data") found.data = (found.data ?? "") + value;
  }
  if (found.data === null) return null;
  return { ...found, data: JSON.parse(found.data) };
}

/** Not crypto.randomUUID, which is only there over TLS. */
function chance() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
