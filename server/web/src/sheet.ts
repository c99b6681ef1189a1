import { byId, say, tell } from "./dom";

/** Open the sheet when something was put on it, close it when its form was sent, and say what failed. */
export function watchSheet(): void {
  const sheet = byId("sheet") as HTMLDialogElement | null;
  const body = byId("sheet-body");
  if (!sheet || !body) return;
  let opener: string | undefined;
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const detail = (event as CustomEvent<{ target: Element; requestConfig: { elt: Element } }>).detail;
    if (detail.target !== body) return;
    opener = detail.requestConfig.elt.id;
    if (!sheet.open) sheet.showModal();
    // On the title, not on a choice: a second press of Enter must not choose.
    body.querySelector<HTMLElement>("h2")?.focus();
  });
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  sheet.addEventListener("close", () => {
    body.replaceChildren();
    if (opener) byId(opener)?.focus();
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const detail = (event as CustomEvent<{ successful: boolean; elt: Element }>).detail;
    if (detail.successful && detail.elt.hasAttribute("data-sheet")) sheet.close();
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
    const words = xhr.getResponseHeader("content-type")?.startsWith("text/plain") ? xhr.responseText : "";
    say(words || (byId("says")?.dataset.lost ?? ""));
    if (sheet.open) sheet.close();
    tell("alerts-changed");
    tell("alert-here");
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
