export function byId(id: string): HTMLElement | null {
  return document.getElementById(id);
}

/** Say a sentence where every reader, seeing or not, notices it. */
export function say(text: string): void {
  const area = byId("says");
  if (!area || !text) return;
  area.textContent = text;
  area.hidden = false;
  window.setTimeout(() => { area.hidden = true; }, 6000);
}

/** Ask htmx elements that listen on the body to fetch themselves anew. */
export function tell(name: string): void {
  document.body.dispatchEvent(new CustomEvent(name));
}
