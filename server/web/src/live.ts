import { beep, watchSound } from "./sound";
import { byId, tell } from "./dom";

// The server beats every 10 s; a link that is dead but not closed is noticed after this long.
const SILENCE_MS = 25_000;
// A reader who is told so every second stops listening; changes that come together are said together.
const GATHER_MS = 150;

type State = "live" | "lost" | "again";
declare const htmx: { process(element: Element): void };

/** Show whether the stream lives, pass its changes on to the page, and announce what is new. */
export function watchStream(): void {
  if (!byId("stream")) return;
  let last = Date.now();
  let gathering = 0;
  const here = document.body.dataset.alert;
  watchSound();

  const changed = (id: string | undefined): void => {
    if (id !== undefined && id === here) tell("alert-here");
    window.clearTimeout(gathering);
    gathering = window.setTimeout(() => tell("alerts-changed"), GATHER_MS);
  };
  document.body.addEventListener("htmx:sseOpen", (event) => {
    const source = (event as CustomEvent<{ source: EventSource }>).detail.source;
    last = Date.now();
    show("live");
    // What happened before the stream began, or while it was gone, is asked for once.
    changed(here);
    source.addEventListener("beat", () => { last = Date.now(); show("live"); });
    source.addEventListener("alert", (message) => {
      last = Date.now();
      const { alert } = JSON.parse((message as MessageEvent<string>).data) as { alert: { id: string } };
      changed(alert.id);
    });
    source.addEventListener("expired", () => {
      source.close();
      byId("stream")?.remove(); // or its extension would knock again
      window.location.assign(`/login?why=expired&next=${encodeURIComponent(window.location.pathname)}`);
    });
  });
  document.body.addEventListener("htmx:sseError", () => {
    show(navigator.onLine ? "again" : "lost");
  });
  window.addEventListener("offline", () => show("lost"));
  window.addEventListener("online", () => show("again"));
  window.setInterval(() => {
    if (Date.now() - last < SILENCE_MS) return;
    last = Date.now();
    show("lost");
    renew();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    // A phone that slept has missed beats: ask at once.
    if (!document.hidden) changed(here);
  });
  announceNew();
}

function show(state: State): void {
  const line = byId("link");
  if (!line || line.classList.contains(state)) return;
  line.classList.remove("live", "lost", "again");
  line.classList.add(state);
  const word = line.querySelector(".word");
  if (word) word.textContent = line.dataset[state] ?? "";
}

/** Replace the stream's element: its old connection is closed, and a new one begins. */
function renew(): void {
  const old = byId("stream");
  if (!old) return;
  const fresh = old.cloneNode(false) as HTMLElement;
  old.replaceWith(fresh);
  htmx.process(fresh);
}

function announceNew(): void {
  const list = byId("alerts");
  const news = byId("news");
  if (!list || !news) return;
  let known = ids(list);
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if ((event as CustomEvent<{ target: Element }>).detail.target !== list) return;
    const fresh = [...list.querySelectorAll<HTMLElement>("[data-alert]")].filter((row) => !known.has(row.id));
    known = new Set([...known, ...ids(list)]);
    const unclaimed = fresh.filter((row) => !row.classList.contains("taken"));
    if (!unclaimed.length) return;
    for (const row of unclaimed) row.classList.add("fresh");
    const what = unclaimed.map((row) => `${text(row, ".sev")}, ${text(row, "h2")}, ${text(row, ".subject")}`).join("; ");
    news.textContent = (news.dataset.text ?? "{what}").replace("{what}", what);
    beep();
  });
}

function ids(list: Element): Set<string> {
  return new Set([...list.querySelectorAll("[data-alert]")].map((row) => row.id));
}

function text(row: Element, part: string): string {
  return row.querySelector(part)?.textContent?.trim() ?? "";
}
