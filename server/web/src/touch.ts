// A session ends after a quarter of an hour without a person; reading and scrolling are being there.
const EVERY_MS = 60_000;

export function watchTouch(): void {
  const csrf = document.body.dataset.csrf;
  if (!csrf) return;
  let told = Date.now();
  const touched = (): void => {
    if (Date.now() - told < EVERY_MS) return;
    told = Date.now();
    void fetch("/touch", { method: "POST", body: new URLSearchParams({ csrf }) }).catch(() => undefined);
  };
  for (const kind of ["pointerdown", "keydown", "scroll"]) {
    window.addEventListener(kind, touched, { passive: true });
  }
}
