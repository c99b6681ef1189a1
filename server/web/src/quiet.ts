// A key or finger that is down belongs to the element under it: what replaces or moves that element waits for its end.
const LONGEST_MS = 1500; // a key's end that never came (another window took it) holds nothing up for longer
const down = new Map<string, number>();
let waiting: (() => void)[] = [];

/** Run now, or as soon as no key and no finger is down. */
export function whenQuiet(run: () => void): void {
  if (!down.size) { run(); return; }
  waiting.push(run);
}

export function watchHands(): void {
  const press = (what: string): void => {
    window.clearTimeout(down.get(what));
    down.set(what, window.setTimeout(() => lift(what), LONGEST_MS));
  };
  document.addEventListener("keydown", (event) => press(`key ${event.code}`), true);
  document.addEventListener("keyup", (event) => lift(`key ${event.code}`), true);
  document.addEventListener("pointerdown", (event) => press(`pointer ${event.pointerId}`), true);
  for (const end of ["pointerup", "pointercancel"] as const) {
    document.addEventListener(end, (event) => lift(`pointer ${event.pointerId}`), true);
  }
  window.addEventListener("blur", () => { for (const what of [...down.keys()]) lift(what); });
}

function lift(what: string): void {
  window.clearTimeout(down.get(what));
  down.delete(what);
  // The click that a key or finger means comes after its end.
  window.setTimeout(() => {
    if (down.size) return;
    const ready = waiting;
    waiting = [];
    for (const run of ready) run();
  });
}
