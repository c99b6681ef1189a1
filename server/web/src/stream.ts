import { GIVE_UP_MS, LOOK_MS, SILENCE_MS } from "./beat";
import { byId } from "./dom";
import { refresh } from "./morph";
import { applyRows, askList, askRows, MOST_AT_ONCE } from "./rows";
import { flush } from "./outbox";

// A reader who is told so every moment stops listening; changes that come together are said together.
const GATHER_MS = 60;
const RETRY_MS = 1000;

type State = "live" | "lost" | "again";
// `html` is the row as this list shows it, empty where it left the list; without it the row is asked for.
interface Said { position: number; id?: string; html?: string | null; alert?: { id: string } }

let source: EventSource | undefined;
let last = Date.now();
let position: number | undefined;

/** Show whether the stream lives, bring what changed onto the page, and come back when it broke. */
export function watchStream(): void {
  const place = byId("stream");
  if (!place?.dataset.url) return;
  const url = place.dataset.url;
  if (place.dataset.after) position = Number(place.dataset.after);
  const here = document.body.dataset.alert;
  let gathered = new Map<string, string | undefined>();
  let gathering = 0;

  const changed = (id: string, html?: string | null): void => {
    if (id === here) void askIncident();
    gathered.set(id, html ?? undefined);
    if (gathering) return;
    gathering = window.setTimeout(() => {
      gathering = 0;
      const those = [...gathered];
      gathered = new Map();
      if (those.length > MOST_AT_ONCE) { void askList(); return; }
      const asked = those.flatMap(([id_, row]) => row === undefined ? [id_] : []);
      const brought = those.flatMap(([id_, row]) => row === undefined ? [] : [id_]);
      if (brought.length) applyRows(those.map(([, row]) => row ?? "").join(""), brought);
      if (asked.length) void askRows(asked);
    }, GATHER_MS);
  };
  const all = (): void => { void askIncident(); void askList(); };

  const connect = (): void => {
    source?.close();
    last = Date.now();
    const mine = source = new EventSource(position === undefined ? url : `${url}${url.includes("?") ? "&" : "?"}after=${position}`);
    mine.addEventListener("open", () => {
      last = Date.now();
      show("live");
      // From a position on, the stream itself brings what happened meanwhile; without one, it is asked for once.
      if (position === undefined) all();
      void flush();
    });
    mine.addEventListener("beat", () => { last = Date.now(); show("live"); });
    mine.addEventListener("alert", (message: MessageEvent<string>) => {
      last = Date.now();
      show("live");
      const said = JSON.parse(message.data) as Said;
      position = said.position;
      const id = said.id ?? said.alert?.id;
      if (id) changed(id, said.html);
    });
    mine.addEventListener("expired", () => {
      mine.close();
      window.location.assign(`/login?why=expired&next=${encodeURIComponent(window.location.pathname)}`);
    });
    mine.addEventListener("error", () => {
      show(navigator.onLine ? "again" : "lost");
      mine.close();
      // Not all at once: whoever restarts a server with many open pages will be glad.
      if (mine === source) window.setTimeout(() => { if (mine === source) connect(); }, RETRY_MS * (0.5 + Math.random()));
    });
  };
  connect();
  window.addEventListener("offline", () => show("lost"));
  window.addEventListener("online", () => { show("again"); connect(); });
  window.setInterval(() => {
    const silent = Date.now() - last;
    if (silent >= SILENCE_MS) show("lost");
    if (silent >= GIVE_UP_MS) connect();
  }, LOOK_MS);
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
