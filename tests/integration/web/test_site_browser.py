"""The fleet's and the sites' pages in a real Chromium: a band swapped, a door drawn, a plan, a screen on a wall."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ancu.models.ids import BandNumber

from . import site_world
from .browsing import BOTH, DESK, PHONE, fits, page_of, served, tab_to
from .site_world import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


CAMERA = "/cameras/site-001/cam-a"


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    world = await site_world.make_site_world(tmp_path)
    yield world
    await world.close()


@pytest_asyncio.fixture(loop_scope="module")
async def url(world: Any) -> AsyncIterator[str]:
    async with served(world) as url:
        yield url


async def test_a_slip_while_swapping_is_said_and_changes_nothing(chromium: Any, world: Any, url: str):
    async with page_of(chromium, url, world, "lan", PHONE) as page:
        for old, new, says in (
            ("wb-00000009", "", "không ai đang đeo"),  # another ward's
            ("nonsense", "", "không ai đang đeo"),
            ("wb-00000001", "wb-00000002", "có người khác đeo"),
            ("wb-00000001", "wb-00000077", "Ở đây không có thiết bị này"),
        ):
            await page.goto(f"{url}/devices/swap?old={old}&new={new}")
            assert says in await page.locator("[role=alert].warn").inner_text()
    assert world.grounds.directory().register.bands[BandNumber(1)].order == "o-an"


async def test_a_code_is_read_by_the_camera_where_the_browser_can(chromium: Any, world: Any, url: str):
    """Chromium on a desk has no detector of its own: here is one that finds a label in whatever it is shown."""
    detector = """
      window.BarcodeDetector = class { static async getSupportedFormats() { return ["qr_code"]; }
        async detect(video) { return video.videoWidth ? [{ rawValue: "wb-00000001" }] : []; } };
      navigator.mediaDevices.getUserMedia = async () => {
        const canvas = document.createElement("canvas"); canvas.getContext("2d").fillRect(0, 0, 9, 9);
        return canvas.captureStream(5); };
    """
    async with page_of(chromium, url, world, "lan", PHONE) as page:
        await page.add_init_script(detector)
        await page.goto(f"{url}/devices/swap")
        await page.locator("[data-scan]").click()
        await page.wait_for_url("**/devices/swap?old=wb-00000001")
        await page.get_by_text("Nguyễn Văn An").wait_for()


async def test_a_kit_is_given_to_somebody_by_its_label(chromium: Any, world: Any, url: str):
    async with page_of(chromium, url, world, "lan", PHONE) as page:
        await page.goto(f"{url}/devices/kit")
        await page.keyboard.type("home-001 wb-00000043")
        await page.keyboard.press("Enter")
        await page.select_option("#person", "p-cam")
        await page.locator("button.primary").click()
        await page.get_by_text("Chỉ tiếp tục nếu ở cùng nhà").wait_for()
        await page.click("#confirm")
        await page.wait_for_url("**/devices/given/p-cam")
        await page.locator(".progress .done").nth(1).wait_for()
    assert set(world.boxes["home-001"].bands) == {1, 43}


@BOTH
async def test_a_door_and_a_zone_are_drawn_with_the_mouse(chromium: Any, world: Any, url: str, size: tuple[int, int]):
    async with page_of(chromium, url, world, "bao", size) as page:
        await page.goto(url + CAMERA)
        stage = page.locator("#stage")
        await page.click("#add-area")
        await drag(page, stage, (0.1, 0.2), (0.3, 0.8))
        await page.locator("#marks li").first.wait_for()
        await page.click("#add-zone")
        await drag(page, stage, (0.5, 0.5), (0.9, 0.9))
        await page.locator("#marks li").nth(1).wait_for()
        await page.locator("#marks .watch").nth(1).select_option("gathering")
        await drag(page, stage, (0.9, 0.9), (0.95, 0.85))  # its corner
        await page.click("#save")
        await page.get_by_text("Bộ thu đang dùng bản 1").wait_for()
    zones = world.boxes["site-001"].zones
    assert [door.name for door in zones.doors] == ["Cửa 1"]
    assert zones.doors[0].area[0] == pytest.approx((0.1, 0.2), abs=0.02)
    assert zones.zones[0].watch == "gathering"
    assert zones.zones[0].area[2] == pytest.approx((0.95, 0.85), abs=0.02)


async def test_what_a_colleague_drew_meanwhile_is_not_lost(chromium: Any, world: Any, url: str):
    async with page_of(chromium, url, world, "bao", DESK) as page:
        await page.goto(url + CAMERA)
        viewer = (await world.session("lan")).session.viewer
        await world.sites.save_drawing(viewer, "site-001", "cam-a", [], [], after=0, key="k")
        await page.locator("#add-line").focus()
        await page.keyboard.press("Enter")
        await page.locator("#marks li").wait_for()
        await page.click("#save")
        await page.get_by_text("Đồng nghiệp vừa lưu bản vẽ khác").wait_for()
        assert await page.locator("#marks li").count() == 1  # his own strokes are still there
        page.complaints.clear()  # the browser notes the refusal's status


async def test_a_picture_is_asked_for_and_drawn_on(chromium: Any, world: Any, url: str):
    jpeg = bytes.fromhex(
        "ffd8ffe000104a46494600010100000100010000ffdb004300080606070605080707070909080a0c140d0c0b0b0c1912130f141d1a1f"
        "1e1d1a1c1c20242e2720222c231c1c2837292c30313434341f27393d38323c2e333432ffc0000b080001000101011100ffc40014000100"
        "0000000000000000000000000000000affc40014100100000000000000000000000000000000ffda0008010100003f0054bfffd9"
    )
    box = world.boxes["site-001"]
    async with page_of(chromium, url, world, "bao", DESK) as page:
        await page.goto(url + CAMERA)
        await page.locator("#still-card button").click()
        await until(lambda: box.stills)
        box.say(site_world.Lane.STATE, site_world.still_of(box, refused="policy"))
        await page.get_by_text("không cho hình nào ra ngoài").wait_for()
        await page.locator("#still-card button").click()
        await until(lambda: len(box.stills) == 2)
        box.say(site_world.Lane.STATE, site_world.still_of(box, jpeg))
        await page.locator("#still-card .still-new a").click()
        await page.locator(".view img").wait_for()
    rows = world.grounds._on_reader(lambda db: db.execute("SELECT facts FROM inbox").fetchall())
    assert not any(jpeg[:40] in row["facts"] for row in rows)  # a picture is kept beside, never in the record


@BOTH
async def test_staff_draw_the_plan_by_keyboard_and_give_a_bed(
    chromium: Any, world: Any, url: str, size: tuple[int, int]
):
    async with page_of(chromium, url, world, "bao", size) as page:
        await page.goto(f"{url}/sites")
        await page.wait_for_url(f"**/sites/{site_world.SITE}")
        await page.get_by_text("Chưa ai vẽ sơ đồ").wait_for()
        await page.locator(f"a[href='/sites/{site_world.SITE}/plan']").click()
        await tab_to(page, "#add-room")
        await page.keyboard.press("Enter")
        await page.locator("g.room:focus").wait_for()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Shift+ArrowRight")
        await tab_to(page, "#add-bed")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        assert await page.locator("#room-beds li").count() == 2
        assert await fits(page)
        await page.locator("#save").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/sites/{site_world.SITE}")
        await page.goto(f"{url}/sites/{site_world.SITE}/beds")
        await page.locator("#p-ba select").select_option(label="2")
        await page.locator("#p-ba button").click()
        await page.locator("#p-ba option[selected][value=b2]").wait_for(state="attached")
        assert await page.locator("#p-cam option[value=b2]").count() == 0
        assert await fits(page)
        await page.goto(f"{url}/sites/{site_world.SITE}")
        await page.locator(".floor .bed").nth(1).wait_for()
        assert await fits(page)
    viewer = (await world.session("bao")).session.viewer
    [room] = (await world.sites.board(viewer, site_world.SITE)).plan.rooms
    assert (room.x, room.width, len(room.beds)) == (3, 25, 2)


async def test_a_room_is_drawn_with_the_mouse(chromium: Any, world: Any, url: str):
    async with page_of(chromium, url, world, "bao", DESK) as page:
        await page.goto(f"{url}/sites/{site_world.SITE}/plan")
        await page.click("#add-room")
        await drag(page, page.locator("#floor"), (0.1, 0.1), (0.5, 0.5))
        await page.locator("g.room").wait_for()
        drawn = json.loads(await page.locator("input[name=plan]").input_value())
        assert [round(drawn[0][side]) for side in ("x", "y", "width", "height")] == [12, 8, 48, 32]


@BOTH
async def test_a_wall_screen_follows_without_names_and_can_do_nothing_else(
    chromium: Any, world: Any, url: str, size: tuple[int, int]
):
    async with page_of(chromium, url, world, "bao", size) as page:
        await page.goto(f"{url}/sites/{site_world.SITE}/walls")
        await page.fill("#label", "Phòng bảo vệ")
        await page.locator("button.primary").click()
        await page.wait_for_url("**/wall")
        assert "Trần Văn Ba" not in await page.content()
        viewer = (await world.session("lan")).session.viewer
        await world.sites.count(viewer, site_world.SITE, 7, key="k")
        await page.locator(".number .big", has_text="7").first.wait_for()  # by itself
        assert await fits(page)
        for path in ("/alerts", "/people", f"/sites/{site_world.SITE}", "/devices"):
            answer = await page.request.get(url + path, max_redirects=0)
            assert answer.status in (303, 401), path  # to the sign-in: the screen's cookie opens nothing else
        [wall] = await world.sites.walls(viewer, site_world.SITE)
        await world.sites.take_down_wall(viewer, site_world.SITE, wall.id, key="d")
        await page.get_by_text("Đây không phải màn hình treo tường").wait_for()
        page.complaints.clear()  # the browser notes the refusal's status


async def drag(page: Any, on: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    await on.scroll_into_view_if_needed()
    box = await on.bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    await page.mouse.move(*at[0])
    await page.mouse.down()
    await page.mouse.move((at[0][0] + at[1][0]) / 2, (at[0][1] + at[1][1]) / 2)
    await page.mouse.move(*at[1])
    await page.mouse.up()
