"""Every page under axe-core, in both themes, on a phone and on a desk, as everybody who may see it.

The pages are those of the router: what answers a GET with HTML is walked as each viewer whom `access.toml` lets in,
once for each make-up of the page (what two viewers see alike is looked at once). What only a form's answer or a dialog
shows is named below, and a template that nothing here rendered fails the walk.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from jinja2 import PackageLoader
from starlette.requests import Request

from ancu.models.commands import Door, Zone
from ancu.server.people.sites_plan import Bed, Room
from ancu.server.policies import load_policy
from ancu.server.ports import NotFound, Severity
from ancu.server.ports.orders import NewOrder
from ancu.server.review.book import load_book
from ancu.server.review.in_force import note_policies
from ancu.server.web.render import render
from ancu.server.web.words import load_catalogues

from . import browsing
from . import world as world_of
from .site_world import until
from .test_matrix import LINES, ROUTES, filled

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # what a theme can change
THEMES = ("light", "dark")
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
FOCUSED = {"/plan": "g.room", "#marks .name": "#marks .name"}  # what shows more while it has the focus
KEYS = {key.split(".")[0] for key in load_catalogues()["vi"].texts}
BARE = re.compile(rf'[>"]\s*((?:{"|".join(sorted(KEYS))})\.[a-z_0-9.]+)\s*[<"]')
POLICY = load_policy("default").label
FULL = (
    ("strap_cut", Severity.CRITICAL), ("out_of_range", Severity.HIGH), ("edge_silent", Severity.MEDIUM),
    ("battery_low", Severity.LOW),
)  # fmt: skip
TOLD = "/told-by-the-test"  # where the answer to a form is shown
PARTS = re.compile(r"<main.*?</main>|<header.*?</header>", re.DOTALL)
SHOWN = re.compile(r'<(\w+)[^>]*?(?:class="([^"]*)")?[^>]*>')


@dataclass(frozen=True)
class Stop:
    """One page, as one viewer."""

    viewer: str
    path: str
    html: str | None = None  # the answer to a form; else the page is asked for

    def __str__(self) -> str:
        return f"{self.path} as {self.viewer}"


@dataclass
class Walk:
    """Where the walk went, and what it found."""

    page: Any
    url: str
    found: dict[str, list[str]] = field(default_factory=dict)

    async def look(self, where: str) -> None:
        """Judge what is on the screen, in both themes and at both sizes."""
        for size in (browsing.PHONE, browsing.DESK):
            await self.page.set_viewport_size({"width": size[0], "height": size[1]})
            for theme in THEMES:
                await self.page.emulate_media(color_scheme=theme)
                if said := await violations(self.page, RULES if theme == THEMES[0] else COLOURS):
                    self.found[f"{where} · {size[0]} px, {theme}"] = said


class Noting(PackageLoader):
    """Knows which templates were asked for."""

    def __init__(self, noted: set[str]) -> None:
        super().__init__("ancu.server.web")
        self._noted = noted

    def get_source(self, environment: Any, template: str) -> Any:
        self._noted.add(template)
        return super().get_source(environment, template)


async def violations(page: Any, only: dict[str, Any]) -> list[str]:
    """Rule and place of each."""
    told = await page.evaluate(
        "async only => (await axe.run(document, {runOnly: only, preload: false, resultTypes: ['violations']}))"
        ".violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.target} ${node.html.slice(0, 120)}`))",
        only,
    )
    return [str(one) for one in told]


def make_up(html: str) -> frozenset[str]:
    """What a page is made of, less its words and numbers: what has nothing more breaks no more rules."""
    parts = PARTS.findall(html) or [html]
    return frozenset(f"{tag}.{style}" for part in parts for tag, style in SHOWN.findall(part))


async def stops(world: Any) -> list[Stop]:
    """Every page of the router, as as many of its viewers as it takes to see all that it shows."""
    found: list[Stop] = []
    for route in sorted(ROUTES):
        line = LINES[route]
        if line.method != "GET" or line.stream or line.path == "/static":
            continue
        path, _, query = filled(world, line, 0)
        path = str(httpx.URL(path, params=query)) if query else path
        seen: list[tuple[frozenset[str], str]] = []
        for viewer in world_of.VIEWERS:
            if viewer in line.let_in or line.form:
                answer = await world.ask(viewer, "GET", path)
                if answer.status_code == 200 and "<html" in answer.text[:200]:  # a piece is seen in its page
                    assert BARE.findall(answer.text) == [], f"{path} as {viewer} shows keys that have no words"
                    seen.append((make_up(answer.text), viewer))
        known: list[frozenset[str]] = []
        for kind, viewer in sorted(seen, key=lambda one: -len(one[0])):
            if not any(kind <= other for other in known):
                known.append(kind)
                found.append(Stop(viewer, path))
    return found


def more_pages(world: Any) -> Iterable[Stop]:
    """Pages of the router with what their address can ask for beside the plain one."""
    ward, edge = world_of.WARD_A, world.ids["edge"][0]
    for path in (
        "/alerts?show=all", "/search?q=an", f"/map/{ward}?only=alert", f"/orders/{world.ids['order'][0]}?done=created",
        f"/devices/edge/{edge}", "/devices/swap?old=1", "/devices/swap?old=1&new=42", "/devices/swap?old=7",
        f"/devices/kit?label={edge}", f"/devices/kit?label={edge}+wb-00000042",
        "/orders?show=all", "/orders/import?why=no_file", "/nowhere",
    ):  # fmt: skip
        yield Stop("ward_a", path)
    yield Stop("anonymous", "/login?why=expired")
    yield Stop("province", f"/province/policy/{POLICY}/out_of_range")


async def answers(world: Any) -> list[Stop]:
    """Pages that only a form's answer shows."""
    order, person, ward = world.ids["order"][0], world_of.PERSON_A, world_of.WARD_A
    found = []
    for viewer, path, body in (
        ("ward_a", "/orders/new", {"ward": ward, "name": "", "start": "32/3/2026", "days": "x"}),
        ("ward_a", f"/orders/{order}/extend", {"until": "99/1/2026"}),
        ("ward_a", f"/orders/{order}/code", {}),
        ("ward_a", f"/people/{person}/code", {}),
        ("ward_a", "/security/code", {}),
        ("ward_a", "/break-glass", {"ward": world_of.WARD_B, "reason": "x"}),
        ("ward_a", "/devices/swap", {"old": "wb-00000001", "new": "wb-00000001", "reason": "broken"}),
        ("province", f"/province/policy/{POLICY}/out_of_range", {"unseen_s": "60", "days": "1"}),
    ):
        answer = await world.ask(viewer, "POST", path, body=body)
        assert answer.status_code in {200, 409, 422}, (path, answer.status_code)
        assert "<html" in answer.text, path
        found.append(Stop(viewer, f"POST {path} {answer.status_code}", answer.text))
    desk, officer = world.desk, (await world.session("ward_a")).session.viewer
    rows = f"Name,Ward,From,Days\r\nA,{ward},2/3/2026,14\r\nB,nowhere,99/3/2026,x\r\n".encode()
    report = await desk.import_orders(officer, rows, key="axe")
    csrf = {"csrf": "x", "next": "", "why": "refused", "login": "lan", "provider": "Tỉnh", "passkeys": True}
    shown: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("ward_a", "orders_import.html", {"report": report, "bad": 1, "fault": None, "says": ""}),
        ("ward_a", "orders_moved.html", {}),
        ("anonymous", "login.html", csrf),
        ("anonymous", "enter.html", csrf),
        ("anonymous", "login_code.html", {"csrf": "x", "step": "x", "wrong": True, "next": ""}),
        ("anonymous", "arrived.html", {"to": "/alerts"}),
    )
    for viewer, template, values in shown:
        found.append(Stop(viewer, template, await rendered(world, viewer, template, values)))
    return found


async def rendered(world: Any, viewer: str, template: str, values: dict[str, Any]) -> str:
    """A template as its route would show it."""
    plain: dict[str, Any] = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    request = Request(plain | {"app": world.app, "state": {}})
    if viewer != "anonymous":
        request.state.session = (await world.session(viewer)).session
    return bytes(render(request, template, values).body).decode()


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    """One of each sort of thing, and a site that somebody has drawn."""
    made = await world_of.make_world(tmp_path)
    sites, officer = made.app.state.sites, (await made.session("site")).session.viewer
    place, box, camera = made.ids["place"][0], made.ids["site"][0], made.ids["camera"][0]
    rooms = [Room("r1", "A", 2, 2, 30, 20, (Bed("b1", "1", 6, 9), Bed("b2", "2", 14, 9)))]
    await sites.save_plan(officer, place, rooms, after=0, key="p")
    ward_a, now = (await made.session("ward_a")).session.viewer, made.clock.now()
    new = NewOrder(world_of.WARD_A, "Lê Văn Khách", now, now + timedelta(days=9), edge=box)
    guest = (await made.desk.create_order(ward_a, new, key="o")).person
    made.clock.advance(seconds=5)  # the judge reads the register again
    await until(partial(known, made.desk, ward_a, guest))
    await sites.assign_bed(officer, place, guest, "b1", key="b")
    await sites.count(officer, place, 5, key="n")
    door = Door("gate", ((0.1, 0.5), (0.6, 0.5)), inside=(0.3, 0.8))
    zone = Zone("yard", "forbidden", ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)))
    await sites.save_drawing(officer, box, camera, [door], [zone], after=0, key="d")
    await made.do(lambda tx: note_policies(tx, load_book("default", ())))
    yield made
    await made.close()


async def known(desk: Any, viewer: Any, person: str) -> bool:
    try:
        return bool(await desk.person(viewer, person))
    except NotFound:
        return False


async def go(walk: Walk, world: Any, stop: Stop) -> None:
    """To the page, with all that its scripts add to it."""
    page = walk.page
    await page.context.clear_cookies(name=f"ancu-{walk.url.rsplit(':', 1)[1]}")
    if stop.viewer != "anonymous":
        token = (await world.session(stop.viewer)).token
        await page.context.add_cookies(
            [{"name": f"ancu-{walk.url.rsplit(':', 1)[1]}", "value": token, "url": walk.url}]
        )
    if stop.html is not None:
        told = {"body": stop.html, "content_type": "text/html; charset=utf-8"}
        await page.route(walk.url + TOLD, lambda route: route.fulfill(**told), times=1)
    await page.goto(walk.url + (stop.path if stop.html is None else TOLD))
    for what, focus in FOCUSED.items():
        if stop.path.split("?")[0].endswith(what) or (what == "#marks .name" and stop.path.startswith("/cameras/")):
            await page.locator(focus).first.focus()
    if await page.locator("#link").count():
        await page.locator("#link.live").wait_for()
    await page.evaluate(AXE)


async def test_no_page_breaks_a_rule_of_accessibility(chromium: Any, world: Any):
    noted: set[str] = set()
    templates = world.app.state.services.templates
    templates.loader = Noting(noted)
    async with browsing.served(world) as url:
        context = await chromium.new_context(service_workers="block", reduced_motion="reduce")
        context.set_default_timeout(60_000)
        walk = Walk(await context.new_page(), url)
        wall = await world.app.state.sites.hang_wall(
            (await world.session("site")).session.viewer, world.ids["place"][0], "x"
        )
        await context.add_cookies([{"name": f"ancu-wall-{url.rsplit(':', 1)[1]}", "value": wall, "url": url}])
        pages = [*await stops(world), *more_pages(world), Stop("anonymous", "/wall"), *await answers(world)]
        for stop in pages:
            await go(walk, world, stop)
            await walk.look(str(stop))
        alert = world.ids["alert"][0]
        await go(walk, world, Stop("ward_a", "/alerts"))
        for opener in (f"#more-{alert}", f"#res-{alert}", f"#call-{alert}", "#keys"):
            await walk.page.click(opener)
            await walk.page.locator("dialog[open] h2").first.wait_for()
            await walk.look(f"dialog of {opener}")
            await walk.page.keyboard.press("Escape")
            await walk.page.locator("dialog[open]").wait_for(state="hidden")
        await walk.page.click("#picking")
        await walk.page.locator(f"#pick-{alert}").check()
        await walk.look("several chosen")
        for opener in ("#bulk-resolve", "#bulk-more"):
            await walk.page.click(opener)
            await walk.page.locator("dialog[open] h2").first.wait_for()
            await walk.look(f"dialog of {opener}")
            await walk.page.keyboard.press("Escape")
            await walk.page.locator("dialog[open]").wait_for(state="hidden")
        await check_the_measure(walk)
        await context.close()
    print(f"{len(pages)} pages: {[str(stop) for stop in pages]}")  # noqa: T201 - what was walked
    assert walk.found == {}
    assert set(templates.list_templates()) - noted == set(), (
        "templates that the walk did not see: give it a way to them"
    )


async def test_full_pages_break_no_rule_either(chromium: Any, site: Any):
    """Over the desk in memory, which has a day of readings, devices with faults, and alerts of every severity."""
    row, *_ = [site.desk.raise_alert(kind, severity) for kind, severity in FULL]
    context = await chromium.new_context(service_workers="block", reduced_motion="reduce")
    context.set_default_timeout(60_000)
    walk = Walk(await context.new_page(), site.url)
    await walk.page.goto(f"{site.url}/login")
    await walk.page.fill("#login", "tinh")
    await walk.page.fill("#password", "hnit")
    await walk.page.keyboard.press("Enter")
    await walk.page.locator("#link.live").wait_for()
    for path in ("/alerts", "/people/p-an", "/map/ben-nghe", "/province", "/devices", f"/alerts/{row.id}"):
        await walk.page.goto(site.url + path)
        if path.startswith("/people/"):
            await walk.page.locator(".charts canvas").nth(3).wait_for()
        await walk.page.evaluate(AXE)
        await walk.look(path)
    await context.close()
    assert walk.found == {}


async def check_the_measure(walk: Walk) -> None:
    """Known bad: a button without a name; and a heading that nobody can read, in the dark alone."""
    seen = Walk(walk.page, walk.url)
    await walk.page.evaluate("document.querySelector('main').prepend(document.createElement('button'))")
    await walk.page.evaluate("document.querySelector('h1').style.color = 'light-dark(#000, #222)'")
    await seen.look("bad")
    nameless = {where for where, said in seen.found.items() if any("button-name" in one for one in said)}
    assert nameless == {"bad · 390 px, light", "bad · 1440 px, light"}
    dark = {where for where, said in seen.found.items() if any("color-contrast" in one for one in said)}
    assert dark == {"bad · 390 px, dark", "bad · 1440 px, dark"}
