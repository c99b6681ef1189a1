import { byId, say } from "./dom";

const WORDS = "ancu-words"; // the worker reads it

/** The switch for notifications on this device; it is there only where the server has web push. */
export async function watchPush(): Promise<void> {
  const button = byId("push");
  if (!button || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const key = button.dataset.key;
  if (!key) return;
  const registration = await navigator.serviceWorker.ready;
  let held = await registration.pushManager.getSubscription();
  await keepWords(button);
  const show = (): void => {
    button.hidden = false;
    button.setAttribute("aria-pressed", String(held !== null));
    button.textContent = (held ? button.dataset.on : button.dataset.off) ?? "";
  };
  show();
  button.addEventListener("click", () => void (async () => {
    try {
      if (held) {
        await tell("/api/v1/push/subscriptions:remove", { endpoint: held.endpoint });
        await held.unsubscribe();
        held = null;
      } else {
        held = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
        await tell("/api/v1/push/subscriptions", held.toJSON());
      }
    } catch {
      say(button.dataset.refused ?? "");
    }
    show();
  })());
}

/** What a notification's buttons say: the worker has no catalogue, and shows them when no page is open. */
async function keepWords(button: HTMLElement): Promise<void> {
  const { acknowledge, open } = button.dataset;
  const kept = await caches.open(WORDS);
  await kept.put("/", new Response(JSON.stringify({ acknowledge, open, lang: document.documentElement.lang })));
}

async function tell(path: string, body: object): Promise<void> {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error("refused");
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
