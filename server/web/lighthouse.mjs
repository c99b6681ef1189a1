// Lighthouse over pages of a running server, in a Chromium that is already running: `node lighthouse.mjs < asked.json`.
//
// In:  {"port": the browser's debugging port, "runs": n, "presets": ["mobile", "desktop"],
//       "pages": [{"name", "url", "cookies": [{"name", "value", "url"}]}]}     by stdin, for cookies are secrets
// Out: one line of JSON a run: {"page", "preset", "scores": {category: 0..1}, "figures": {...}, "failed": [...]}
//
// Throttling is Lighthouse's own simulation: it loads at full speed and reckons what a slow 4G phone (mobile) or a desk on
// 10 Mbit/s (desktop) would have seen, so the machine's own speed matters little; hence also several runs.
import { readFileSync } from "node:fs";
import lighthouse, { desktopConfig } from "lighthouse";
import puppeteer from "puppeteer-core";

const asked = JSON.parse(readFileSync(0, "utf8"));
const configs = { mobile: undefined, desktop: desktopConfig };
const figures = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift",
  "speed-index", "server-response-time", "total-byte-weight"];
const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${asked.port}`, defaultViewport: null });

for (const page of asked.pages) {
  await browser.deleteCookie(...(await browser.cookies()));
  await browser.setCookie(...page.cookies.map(({ name, value, url }) => (
    { name, value, domain: new URL(url).hostname, path: "/", httpOnly: true })));
  for (const preset of asked.presets) {
    for (let run = 0; run < asked.runs; run++) {
      const lhr = await measured(page.url, configs[preset]);
      const failed = Object.values(lhr.categories).flatMap((category) => category.auditRefs
        .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 0.9)
        .map(({ id }) => `${category.id}/${id}: ${lhr.audits[id].displayValue ?? lhr.audits[id].score}`));
      console.log(JSON.stringify({
        page: page.name, preset, asked: page.url, seen: lhr.finalDisplayedUrl, error: lhr.runtimeError?.code ?? null,
        scores: Object.fromEntries(Object.values(lhr.categories).map(({ id, score }) => [id, score])),
        figures: Object.fromEntries(figures.map((id) => [id, lhr.audits[id]?.numericValue ?? null])),
        failed,
      }));
    }
  }
}
await browser.disconnect();

// A run without a trace measured nothing: a browser on a busy machine loses one now and then.
async function measured(url, config, tries = 3) {
  const { lhr } = await lighthouse(url, {
    port: asked.port, output: "json", logLevel: "error",
    onlyCategories: ["performance", "accessibility", "best-practices"],
  }, config);
  return lhr.runtimeError && tries > 1 ? measured(url, config, tries - 1) : lhr;
}
