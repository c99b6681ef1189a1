declare const htmx: { process(element: Element): void };

export function byId(id: string): HTMLElement | null {
  return document.getElementById(id);
}

let hiding = 0;

/** Say a sentence where every reader, seeing or not, notices it; `undo` offers to take it back while it is shown. */
export function say(text: string, undo?: () => void, forMs = 6000): void {
  const area = byId("says");
  const words = area?.querySelector("span");
  const button = byId("undo");
  if (!area || !words || !text) return;
  words.textContent = text;
  area.hidden = false;
  if (button) {
    button.hidden = !undo;
    button.onclick = undo ? () => { area.hidden = true; undo(); } : null;
  }
  window.clearTimeout(hiding);
  hiding = window.setTimeout(() => { area.hidden = true; }, forMs);
}

/** Ask whoever listens on the body to fetch itself anew. */
export function tell(name: string): void {
  document.body.dispatchEvent(new CustomEvent(name));
}

/** Let htmx see what was put on the page; it is a script of its own and may be late. */
export function enliven(element: Element): void {
  if (typeof htmx !== "undefined") htmx.process(element);
}

export function parse(html: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
