// The service worker: pages that were read stay readable without a network, with their age; notifications with an
// action. It keeps copies on this device only, drops them at sign-out, and never answers from a copy while the
// server answers.
export {};
interface ServiceWorkerEvent extends Event { waitUntil(done: Promise<unknown>): void }
interface Fetch extends ServiceWorkerEvent { request: Request; respondWith(answer: Promise<Response>): void }
interface Push extends ServiceWorkerEvent { data: { json(): unknown } | null }
interface Click extends ServiceWorkerEvent { action: string; notification: Notification & { data: { id?: string; url?: string } } }
interface Client { url: string; focus(): Promise<Client>; navigate(url: string): Promise<Client> }
interface Worker {
  registration: { showNotification(title: string, options: object): Promise<void> };
  clients: { matchAll(options: object): Promise<Client[]>; openWindow(url: string): Promise<Client | null>; claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(kind: string, listener: (event: never) => void): void;
}
const worker = self as unknown as Worker;

const PAGES = "ancu-pages-1";
const FILES = "ancu-files-1";
const WORDS = "ancu-words"; // of notifications
const READABLE = /^\/(alerts|people|shift|map|search|devices|province)(\/|$)/;
const PATIENCE_MS = 4000; // a server that is silent for so long is gone, as far as a reader is concerned
const OLDEST_MS = 12 * 3_600_000; // a shift
const MOST_PAGES = 80;

worker.addEventListener("install", (event: ServiceWorkerEvent) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event: ServiceWorkerEvent) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event: Fetch) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "POST" && url.pathname === "/logout") { event.waitUntil(forget()); return; }
  if (request.method !== "GET") return;
  if (url.pathname.startsWith("/static/") && url.searchParams.has("v")) event.respondWith(file(request));
  else if (request.mode === "navigate" && READABLE.test(url.pathname)) event.respondWith(page(request));
});

async function file(request: Request): Promise<Response> {
  const files = await caches.open(FILES);
  const held = await files.match(request);
  if (held) return held;
  const answer = await fetch(request);
  if (answer.ok) {
    for (const old of await files.keys()) if (new URL(old.url).pathname === new URL(request.url).pathname) await files.delete(old);
    await files.put(request, answer.clone());
  }
  return answer;
}

async function page(request: Request): Promise<Response> {
  const pages = await caches.open(PAGES);
  try {
    const answer = await withPatience(fetch(request));
    if (answer.redirected || answer.type === "opaqueredirect") return answer; // signed out: nothing to keep
    if (answer.ok) {
      await pages.put(request, await stamped(answer.clone()));
      await trim(pages);
    }
    if (answer.status < 500) return answer;
    return (await copy(pages, request)) ?? answer;
  } catch (error) {
    const held = await copy(pages, request);
    if (held) return held;
    throw error;
  }
}

/** A copy says when it was made: the page shows it. */
async function stamped(answer: Response): Promise<Response> {
  const html = await answer.text();
  const headers = new Headers(answer.headers);
  headers.set("X-Copied", new Date().toISOString());
  return new Response(html, { status: answer.status, headers });
}

async function copy(pages: Cache, request: Request): Promise<Response | undefined> {
  const held = await pages.match(request, { ignoreVary: true });
  const at = held?.headers.get("X-Copied");
  if (!held || !at || Date.now() - Date.parse(at) > OLDEST_MS) return undefined;
  const html = (await held.text()).replace("<body ", `<body data-copied="${at}" `);
  return new Response(html, { status: 200, headers: held.headers });
}

async function trim(pages: Cache): Promise<void> {
  const keys = await pages.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - MOST_PAGES))) await pages.delete(old);
}

async function forget(): Promise<void> {
  await caches.delete(PAGES);
}

function withPatience(answer: Promise<Response>): Promise<Response> {
  return Promise.race([answer, new Promise<never>((_, refuse) => { setTimeout(() => refuse(new Error("silent")), PATIENCE_MS); })]);
}

// --- notifications ---

interface Said { id?: string; title?: string; text?: string; body?: string; link?: string; url?: string; urgent?: boolean; action?: string }

worker.addEventListener("push", (event: Push) => {
  const said = (event.data?.json() ?? {}) as Said;
  event.waitUntil(Promise.all([
    wordsKept().then((words) => worker.registration.showNotification(said.title ?? "", {
      body: said.body ?? said.text ?? "",
      tag: said.id ?? "ancu",
      requireInteraction: true,
      lang: words.lang,
      icon: "/static/icon.svg",
      data: { id: said.id, url: said.link ?? said.url ?? "/alerts" },
      actions: said.id && words.acknowledge && words.open
        ? [{ action: "acknowledge", title: words.acknowledge }, { action: "open", title: words.open }] : [],
    })),
    said.id ? post(`/api/v1/push/messages/${encodeURIComponent(said.id)}:shown`, `shown-${said.id}`) : Promise.resolve(),
  ]));
});

worker.addEventListener("notificationclick", (event: Click) => {
  event.notification.close();
  const { id, url } = event.notification.data;
  event.waitUntil((async () => {
    if (event.action === "acknowledge" && id) {
      const answer = await post(`/api/v1/push/messages/${encodeURIComponent(id)}:acknowledge`, `take-${id}`);
      if (answer?.ok) return;
    }
    await open(url ?? "/alerts"); // also where it could not be acknowledged from here: signed out, or no network
  })());
});

/** Left by the page on which notifications were turned on, in its reader's language. */
async function wordsKept(): Promise<{ acknowledge?: string; open?: string; lang?: string }> {
  const kept = await (await caches.open(WORDS)).match("/");
  return kept ? (await kept.json()) as { acknowledge?: string; open?: string; lang?: string } : {};
}

async function open(url: string): Promise<void> {
  const wanted = new URL(url, self.location.origin);
  const target = wanted.origin === self.location.origin ? wanted.href : "/alerts";
  for (const client of await worker.clients.matchAll({ type: "window" })) {
    await client.focus();
    await client.navigate(target).catch(() => undefined);
    return;
  }
  await worker.clients.openWindow(target);
}

async function post(path: string, key: string): Promise<Response | undefined> {
  return fetch(path, { method: "POST", headers: { "Idempotency-Key": key, "Content-Type": "application/json" } }).catch(() => undefined);
}
