// Lighthouse over pages of a running server, in a Chromium that is already running: `node lighthouse.mjs < asked.json`.
//
// In:  {"port": the browser's debugging port, "runs": n, "presets": ["mobile", "desktop"], "cpu": null or a number,
//       "pages": [{"name", "url", "cookies": [{"name", "value", "url"}]}]}     by stdin, for cookies are secrets
// Out: one line of JSON a run: {"page", "preset", "scores": {category: 0..1}, "figures": {...}, "failed": [...]}
//
// Throttling is Lighthouse's own simulation: it loads at full speed and reckons what a phone on slow 4G (mobile) or a desk
// on 10 Mbit/s (desktop) would have seen. A phone's processor is so many times slower than this machine's: 4 times by
// default, which is right for a fast, idle desktop (a benchmark index of 1,500 to 2,000) and makes a slower or busy
// machine stand for a phone that nobody has. So the index is taken before each run, as Lighthouse's guide to calibration
// says, and the same phone is meant on every machine; "cpu" in the question fixes the slowdown instead.
import { readFileSync } from "node:fs";
import lighthouse, { defaultConfig, desktopConfig } from "lighthouse";
import { throttling } from "lighthouse/core/config/constants.js";
import { pageFunctions } from "lighthouse/core/lib/page-functions.js";
import puppeteer from "puppeteer-core";

const asked = JSON.parse(readFileSync(0, "utf8"));
const configs = { mobile: defaultConfig, desktop: desktopConfig };
const DEFAULT_SLOWDOWN = 4; // of a phone against a fast desktop
const FAST_DESKTOP = 1750; // the benchmark index in the middle of its class
const lantern = { mobile: throttling.mobileSlow4G, desktop: throttling.desktopDense4G };
const figures = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift",
  "speed-index", "server-response-time", "total-byte-weight"];
const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${asked.port}`, defaultViewport: null });

for (const page of asked.pages) {
  await browser.deleteCookie(...(await browser.cookies()));
  await browser.setCookie(...page.cookies.map(({ name, value, url }) => (
    { name, value, domain: new URL(url).hostname, path: "/", httpOnly: true })));
  for (const preset of asked.presets) {
    for (let run = 0; run < asked.runs; run++) {
      const lhr = await measured(page.url, preset);
      const failed = Object.values(lhr.categories).flatMap((category) => category.auditRefs
        .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 0.9)
        .map(({ id }) => `${category.id}/${id}: ${lhr.audits[id].displayValue ?? lhr.audits[id].score}`));
      console.log(JSON.stringify({
        page: page.name, preset, asked: page.url, seen: lhr.finalDisplayedUrl, error: lhr.runtimeError?.code ?? null,
        benchmark: Math.round(lhr.environment.benchmarkIndex), slowdown: lhr.configSettings.throttling.cpuSlowdownMultiplier,
        scores: Object.fromEntries(Object.values(lhr.categories).map(({ id, score }) => [id, score])),
        figures: Object.fromEntries(figures.map((id) => [id, lhr.audits[id]?.numericValue ?? null])),
        failed,
      }));
    }
  }
}
await browser.disconnect();

// A run without a trace measured nothing: a browser on a busy machine loses one now and then.
async function measured(url, preset, tries = 3) {
  const slowdown = preset === "mobile" ? asked.cpu ?? await phone() : 1;
  const { lhr } = await lighthouse(url, {
    port: asked.port, output: "json", logLevel: "error",
    onlyCategories: ["performance", "accessibility", "best-practices"],
    throttling: { ...lantern[preset], cpuSlowdownMultiplier: slowdown },
  }, configs[preset]);
  return lhr.runtimeError && tries > 1 ? measured(url, preset, tries - 1) : lhr;
}

/** How many times slower than this machine, as it is now, a mid-tier phone is. */
async function phone() {
  const blank = await browser.newPage();
  const index = await blank.evaluate(`(${pageFunctions.computeBenchmarkIndex})()`);
  await blank.close();
  return Math.min(DEFAULT_SLOWDOWN, Math.max(1, Math.round(index / FAST_DESKTOP * DEFAULT_SLOWDOWN * 10) / 10));
}
