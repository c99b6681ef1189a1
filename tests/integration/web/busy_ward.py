"""A ward on a busy afternoon over the real desk: thirty people, two dozen open alerts, a day of one band's frames."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from functools import partial
from pathlib import Path

from ancu.models.clock import SystemClock, from_ms, to_ms
from ancu.models.frame import Reading, Status, frame_cipher, seal_frame
from ancu.models.ids import BandNumber
from ancu.models.topics import Lane
from ancu.models.wire import Heard
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Transaction
from ancu.server.ports.orders import NewOrder
from ancu.server.web.accounts import SignedIn

from .site_world import BOX, WARD, SiteWorld, make_site_world, until

BAND, PERSON, EVERY = 2, "p-ba", timedelta(minutes=5)
PEOPLE = 30
ALERTS = 24
_FAMILY, _GIVEN = ("Phạm", "Lý", "Hồ", "Bùi", "Đỗ", "Vũ"), ("Cúc", "Dần", "Én", "Giang", "Hà", "Khôi")


async def make_busy_ward(data: Path) -> SiteWorld:
    world = await make_site_world(data)
    lan = (await world.session("lan")).session.viewer
    now = SystemClock().now()
    people = []
    for n in range(PEOPLE):
        name = f"{_FAMILY[n % 6]} Văn {_GIVEN[n // 6 % 6]}"
        new = NewOrder(
            WARD, name, now - timedelta(days=n % 9), now + timedelta(days=3), "0901234567", f"{n + 1} Lê Lợi"
        )
        people.append((await world.desk.create_order(lan, new, key=f"o{n}")).person)
    await until(lambda: world.grounds.directory().register.bands[BandNumber(BAND)].keys)
    hear_a_day(world)
    await until(lambda: world.grounds.memory.latest.band(BandNumber(BAND)))
    for person in people[:ALERTS]:
        await until(partial(_tapped, world, person))  # a new order is known to the judge a moment later
    return world


def hear_a_day(world: SiteWorld) -> None:
    """What the band said in the last day, in one batch: late but for its last frame."""
    keys = world.grounds.directory().register.bands[BandNumber(BAND)].keys
    assert keys is not None
    now, records = SystemClock().now(), list[Heard]()
    for back in reversed(range(int(timedelta(days=1) / EVERY))):
        at, address = now - back * EVERY, bytes([0x40]) + os.urandom(5)
        reading = Reading(100 - (288 - back) // 6, False, 341 + back % 7, 68 + back % 11, 97, Status.SKIN, 0)
        body = seal_frame(reading, frame_cipher(keys.frame), address, int(at.timestamp()))
        records.append(Heard(to_ms(at), BandNumber(BAND), address, -62, 1, body))
    world.boxes[BOX].say(Lane.STATE, *records)


async def citizen_session(world: SiteWorld, person: str = PERSON) -> SignedIn:
    now = SystemClock().now()
    return await world.accounts.open_person(person, at=now, ends=now + timedelta(days=1))


async def _tapped(world: SiteWorld, person: str) -> bool:
    def tap(tx: Transaction) -> bool:
        records = tx.memory.feed(SosTapped(from_ms(tx.now_ms), person))
        tx.records += records
        return bool(records)

    return await asyncio.wrap_future(world.core.command(tap))
