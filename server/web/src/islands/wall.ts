// A screen on a wall: the board by itself, and the truth when it is old.
import { GIVE_UP_MS, LOOK_MS, SILENCE_MS } from "../beat";

const board = document.getElementById("board");
const stale = document.getElementById("stale");

if (board && stale) {
  let last = Date.now();
  const show = (old: boolean): void => { stale.hidden = !old; board.classList.toggle("old", old); };
  const listen = (): EventSource => {
    const source = new EventSource("/wall/stream");
    source.addEventListener("board", (event) => {
      last = Date.now();
      board.innerHTML = (event as MessageEvent<string>).data;
      show(false);
    });
    source.addEventListener("beat", () => { last = Date.now(); show(false); });
    source.addEventListener("gone", () => { source.close(); window.location.reload(); });
    source.addEventListener("error", () => show(true));
    return source;
  };
  let source = listen();
  window.setInterval(() => {
    const silent = Date.now() - last;
    if (silent >= SILENCE_MS) show(true);
    if (silent < GIVE_UP_MS && (silent < SILENCE_MS || source.readyState !== EventSource.CLOSED)) return;
    last = Date.now();
    source.close();
    source = listen();
  }, LOOK_MS);
  // A screen that is on for weeks starts afresh at night, so that a new version of the page reaches it.
  const hour = new Date().getHours();
  window.setTimeout(() => window.location.reload(), ((27 - hour) % 24 || 24) * 3_600_000);
}
