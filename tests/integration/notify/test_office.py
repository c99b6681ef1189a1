"""Handovers and subscriptions through the core, as pages will ask for them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ancu.models.clock import SystemClock
from ancu.models.errors import AncuError, UsageError
from ancu.server.adapters.notify_webpush import public_text
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.alerts.alert import Acknowledge, decide
from ancu.server.bench.fleet import fleet, register_of
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Core, Transaction, verify_chain
from ancu.server.memory import Memory
from ancu.server.notify.engine import Engine, Plan
from ancu.server.notify.handover import HandoverRefused
from ancu.server.notify.office import Office
from ancu.server.notify.words import Writer
from ancu.server.policies import load_policy
from ancu.server.ports import NotFound, Role, Viewer
from ancu.server.projection import alert_of, events_of, project, record_of
from ancu.server.seating import Bench

KEY = b"k" * 32
CLOCK = SystemClock()
LAN = Viewer("lan", Role.OFFICER, frozenset({"ward-000"}))
MINH = Viewer("minh", Role.OFFICER, frozenset({"ward-000"}))
AN = Viewer("an", Role.OFFICER, frozenset({"ward-001"}))


class House:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "ancu.db"
        self.home = fleet(1)[0]
        register = register_of([self.home])
        self.core = Core(
            open_store=lambda: Store(self.open(), KEY),
            roster=lambda store, held: None if held == register.version else register,
            project=project,
            memory=Memory(Bench(load_policy("default"))),
            clock=CLOCK,
            told=lambda told: None,
            listening=lambda: False,
        )
        self.engine = Engine(Plan(()), Writer(), lambda: 0.5)
        self.office = Office(self.path, self.core, ["127.0.0.1"], "key")
        db = self.open()
        for ward in ("ward-000", "ward-001"):
            db.execute("INSERT INTO wards VALUES (?, ?, 'Tỉnh')", (ward, ward))
        for viewer in (LAN, MINH, AN):
            db.execute(
                "INSERT INTO officers (id, login, name, role, password_hash, created_ms)"
                " VALUES (?1, ?1, ?1, 'officer', '', 0)",
                (viewer.id,),
            )
            db.execute("INSERT INTO officer_wards VALUES (?, ?)", (viewer.id, min(viewer.wards)))
        db.close()
        self.core.start()
        assert self.core.wait_ready(5)

    def open(self):
        connection = connect(self.path)
        migrate(connection)
        return connection

    def call_for_help(self, owner: str) -> str:
        """An alert that an officer took."""

        def tap(tx: Transaction) -> str:
            records = tx.memory.feed(SosTapped(CLOCK.now(), self.home.bands[0].person))
            tx.records += records
            return records[0].subject

        alert = self.core.command(tap).result(5)

        def take(tx: Transaction) -> None:
            for event in decide(alert_of(events_of(tx.store, alert)), Acknowledge(owner), CLOCK.now()):
                tx.memory.judging.evolve(record_of(event))
                tx.records.append(record_of(event))

        self.core.command(take).result(5)
        return alert

    def owner_of(self, alert: str) -> str:
        self.core.command(self.engine.step).result(5)
        connection = connect(self.path, read_only=True)
        try:
            return connection.execute("SELECT acknowledged_by FROM alerts WHERE id = ?", (alert,)).fetchone()[0]
        finally:
            connection.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    house.core.stop()


async def test_what_both_signed_changes_hands_and_the_journal_holds_it(house: House):
    alert = house.call_for_help("lan")
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh")
    assert [item.alert for item in drawn.items] == [alert]
    await house.office.sign_handover(LAN, drawn.id, drawn.hash)
    assert house.owner_of(alert) == "lan"
    whole = await house.office.sign_handover(MINH, drawn.id, drawn.hash)
    assert whole.is_whole
    assert house.owner_of(alert) == "minh"
    assert [held.id for held in await house.office.handovers(MINH)] == [drawn.id]
    connection = connect(house.path, read_only=True)
    assert verify_chain(connection, KEY).broken_at is None
    streams = [row["stream"] for row in connection.execute("SELECT stream FROM journal")]
    assert streams.count("handover") == 3
    connection.close()


async def test_a_list_is_signed_once_by_each_and_as_it_was_read(house: House):
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh")
    with pytest.raises(HandoverRefused):
        await house.office.sign_handover(MINH, drawn.id, "0" * 64)
    await house.office.sign_handover(MINH, drawn.id, drawn.hash)
    with pytest.raises(HandoverRefused):
        await house.office.sign_handover(MINH, drawn.id, drawn.hash)


async def test_a_list_is_frozen_though_more_happens(house: House):
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh")
    house.call_for_help("lan")
    assert (await house.office.handover(MINH, drawn.id)).items == ()


async def test_other_wards_and_other_officers_see_and_sign_nothing(house: House):
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh")
    with pytest.raises(NotFound):
        await house.office.sign_handover(AN, drawn.id, drawn.hash)
    with pytest.raises(NotFound):
        await house.office.handover(AN, drawn.id)
    with pytest.raises(NotFound):
        await house.office.draw_handover(AN, "ward-000", "minh")
    with pytest.raises(NotFound):
        await house.office.draw_handover(LAN, "ward-000", "an")
    with pytest.raises(AncuError):
        await house.office.draw_handover(LAN, "ward-000", "lan")
    assert await house.office.handovers(AN) == []


async def test_a_browser_subscribes_and_old_ones_make_room(house: House):
    public = public_text(ec.generate_private_key(ec.SECP256R1()))
    for number in range(10):
        keys = {"p256dh": public, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
        await house.office.subscribe(LAN, json.dumps({"endpoint": f"https://127.0.0.1/{number}", "keys": keys}))
    connection = connect(house.path, read_only=True)
    ways = [row["address"] for row in connection.execute("SELECT address FROM contact_points ORDER BY rowid")]
    connection.close()
    assert len(ways) == 8
    assert "https://127.0.0.1/9" in ways[-1]
    await house.office.unsubscribe(LAN, ways[-1])
    with pytest.raises(UsageError):
        await house.office.subscribe(LAN, json.dumps({"endpoint": "https://10.0.0.1/", "keys": keys}))
