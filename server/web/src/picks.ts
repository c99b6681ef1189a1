import { byId } from "./dom";

// Several rows chosen for one act.
const picked = new Set<string>();
let choosing = false;

export function watchPicks(): void {
  const toggle = byId("picking");
  if (!toggle || !byId("bulk")) return;
  toggle.hidden = false;
  toggle.addEventListener("click", () => { choosing = !choosing; if (!choosing) picked.clear(); restorePicks(); });
  byId("bulk-none")?.addEventListener("click", () => { clearPicks(); toggle.focus(); });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box instanceof HTMLInputElement && box.classList.contains("pick")) pick(box.value, box.checked);
  });
  for (const id of ["bulk-resolve", "bulk-more"]) {
    const link = byId(id);
    link?.addEventListener("click", (event) => {
      event.preventDefault();
      document.body.dispatchEvent(new CustomEvent("open-sheet", { detail: { url: `${link.getAttribute("href") ?? ""}&${ids()}`, opener: id } }));
    });
  }
}

export function pick(id: string, on = !picked.has(id)): void {
  choosing = true;
  if (on) picked.add(id);
  else picked.delete(id);
  restorePicks();
}

export function clearPicks(): void {
  choosing = false;
  picked.clear();
  restorePicks();
}

/** Rows come and go; what was chosen of them stays so. */
export function restorePicks(): void {
  const bar = byId("bulk");
  if (!bar) return;
  const there = new Set<string>();
  for (const box of document.querySelectorAll<HTMLInputElement>("#rows .pick")) {
    there.add(box.value);
    box.hidden = !choosing;
    box.checked = picked.has(box.value);
  }
  for (const id of picked) if (!there.has(id)) picked.delete(id);
  byId("picking")?.setAttribute("aria-pressed", String(choosing));
  bar.hidden = !choosing;
  const count = byId("bulk-count");
  const text = (count?.dataset.text ?? "").replace("{count}", String(picked.size));
  if (count && count.textContent !== text) count.textContent = text;
  (byId("bulk-ids") as HTMLInputElement).value = [...picked].join(",");
  for (const act of bar.querySelectorAll<HTMLElement>(".act")) act.toggleAttribute("aria-disabled", !picked.size);
}

function ids(): string {
  return [...picked].map((id) => `id=${encodeURIComponent(id)}`).join("&");
}
