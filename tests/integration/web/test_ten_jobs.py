"""The ten main jobs as people do them: from the sign-in on, by what the page says, on a phone and on a desk.

Words come from the catalogues, so every job is done in both languages; on a phone everything is tapped, on a desk
everything is done by the keyboard alone. One server and one browser serve all runs; each run has somebody under order
of its own.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from unicodedata import combining, normalize

import pytest
import pytest_asyncio
from playwright.async_api import Error as PlaywrightError

from ancu.models.clock import SystemClock
from ancu.models.ids import BandNumber
from ancu.server.web.words import Words, load_catalogues
from tests.integration.people.rows import rows_of

from .browsing import DESK, PHONE, fits, page_of, served
from .hands import Finger, Hands, Keys
from .jobs_world import PASSWORD, STAFF_NAMES, Person, Ward, furnish
from .site_world import BOX, HOME, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]  # a browser beside other tests
CATALOGUES = load_catalogues()


@dataclass
class Run:
    """One job, done once."""

    ward: Ward
    chromium: Any
    size: tuple[int, int]
    words: Words
    number: int
    who: Person
    page: Any
    hands: Hands

    def t(self, key: str, **values: Any) -> str:
        return self.words.t(key, **values)

    def link(self, name: str, within: Any = None) -> Any:
        return (within or self.page).get_by_role("link", name=name, exact=True)

    def button(self, name: str, within: Any = None) -> Any:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def heading(self, name: str) -> Any:
        return self.page.get_by_role("heading", name=name, exact=True)

    @property
    def menu(self) -> Any:
        return self.page.get_by_role("navigation", name=self.t("nav.label"))

    async def says(self, text: str) -> None:
        """The page shows it."""
        await self.page.get_by_text(text).first.wait_for()

    async def go(self, entry: str) -> None:
        """By the main menu."""
        await self.hands.press(self.link(self.t(entry), self.menu))

    def row(self) -> Any:
        """The alert of this run's person, in the list of alerts."""
        return self.page.get_by_role("listitem").filter(has_text=self.who.name)

    async def speak(self) -> None:
        """Pages begin in Vietnamese."""
        if self.words.lang != "vi":
            await self.hands.press(self.link(CATALOGUES["vi"].t("nav.other_language")))
            await self.page.locator(f"html[lang={self.words.lang}]").wait_for()

    async def sign_in(self, login: str) -> None:
        await self.page.goto(f"{self.ward.url}/login")
        await self.speak()
        await self.hands.write(self.page.get_by_label(self.t("login.login"), exact=True), login)
        await self.hands.write(self.page.get_by_label(self.t("login.password"), exact=True), PASSWORD)
        await self.hands.press(self.button(self.t("login.go")))
        await self.menu.wait_for()

    async def enter(self) -> None:
        """As somebody under order: the code on the kit is scanned, and the one that opens once is typed."""
        address, code = await self.ward.kit(self.who)
        await self.page.goto(address)
        await self.speak()
        await self.hands.write(self.page.get_by_label(self.t("qr_entry.code"), exact=True), code)
        await self.hands.press(self.button(self.t("enter.go")))
        await self.says(self.t("home.hello", name=self.who.name))


async def see_a_new_alert_and_acknowledge(run: Run) -> None:
    await run.sign_in("lan")
    await run.heading(run.t("inbox.title")).wait_for()
    await run.page.locator("#link.live").wait_for()
    alert = await run.ward.cut_strap(run.who)
    await run.row().wait_for()  # by itself
    assert run.t("kind.strap_cut") in await run.row().inner_text()
    if isinstance(run.hands, Keys):  # the list's own keys: down to the row, and take it
        opens = run.row().get_by_role("heading").get_by_role("link")
        for _ in range(60):
            await run.page.keyboard.press("j")
            if await opens.evaluate("link => link === document.activeElement"):
                break
        await run.page.keyboard.press("a")
    else:
        await run.hands.press(run.button(run.t("act.acknowledge"), run.row()))
    await run.row().get_by_text(run.t("state.acknowledged"), exact=True).wait_for()
    await until(lambda: run.ward.rows("SELECT 1 FROM alerts WHERE id = ? AND acknowledged_by IS NOT NULL", alert))


async def resolve_as_authorised(run: Run) -> None:
    alert = await run.ward.cut_strap(run.who)
    await run.sign_in("lan")
    await run.hands.press(run.button(run.t("act.resolve"), run.row()))
    await run.hands.press(run.button(run.t("outcome.authorised"), run.page.get_by_role("dialog")))
    await run.row().wait_for(state="detached")
    await run.hands.press(run.link(run.t("inbox.all")))  # leaving ends the time to change one's mind
    await run.row().get_by_text(f"{run.t('state.resolved')} · {run.t('outcome.authorised')}").wait_for()
    assert run.ward.rows("SELECT outcome FROM alerts WHERE id = ?", alert) == [("authorised",)]


async def hand_over(run: Run) -> None:
    alert = await run.ward.cut_strap(run.who)
    await run.sign_in("lan")
    await run.hands.press(run.button(run.t("act.acknowledge"), run.row()))
    await run.row().get_by_text(run.t("state.acknowledged"), exact=True).wait_for()
    await run.go("nav.shift")
    await run.hands.choose(run.page.get_by_label(run.t("handover.to"), exact=True), STAFF_NAMES["hoa"])
    await run.hands.press(run.button(run.t("handover.draw")))
    await run.row().wait_for()
    await run.hands.press(run.button(run.t("handover.sign")))
    await run.page.locator("dd").get_by_text(run.t("handover.unsigned"), exact=True).wait_for()  # only hers is missing
    assert await fits(run.page)
    async with opened(run) as taker:
        await taker.sign_in("hoa")
        await taker.go("nav.shift")
        waiting = taker.page.get_by_role("listitem").filter(has_text=run.t("handover.waits"))
        await taker.hands.press(waiting.first.get_by_role("link"))
        await taker.row().wait_for()
        await taker.hands.press(taker.button(run.t("handover.sign")))
        await taker.says(run.t("handover.done", taker=STAFF_NAMES["hoa"]))
    signed = "SELECT count(*) FROM handovers WHERE giver_ms IS NOT NULL AND taker_ms IS NOT NULL AND instr(items, ?)"
    assert run.ward.rows(signed, alert.encode()) == [(1,)]


async def find_a_person(run: Run) -> None:
    await run.sign_in("lan")
    await run.go("nav.search")
    await run.hands.write(run.page.get_by_label(run.t("search.label"), exact=True), plain(run.who.name))
    await run.hands.press(run.button(run.t("search.go")))
    await run.hands.press(run.page.get_by_role("link", name=run.who.name))
    await run.page.get_by_role("heading", level=1, name=run.who.name).wait_for()
    assert await run.page.locator(f"a[href='tel:{run.who.phone.replace(' ', '')}']").count()


async def import_two_hundred_orders_with_three_bad_rows(run: Run) -> None:
    before = run.ward.rows("SELECT count(*) FROM orders")[0][0]
    await run.sign_in("lan")
    await run.go("nav.orders")
    await run.hands.press(run.link(run.t("orders.import")))
    async with run.page.expect_file_chooser() as chooser:
        await run.hands.press(run.page.get_by_label(run.t("import.file"), exact=True))
    rows = rows_of(200, 1000 * (run.number + 1), CATALOGUES["vi"].date(SystemClock().now()))
    await (await chooser.value).set_files({"name": "orders.csv", "mimeType": "text/csv", "buffer": rows})
    await run.hands.press(run.button(run.t("import.go")))
    await run.heading(run.words.n("import.kept", 197)).wait_for()
    await run.says(run.words.n("import.bad", 3))
    faults = run.page.get_by_role("table").locator("tbody tr")
    assert [run.t(f"order_fault.{fault}") in await faults.nth(n).inner_text() for n, fault in BAD_ROWS] == [True] * 3
    async with run.page.expect_download():
        await run.hands.press(run.button(run.t("import.take_bad")))
    assert run.ward.rows("SELECT count(*) FROM orders")[0][0] == before + 197


async def draw_a_door(run: Run) -> None:
    box, name = run.ward.world.boxes[BOX], f"Cửa {run.number}"
    version = (box.zones.version if box.zones else 0) + 1
    await run.sign_in("bao")
    await run.hands.press(run.link("Cổng A"))  # the site's own page is where his day begins
    await run.hands.press(run.button(run.t("draw.add_line")))
    if isinstance(run.hands, Keys):
        await run.page.locator(".handle:focus").wait_for()  # it lies in the middle; the arrow keys move each end
        for key in ("ArrowLeft",) * 5 + ("ArrowUp",) * (run.number + 1):
            await run.page.keyboard.press(key)
        expected = (0.3, 0.5 - 0.01 * (run.number + 1))
    else:
        await run.page.get_by_role("button", name=run.t("draw.add_line"), exact=True, pressed=True).wait_for()
        expected = (0.2, 0.1 + 0.01 * run.number)
        await drag(run.page, expected, (0.8, 0.5))
    drawn = run.page.get_by_role("list").filter(has=run.page.get_by_label(run.t("draw.name"), exact=True))
    await run.hands.write(drawn.get_by_label(run.t("draw.name"), exact=True).last, name)
    await run.hands.press(run.button(run.t("draw.save")))
    await run.says(run.t("draw.use_now", version=version))
    door = next(door for door in box.zones.doors if door.name == name)
    assert door.area[0] == pytest.approx(expected, abs=0.03)


async def swap_a_band(run: Run) -> None:
    home = run.ward.world.boxes[HOME]
    await run.sign_in("lan")
    await run.go("nav.devices")
    await run.hands.press(run.link(run.t("fleet.swap")))
    await run.hands.write(run.page.get_by_label(run.t("swap.old_label"), exact=True), f"wb-{run.who.band:08d}")
    await run.hands.press(run.button(run.t("swap.next")))
    await run.says(run.who.name)
    await run.hands.write(run.page.get_by_label(run.t("swap.new_label"), exact=True), str(run.who.spare))
    await run.hands.press(run.button(run.t("swap.next")))
    await run.hands.tick(run.page.get_by_role("radio", name=run.t("swap_reason.battery"), exact=True))
    await run.hands.press(run.button(run.t("swap.confirm")))
    await run.says(run.t("given.box_knows", box=HOME))
    assert {run.who.band, run.who.spare} & set(home.bands) == {run.who.spare}
    run.ward.world.hear(HOME, BandNumber(run.who.spare))
    await run.says(run.t("given.done"))


async def declare_symptoms(run: Run) -> None:
    await run.enter()
    await run.hands.press(run.link(run.t("feel.changed")))
    await run.hands.tick(run.page.get_by_role("checkbox", name=run.t("symptom.cough"), exact=True))
    await run.hands.write(run.page.get_by_label(run.t("feel.body"), exact=True), "37,4")
    await run.hands.press(run.button(run.t("feel.send")))
    await run.page.get_by_role("status").filter(has_text=run.t("symptom.cough")).wait_for()
    declared = run.ward.rows("SELECT symptoms, body_deci_c FROM declarations WHERE person = ?", run.who.id)
    assert declared == [('["cough"]', 374)]


async def call_for_help(run: Run) -> None:
    await run.enter()
    await run.hands.press(run.page.get_by_text(run.t("sos.button"), exact=True))
    await run.hands.press(run.button(run.t("sos.confirm")))
    await run.heading(run.t("sos.sent")).wait_for()
    raised = run.ward.rows("SELECT severity FROM alerts WHERE kind = 'sos' AND person = ?", run.who.id)
    assert raised == [("C",)]


async def request_an_absence(run: Run) -> None:
    await run.enter()
    await run.hands.press(run.link(run.t("ask.absence")))
    await run.hands.tick(run.page.get_by_role("radio", name=run.t("leave_reason.hospital"), exact=True))
    await run.hands.write(run.page.get_by_label(run.t("ask.what_absence")), "Khám thai ở bệnh viện quận")
    await run.hands.press(run.button(run.t("ask.send")))
    mine = run.page.get_by_role("listitem").filter(has_text="Khám thai ở bệnh viện quận")
    await mine.filter(has_text=run.t("ask.absence")).wait_for()
    assert run.ward.rows("SELECT about FROM asks WHERE person = ?", run.who.id) == [("hospital",)]


BAD_ROWS = ((0, "bad_date"), (1, "phone_as_number"), (2, "under_order"))
JOBS: tuple[Callable[[Run], Awaitable[None]], ...] = (
    see_a_new_alert_and_acknowledge,
    resolve_as_authorised,
    hand_over,
    find_a_person,
    import_two_hundred_orders_with_three_bad_rows,
    draw_a_door,
    swap_a_band,
    declare_symptoms,
    call_for_help,
    request_an_absence,
)


@dataclass(frozen=True)
class Spoilt:
    """What comes from the server with something wrong in it, and how the job that needs it fails."""

    job: Callable[[Run], Awaitable[None]]
    size: tuple[int, int]
    where: str
    wrong: tuple[str, str]
    fails: str


SPOILT = {
    "a button without a name": Spoilt(
        resolve_as_authorised,
        PHONE,
        r"/alerts/\w+/resolve",
        (r'(value="authorised">)[^<]*', r"\1"),
        rf'get_by_role\("button", name="{CATALOGUES["vi"].t("outcome.authorised")}"',
    ),
    "a key that does nothing": Spoilt(draw_a_door, DESK, r"zones\.js", ("ArrowUp", "ArrowNowhere"), "approx"),
    "a button that Tab passes by": Spoilt(
        swap_a_band,
        DESK,
        r"/devices/swap",
        ('<button class="act primary', '<button tabindex="-1" class="act primary'),
        "the keyboard does not reach",
    ),
}
RUNS = list(product(JOBS, (PHONE, DESK), ("vi", "en")))
EVERY_RUN = pytest.mark.parametrize(
    "number", range(len(RUNS)), ids=[f"{job.__name__}-{size[0]}-{lang}" for job, size, lang in RUNS]
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ward(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    world, people = await furnish(tmp_path_factory.mktemp("ward"), len(RUNS) + len(SPOILT) + 1)
    async with served(world) as url:
        yield Ward(world, url, people)
    await world.close()


@EVERY_RUN
async def test_a_main_job(chromium: Any, ward: Ward, number: int):
    job, size, lang = RUNS[number]
    async with at(chromium, ward, size, lang, number) as run:
        await job(run)
        assert await fits(run.page)


async def test_what_was_done_in_leaving_is_sent_by_the_next_page(chromium: Any, ward: Ward):
    """A browser may drop what a page sends as its last: this one always does."""
    async with at(chromium, ward, DESK, "vi", len(RUNS) + len(SPOILT)) as run:
        await run.page.add_init_script("navigator.sendBeacon = () => false")
        await resolve_as_authorised(run)


@pytest.mark.parametrize("what", SPOILT)
async def test_a_page_that_is_spoilt_is_found_out(chromium: Any, ward: Ward, what: str):
    spoilt, number = SPOILT[what], len(RUNS) + list(SPOILT).index(what)

    async def spoil(route: Any) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=re.sub(*spoilt.wrong, await answer.text()))

    async with at(chromium, ward, spoilt.size, "vi", number, patience_ms=10_000, worker=False) as run:
        await run.page.route(re.compile(spoilt.where), spoil)
        with pytest.raises((AssertionError, PlaywrightError), match=spoilt.fails):
            await spoilt.job(run)
        if what == "a button without a name":  # it is there, and only its name is not
            await run.page.get_by_role("dialog").locator("button[value=authorised]").wait_for()
        run.page.complaints.clear()


@asynccontextmanager
async def at(
    chromium: Any, ward: Ward, size: tuple[int, int], lang: str, number: int, **more: Any
) -> AsyncIterator[Run]:
    """Somebody at a browser of his own: on a phone with a finger, on a desk with the keyboard alone."""
    phone = size == PHONE
    async with page_of(
        chromium,
        ward.url,
        ward.world,
        None,
        size,
        lang=None,
        touch=phone,
        **more,
    ) as page:
        hands = Finger(page) if phone else Keys(page)
        yield Run(ward, chromium, size, CATALOGUES[lang], number, ward.people[number], page, hands)


def opened(run: Run) -> Any:
    """The same run at a colleague's browser."""
    return at(run.chromium, run.ward, run.size, run.words.lang, run.number)


def plain(text: str) -> str:
    """As typed in a hurry: small letters, no accents."""
    bare = "".join(letter for letter in normalize("NFD", text) if not combining(letter))
    return bare.replace("đ", "d").replace("Đ", "D").lower()


async def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With a finger across the camera's picture."""
    stage = page.locator("#stage")
    await stage.scroll_into_view_if_needed()
    box = await stage.bounding_box()
    finger = await page.context.new_cdp_session(page)
    way = [tuple(a + (b - a) * part for a, b in zip(start, end, strict=True)) for part in (0, 0.5, 1)]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), way, strict=True):
        point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
