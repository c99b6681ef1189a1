"""Every page of an officer, and the doors, under axe-core: no violation on a phone in either theme, nor on a desk."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
OFFICER = (
    "/alerts",
    "/alerts?show=all",
    "/people",
    "/people/p-an",
    "/map/ben-nghe",
    "/shift",
    "/search?q=an",
    "/devices",
    "/province",
    "/province/policy/demo@1/out_of_range",
)
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


async def violations(page: Any) -> list[str]:
    """Rule and place of each; axe comes from the package that carries it and never from the page."""
    await page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = await page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", list(RULES))
    return [
        f"{one['id']}: {node['target']} {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]
    ]


@pytest.mark.parametrize(("size", "theme"), [((390, 844), "light"), ((390, 844), "dark"), ((1440, 900), "dark")])
async def test_no_page_breaks_a_rule_of_accessibility(chromium: Any, site: Any, size: tuple[int, int], theme: str):
    site.desk.raise_alert()
    row = site.desk.raise_alert("strap_cut")
    context = await chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    context.set_default_timeout(60_000)
    page = await context.new_page()
    found: dict[str, list[str]] = {}
    for door in ("/login", "/enter"):
        await page.goto(site.url + door)
        found[door] = await violations(page)
    await page.goto(f"{site.url}/login")
    await page.fill("#login", "tinh")
    await page.fill("#password", "hnit")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/alerts")
    for path in (*OFFICER, f"/alerts/{row.id}", f"/alerts/{row.id}/explanation"):
        answer = await page.goto(site.url + path)
        assert answer.status == 200, path
        found[path] = await violations(page)
    await page.goto(f"{site.url}/alerts")
    for sheet in ("more", "res", "call"):
        await page.click(f"#{sheet}-{row.id}")
        await page.locator("dialog[open] h2").wait_for()
        found[f"sheet {sheet}"] = await violations(page)
        await page.keyboard.press("Escape")
        await page.locator("dialog[open]").wait_for(state="hidden")
    await context.close()
    assert {path: said for path, said in found.items() if said} == {}
