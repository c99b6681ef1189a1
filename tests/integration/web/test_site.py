"""Sites over the real register and boxes: who is counted, who lies where, what is drawn, what a picture is kept for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ancu.models.commands import Door, Zone
from ancu.models.topics import Lane
from ancu.models.wire import BatchHeader, CameraCrossing, Relay, Relayed, encode_relay, pack_record, seal_batch
from ancu.server.people.sites_drawing import DrawingChanged, DrawingRefused
from ancu.server.people.sites_plan import Bed, PlanChanged, PlanRefused, Room
from ancu.server.ports import NotFound, Viewer
from ancu.server.ports.exchange import Refused

from . import site_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


until, SITE = site_world.until, site_world.SITE
DOOR = Door("gate", ((0.1, 0.5), (0.6, 0.5)), inside=(0.3, 0.8))
PLAN = [Room("r1", "A", 2, 2, 30, 20, (Bed("b1", "1", 5, 5), Bed("b2", "2", 12, 5)))]


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    world = await site_world.make_site_world(tmp_path)
    yield world
    await world.close()


async def viewer(world: Any, login: str) -> Viewer:
    found: Viewer = (await world.session(login)).session.viewer
    return found


def cross(world: Any, *directions: str) -> None:
    """People go through the camera's door: alarms, in an epoch of their own."""
    box = world.boxes["site-001"]
    now_ms = site_world.to_ms(site_world.SystemClock().now())
    records = [
        pack_record(CameraCrossing(now_ms + n, "cam-a", "gate", direction, n, 0.8, 5))  # type: ignore[arg-type]
        for n, direction in enumerate(directions)
    ]
    header = BatchHeader(box.edge, Lane.ALARM, box._epoch + 1 + now_ms, 1, 1, len(records), now_ms)
    item = Relayed(site_world.WARD, box.edge, Lane.ALARM, now_ms, seal_batch(header, records, box.keys.up))
    topic = site_world.Upstream(site_world.partition_of(box.edge), site_world.GATEWAY)
    assert box.deliver(topic, encode_relay(Relay(site_world.GATEWAY, now_ms, (item,))))


async def test_cameras_count_on_from_the_last_head_count(world: Any):
    bao = await viewer(world, "bao")
    board = await world.sites.board(bao, SITE)
    assert (board.site.roster, board.counted) == (2, None)
    await world.sites.count(bao, SITE, 2, key="k")
    cross(world, "out", "out", "in")

    async def passed() -> bool:
        board = await world.sites.board(bao, SITE)
        return (board.entries, board.exits, board.counted) == (1, 2, 1)

    await until(passed)
    board = await world.sites.board(bao, SITE)
    assert [one.direction for one in board.passings] == ["in", "out", "out"]
    assert board.passings[0].camera == "Cổng A"


async def test_a_bed_has_one_person_and_a_person_one_bed(world: Any):
    bao = await viewer(world, "bao")
    assert await world.sites.save_plan(bao, SITE, PLAN, after=0, key="p") == 1
    await world.sites.assign_bed(bao, SITE, "p-ba", "b1", key="1")
    with pytest.raises(Refused, match="b1"):
        await world.sites.assign_bed(bao, SITE, "p-cam", "b1", key="2")
    await world.sites.assign_bed(bao, SITE, "p-ba", "b2", key="3")
    await world.sites.assign_bed(bao, SITE, "p-cam", "b1", key="4")
    assert {one.person: one.bed for one in await world.sites.residents(bao, SITE)} == {"p-ba": "b2", "p-cam": "b1"}
    for person, bed in (("p-an", "b1"), ("p-xa", "b1"), ("p-ba", "b9")):  # at home, another ward's, no such bed
        with pytest.raises(NotFound):
            await world.sites.assign_bed(bao, SITE, person, bed, key=f"5{person}{bed}")
    with pytest.raises(PlanRefused, match="bed_taken"):
        await world.sites.save_plan(bao, SITE, [], after=1, key="q")
    with pytest.raises(PlanChanged):
        await world.sites.save_plan(bao, SITE, PLAN, after=0, key="r")


async def test_a_drawing_goes_to_its_box_again_after_a_restart_that_lost_it(world: Any):
    bao, box = await viewer(world, "bao"), world.boxes["site-001"]
    zone = Zone("yard", "forbidden", ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)))
    assert await world.sites.save_drawing(bao, "site-001", "cam-a", [DOOR], [zone], after=0, key="k") == 1
    await until(lambda: box.zones and box.zones.version == 1)
    assert (box.zones.doors, box.zones.zones) == ((DOOR,), (zone,))
    await until(lambda: _in_use(world, bao, 1))
    box.zones = None  # a new disk: it says that it uses its own file
    box.beat()
    await until(lambda: box.zones and box.zones.version == 1, 80)
    with pytest.raises(DrawingChanged):
        await world.sites.save_drawing(bao, "site-001", "cam-a", [], [], after=0, key="l")
    with pytest.raises(DrawingRefused):
        await world.sites.save_drawing(bao, "site-001", "cam-a", [DOOR, DOOR], [], after=1, key="m")
    assert await world.sites.save_drawing(bao, "site-001", "cam-a", [], [], after=1, key="n") == 2
    await until(lambda: box.zones.version == 2 and box.zones.doors == ())


async def _in_use(world: Any, who: Viewer, version: int) -> bool:
    return bool((await world.sites.camera(who, "site-001", "cam-a")).in_use == version)


async def test_a_picture_is_for_those_at_the_gate_and_only_the_one_that_was_asked_for(world: Any):
    bao, tinh, box = await viewer(world, "bao"), await viewer(world, "tinh"), world.boxes["site-001"]
    with pytest.raises(NotFound):
        await world.sites.ask_still(tinh, "site-001", "cam-a", key="k")
    await world.sites.ask_still(bao, "site-001", "cam-a", key="k")
    await until(lambda: box.stills)
    unasked = site_world.still_of(box, b"\xff\xd8unasked")
    box.say(Lane.STATE, type(unasked)(unasked.at_ms, "cam-a", "another", "", 6, 4, b"\xff\xd8unasked"))
    box.say(Lane.STATE, site_world.still_of(box, b"\xff\xd8asked"))
    await until(lambda: _here(world, bao))
    assert await world.sites.still(bao, "site-001", "cam-a") == b"\xff\xd8asked"
    assert (await world.sites.camera(tinh, "site-001", "cam-a")).still.state == "role"
    with pytest.raises(NotFound):
        await world.sites.still(tinh, "site-001", "cam-a")
    day_ago = site_world.to_ms(site_world.SystemClock().now()) - 25 * 3_600_000
    await world.grounds.run(
        lambda tx: tx.store.connection.execute("UPDATE camera_stills SET asked_ms = ?", (day_ago,)).rowcount
    )
    with pytest.raises(NotFound):
        await world.sites.still(bao, "site-001", "cam-a")


async def _here(world: Any, who: Viewer) -> bool:
    return bool((await world.sites.camera(who, "site-001", "cam-a")).still.state == "here")


async def test_a_screen_is_let_in_until_it_is_taken_down_or_its_officer_is_gone(world: Any):
    bao = await viewer(world, "bao")
    secrets = [await world.sites.hang_wall(bao, SITE, name) for name in ("gate", "hall")]
    screen, board = await world.sites.wall(secrets[0])
    assert (screen.label, board.site.id) == ("gate", SITE)
    assert "Trần" not in repr(board)
    first, second = await world.sites.walls(bao, SITE)
    await world.sites.take_down_wall(bao, SITE, first.id, key="k")
    with pytest.raises(NotFound):
        await world.sites.wall(secrets[0])
    await world.sites.wall(secrets[1])
    with pytest.raises(NotFound):
        await world.sites.take_down_wall(await viewer(world, "xuan"), SITE, second.id, key="l")
    await world.grounds.run(
        lambda tx: tx.store.connection.execute("UPDATE officers SET disabled_ms = 1 WHERE login = 'bao'").rowcount
    )
    for secret in (secrets[1], "", "nonsense"):
        with pytest.raises(NotFound):
            await world.sites.wall(secret)


async def test_a_site_of_another_ward_and_one_that_is_not_there_look_alike(world: Any):
    xuan = await viewer(world, "xuan")
    assert await world.sites.sites(xuan) == []
    for site in (SITE, "s-0000000000"):
        for ask in (world.sites.board, world.sites.residents, world.sites.walls):
            with pytest.raises(NotFound):
                await ask(xuan, site)
    for camera in ("cam-a", "cam-z"):
        with pytest.raises(NotFound):
            await world.sites.camera(xuan, "site-001", camera)
