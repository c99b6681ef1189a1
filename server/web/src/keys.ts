import { byId } from "./dom";
import { pick } from "./picks";

// Single keys for whoever works through a list all night; off by a switch that this device remembers for each officer.
const KEY = `ancu-keys-${document.body.dataset.me ?? ""}`;
const PRESSES: Record<string, string> = { a: "ack", r: "res", s: "more", c: "call" };

export function watchKeys(): void {
  const help = byId("keys-help") as HTMLTemplateElement | null;
  const button = byId("keys");
  if (!help) return;
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => showHelp(help));
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !isOn()) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.closest("input:not(.pick), textarea, select, dialog, [contenteditable]")) return;
    if (run(event.key, help)) event.preventDefault();
  });
}

function run(key: string, help: HTMLTemplateElement): boolean {
  const row = document.activeElement?.closest<HTMLElement>("[data-alert]") ?? null;
  switch (key) {
    case "j": return move(row, 1);
    case "k": return move(row, -1);
    case "?": showHelp(help); return true;
    case "/": window.location.assign("/search"); return true;
    case "z": {
      const undo = byId("undo");
      if (!undo || undo.hidden || byId("says")?.hidden) return false;
      undo.click();
      return true;
    }
    case "x": {
      if (!row?.dataset.alert) return false;
      pick(row.dataset.alert);
      return true;
    }
  }
  const what = PRESSES[key];
  const id = row?.dataset.alert;
  if (!what || !id) return false;
  const target = byId(`${what}-${id}`);
  target?.click();
  return target !== null;
}

function move(row: HTMLElement | null, step: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("#rows [data-alert]")];
  const index = row ? rows.indexOf(row) + step : 0;
  const next = rows[Math.max(0, Math.min(rows.length - 1, index))];
  if (!next) return false;
  next.querySelector<HTMLElement>("h2 a")?.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function isOn(): boolean {
  return window.localStorage.getItem(KEY) !== "off";
}

function showHelp(help: HTMLTemplateElement): void {
  const sheet = byId("sheet") as HTMLDialogElement | null;
  const body = byId("sheet-body");
  if (!sheet || !body) return;
  body.replaceChildren(help.content.cloneNode(true));
  const box = byId("keys-on") as HTMLInputElement;
  box.checked = isOn();
  box.addEventListener("change", () => window.localStorage.setItem(KEY, box.checked ? "on" : "off"));
  if (!sheet.open) sheet.showModal();
  body.querySelector<HTMLElement>("h2")?.focus();
}
