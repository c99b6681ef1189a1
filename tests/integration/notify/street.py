"""A street in virtual time that speaks in real sealed frames and batches: pipeline, judge, journal, routing, channels.

What an edge says goes through the receiver that the server has; what the API would tell of a person goes into the inbox
as the API puts it there. Officers are reached over one channel that gets everything through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ancu.models.clock import to_ms
from ancu.models.frame import Reading, Status
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import EdgeHeartbeat, Fact, JournalHealth, LastHeard, RadioHealth, Unseen
from ancu.models.wire import Heard as HeardFrame
from ancu.server.bench.fleet import FINE, Home, fleet, register_of, relay_of
from ancu.server.cases.inputs import PersonInput, Tick
from ancu.server.cases.policy import Policy
from ancu.server.ingest.pipeline import read_relay
from ancu.server.ingest.rows import note_row
from ancu.server.notify.engine import Plan
from ancu.server.notify.rehearsal import Rehearsal
from ancu.server.people.records import CameraRecord, Snapshot
from ancu.server.policies import load_policy
from ancu.server.ports import Role

MORNING = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # 07:00 in Ho Chi Minh City
WORN = replace(FINE, status=Status.SKIN | Status.MOTION)
BEAT_S = 10
UNSEEN_S = 20  # after so long an edge has restarted its scan, and says so


@dataclass
class Life:
    """What a home does at each beat."""

    reading: Reading | None = WORN  # None: the band is out of reach
    alive: bool = True  # the box
    testifies: bool = True
    near: bool | None = None  # what the box makes of how loud the band is
    last_ms: int = 0
    testified: bool = False


class Street(Rehearsal):
    """Homes behind one gateway, and an officer of each role."""

    def __init__(
        self, folder: Path, homes: int = 4, at: datetime = MORNING, policy: Policy | None = None, **plan: Any
    ) -> None:
        super().__init__(folder, Plan(("sms",), **plan), at, policy or load_policy("default"))
        self.homes = fleet(homes)
        self.lives = [Life() for _ in self.homes]
        self.began = at
        self.add_ward("ward-000")
        for officer, role, wards in (
            ("police", Role.OFFICER, ["ward-000"]),
            ("site", Role.SITE, ["ward-000"]),
            ("health", Role.HEALTH, ["ward-000"]),
            ("operator", Role.OPERATOR, []),
            ("province", Role.PROVINCE, []),
        ):
            self.add_officer(officer, role, wards, ["sms"])
        self.seat()

    def seat(self, **orders: Any) -> None:
        """Seat everyone; `orders`: changes of the first home's order."""
        register: Snapshot = register_of(self.homes, now=self.began)
        home = self.homes[0]
        order = home.bands[0].order
        cameras = {(home.edge, "gate"): CameraRecord(home.edge, "gate", "Cổng", "main", revoked=False)}
        changed = {**register.orders, order: replace(register.orders[order], **orders)}
        self.enrol(replace(register, cameras=cameras, orders=changed))

    @property
    def home(self) -> Home:
        return self.homes[0]

    @property
    def life(self) -> Life:
        return self.lives[0]

    @property
    def person(self) -> str:
        return self.home.bands[0].person

    @property
    def now_ms(self) -> int:
        return to_ms(self.at)

    # --- what is said ------------------------------------------------------------------------------------------------

    def say(self, home: Home, *records: HeardFrame | Fact, lane: Lane = Lane.STATE) -> tuple[Upstream, bytes]:
        """A batch through the gateway; returns what it published."""
        topic, body = relay_of([home.batch(records, lane=lane, sent_ms=self.now_ms)], home.gateway, self.now_ms)
        self.relay(topic, body)
        return topic, body

    def relay(self, topic: Upstream, body: bytes) -> None:
        """What a gateway publishes."""
        taken, records = self.memory.take(topic, body, read_relay(topic, body), self.now_ms)
        self.store.add_rows(taken.rows)
        self.write(records)

    def frame(self, reading: Reading = WORN, *, ago_s: float = 0, **how: Any) -> None:
        """One frame of the first home's band, urgent, as it was heard some time ago."""
        heard = self.home.bands[0].heard(self.now_ms - int(ago_s * 1000), reading, urgent=True, **how)
        self.say(self.home, heard, lane=Lane.ALARM)
        self.carry()

    def state(self, fact: Fact, *, lane: Lane = Lane.ALARM) -> None:
        """A fact of the first home's box."""
        self.say(self.home, fact, lane=lane)
        self.carry()

    def told(self, told: PersonInput) -> None:
        """What the API tells of a person."""
        row = note_row(told, "ward-000", self.now_ms)
        self.store.add_rows([row])
        self.write(self.memory.take_note(row))
        self.carry()

    # --- time --------------------------------------------------------------------------------------------------------

    def live(self, seconds: float) -> None:
        """Let everyone live on."""
        end = self.at + timedelta(seconds=seconds)
        while self.at < end:
            self.at += timedelta(seconds=BEAT_S)
            for home, life in zip(self.homes, self.lives, strict=True):
                if life.alive:
                    self._beat(home, life)
            self.tell(Tick(self.at))
            self.carry()

    def _beat(self, home: Home, life: Life) -> None:
        band = home.bands[0]
        beat = EdgeHeartbeat(
            at_ms=self.now_ms,
            period_s=BEAT_S,
            uptime_s=3600,
            mains=True,
            clock_synced=True,
            radio=RadioHealth(True, 100, 0),
            journal=JournalHealth(0, 0, 0, 0),
            bands=(LastHeard(band.number, life.last_ms or None, life.near),),
            version="1",
        )
        if life.reading is not None:
            life.last_ms, life.testified = self.now_ms, False
            self.say(home, band.heard(self.now_ms, life.reading), beat)
            return
        self.say(home, beat)
        silent = life.testifies and not life.testified and life.last_ms
        if silent and self.now_ms - life.last_ms >= UNSEEN_S * 1000:
            life.testified = True
            self.say(home, Unseen(self.now_ms, band.number, life.last_ms, 1), lane=Lane.ALARM)

    # --- what came of it ---------------------------------------------------------------------------------------------

    def listed(self) -> dict[str, str]:
        """Kinds on the work list, with their severities."""
        return {row["kind"]: row["severity"] for row in self.db.execute("SELECT kind, severity FROM alerts")}

    def who_heard(self, kind: str) -> set[str]:
        """Officers whose telephones named a kind."""
        return {one.officer for one in self.heard if any(item.kind == kind for item in one.due.message.items)}


def cool(reading: Reading) -> Reading:
    """As cold as a room."""
    return replace(reading, skin_deci_c=240)
