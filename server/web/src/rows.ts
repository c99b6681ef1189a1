import { byId, enliven, parse } from "./dom";
import { keepFocus, morphInto, refresh } from "./morph";
import { restorePicks } from "./picks";
import { whenQuiet } from "./quiet";
import { beep } from "./sound";

export const MOST_AT_ONCE = 30; // more changed rows than this are asked for as a whole list
const MOST_ROWS = 1000; // as the server brings up to date at once
const PAGE = 100;
const hidden = new Set<string>(); // ids of rows that the officer has closed and that the server does not know of yet
// Whoever comes near the end of the list has more of it before he is there.
const bottom = document.createElement("div");
const nearing = new IntersectionObserver((seen) => {
  const more = byId("more")?.querySelector<HTMLElement>("[data-more]")?.dataset.more;
  if (more && seen.some((one) => one.isIntersecting)) void loadMore(more);
}, { rootMargin: "1200px" });
let known = new Set<string>();
let asking = false;
let again = false;

/** Rows that are hidden until the server agrees; showing them again asks for them. */
export function hideRows(ids: string[]): void {
  keepFocus(() => {
    for (const id of ids) { hidden.add(id); byId(`row-${id}`)?.remove(); }
  });
}
export function showRows(ids: string[]): void {
  for (const id of ids) hidden.delete(id);
  void askRows(ids);
}
export function settleRows(ids: string[]): void {
  for (const id of ids) hidden.delete(id);
}

export function watchRows(): void {
  const list = byId("alerts");
  if (!list) return;
  known = ids(list);
  list.addEventListener("click", (event) => {
    const more = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-more]") : null;
    if (!more?.dataset.more) return;
    event.preventDefault();
    void loadMore(more.dataset.more);
  });
  list.append(bottom);
  nearing.observe(bottom);
}

/** Ask for single rows that changed and put them where they belong. */
export async function askRows(changed: string[]): Promise<void> {
  const list = byId("alerts");
  if (!list?.dataset.rows) return;
  if (changed.length > MOST_AT_ONCE) { await askList(); return; }
  const answer = await fetch(`${list.dataset.rows}&${changed.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`, { headers: { "HX-Request": "true" } }).catch(() => undefined);
  if (answer?.ok) applyRows(await answer.text(), changed);
}

/** Ask for the whole list, as far as it is open; once at a time. */
export async function askList(): Promise<void> {
  const list = byId("alerts");
  if (!list?.dataset.list) return;
  if (asking) { again = true; return; }
  asking = true;
  const rows = Math.min(MOST_ROWS, Math.max(PAGE, Math.ceil(ids(list).size / PAGE) * PAGE));
  const answer = await fetch(`${list.dataset.list}&rows=${rows}`, { headers: { "HX-Request": "true" } }).catch(() => undefined);
  if (answer?.ok) {
    const html = await answer.text();
    refresh(list, html, () => {
      list.append(bottom);
      for (const id of hidden) byId(`row-${id}`)?.remove();
      restorePicks();
      announce(list);
    });
  }
  asking = false;
  if (again) { again = false; void askList(); }
}

/** Put rows that came from the server where they belong; those that were asked for and did not come are gone. */
export function applyRows(html: string, asked: string[]): void {
  const list = byId("alerts");
  const rows = byId("rows");
  if (!list || !rows) return;
  if (asking) again = true; // the list on its way may be older than these
  whenQuiet(() => {
    const fresh = new Map([...parse(html).querySelectorAll<HTMLElement>("[data-alert]")].map((row) => [row.dataset.alert ?? "", row]));
    keepFocus(() => {
      for (const id of asked) if (!fresh.has(id)) byId(`row-${id}`)?.remove();
      for (const [id, row] of fresh) if (!hidden.has(id)) put(rows, row);
    });
    const nothing = byId("nothing");
    if (nothing) nothing.hidden = rows.querySelector("[data-alert]") !== null;
    restorePicks();
    announce(list);
  });
}

function put(rows: HTMLElement, fresh: HTMLElement): void {
  const old = byId(fresh.id);
  const moved = old?.dataset.rank !== fresh.dataset.rank;
  if (old) morphInto(old, fresh);
  const row = old ?? fresh;
  if (moved) {
    const rank = fresh.dataset.rank ?? "";
    const others = [...rows.querySelectorAll<HTMLElement>("[data-alert]")].filter((other) => other !== row);
    const below = others.find((other) => (other.dataset.rank ?? "") > rank);
    const more = byId("more");
    if (!below && more) { row.remove(); return; } // it stands further down than this page goes
    if (below) below.before(row);
    else rows.lastElementChild?.append(row);
  }
  if (!old) enliven(row);
}

async function loadMore(url: string): Promise<void> {
  const more = byId("more");
  if (!more || more.dataset.asked) return;
  more.dataset.asked = "yes";
  const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => undefined);
  if (!answer?.ok) { delete more.dataset.asked; return; }
  const fresh = parse(await answer.text());
  for (const row of fresh.querySelectorAll<HTMLElement>("[data-alert]")) {
    known.add(row.id);
    if (byId(row.id)) row.remove();
  }
  // A list of its own: a hundred rows that nobody looks at cost a page no more than one.
  const group = document.createElement("ul");
  group.className = "alerts group";
  group.append(fresh);
  byId("more")?.remove();
  byId("rows")?.append(group);
  enliven(group);
  restorePicks();
  nearing.unobserve(bottom);
  nearing.observe(bottom); // he may be near the new end, too
}

/** What is new and nobody's is said once, and sounds where it is critical or high. */
function announce(list: Element): void {
  const news = byId("news");
  const fresh = [...list.querySelectorAll<HTMLElement>("[data-alert]")].filter((row) => !known.has(row.id) && !row.classList.contains("taken"));
  known = new Set([...known, ...ids(list)]);
  if (!fresh.length || !news) return;
  for (const row of fresh) row.classList.add("fresh");
  const what = fresh.slice(0, 5).map((row) => `${text(row, ".sev")}, ${text(row, "h2")}, ${text(row, ".subject")}`).join("; ");
  news.textContent = (news.dataset.text ?? "{what}").replace("{what}", what);
  if (fresh.some((row) => row.dataset.sev === "C" || row.dataset.sev === "H")) beep();
}

function ids(list: Element): Set<string> {
  return new Set([...list.querySelectorAll("[data-alert]")].map((row) => row.id));
}

function text(row: Element, part: string): string {
  return row.querySelector(part)?.textContent?.trim() ?? "";
}
