import { byId, say, tell } from "./dom";
import { refresh } from "./morph";
import { add, take } from "./outbox";
import { clearPicks } from "./picks";
import { applyRows, hideRows, settleRows, showRows } from "./rows";

/** Send forms of acts without leaving the page: through the outbox, with a moment to change one's mind where it says so. */
export function watchActs(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-act")) return;
    event.preventDefault();
    const button = event.submitter instanceof HTMLButtonElement ? event.submitter : null;
    const url = new URL(button?.hasAttribute("formaction") ? button.formAction : form.action, window.location.href);
    const fields = [...new FormData(form, button ?? undefined)].flatMap(([name, value]) =>
      name === "csrf" || typeof value !== "string" ? [] : [[name, value] as [string, string]]);
    if (button?.getAttribute("aria-disabled") === "true") return;
    if (form.hasAttribute("data-sheet")) (byId("sheet") as HTMLDialogElement | null)?.close();
    if (form.id === "bulk") clearPicks();
    if (button && form.id === "acts") button.setAttribute("aria-disabled", "true"); // not `disabled`, which would drop the focus
    act(url.pathname + url.search, fields, form, button);
  });
  document.body.addEventListener("deed-refused", () => {
    for (const button of document.querySelectorAll("button[form=acts][aria-disabled]")) button.removeAttribute("aria-disabled");
  });
}

function act(url: string, fields: [string, string][], form: HTMLFormElement, button: HTMLButtonElement | null): void {
  const hides = (form.dataset.hides ?? "").split(",").filter((id) => id);
  const onList = byId("alerts") !== null && hides.length > 0;
  const grace = onList ? Number(form.dataset.grace ?? 0) * 1000 : 0;
  const undo = button?.dataset.undo;
  const saying = button?.dataset.said ?? form.dataset.said ?? "";
  const deed = add(url, fields, grace, (html) => {
    settleRows(hides);
    const into = form.dataset.into && byId(form.dataset.into);
    if (into) refresh(into, html);
    else answer(url, html, fields);
    if (!grace && saying && !html.includes("data-said")) say(saying, undo ? () => undoing(undo) : undefined);
  });
  if (form.dataset.into) { form.reset(); renewKey(form); } // what was written is in the outbox now
  if (!onList || !grace) return;
  hideRows(hides);
  say(saying, () => { if (take(deed.id)) showRows(hides); }, grace);
}

/** What came back is the incident that is open, or rows of the list. */
function answer(url: string, html: string, fields: [string, string][]): void {
  const incident = byId("incident");
  const asked = (fields.find(([name]) => name === "ids")?.[1] ?? /\/alerts\/([^/?]+)\//.exec(url)?.[1] ?? "").split(",");
  if (incident) { refresh(incident, html); return; }
  if (!byId("alerts")) { tell("deed-done"); return; }
  applyRows(html, asked);
  const said = /id="tally" data-said="([^"]*)"/.exec(html)?.[1];
  if (said) say(new DOMParser().parseFromString(said, "text/html").documentElement.textContent ?? "");
}

/** A form that stays on the page speaks of something new next time. */
function renewKey(form: HTMLFormElement): void {
  const key = form.querySelector<HTMLInputElement>("[name=key]");
  if (key) key.value = crypto.randomUUID();
}

function undoing(url: string): void {
  const back = byId("alerts") ? (document.querySelector<HTMLInputElement>("#acts [name=back]")?.value ?? "open") : "";
  const fields: [string, string][] = [["key", crypto.randomUUID()], ["back", back], ["show", back]];
  add(url, fields, 0, (html) => answer(url, html, fields));
}
