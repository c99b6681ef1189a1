import { byId, enliven, say, tell } from "./dom";

/** Open the sheet when something was put on it, give the focus back when it closes, and say what failed. */
export function watchSheet(): void {
  const sheet = byId("sheet") as HTMLDialogElement | null;
  const body = byId("sheet-body");
  if (!sheet || !body) return;
  let opener: string | undefined;
  const open = (by: string | undefined): void => {
    opener = by;
    if (!sheet.open) sheet.showModal();
    // On the title, not on a choice: a second press of Enter must not choose.
    body.querySelector<HTMLElement>("h2")?.focus();
  };
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const detail = (event as CustomEvent<{ target: Element; requestConfig: { elt: Element } }>).detail;
    if (detail.target === body) open(detail.requestConfig.elt.id);
  });
  document.body.addEventListener("open-sheet", (event) => {
    const { url, opener: by } = (event as CustomEvent<{ url: string; opener: string }>).detail;
    void fetch(url, { headers: { "HX-Request": "true" } }).then(async (answer) => {
      if (!answer.ok) { say(byId("says")?.dataset.lost ?? ""); return; }
      body.innerHTML = await answer.text();
      enliven(body);
      open(by);
    }).catch(() => say(byId("says")?.dataset.lost ?? ""));
  });
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  sheet.addEventListener("close", () => {
    const row = opener ? byId(opener)?.closest("[data-alert]")?.id : undefined;
    body.replaceChildren();
    const back = (opener && byId(opener)) || (row && byId(row)?.querySelector<HTMLElement>("h2 a"));
    if (back) back.focus();
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
    const words = xhr.getResponseHeader("content-type")?.startsWith("text/plain") ? xhr.responseText : "";
    say(words || (byId("says")?.dataset.lost ?? ""));
    if (sheet.open) sheet.close();
    tell("alerts-changed");
  });
  document.body.addEventListener("htmx:sendError", () => say(byId("says")?.dataset.lost ?? ""));
  // A link that acts as a button answers to the space bar, as a button does.
  document.body.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.key === " " && at instanceof HTMLAnchorElement && at.getAttribute("role") === "button") {
      event.preventDefault();
      at.click();
    }
  });
}
