"""The ward of the main jobs: a site's world with an office, passwords to type, and somebody of his own for each run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ancu.models.clock import SystemClock
from ancu.models.frame import Status
from ancu.models.ids import BandNumber, OrderId
from ancu.server.adapters.sqlite import connect
from ancu.server.notify.office import Office
from ancu.server.people.orders import NewPerson
from ancu.server.people.passwords import Passwords
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.web import office as web_office
from ancu.server.web import security as web_security

from .site_world import BOX, HOME, WARD, SiteWorld, make_site_world, until

PASSWORD = "k3v9-7hqm-x2tb"
STAFF_NAMES = {"lan": "Lê Thị Lan", "hoa": "Đặng Thu Hoa", "bao": "Phan Gia Bảo"}
FAMILIES = ("Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Mai")
GIVEN = ("Cúc", "Dần", "Én", "Giang", "Hạnh", "Khôi", "Lệ", "Mười")


@dataclass(frozen=True)
class Person:
    """Somebody under order at home, whom no other run touches."""

    id: str
    name: str
    band: int
    spare: int  # a band that nobody wears

    @property
    def phone(self) -> str:
        return f"0912 {self.band:03d} 678"

    @property
    def order(self) -> str:
        return f"o-{self.id[2:]}"


@dataclass
class Ward:
    world: SiteWorld
    url: str
    people: list[Person]

    def rows(self, query: str, *values: Any) -> list[Any]:
        connection = connect(self.world.data / DATABASE_FILE, read_only=True)
        try:
            return [tuple(row) for row in connection.execute(query, values)]
        finally:
            connection.close()

    async def cut_strap(self, who: Person) -> str:
        """The band says so, through the box: the alert's id."""
        self.world.hear(HOME, who.band, status=Status.STRAP_OPEN)
        found = await until(lambda: self.rows("SELECT id FROM alerts WHERE person = ? AND kind = 'strap_cut'", who.id))
        return str(found[0][0])

    async def kit(self, who: Person) -> tuple[str, str]:
        """What the QR code on the kit leads to, and the code that opens once."""
        (passed,) = await self.world.accounts.issue_passes([who.id], by="test")
        return f"{self.url}/k/{passed.kit}", passed.code


async def furnish(data: Path, runs: int) -> tuple[SiteWorld, list[Person]]:
    """A world with `runs` people of their own at the home."""
    world = await make_site_world(data)
    assert runs <= len(FAMILIES) * len(GIVEN)
    names = [f"{family} Thị {given}" for family in FAMILIES for given in GIVEN]
    people = [Person(f"p-run{n:02d}", names[n], 100 + n, 200 + n) for n in range(runs)]
    connection = connect(data / DATABASE_FILE)
    register = Register(connection, world.vault, actor="test")
    now = SystemClock().now()
    with register.ledger.together():
        # Somebody whom the file of orders names, and who is under order already.
        register.orders.add_person(NewPerson(WARD, "Nguyễn Văn An", "0901 234 567"), "p-known")
        register.orders.add("p-known", now, now + timedelta(days=9), edge=BOX, id_=OrderId("o-known"))
        for one in people:
            register.orders.add_person(NewPerson(WARD, one.name, one.phone, "12 Nguyễn Huệ"), one.id)
            order = OrderId(one.order)
            starts = now - timedelta(minutes=30)
            register.orders.add(one.id, starts, now + timedelta(days=12), edge=HOME, reason="close_contact", id_=order)
            for band in (one.band, one.spare):
                register.devices.add_band(BandNumber(band))
            register.devices.assign(BandNumber(one.band), order)
    stored = Passwords().hash(PASSWORD)
    for login, name in STAFF_NAMES.items():
        connection.execute("UPDATE officers SET name = ?, password_hash = ? WHERE login = ?", (name, stored, login))
    connection.close()
    world.tasks.append(asyncio.create_task(_beating(world)))
    web_office.install(world.app, Office(data / DATABASE_FILE, world.core, SystemClock()))
    web_security.install(world.app, world.accounts)
    await until(lambda: BandNumber(people[-1].band) in world.boxes[HOME].bands)
    return world, people


async def _beating(world: SiteWorld) -> None:
    """A box that is silent is told nothing."""
    while True:
        await asyncio.sleep(5)
        for box in world.boxes.values():
            box.beat()
