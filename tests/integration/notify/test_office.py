"""Handovers and subscriptions through the core, as pages will ask for them."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ancu.models.clock import SystemClock, to_ms
from ancu.models.errors import AncuError, UsageError
from ancu.models.frame import Reading, Status
from ancu.server.adapters import notify_store as rows
from ancu.server.adapters.notify_webpush import public_text
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.alerts.alert import Acknowledge
from ancu.server.alerts.events import Notified, unpack
from ancu.server.bench.fleet import fleet, register_of
from ancu.server.cases.inputs import BandHeard, SelfReported, SosTapped
from ancu.server.core import Core, Transaction, verify_chain
from ancu.server.memory import Memory
from ancu.server.notify.acting import act
from ancu.server.notify.engine import Engine, Outcome, Plan
from ancu.server.notify.handover import HandoverRefused
from ancu.server.notify.office import Office
from ancu.server.notify.port import Receipt
from ancu.server.notify.words import Writer
from ancu.server.policies import load_policy
from ancu.server.ports import NotFound, Role, Viewer
from ancu.server.projection import events_of, project
from ancu.server.seating import Bench

KEY = b"k" * 32
CLOCK = SystemClock()
LAN = Viewer("lan", Role.OFFICER, frozenset({"ward-000"}))
MINH = Viewer("minh", Role.OFFICER, frozenset({"ward-000"}))
AN = Viewer("an", Role.OFFICER, frozenset({"ward-001"}))
Y_TE = Viewer("y-te", Role.HEALTH, frozenset({"ward-000"}))
Y_TE_2 = Viewer("y-te-2", Role.HEALTH, frozenset({"ward-000"}))


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
        self.engine = Engine(Plan(("push",)), Writer(), lambda: 0.5)
        self.office = Office(self.path, self.core, CLOCK, ["127.0.0.1"], "key")
        db = self.open()
        for ward in ("ward-000", "ward-001"):
            db.execute("INSERT INTO wards VALUES (?, ?, 'Tỉnh')", (ward, ward))
        for viewer in (LAN, MINH, AN, Y_TE, Y_TE_2):
            db.execute(
                "INSERT INTO officers (id, login, name, role, password_hash, created_ms)"
                " VALUES (?1, ?1, ?1, ?2, '', 0)",
                (viewer.id, viewer.role),
            )
            db.execute("INSERT INTO officer_wards VALUES (?, ?)", (viewer.id, min(viewer.wards)))
        db.close()
        self.core.start()
        assert self.core.wait_ready(30)

    def open(self):
        connection = connect(self.path)
        migrate(connection)
        return connection

    def call_for_help(self, owner: str = "") -> str:
        """An alert, which an officer perhaps took."""

        def tap(tx: Transaction) -> str:
            records = tx.memory.feed(SosTapped(CLOCK.now(), self.home.bands[0].person))
            tx.records += records
            return records[0].subject

        alert = self.core.command(tap).result(30)

        if owner:
            self.act(alert, Acknowledge(owner))
        return alert

    def act(self, alert: str, command: Acknowledge) -> None:
        self.core.command(lambda tx: act(tx, alert, command)).result(30)

    def fever(self) -> str:
        """An alert of a person's health."""
        hot = Reading(80, False, 391, 90, 97, Status.SKIN, 0)
        now, band = CLOCK.now(), self.home.bands[0]

        def tell(tx: Transaction) -> str:
            heard = BandHeard(now, now, self.home.edge, band.number, -60, 1, hot, urgent=False, late=False)
            records = tx.memory.feed(heard)
            told = tx.memory.feed(SelfReported(now, band.person, feverish=True))
            tx.records += [*records, *told]
            return told[0].subject

        return self.core.command(tell).result(30)

    def watch(self, officer: str, start: datetime, end: datetime) -> None:
        db = self.open()
        db.execute("INSERT INTO duty_watches VALUES (?, 'shift', ?, ?)", (officer, to_ms(start), to_ms(end)))
        db.close()

    def contact(self, officer: str) -> None:
        db = self.open()
        db.execute("INSERT INTO contact_points VALUES (?, 'push', 'somewhere', 0)", (officer,))
        db.close()

    def message_to(self, officer: str) -> str:
        """The id inside the push that is due to him."""
        step = self.core.command(self.engine.step).result(30)
        db = self.open()
        (found,) = [due.id for due in step.due if rows.one_delivery(db, due.id).officer == officer]
        db.close()
        return found

    def owner_of(self, alert: str) -> str:
        self.core.command(self.engine.step).result(30)
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


def key() -> str:
    return secrets.token_hex(8)


async def test_what_both_signed_changes_hands_and_the_journal_holds_it(house: House):
    alert = house.call_for_help("lan")
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh", key=key())
    assert [item.alert for item in drawn.items] == [alert]
    assert drawn.waits_for_me
    mine = await house.office.sign_handover(LAN, drawn.id, drawn.hash, key=key())
    assert not mine.waits_for_me
    assert house.owner_of(alert) == "lan"
    whole = await house.office.sign_handover(MINH, drawn.id, drawn.hash, key=key())
    assert whole.whole
    assert house.owner_of(alert) == "minh"
    assert [held.id for held in await house.office.handovers(MINH)] == [drawn.id]
    connection = connect(house.path, read_only=True)
    assert verify_chain(connection, KEY).broken_at is None
    streams = [row["stream"] for row in connection.execute("SELECT stream FROM journal")]
    assert streams.count("handover") == 3
    connection.close()


async def test_a_list_is_signed_once_by_each_and_as_it_was_read(house: House):
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh", key=key())
    with pytest.raises(HandoverRefused):
        await house.office.sign_handover(MINH, drawn.id, "0" * 64, key=key())
    mine = key()
    await house.office.sign_handover(MINH, drawn.id, drawn.hash, key=mine)
    again = await house.office.sign_handover(MINH, drawn.id, drawn.hash, key=mine)
    assert again.taker_signed_at is not None
    with pytest.raises(HandoverRefused):
        await house.office.sign_handover(MINH, drawn.id, drawn.hash, key=key())


async def test_a_key_draws_one_list(house: House):
    mine = key()
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh", key=mine)
    assert (await house.office.draw_handover(LAN, "ward-000", "minh", key=mine)).id == drawn.id
    assert len(await house.office.handovers(LAN)) == 1


async def test_a_list_is_frozen_though_more_happens(house: House):
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh", key=key())
    house.call_for_help("lan")
    assert (await house.office.handover(MINH, drawn.id)).items == []


async def test_other_wards_and_other_officers_see_and_sign_nothing(house: House):
    drawn = await house.office.draw_handover(LAN, "ward-000", "minh", key=key())
    with pytest.raises(NotFound):
        await house.office.sign_handover(AN, drawn.id, drawn.hash, key=key())
    with pytest.raises(NotFound):
        await house.office.handover(AN, drawn.id)
    with pytest.raises(NotFound):
        await house.office.draw_handover(AN, "ward-000", "minh", key=key())
    with pytest.raises(NotFound):
        await house.office.draw_handover(LAN, "ward-000", "an", key=key())
    with pytest.raises(NotFound):
        await house.office.colleagues(AN, "ward-000")
    with pytest.raises(AncuError):
        await house.office.draw_handover(LAN, "ward-000", "lan", key=key())
    assert await house.office.handovers(AN) == []


async def test_a_health_alert_passes_between_health_workers_only(house: House):
    fever = house.fever()
    police = await house.office.draw_handover(LAN, "ward-000", "minh", key=key())
    assert police.items == []
    mixed = await house.office.draw_handover(Y_TE, "ward-000", "minh", key=key())
    assert mixed.items == []
    health = await house.office.draw_handover(Y_TE, "ward-000", "y-te-2", key=key())
    assert [item.alert for item in health.items] == [fever]
    assert (await house.office.handover(LAN, health.id)).items == []
    assert [list(held.items) for held in await house.office.handovers(LAN)] == [[], [], []]


async def test_colleagues_are_those_of_the_ward_and_the_calendar_says_who_watches(house: House):
    now = CLOCK.now()
    house.watch("minh", now - timedelta(hours=1), now + timedelta(hours=1))
    house.watch("an", now - timedelta(hours=1), now + timedelta(hours=1))
    found = {one.officer: one.watch for one in await house.office.colleagues(LAN, "ward-000")}
    assert found == {"minh": "shift", "y-te": None, "y-te-2": None}
    lines = await house.office.watches(LAN, now - timedelta(days=1), now + timedelta(days=1))
    assert [(line.officer, line.what) for line in lines] == [("minh", "shift")]
    with pytest.raises(NotFound):
        await house.office.watches(LAN, now, now + timedelta(days=1), ward="ward-001")


async def test_a_browser_subscribes_and_old_ones_make_room(house: House):
    public = public_text(ec.generate_private_key(ec.SECP256R1()))
    for number in range(10):
        keys = {"p256dh": public, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
        text = json.dumps({"endpoint": f"https://127.0.0.1/{number}", "keys": keys}, indent=number)
        await house.office.subscribe(LAN, text, key=key())
        await house.office.subscribe(LAN, text, key=key())

    def ways() -> list[str]:
        connection = connect(house.path, read_only=True)
        found = [row["address"] for row in connection.execute("SELECT address FROM contact_points ORDER BY rowid")]
        connection.close()
        return found

    assert len(ways()) == 8
    assert "https://127.0.0.1/9" in ways()[-1]
    await house.office.unsubscribe(MINH, "https://127.0.0.1/9", key=key())
    assert len(ways()) == 8
    await house.office.unsubscribe(LAN, "https://127.0.0.1/9", key=key())
    assert len(ways()) == 7
    other = json.dumps({"endpoint": "https://10.0.0.1/", "keys": keys})
    with pytest.raises(UsageError):
        await house.office.subscribe(LAN, other, key=key())


async def test_a_tap_on_a_message_takes_its_alerts_and_never_another_s(house: House):
    house.contact("minh")
    alert = house.call_for_help()
    message = house.message_to("minh")
    with pytest.raises(NotFound):
        await house.office.take(LAN, message, key=key())
    await house.office.shown(MINH, message, key=key())
    (taken,) = await house.office.take(MINH, message, key=key())
    assert (taken.alert, taken.acknowledged_by) == (alert, "minh")
    house.act(alert, Acknowledge("lan"))
    (still,) = await house.office.take(MINH, message, key=key())
    assert still.acknowledged_by == "lan"


async def test_the_journal_says_whom_a_message_reached(house: House):
    house.contact("minh")
    alert = house.call_for_help()
    message = house.message_to("minh")
    house.core.command(lambda tx: house.engine.settle(tx, [Outcome(message, Receipt())])).result(30)
    events = house.core.command(lambda tx: [event for _, event in events_of(tx.store, alert)]).result(30)
    assert [(e.channel, e.officer) for e in events if isinstance(e, Notified)] == [("push", "minh")]


def test_a_journal_from_before_reads_as_it_did():
    old = msgspec.msgpack.encode({"type": "notified", "alert": "a", "at": CLOCK.now(), "channel": "sms"})
    event = unpack(old)
    assert isinstance(event, Notified)
    assert (event.channel, event.officer) == ("sms", "")
