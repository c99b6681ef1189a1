"""How an inbox of thousands of rows scrolls under a thumb: python -m tests.e2e.pages_scroll [--alerts N] [--known-bad].

A real server with a long list, Chromium at 390 px (`--slower 4` holds its processor back), a finger that flings
the list down until it is whole, and then through it, and an alert that comes in. Times of frames and tasks are the
wall's, and blur beside other work; layout, style, script and all are the page's own processor time. It fails where
more rows are drawn than are seen: `--known-bad` takes from the style sheet what keeps the others out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from ancu.server.bench.pages_world import Ward, long_ward
from tests.chromium import CHROMIUM, FLAGS

MOST_DRAWN = 60  # what is seen, and a margin below and above
KEEPS_OUT = re.compile(r"content-visibility:\s*auto;?")
NOTE = """() => {
  const noted = window.noted = { frames: [], long: [] };
  new PerformanceObserver((list) => { for (const task of list.getEntries()) noted.long.push(task.duration); })
    .observe({ type: "longtask" });
  let last = 0;
  const frame = (now) => { if (last) noted.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""
FORGET = "() => { noted.frames = []; noted.long = []; }"
ROWS = "() => document.querySelectorAll('#rows [data-alert]').length"
# Rows whose inside is laid out and painted.
DRAWN = """() => [...document.querySelectorAll('#rows [data-alert] h2')]
  .filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length"""


async def main(alerts: int, *, known_bad: bool, slower: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ancu-scroll-") as folder:
        async with (
            long_ward(Path(folder), alerts=alerts, streams=1, callers=1) as ward,
            async_playwright() as tools,
        ):
            browser = await tools.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            context = await browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
            name, _, value = ward.cookie(ward.officers[0]).partition("=")
            url = f"http://{ward.chain.host}:{ward.port}"
            await context.add_cookies([{"name": name, "value": value, "url": url}])
            page = await context.new_page()
            if known_bad:
                await page.route("**/app.css*", without_keeping_out)
            await page.goto(f"{url}/alerts")
            await page.locator("#link.live").wait_for()
            hand = await context.new_cdp_session(page)
            await hand.send("Performance.enable", {"timeDomain": "threadTicks"})  # not what else the machine does
            await hand.send("Emulation.setCPUThrottlingRate", {"rate": slower})
            await page.evaluate(NOTE)
            told = await story(ward, page, hand, alerts)
            sys.stdout.write(json.dumps(told) + "\n")
            await browser.close()
            if told["rows_drawn"] > MOST_DRAWN:
                raise SystemExit(f"{told['rows_drawn']} rows are drawn, of which a screen shows a few")


async def story(ward: Ward, page: Any, hand: Any, alerts: int) -> dict[str, Any]:
    began = await tasks(hand)
    while await page.evaluate(ROWS) < alerts:
        await page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
        await asyncio.sleep(0.05)
    loading = await figures(page, hand, began)
    began = await tasks(hand)
    for _ in range(6):
        await fling(hand, 6_000)
        await fling(hand, -4_000)
    scrolling = await figures(page, hand, began)
    began = await tasks(hand)
    person, token = ward.citizens[0]
    await page.request.post(
        f"http://{ward.chain.host}:{ward.port}/api/v1/me:sos",
        headers={"Cookie": ward.cookie(token), "Idempotency-Key": "help"},
    )
    await page.evaluate("() => window.scrollTo(0, 0)")
    await page.locator(f"#rows a[href='/people/{person}']").wait_for()
    arriving = await figures(page, hand, began)
    return {
        "rows": await page.evaluate(ROWS),
        "rows_drawn": await page.evaluate(DRAWN),
        "loading": loading,
        "scrolling": scrolling,
        "arriving": arriving,
    }


async def fling(hand: Any, by: int) -> None:
    await hand.send(
        "Input.synthesizeScrollGesture",
        {"x": 195, "y": 420, "yDistance": -by, "speed": 3_000, "gestureSourceType": "touch"},
    )


async def figures(page: Any, hand: Any, began: dict[str, float]) -> dict[str, float]:
    noted = await page.evaluate("() => noted")
    now = await tasks(hand)
    await page.evaluate(FORGET)
    frames = sorted(noted["frames"]) or [0.0]
    cuts = statistics.quantiles(frames, n=100, method="inclusive") if len(frames) > 1 else frames * 99
    return {
        "frames": len(frames),
        "frame_p50_ms": round(cuts[49], 1),
        "frame_p95_ms": round(cuts[94], 1),
        "frame_worst_ms": round(frames[-1], 1),
        "long_tasks": len(noted["long"]),
        "longest_task_ms": round(max(noted["long"], default=0.0), 1),
        "layout_ms": round((now["LayoutDuration"] - began["LayoutDuration"]) * 1000, 1),
        "style_ms": round((now["RecalcStyleDuration"] - began["RecalcStyleDuration"]) * 1000, 1),
        "script_ms": round((now["ScriptDuration"] - began["ScriptDuration"]) * 1000, 1),
        "all_ms": round((now["TaskDuration"] - began["TaskDuration"]) * 1000, 1),
    }


async def tasks(hand: Any) -> dict[str, float]:
    return {one["name"]: one["value"] for one in (await hand.send("Performance.getMetrics"))["metrics"]}


async def without_keeping_out(route: Any) -> None:
    answer = await route.fetch()
    await route.fulfill(response=answer, body=KEEPS_OUT.sub("", await answer.text()))


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--alerts", type=int, default=5_000)
    asked.add_argument("--slower", type=float, default=1.0, help="hold the page's processor back")
    asked.add_argument("--known-bad", action="store_true")
    given = asked.parse_args()
    asyncio.run(main(given.alerts, known_bad=given.known_bad, slower=given.slower))
