import { byId, say, tell } from "./dom";

// What an officer did and the server has not answered yet. It survives a reload and a dead network; its key makes
// sending it twice safe. It is kept without the session's token, and belongs to the officer who did it.
const KEY = "ancu-outbox";
const RETRY_MS = 5000;

export interface Deed {
  id: string;
  me: string;
  url: string;
  fields: [string, string][];
  at: string; // when it was done
  due: number; // not to be sent before
}
type Answered = (html: string) => void;

const answered = new Map<string, Answered>(); // of deeds of this page
const sending = new Set<string>();
let timer = 0;

/** Do something at the server: now, after a moment of grace, or when the network is back. */
export function add(url: string, fields: [string, string][], graceMs: number, done: Answered): Deed {
  const deed: Deed = { id: crypto.randomUUID(), me: me(), url, fields, at: new Date().toISOString(), due: Date.now() + graceMs };
  answered.set(deed.id, done);
  store([...held(), deed]);
  if (graceMs) window.setTimeout(() => void flush(), graceMs + 20);
  else void flush();
  return deed;
}

/** Take a deed back before it was sent; false: too late. */
export function take(id: string): boolean {
  const there = held().some((deed) => deed.id === id) && !sending.has(id);
  if (there) drop(id);
  return there;
}

export function watchOutbox(): void {
  show();
  void flush();
  // What the last page still held back is this page's to send: a browser may drop what was sent in leaving.
  for (const deed of mine()) if (deed.due > Date.now()) window.setTimeout(() => void flush(), deed.due - Date.now() + 20);
  window.addEventListener("online", () => void flush());
  window.addEventListener("storage", show);
  // Leaving ends the time to change one's mind.
  window.addEventListener("pagehide", () => {
    for (const deed of mine()) if (!sending.has(deed.id)) navigator.sendBeacon(deed.url, body(deed));
  });
}

/** Send what is due, in order. */
export async function flush(): Promise<void> {
  for (const deed of mine()) {
    if (deed.due > Date.now() || sending.has(deed.id)) continue;
    sending.add(deed.id);
    const goOn = await send(deed);
    sending.delete(deed.id);
    if (!goOn) { retry(); return; }
  }
}

async function send(deed: Deed): Promise<boolean> {
  const answer = await fetch(deed.url, { method: "POST", body: body(deed), headers: { "HX-Request": "true" } }).catch(() => undefined);
  if (!answer || answer.status >= 500) {
    show();
    if (Date.now() - deed.due < RETRY_MS) say(byId("says")?.dataset.kept ?? "");
    return false;
  }
  if (answer.status === 401) { // signed out meanwhile: it waits for him
    const where = answer.headers.get("HX-Redirect");
    if (where) window.location.assign(`${where}${where.includes("?") ? "&" : "?"}next=${encodeURIComponent(window.location.pathname)}`);
    return false;
  }
  drop(deed.id);
  if (answer.ok) answered.get(deed.id)?.(await answer.text());
  else {
    say(answer.headers.get("content-type")?.startsWith("text/plain") ? await answer.text() : (byId("says")?.dataset.lost ?? ""));
    tell("deed-refused");
    tell("alerts-changed");
  }
  answered.delete(deed.id);
  return true;
}

function body(deed: Deed): URLSearchParams {
  return new URLSearchParams([...deed.fields, ["at", deed.at], ["csrf", document.body.dataset.csrf ?? ""]]);
}

function retry(): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => void flush(), RETRY_MS);
}

function me(): string {
  return document.body.dataset.me ?? "";
}

function mine(): Deed[] {
  return held().filter((deed) => deed.me === me() && me() !== "");
}

function held(): Deed[] {
  try {
    return JSON.parse(window.localStorage.getItem(KEY) ?? "[]") as Deed[];
  } catch {
    return [];
  }
}

function drop(id: string): void {
  store(held().filter((deed) => deed.id !== id));
}

function store(deeds: Deed[]): void {
  window.localStorage.setItem(KEY, JSON.stringify(deeds));
  show();
}

function show(): void {
  const line = byId("queued");
  const waits = mine();
  document.body.dataset.waiting = String(waits.length);
  if (!line) return;
  const late = waits.filter((deed) => Date.now() - deed.due > 2000).length;
  line.hidden = !late;
  line.textContent = (line.dataset.text ?? "").replace("{count}", String(late));
}
