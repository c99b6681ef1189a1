"""The fleet over the real register and real boxes: who sees what, what a swap changes, what is shut out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ancu.models.ids import BandNumber
from ancu.server.people.devices import Devices
from ancu.server.people.ledger import Ledger
from ancu.server.ports import NotFound, Viewer
from ancu.server.ports.exchange import Refused

from . import site_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


until = site_world.until


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    world = await site_world.make_site_world(tmp_path)
    yield world
    await world.close()


async def viewer(world: Any, login: str) -> Viewer:
    found: Viewer = (await world.session(login)).session.viewer
    return found


def wanted(world: Any, edge: str) -> set[int]:
    return set(world.boxes[edge].bands)


async def test_boxes_are_told_their_bands_and_every_box_of_a_site_all_of_them(world: Any):
    await until(lambda: wanted(world, "home-001") == {1} and wanted(world, "site-001") == {2, 3})
    register = world.grounds.directory().register
    assert world.boxes["home-001"].bands[BandNumber(1)] == register.bands[BandNumber(1)].keys.identity


async def test_a_swap_gives_the_order_another_bands_keys_and_the_box_learns_it(world: Any):
    lan = await viewer(world, "lan")
    await until(lambda: wanted(world, "home-001") == {1})
    state = await world.fleet.swap(lan, "wb-00000001", "42", "battery", key="k1")
    assert (state.person, state.band, state.heard_at) == ("p-an", "wb-00000042", None)
    await until(lambda: wanted(world, "home-001") == {42})
    world.hear("home-001", 42)

    async def done() -> bool:
        state = await world.fleet.swap_state(lan, "p-an")
        return bool(state.box_knows and state.heard_at)

    await until(done)
    again = await world.fleet.swap(lan, "wb-00000001", "42", "battery", key="k1")  # the same tap twice
    assert again.band == "wb-00000042"
    detail = await world.fleet.device(await viewer(world, "tinh"), "band", "wb-00000001")
    assert detail.log[0].action == "swap_band"
    assert detail.log[0].by == lan.id
    assert detail.log[0].detail["new"] == "wb-00000042"


async def test_of_two_officers_who_swap_the_same_band_one_is_too_late(world: Any):
    lan, bao = await viewer(world, "lan"), await viewer(world, "bao")
    swaps = [
        world.fleet.swap(lan, "wb-00000001", "wb-00000042", "broken", key="a"),
        world.fleet.swap(bao, "wb-00000001", "wb-00000043", "broken", key="b"),
    ]
    results = await asyncio.gather(*swaps, return_exceptions=True)
    assert sum(isinstance(result, NotFound) for result in results) == 1


async def test_a_lost_band_is_believed_no_longer(world: Any):
    lan = await viewer(world, "lan")
    await world.fleet.swap(lan, "wb-00000001", "wb-00000042", "lost", key="k1")
    register = await until(lambda: _revoked(world))
    assert register.bands[BandNumber(1)].revoked
    with pytest.raises(Refused, match="revoked"):
        await world.fleet.spare(lan, "wb-00000001")


def _revoked(world: Any) -> Any:
    register = world.grounds.directory().register
    return register if register.bands[BandNumber(1)].revoked else None


async def test_what_is_anothers_and_what_does_not_exist_look_alike(world: Any):
    lan = await viewer(world, "lan")
    for ask in (world.fleet.worn, world.fleet.spare):
        for band in ("wb-00000009", "wb-00000077", "nonsense"):
            with pytest.raises(NotFound):
                await ask(lan, band)
    for edge in ("home-900", "home-901"):
        with pytest.raises(NotFound):
            await world.fleet.kit(lan, edge)
        with pytest.raises(NotFound):
            await world.fleet.device(lan, "edge", edge)
    with pytest.raises(Refused, match="serves"):
        await world.fleet.spare(lan, "wb-00000002")


async def test_a_kit_is_given_by_its_label(world: Any):
    lan = await viewer(world, "lan")
    kit = await world.fleet.kit(lan, "ancu:kit?edge=home-001&band=wb-00000043")
    assert (kit.edge, kit.band, kit.near) == ("home-001", "wb-00000043", ["Nguyễn Văn An · Phường Bến Nghé"])
    typed = await world.fleet.kit(lan, " HOME-001 WB-00000043 ")
    assert (typed.edge, typed.band) == (kit.edge, kit.band)
    state = await world.fleet.hand_over(lan, "p-cam", kit, key="k")
    assert (state.band, state.edge) == ("wb-00000043", state.edge)
    await until(lambda: wanted(world, "home-001") == {1, 43} and wanted(world, "site-001") == {2})


async def test_faults_come_first_and_filters_count_what_they_leave(world: Any):
    lan = await viewer(world, "lan")
    await until(lambda: wanted(world, "site-001") == {2, 3})
    world.hear("site-001", 2, battery=12, rssi=-95)
    world.hear("site-001", 3)
    await until(lambda: world.grounds.memory.latest.band(3))
    page = await world.fleet.fleet(lan)
    worst = page.rows[0]
    assert worst.device.id == "wb-00000002"
    assert set(worst.faults) == {"battery_low", "link_weak"}
    assert worst.label == "Trần Văn Ba · Phường Bến Nghé"
    assert not any(row.device.id in ("wb-00000009", "home-900") for row in page.rows)
    only = await world.fleet.fleet(lan, kind="band", fault="link_weak")
    assert [row.device.id for row in only.rows] == ["wb-00000002"]
    assert only.faults["battery_low"] == 1
    by_battery = await world.fleet.fleet(lan, kind="band", sort="battery")
    assert [row.device.id for row in by_battery.rows[:2]] == ["wb-00000002", "wb-00000003"]


async def test_only_the_province_shuts_a_box_out_and_the_brokers_list_follows(world: Any):
    lan, tinh = await viewer(world, "lan"), await viewer(world, "tinh")
    with pytest.raises(NotFound):
        await world.fleet.revoke(lan, "edge", "home-001", "why", key="k")
    await world.fleet.revoke(tinh, "edge", "home-001", "stolen", key="k")
    assert (world.data / "devices.toml").exists()

    async def gone() -> bool:
        return (await world.fleet.device(tinh, "edge", "home-001")).row.device.state == "revoked"

    await until(gone)
    before = len(world.sent)
    await asyncio.sleep(0)
    assert not [out for out in world.sent[before:] if out.edge == "home-001"]


async def test_a_box_that_does_not_answer_is_told_again_but_not_all_the_time(world: Any):
    await until(lambda: wanted(world, "home-001") == {1})
    box, lan = world.boxes["home-001"], await viewer(world, "lan")
    box.hears = False
    before = len([out for out in world.sent if out.edge == "home-001"])
    await world.fleet.swap(lan, "wb-00000001", "wb-00000042", "strap", key="k")
    await until(lambda: len([out for out in world.sent if out.edge == "home-001"]) == before + 1)
    state = await world.fleet.swap_state(lan, "p-an")
    assert state.box_knows is False
    box.hears = True
    await until(lambda: wanted(world, "home-001") == {42}, 60)


async def test_every_change_has_its_line_in_a_log_that_is_whole(world: Any):
    lan = await viewer(world, "lan")
    await world.fleet.swap(lan, "wb-00000001", "wb-00000042", "broken", key="k")
    ledger = Ledger(site_world.connect(world.data / "ancu.db"), "test")
    assert ledger.verify() is None
    actions = [entry.action for entry in ledger.entries(limit=1000)]
    assert actions[-2:] == ["swap_band", "assign"]
    assert Devices(ledger, world.vault).identity_keys(world.boxes["home-001"].edge).keys() == {BandNumber(42)}
    ledger.connection.close()
