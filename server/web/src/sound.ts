import { byId } from "./dom";

const KEY = "ancu-sound";
let context: AudioContext | undefined;

/** The sound is off until somebody wants it; browsers allow it only after a touch. */
export function watchSound(): void {
  const button = byId("sound");
  if (!button) return;
  let on = window.localStorage.getItem(KEY) === "on";
  const show = (): void => {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = (on ? button.dataset.on : button.dataset.off) ?? "";
  };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    on = !on;
    window.localStorage.setItem(KEY, on ? "on" : "off");
    show();
    if (on) beep();
  });
}

/** Two soft notes, made here: no file, nothing to load. */
export function beep(): void {
  if (window.localStorage.getItem(KEY) !== "on") return;
  context ??= new AudioContext();
  const now = context.currentTime;
  for (const [start, pitch] of [[0, 660], [0.18, 880]] as const) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, now + start);
    volume.gain.exponentialRampToValueAtTime(0.25, now + start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, now + start + 0.3);
    tone.connect(volume).connect(context.destination);
    tone.start(now + start);
    tone.stop(now + start + 0.32);
  }
}
