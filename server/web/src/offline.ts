import { byId } from "./dom";

const NEXT_LOOK_MS = 5000;

/** Register the service worker; say the age of a page that came from a copy, and load it anew when the server is back. */
export function watchOffline(): void {
  if ("serviceWorker" in navigator && document.body.dataset.me && window.isSecureContext) {
    void navigator.serviceWorker.register("/worker.js", { scope: "/" }).catch(() => undefined);
  }
  const copied = document.body.dataset.copied;
  const line = byId("copied");
  if (!copied || !line) return;
  const at = new Date(copied);
  const minutes = Math.round((Date.now() - at.getTime()) / 60_000);
  const lang = document.documentElement.lang;
  const ago = new Intl.RelativeTimeFormat(lang, { numeric: "always" }).format(-minutes, "minute");
  const time = at.toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" });
  line.textContent = (line.dataset.text ?? "{at}").replace("{at}", `${time} (${ago})`);
  line.hidden = false;
  const look = window.setInterval(() => {
    void fetch("/healthz", { cache: "no-store" }).then((answer) => {
      if (!answer.ok) return;
      window.clearInterval(look);
      if (!document.querySelector("dialog[open]") && !(document.activeElement instanceof HTMLTextAreaElement)) window.location.reload();
    }).catch(() => undefined);
  }, NEXT_LOOK_MS);
}
