import { Idiomorph } from "idiomorph";
import { byId, enliven } from "./dom";
import { whenQuiet } from "./quiet";

const CALLBACKS = {
  afterNodeAdded: (node: Node): void => { if (node instanceof Element) enliven(node); },
  // What the page's own scripts set is not the server's to take away.
  beforeAttributeUpdated: (name: string, node: Element): boolean =>
    !(node instanceof HTMLInputElement && node.classList.contains("pick") && (name === "hidden" || name === "checked"))
    && !(node instanceof HTMLDetailsElement && name === "open"),
};

/** Bring a part of the page up to date: what did not change stays the element that it is, with its focus. */
export function refresh(place: Element, html: string, done?: () => void): void {
  whenQuiet(() => {
    keepFocus(() => Idiomorph.morph(place, html, { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks: CALLBACKS }));
    done?.();
  });
}

export function morphInto(old: Element, fresh: Element): void {
  Idiomorph.morph(old, fresh, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks: CALLBACKS });
}

/** Whoever works by keyboard stays where he was: on the element, or on the next thing to do of its row. */
export function keepFocus(change: () => void): void {
  const active = document.activeElement;
  const id = active?.id;
  const row = active?.closest("[data-alert]")?.id;
  change();
  if (!active || active === document.body || document.activeElement === active) return;
  const now = active.isConnected ? active : (id && byId(id)) || (row && byId(row)?.querySelector(".acts .act")) || (row && nextRow());
  if (now instanceof HTMLElement) now.focus({ preventScroll: true });
}

function nextRow(): Element | null {
  return document.querySelector("#rows [data-alert] h2 a");
}
