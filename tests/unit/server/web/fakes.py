"""A desk and accounts in memory, as honest as the real ones: wards scope every answer, keys make asking twice safe."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ancu.models.errors import AncuError
from ancu.server.ports import (
    AlertAlreadyResolved,
    AlertDetail,
    AlertRow,
    AlertState,
    CallCard,
    Change,
    Desk,
    DeviceRow,
    NotFound,
    Outcome,
    Page,
    PersonDetail,
    Point,
    Role,
    Severity,
    Signal,
    Step,
    Viewer,
)
from ancu.server.ports.citizen import Standing
from ancu.server.ports.console import (
    Condition,
    Console,
    Found,
    LoadDay,
    PolicyRow,
    Queue,
    VisitKind,
    VisitRow,
    WardRow,
    Who,
)
from ancu.server.ports.exchange import AbsenceRow, CheckinRow
from ancu.server.review.kpis import as_json, kpis
from ancu.server.web.accounts import Accounts, LockedOut, Session, SignedIn, SignInRefused

STEPS = {
    "snooze": "snoozed",
    "contact": "contacted",
    "dispatch": "dispatched",
    "release": "released",
    "wake": "woken",
}
START = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


class FakeClock:
    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class KeyConflict(AncuError):
    code = "idempotency_key_reused"


@dataclass
class Incident:
    row: AlertRow
    evidence: list[Signal] = field(default_factory=list)
    timeline: list[Step] = field(default_factory=list)
    ruled_out: list[Signal] = field(default_factory=list)
    calls: list[CallCard] = field(default_factory=list)
    last_known: dict[str, Any] = field(default_factory=dict)


class FakeDesk(Console, Desk):
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.incidents: dict[str, Incident] = {}
        self.persons: dict[str, PersonDetail] = {}
        self.points: dict[str, list[Point]] = {}
        self.rows_of_devices: list[DeviceRow] = []
        self.ready: dict[str, Any] = {"ready": True, "reason": None, "counters": {"readings_total": 3}}
        self.journal: list[Change] = []
        self.keys: dict[str, tuple[object, str]] = {}
        self.grown = asyncio.Event()
        self.kept: list[VisitRow] = []
        self.away: list[AbsenceRow] = []
        self.asked: list[CheckinRow] = []
        self.rehearsed: list[tuple[str, str, dict[str, int], int]] = []

    # What a test does to the world

    def raise_alert(
        self,
        kind: str = "out_of_range",
        severity: Severity = Severity.HIGH,
        *,
        ward: str = "ben-nghe",
        person: str | None = "p-an",
        label: str = "Nguyễn Văn An · Phường Bến Nghé",
        why: Signal | None = None,
        subject: str | None = None,
        ago: float = 0.0,
    ) -> AlertRow:
        at = self.clock.now() - timedelta(seconds=ago)
        values = {
            "edge": "edge-01",
            "last_heard_at": at - timedelta(seconds=95),
            "unheard_s": 95,
            "band": "wb-00000001",
        }
        why = why or Signal("unseen_rescanned", at, values)
        id_ = "a-" + hashlib.sha256(f"{kind}{person}{subject}{at}{len(self.incidents)}".encode()).hexdigest()[:16]
        row = AlertRow(
            id=id_,
            kind=kind,
            severity=severity,
            state=AlertState.OPEN,
            ward=ward,
            subject=subject or person or "edge-01",
            subject_label=label,
            person=person,
            opened_at=at,
            updated_at=at,
            ended_at=None,
            acknowledged_by=None,
            outcome=None,
            policy="demo@1",
            why=why,
            position=0,
        )
        step = Step(len(self.journal) + 1, at, "raised", None, {"kind": kind, "severity": severity.value})
        calls = [
            CallCard("Nguyễn Văn An", "0901 234 567", "self"),
            CallCard("Trần Thị Bình", "0912 345 678", "guardian"),
        ]
        known = {
            "presence": "away",
            "last_heard_at": at - timedelta(seconds=95),
            "battery_percent": 71,
            "edge": "edge-01",
        }
        self.incidents[id_] = Incident(
            row, [why], [step], [Signal("battery_fine", at, {"battery_percent": 71})], calls, known
        )
        return self._put(self.incidents[id_], row)

    # The port

    async def alerts(
        self,
        viewer: Viewer,
        *,
        states: frozenset[AlertState] | None = None,
        kinds: frozenset[str] | None = None,
        severities: frozenset[Severity] | None = None,
        ward: str | None = None,
        person: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AlertRow]:
        rows = [
            row
            for row in sorted((i.row for i in self.incidents.values()), key=lambda r: -r.position)
            if self._may(viewer, row.ward, row.person)
            and (states is None or row.state in states)
            and (kinds is None or row.kind in kinds)
            and (severities is None or row.severity in severities)
            and (ward is None or row.ward == ward)
            and (person is None or row.person == person)
        ]
        start = int((cursor or "0").partition("-")[0])
        more = f"{start + limit}-x" if start + limit < len(rows) else None
        return Page(rows[start : start + limit], more)

    async def alert(self, viewer: Viewer, alert: str) -> AlertDetail:
        incident = self._incident(viewer, alert)
        return AlertDetail(
            incident.row,
            incident.evidence,
            incident.timeline,
            incident.ruled_out,
            incident.calls,
            incident.last_known,
            {"severity": incident.row.severity.value, "opens_after_s": 15, "next_level_min": [3, 10, 20]},
        )

    async def acknowledge(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        incident = self._incident(viewer, alert)
        if self._done_before(key, ("acknowledge", alert)):
            return incident.row
        if incident.row.state is AlertState.RESOLVED:
            raise AlertAlreadyResolved(alert, incident.row.acknowledged_by)
        self._step(incident, "acknowledged", viewer)
        row = replace(incident.row, state=AlertState.ACKNOWLEDGED, acknowledged_by=viewer.id)
        return self._put(incident, row)

    async def resolve(self, viewer: Viewer, alert: str, outcome: Outcome, *, note: str = "", key: str) -> AlertRow:
        incident = self._incident(viewer, alert)
        if self._done_before(key, ("resolve", alert, outcome, note)):
            return incident.row
        if incident.row.state is AlertState.RESOLVED:
            raise AlertAlreadyResolved(alert, incident.row.acknowledged_by)
        self._step(incident, "resolved", viewer, outcome=outcome.value, note=note)
        return self._put(incident, replace(incident.row, state=AlertState.RESOLVED, outcome=outcome))

    async def snooze(self, viewer: Viewer, alert: str, until: datetime, *, key: str) -> AlertRow:
        return self._act(viewer, alert, key, ("snooze", until), {"until_at": until}, snoozed_until=until)

    async def contact(self, viewer: Viewer, alert: str, how: str, *, key: str) -> AlertRow:
        changes = {"state": AlertState.CONTACTED, "acknowledged_by": viewer.id}
        return self._act(viewer, alert, key, ("contact", how), {"how": how}, **changes)

    async def dispatch(self, viewer: Viewer, alert: str, unit: str, *, key: str) -> AlertRow:
        changes = {"state": AlertState.DISPATCHED, "acknowledged_by": viewer.id}
        return self._act(viewer, alert, key, ("dispatch", unit), {"unit": unit}, **changes)

    async def release(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        if self._incident(viewer, alert).row.acknowledged_by != viewer.id:
            return self._incident(viewer, alert).row
        return self._act(viewer, alert, key, ("release",), {}, state=AlertState.OPEN, acknowledged_by=None)

    async def wake(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        return self._act(viewer, alert, key, ("wake",), {}, snoozed_until=self.clock.now())

    async def queue(
        self,
        viewer: Viewer,
        *,
        severities: frozenset[Severity] | None = None,
        ward: str | None = None,
        mine: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Queue:
        states = frozenset(AlertState) - {AlertState.RESOLVED}
        page = await self.alerts(viewer, states=states, severities=severities, ward=ward, limit=100_000)
        rows = [row for row in page.items if not mine or row.acknowledged_by == viewer.id]
        rows.sort(
            key=lambda r: (r.acknowledged_by is not None, list(Severity).index(r.severity), -r.opened_at.timestamp())
        )
        start = int(cursor or 0)
        more = str(start + limit) if start + limit < len(rows) else None
        waiting = sum(row.acknowledged_by is None for row in rows)
        return Queue(rows[start : start + limit], more, Counter(row.severity for row in rows), waiting)

    async def rows(self, viewer: Viewer, alerts: Sequence[str]) -> Sequence[AlertRow]:
        found = [self.incidents[alert].row for alert in alerts if alert in self.incidents]
        return [row for row in found if self._may(viewer, row.ward, row.person)]

    async def visits(self, viewer: Viewer, person: str, *, limit: int = 50) -> Sequence[VisitRow]:
        return [visit for visit in reversed(self.kept) if visit.person == person][:limit]

    async def add_visit(
        self,
        viewer: Viewer,
        person: str,
        kind: VisitKind,
        at: datetime,
        *,
        met: bool | None,
        condition: Condition,
        note: str,
        key: str,
    ) -> None:
        await self.person(viewer, person)
        if not self._done_before(key, ("visit", person)):
            told = self.clock.now()
            self.kept.append(VisitRow(f"v-{len(self.kept)}", person, kind, at, told, viewer.id, met, condition, note))

    async def find(self, viewer: Viewer, text: str, *, limit: int = 20) -> Found:
        people = [who for ward in ("ben-nghe", "da-kao") for who in self._whos(viewer, ward)]
        rows = [i.row for i in self.incidents.values() if text in i.row.id and self._may(viewer, i.row.ward, None)]
        devices = [row for row in self.rows_of_devices if text in row.id and self._may(viewer, row.ward, None)]
        return Found([who for who in people if text.casefold() in who.label.casefold()][:limit], rows, devices)

    async def wards(self, viewer: Viewer) -> Sequence[WardRow]:
        found = []
        for ward, name in (("ben-nghe", "Phường Bến Nghé"), ("da-kao", "Phường Đa Kao")):
            if self._may(viewer, ward, None):
                rows = [i.row for i in self.incidents.values() if i.row.ward == ward and i.row.state != "resolved"]
                waits = [row for row in rows if row.acknowledged_by is None]
                oldest = min((row.opened_at for row in waits), default=None)
                people = self._whos(viewer, ward)
                presence = Counter(who.presence for who in people)
                found.append(
                    WardRow(
                        ward, name, len(people), presence, Counter(r.severity for r in rows), len(waits),
                        sum(row.level > 0 for row in waits), oldest, 1, "demo@1",
                    )
                )  # fmt: skip
        return found

    async def whereabouts(self, viewer: Viewer, ward: str) -> Sequence[Who]:
        if not self._may(viewer, ward, None) or ward not in {"ben-nghe", "da-kao"}:
            raise NotFound
        return self._whos(viewer, ward)

    async def load(self, viewer: Viewer, days: int) -> Sequence[LoadDay]:
        today = self.clock.now().date()
        return [LoadDay(today + timedelta(days=n), max(0, 3 - n // 3), int(n % 3 == 2)) for n in range(days)]

    async def policies(self, viewer: Viewer) -> Sequence[PolicyRow]:
        rules = {"out_of_range": {"opens_after_s": 90, "agreed_opens_after_s": 30}, "sos": {"opens_after_s": 0}}
        return [PolicyRow("demo@1", "Thử", "Trần", self.clock.now().date(), ["Phường Bến Nghé"], rules)]

    async def rehearse(
        self, viewer: Viewer, policy: str, kind: str, changes: Mapping[str, int], days: int
    ) -> Mapping[str, Any]:
        self.rehearsed.append((policy, kind, dict(changes), days))
        gone = {
            "kind": kind, "severity": "H", "ward": "ben-nghe", "subject": "p-an", "pages": 1, "outcome": "radio_shadow",
            "opened_at": self.clock.now().isoformat(), "since": self.clock.now().isoformat(),
        }  # fmt: skip
        return {
            "days": float(days), "inputs": 1000, "took_s": 0.4, "alerts_old": 9, "alerts_new": 8, "pages_old": 4,
            "pages_new": 3, "same": 8, "appear": [], "vanish": [gone], "move": [], "new": ["demo@1-draft"],
            "old": ["demo@1"], "as_recorded": {"same": 9, "differ": 0},
        }  # fmt: skip

    async def absences(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[AbsenceRow]:
        return Page([row for row in self.away if row.person == person][:limit], None)

    async def checkins(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[CheckinRow]:
        return Page([row for row in self.asked if row.person == person][:limit], None)

    async def kpis(
        self, viewer: Viewer, *, start: datetime, end: datetime, ward: str | None = None
    ) -> Mapping[str, Any]:
        return as_json(kpis([], [], start, end, ward=ward))

    async def changes(self, viewer: Viewer, after: int | None) -> AsyncIterator[Change]:
        position = len(self.journal) if after is None else after
        while True:
            for change in self.journal[position:]:
                position = change.position
                if self._may(viewer, change.row.ward, change.row.person):
                    yield change
            self.grown.clear()
            await self.grown.wait()

    async def position(self) -> int:
        return len(self.journal)

    async def person(self, viewer: Viewer, person: str) -> PersonDetail:
        detail = self.persons.get(person)
        if detail is None or not self._may(viewer, detail.ward, detail.id):
            raise NotFound
        rows = [i.row for i in self.incidents.values() if i.row.person == person]
        return replace(detail, alerts=sorted(rows, key=lambda row: -row.position))

    async def people(self, viewer: Viewer, *, limit: int = 100, cursor: str | None = None) -> Page[PersonDetail]:
        return Page([p for p in self.persons.values() if self._may(viewer, p.ward, p.id)][:limit], None)

    async def readings(
        self, viewer: Viewer, band: str, start: datetime, end: datetime, every_s: int
    ) -> Sequence[Point]:
        owner = next((p for p in self.persons.values() if p.band == band), None)
        if owner is None or not self._may(viewer, owner.ward, owner.id):
            raise NotFound
        return [point for point in self.points.get(band, []) if start <= point.at < end and point.heard]

    async def devices(
        self, viewer: Viewer, *, kind: str | None = None, limit: int = 200, cursor: str | None = None
    ) -> Page[DeviceRow]:
        rows = [row for row in self.rows_of_devices if self._may(viewer, row.ward, None) and kind in (None, row.kind)]
        return Page(rows[:limit], None)

    async def sos(self, viewer: Viewer, *, key: str) -> AlertRow:
        assert viewer.person is not None
        if before := self.keys.get(key):
            return self.incidents[before[1]].row
        detail = self.persons[viewer.person]
        why = Signal("sos_page", self.clock.now(), {})
        row = self.raise_alert(
            "sos", Severity.CRITICAL, ward=detail.ward, person=detail.id, label=detail.label, why=why
        )
        self.keys[key] = ("sos", row.id)
        return row

    async def standing(self, viewer: Viewer) -> Standing:
        assert viewer.person in self.persons
        return Standing("close_contact", None, None, None, [], [], [], [])

    async def health(self) -> Mapping[str, Any]:
        return self.ready

    def _may(self, viewer: Viewer, ward: str, person: str | None) -> bool:
        if viewer.role is Role.CITIZEN:
            return person is not None and person == viewer.person
        return viewer.wards is None or ward in viewer.wards

    def _incident(self, viewer: Viewer, alert: str) -> Incident:
        incident = self.incidents.get(alert)
        if incident is None or not self._may(viewer, incident.row.ward, incident.row.person):
            raise NotFound
        return incident

    def _act(
        self, viewer: Viewer, alert: str, key: str, what: tuple[object, ...], said: dict[str, Any], **changes: Any
    ) -> AlertRow:
        incident = self._incident(viewer, alert)
        if self._done_before(key, (*what, alert)):
            return incident.row
        if incident.row.state is AlertState.RESOLVED:
            raise AlertAlreadyResolved(alert, incident.row.acknowledged_by)
        codes = {
            "snooze": "snoozed",
            "contact": "contacted",
            "dispatch": "dispatched",
            "release": "released",
            "wake": "woken",
        }
        self._step(incident, codes[str(what[0])], viewer, **said)
        return self._put(incident, replace(incident.row, **changes))

    def _whos(self, viewer: Viewer, ward: str) -> list[Who]:
        people = [p for p in self.persons.values() if p.ward == ward and self._may(viewer, ward, p.id)]
        return [Who(p.id, p.label, p.ward, p.presence, p.edge) for p in people]

    def _done_before(self, key: str, what: object) -> bool:
        before = self.keys.setdefault(key, (what, ""))
        if before[0] != what:
            raise KeyConflict
        return before[0] is not what

    def _step(self, incident: Incident, code: str, viewer: Viewer, **values: Any) -> None:
        incident.timeline.append(Step(len(self.journal) + 1, self.clock.now(), code, viewer.id, values))

    def _put(self, incident: Incident, row: AlertRow) -> AlertRow:
        incident.row = replace(row, updated_at=self.clock.now(), position=len(self.journal) + 1)
        self.journal.append(Change(incident.row.position, incident.row))
        self.grown.set()
        return incident.row


class FakeAccounts(Accounts):
    """Officers by login with their viewer; a password is the login backwards, a code is the person's id backwards."""

    def __init__(self) -> None:
        self.officers: dict[str, tuple[Viewer, str]] = {
            "lan": (Viewer("u-lan", Role.OFFICER, frozenset({"ben-nghe"})), "Lê Thị Lan"),
            "minh": (Viewer("u-minh", Role.OFFICER, frozenset({"da-kao"})), "Phạm Minh"),
            "tinh": (Viewer("u-tinh", Role.PROVINCE, None), "Trực ban tỉnh"),
        }
        self.citizens = {"p-an": "ben-nghe", "p-hoa": "ben-nghe", "p-xa": "da-kao"}
        self.sessions: dict[str, Session] = {}
        self.touched: list[str] = []
        self.failures: dict[str, int] = {}

    async def sign_in(
        self, login: str, password: str, address: str, *, at: datetime, device: str | None = None
    ) -> SignedIn:
        if self.failures.get(login, 0) >= 5:
            raise LockedOut(1800)
        if login not in self.officers or password != login[::-1]:
            self.failures[login] = self.failures.get(login, 0) + 1
            raise SignInRefused
        viewer, name = self.officers[login]
        return self.open(viewer, name, at)

    async def enter(self, code: str, address: str, *, at: datetime) -> SignedIn:
        person = code[::-1]
        if person not in self.citizens:
            raise SignInRefused
        return self.open(Viewer(person, Role.CITIZEN, frozenset({self.citizens[person]}), person), "", at)

    def open(self, viewer: Viewer, name: str, at: datetime) -> SignedIn:
        token = f"token-{len(self.sessions)}-{viewer.id}"
        session = Session(viewer, name, f"csrf-{token}", at + timedelta(hours=12))
        self.sessions[token] = session
        return SignedIn(token, session)

    async def session(self, token: str, *, at: datetime, touch: bool) -> Session | None:
        if touch:
            self.touched.append(token)
        return self.sessions.get(token)

    async def bearer(self, token: str, *, at: datetime) -> Session | None:
        session = self.sessions.get(token)
        return replace(session, csrf="") if session else None

    async def sign_out(self, token: str) -> None:
        self.sessions.pop(token, None)

    async def names(self, ids: Collection[str]) -> Mapping[str, str]:
        return {viewer.id: name for viewer, name in self.officers.values() if viewer.id in ids}

    async def issue_code(self, person: str, *, by: str) -> str:
        return person[::-1]

    async def close(self) -> None:
        pass


def populate(desk: FakeDesk) -> None:
    """Two wards, three people, a day of readings, every kind of device."""
    now = desk.clock.now()
    for id_, name, ward, ward_name, presence in (
        ("p-an", "Nguyễn Văn An", "ben-nghe", "Phường Bến Nghé", "home"),
        ("p-hoa", "Đặng Thị Hoa", "ben-nghe", "Phường Bến Nghé", "unknown"),
        ("p-xa", "Võ Thành Xa", "da-kao", "Phường Đa Kao", "away"),
    ):
        number = len(desk.persons) + 1
        desk.persons[id_] = PersonDetail(
            id=id_,
            label=f"{name} · {ward_name}",
            ward=ward,
            address="12 Nguyễn Huệ",
            calls=[CallCard(name, "0901 234 567", "self"), CallCard("Trần Thị Bình", None, "guardian")],
            order=f"qd-000{number}",
            order_from=now - timedelta(days=9),
            order_until=now + timedelta(days=5),
            ended_at=None,
            band=f"wb-0000000{number}",
            edge=f"edge-0{number}",
            presence=presence,
            presence_since=now - timedelta(hours=3),
            last_heard_at=now - timedelta(seconds=8),
            latest={"heart_bpm": 72, "spo2_percent": 98, "skin_deci_c": 341, "battery_percent": 71, "status": ["skin"]},
            alerts=[],
        )
        desk.points[f"wb-0000000{number}"] = [_point(now, minutes) for minutes in range(24 * 60, 0, -5)]
    desk.rows_of_devices = [
        DeviceRow("wb-00000001", "band", "ben-nghe", "ok", now - timedelta(seconds=8), 71, "1.0.3", "p-an"),
        DeviceRow("wb-00000002", "band", "ben-nghe", "unknown", now - timedelta(minutes=40), 14, "1.0.3", "p-hoa"),
        DeviceRow("edge-01", "edge", "ben-nghe", "ok", now - timedelta(seconds=4), None, "0.1.0", "p-an"),
        DeviceRow("edge-02", "edge", "ben-nghe", "silent", now - timedelta(minutes=41), None, "0.1.0", "p-hoa"),
        DeviceRow("gw-ben-nghe", "gateway", "ben-nghe", "ok", now - timedelta(seconds=6), None, "0.1.0", None),
        DeviceRow("edge-01/door", "camera", "ben-nghe", "fault", now - timedelta(minutes=3), None, None, "edge-01"),
        DeviceRow("edge-03", "edge", "da-kao", "new", None, None, None, None),
    ]


def _point(now: datetime, minutes: int) -> Point:
    away = 540 < minutes < 640
    if away:
        return Point(now - timedelta(minutes=minutes), None, None, None, None, None, None, 0)
    wave = (minutes * 37 % 23) - 11
    return Point(
        now - timedelta(minutes=minutes),
        heart_bpm=74 + wave * 0.9,
        spo2_percent=97 + (wave % 3) * 0.5,
        skin_c=34.1 + wave * 0.03,
        battery_percent=100 - (1440 - minutes) * 0.02,
        rssi_dbm=-68.0 + wave * 0.4,
        worn=not 300 < minutes < 330,
        heard=30,
    )
