import { byId } from "./dom";
import { refresh } from "./morph";
import { askList, askRows } from "./rows";
import { flush } from "./outbox";

// The server beats every 10 s; a link that is dead but not closed is noticed after this long.
const SILENCE_MS = 25_000;
// A reader who is told so every moment stops listening; changes that come together are said together.
const GATHER_MS = 60;
const RETRY_MS = 1000;

type State = "live" | "lost" | "again";

let source: EventSource | undefined;
let last = Date.now();
let position: number | undefined;

/** Show whether the stream lives, bring what changed onto the page, and come back when it broke. */
export function watchStream(): void {
  const place = byId("stream");
  if (!place?.dataset.url) return;
  const url = place.dataset.url;
  const here = document.body.dataset.alert;
  let gathered = new Set<string>();
  let gathering = 0;

  const changed = (id: string): void => {
    if (id === here) void askIncident();
    gathered.add(id);
    if (gathering) return;
    gathering = window.setTimeout(() => {
      gathering = 0;
      const ids = [...gathered];
      gathered = new Set();
      void askRows(ids);
    }, GATHER_MS);
  };
  const all = (): void => { void askIncident(); void askList(); };

  const connect = (): void => {
    source?.close();
    const mine = source = new EventSource(position === undefined ? url : `${url}?after=${position}`);
    mine.addEventListener("open", () => {
      last = Date.now();
      show("live");
      // What happened before the stream began, or while it was gone, is asked for once.
      all();
      void flush();
    });
    mine.addEventListener("beat", () => { last = Date.now(); show("live"); });
    mine.addEventListener("alert", (message: MessageEvent<string>) => {
      last = Date.now();
      const said = JSON.parse(message.data) as { position: number; alert: { id: string } };
      position = said.position;
      changed(said.alert.id);
    });
    mine.addEventListener("expired", () => {
      mine.close();
      window.location.assign(`/login?why=expired&next=${encodeURIComponent(window.location.pathname)}`);
    });
    mine.addEventListener("error", () => {
      show(navigator.onLine ? "again" : "lost");
      mine.close();
      // Not all at once: whoever restarts a server with many open pages will be glad.
      if (mine === source) window.setTimeout(connect, RETRY_MS * (0.5 + Math.random()));
    });
  };
  connect();
  window.addEventListener("offline", () => show("lost"));
  window.addEventListener("online", () => { show("again"); connect(); });
  window.setInterval(() => {
    if (Date.now() - last < SILENCE_MS) return;
    last = Date.now();
    show("lost");
    connect();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    // A phone that slept has missed beats: ask at once.
    if (!document.hidden) all();
  });
  document.body.addEventListener("alerts-changed", all);
}

async function askIncident(): Promise<void> {
  const place = byId("incident");
  if (!place?.dataset.body) return;
  const answer = await fetch(place.dataset.body, { headers: { "HX-Request": "true" } }).catch(() => undefined);
  if (answer?.ok) refresh(place, await answer.text());
}

function show(state: State): void {
  const line = byId("link");
  if (!line || line.classList.contains(state)) return;
  line.classList.remove("live", "lost", "again");
  line.classList.add(state);
  const word = line.querySelector(".word");
  if (word) word.textContent = line.dataset[state] ?? "";
}
