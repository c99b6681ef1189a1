"""A typed client of the API. Made by make_client.py from the API's description: do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
from uuid import uuid4

import httpx


class Refused(Exception):
    """A problem, RFC 9457."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}")
        self.status, self.problem = status, problem


class Absence(TypedDict):
    person: str
    starts_at: str
    until: str
    reason: AbsenceReason
    checkpoints: NotRequired[list[str]]

AbsenceReason = Literal['test', 'hospital', 'evacuation', 'move', 'other']

class AbsenceRow(TypedDict):
    id: str
    person: str
    starts_at: str
    until: str
    reason: str
    checkpoints: list[str]
    granted_by: str
    granted_at: str
    ended_at: str | None
    state: str

class AccessRow(TypedDict):
    at: str
    viewer: str
    role: str
    what: str

class AlertDetail(TypedDict):
    row: AlertRow
    evidence: list[Signal]
    timeline: list[Step]
    ruled_out: list[Signal]
    calls: list[CallCard]
    last_known: dict[str, Any]
    thresholds: dict[str, Any]
    excuses: NotRequired[list[Signal] | None]

class AlertPage(TypedDict):
    items: list[AlertRow]
    next_cursor: str | None

class AlertRow(TypedDict):
    id: str
    kind: str
    severity: Severity
    state: AlertState
    ward: str
    subject: str
    subject_label: str
    person: str | None
    opened_at: str
    updated_at: str
    ended_at: str | None
    acknowledged_by: str | None
    outcome: Outcome | None
    policy: str
    why: Signal
    position: int
    snoozed_until: NotRequired[str | None]
    level: NotRequired[int]

AlertState = Literal['open', 'notified', 'acknowledged', 'contacted', 'dispatched', 'resolved']

class Answer(TypedDict):
    accept: bool
    reply: NotRequired[str]

AskKind = Literal['food', 'medicine', 'help', 'absence', 'dispute']

class AskRow(TypedDict):
    id: str
    person: str
    label: str
    at: str
    kind: AskKind
    about: str
    note: str
    starts_at: str | None
    until: str | None
    due_at: str
    overdue: bool
    accepted: bool | None
    reply: str
    decided_at: str | None
    decided_by: str | None

class BandGiven(TypedDict):
    person: str
    band: str
    edge: str | None
    since: str
    box_knows: bool | None
    heard_at: str | None

class BedDrawn(TypedDict):
    id: str
    name: str
    x: int
    y: int

class BedRow(TypedDict):
    bed: str
    taken: bool
    presence: str | None
    absent: bool

class BoardShown(TypedDict):
    id: str
    label: str
    ward: str
    roster: int
    presence: dict[str, int]
    absent: int
    counted: int | None
    count_at: str | None
    entries: int
    exits: int
    plan: PlanShown
    beds: list[BedRow]
    passings: list[Passing]
    cameras: list[CameraRow]
    alerts: dict[str, int]

class CallCard(TypedDict):
    name: str
    phone: str | None
    relation: str

class CameraRow(TypedDict):
    id: str
    label: str | None
    state: str
    faults: list[str]
    last_seen_at: str | None

class CameraShown(TypedDict):
    camera: CameraRow
    site: str
    version: int
    drawn_at: str | None
    drawn_by: str | None
    doors: list[DoorDrawn]
    zones: list[ZoneDrawn]
    in_use: int | None
    still: Still

class Checked(TypedDict):
    face: NotRequired[bool | None]
    place: NotRequired[bool | None]

class CheckinRow(TypedDict):
    id: str
    person: str
    asked_at: str
    state: str
    answered_at: str | None

class Colleague(TypedDict):
    officer: str
    name: str
    role: str
    watch: str | None
    absent: bool

class Colleagues(TypedDict):
    items: list[Colleague]

Condition = Literal['well', 'unwell', 'needs_help', 'unknown']

class Credentials(TypedDict):
    login: str
    password: str
    code: NotRequired[str | None]

class Decision(TypedDict):
    accept: bool

class Declaration(TypedDict):
    person: NotRequired[str | None]
    symptoms: list[Symptom]
    body_deci_c: NotRequired[int | None]

class DeclarationRow(TypedDict):
    id: str
    person: str
    at: str
    symptoms: list[str]
    body_deci_c: int | None

class DevicePage(TypedDict):
    items: list[DeviceRow]
    next_cursor: str | None

class DeviceRow(TypedDict):
    id: str
    kind: str
    ward: str
    state: str
    last_seen_at: str | None
    battery_percent: int | None
    firmware: str | None
    serves: str | None
    values: NotRequired[dict[str, Any]]

class Dispute(TypedDict):
    person: NotRequired[str | None]
    about: DisputeAbout
    note: str

DisputeAbout = Literal['order', 'alert', 'data', 'other']

class DoorDrawn(TypedDict):
    name: str
    area: list[list[Any]]
    camera_side: NotRequired[Literal['inside', 'outside']]
    inside: NotRequired[list[Any] | None]

class Draw(TypedDict):
    ward: str
    taker: str

class Drawn(TypedDict):
    after: int
    doors: list[DoorDrawn]
    zones: list[ZoneDrawn]

class Endpoint(TypedDict):
    endpoint: str

class ErasureRow(TypedDict):
    id: str
    at: str
    counts: dict[str, int]

class Gift(TypedDict):
    person: str
    label: str

class GuardianGiven(TypedDict):
    name: str
    phone: NotRequired[str | None]
    relation: NotRequired[str]

class HandoverItem(TypedDict):
    alert: str
    kind: str
    severity: str
    state: str
    opened_at: str
    owner: str | None

class HandoverRow(TypedDict):
    id: str
    ward: str
    giver: str
    giver_name: str
    taker: str
    taker_name: str
    drawn_at: str
    hash: str
    items: list[HandoverItem]
    giver_signed_at: str | None
    taker_signed_at: str | None
    whole: bool
    waits_for_me: bool

class Handovers(TypedDict):
    items: list[HandoverRow]

class HeadCount(TypedDict):
    people: int

class Items_AbsenceRow_(TypedDict):
    items: list[AbsenceRow]
    next_cursor: str | None

class Items_AskRow_(TypedDict):
    items: list[AskRow]
    next_cursor: str | None

class Items_CheckinRow_(TypedDict):
    items: list[CheckinRow]
    next_cursor: str | None

class Items_DeclarationRow_(TypedDict):
    items: list[DeclarationRow]
    next_cursor: str | None

class Items_OrderShown_(TypedDict):
    items: list[OrderShown]
    next_cursor: str | None

class Items_ResidentShown_(TypedDict):
    items: list[ResidentShown]
    next_cursor: str | None

class Items_ResultRow_(TypedDict):
    items: list[ResultRow]
    next_cursor: str | None

class Items_ScanRow_(TypedDict):
    items: list[ScanRow]
    next_cursor: str | None

class Items_SiteRow_(TypedDict):
    items: list[SiteRow]
    next_cursor: str | None

class Items_VaccinationRow_(TypedDict):
    items: list[VaccinationRow]
    next_cursor: str | None

class Me(TypedDict):
    id: str
    role: Role
    wards: list[str] | None
    order: NotRequired[MyOrder | None]
    presence: NotRequired[str | None]
    last_heard_at: NotRequired[str | None]
    latest: NotRequired[dict[str, Any] | None]

class MyOrder(TypedDict):
    id: str
    starts_at: str
    until: str
    ended_at: str | None
    days_left: int

class Nap(TypedDict):
    until: str

class Opened(TypedDict):
    token: str
    token_type: NotRequired[str]
    expires_at: str

class OrderGiven(TypedDict):
    ward: str
    name: str
    starts_at: str
    until: str
    phone: NotRequired[str | None]
    address: NotRequired[str | None]
    guardian: NotRequired[GuardianGiven | None]
    edge: NotRequired[str | None]
    reason: NotRequired[OrderReason]
    place: NotRequired[Position | None]

OrderReason = Literal['positive', 'close_contact', 'entry', 'home_quarantine']

class OrderShown(TypedDict):
    id: str
    person: str
    ward: str
    edge: str | None
    starts_at: str
    until: str
    ended_at: str | None
    reason: str
    state: str

Outcome = Literal['true_exit', 'authorised', 'band_fault', 'battery', 'radio_shadow', 'power_outage', 'gateway_fault', 'asleep', 'checkin_glitch', 'wrong_address', 'camera_error', 'medical', 'test', 'unknown']

class Passing(TypedDict):
    at: str
    camera: str
    door: str
    direction: str
    late: bool

class PlanDrawn(TypedDict):
    after: int
    rooms: list[RoomDrawn]

class PlanShown(TypedDict):
    version: int
    rooms: list[RoomDrawn]

class Point(TypedDict):
    at: str
    heart_bpm: float | None
    spo2_percent: float | None
    skin_c: float | None
    battery_percent: float | None
    rssi_dbm: float | None
    worn: bool | None
    heard: int
    late: NotRequired[int]

class Position(TypedDict):
    latitude: float
    longitude: float

class PushKey(TypedDict):
    key: str | None

class PushSubscription(TypedDict):
    endpoint: str
    keys: SubscriptionKeys
    expirationTime: NotRequired[float | None]

class Reason(TypedDict):
    reason: NotRequired[str]

class ResidentShown(TypedDict):
    person: str
    band: str | None
    bed: str | None
    presence: str
    presence_since: str | None
    absent_until: str | None
    order_until: str

class Resolution(TypedDict):
    outcome: Outcome
    note: NotRequired[str]

class Result(TypedDict):
    person: str
    result: TestResult
    taken_at: str

class ResultRow(TypedDict):
    id: str
    person: str
    order: str
    received_at: str
    taken_at: str
    result: str
    action: str
    why: str
    until: str | None
    policy: str
    accepted: bool | None
    decided_by: str | None
    decided_at: str | None

class Revocation(TypedDict):
    kind: Literal['band', 'edge', 'gateway', 'camera']
    id: str
    reason: str

Role = Literal['citizen', 'officer', 'site', 'health', 'province', 'operator']

class RoomDrawn(TypedDict):
    id: str
    name: str
    x: int
    y: int
    width: int
    height: int
    beds: NotRequired[list[BedDrawn]]

class Scan(TypedDict):
    person: str
    checkpoint: str
    at: str

class ScanRow(TypedDict):
    id: str
    person: str
    checkpoint: str
    at: str
    received_at: str

class Series(TypedDict):
    band: str
    every_s: int
    points: list[Point]

Severity = Literal['C', 'H', 'M', 'L']

class Signal(TypedDict):
    code: str
    at: str
    values: NotRequired[dict[str, Any]]
    late: NotRequired[bool]

class Signature(TypedDict):
    hash: str

class SiteRow(TypedDict):
    id: str
    label: str
    ward: str
    roster: int
    cameras: int
    cameras_ok: int

class SosRaised(TypedDict):
    alert: str
    opened_at: str
    acknowledged: bool

class Step(TypedDict):
    position: int
    at: str
    code: str
    by: NotRequired[str | None]
    values: NotRequired[dict[str, Any]]

class Still(TypedDict):
    state: str
    at: str | None
    ask: str | None

class SubscriptionKeys(TypedDict):
    p256dh: str
    auth: str

class Swap(TypedDict):
    old: str
    new: str
    reason: Literal['battery', 'broken', 'strap', 'lost']

Symptom = Literal['fever', 'cough', 'sore_throat', 'breathless', 'tired', 'no_smell', 'diarrhoea', 'chest_pain']

class TakenAlerts(TypedDict):
    items: list[ancu__server__ports__office__Taken]

TestResult = Literal['negative', 'positive', 'invalid']

class Told(TypedDict):
    alert: str
    lang: str
    sentence: str
    sections: list[ToldSection]

class ToldLine(TypedDict):
    text: str
    at: str | None
    late: bool

class ToldSection(TypedDict):
    code: str
    title: str
    lines: list[ToldLine]

class Unit(TypedDict):
    unit: Literal['ward_team', 'police', 'health', 'neighbours']

class Until(TypedDict):
    until: str

class Vaccination(TypedDict):
    person: str
    vaccine: str
    dose: int
    given_at: str

class VaccinationRow(TypedDict):
    id: str
    person: str
    given_at: str
    vaccine: str
    dose: int

class Version(TypedDict):
    version: int

class Visit(TypedDict):
    person: str
    kind: VisitKind
    at: str
    met: NotRequired[bool | None]
    condition: NotRequired[Condition]
    note: NotRequired[str]

VisitKind = Literal['visit', 'call', 'note']

class VisitRow(TypedDict):
    id: str
    person: str
    kind: VisitKind
    at: str
    told_at: str
    by: str
    met: bool | None
    condition: Condition
    note: str

class Visits(TypedDict):
    items: list[VisitRow]

class WatchRow(TypedDict):
    officer: str
    name: str
    what: str
    starts_at: str
    until: str

class Watches(TypedDict):
    items: list[WatchRow]

class Way(TypedDict):
    how: Literal['phone', 'visit', 'message']

class Whom(TypedDict):
    person: str

class Wish(TypedDict):
    person: NotRequired[str | None]
    kind: Literal['food', 'medicine', 'help', 'absence']
    note: NotRequired[str]
    reason: NotRequired[AbsenceReason]
    starts_at: NotRequired[str | None]
    until: NotRequired[str | None]

class ZoneDrawn(TypedDict):
    name: str
    watch: Literal['forbidden', 'gathering']
    area: list[list[Any]]

class ancu__server__ports__office__Taken(TypedDict):
    alert: str
    state: AlertState
    acknowledged_by: str | None

class ancu__server__web__api__exchange__Taken(TypedDict):
    id: str

class ancu__server__web__api__orders__Place(TypedDict):
    ward: str
    edge: NotRequired[str | None]
    address: NotRequired[str | None]

class ancu__server__web__api__sites__Place(TypedDict):
    person: str
    bed: NotRequired[str | None]


class Client:
    """Over an httpx client that knows the address and carries the token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _ask(self, method: str, path: str, query: dict[str, Any], body: Any, key: str | None) -> Any:
        headers = {"Accept": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid4())
        asked = {name: value for name, value in query.items() if value is not None}
        answer = await self._http.request(method, path, params=asked, json=body, headers=headers)
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.json())
        kind = answer.headers.get("content-type", "")
        return answer.json() if kind.startswith("application/json") else answer.text

    async def healthz(self) -> dict[str, str]:
        """Alive: this process answers."""
        found: dict[str, str] = await self._ask('GET', f'/healthz', {}, None, None)
        return found

    async def readyz(self) -> Any:
        """Whether the server can do its job."""
        found: Any = await self._ask('GET', f'/readyz', {}, None, None)
        return found

    async def metrics(self) -> str:
        """Prometheus's text form."""
        found: str = await self._ask('GET', f'/metrics', {}, None, None)
        return found

    async def list_alerts(self, *, state: list[AlertState] | None = None, kind: list[str] | None = None, severity: list[Severity] | None = None, ward: str | None = None, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> AlertPage:
        """Incidents of the asker's wards, worst and newest first, a page at a time."""
        found: AlertPage = await self._ask('GET', f'/api/v1/alerts', {'state': state, 'kind': kind, 'severity': severity, 'ward': ward, 'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def one_alert(self, alert: str) -> AlertDetail:
        """One incident with its evidence, thresholds and timeline."""
        found: AlertDetail = await self._ask('GET', f'/api/v1/alerts/{alert}', {}, None, None)
        return found

    async def acknowledge(self, alert: str, *, key: str | None = None) -> AlertRow:
        """Claim an incident; the same key again answers alike."""
        found: AlertRow = await self._ask('POST', f'/api/v1/alerts/{alert}:acknowledge', {}, None, key)
        return found

    async def snooze(self, alert: str, body: Nap, *, key: str | None = None) -> AlertRow:
        """Let an incident sleep; it comes back by itself, and sooner where it grows worse."""
        found: AlertRow = await self._ask('POST', f'/api/v1/alerts/{alert}:snooze', {}, body, key)
        return found

    async def wake(self, alert: str, *, key: str | None = None) -> AlertRow:
        """End its sleep now."""
        found: AlertRow = await self._ask('POST', f'/api/v1/alerts/{alert}:wake', {}, None, key)
        return found

    async def release(self, alert: str, *, key: str | None = None) -> AlertRow:
        """Give back what the asker claimed a moment ago: nobody has it again."""
        found: AlertRow = await self._ask('POST', f'/api/v1/alerts/{alert}:release', {}, None, key)
        return found

    async def contact(self, alert: str, body: Way, *, key: str | None = None) -> AlertRow:
        """Note that the person was reached, and how."""
        found: AlertRow = await self._ask('POST', f'/api/v1/alerts/{alert}:contact', {}, body, key)
        return found

    async def dispatch(self, alert: str, body: Unit, *, key: str | None = None) -> AlertRow:
        """Note that somebody was sent."""
        found: AlertRow = await self._ask('POST', f'/api/v1/alerts/{alert}:dispatch', {}, body, key)
        return found

    async def resolve(self, alert: str, body: Resolution, *, key: str | None = None) -> AlertRow:
        """Close an incident with an outcome code."""
        found: AlertRow = await self._ask('POST', f'/api/v1/alerts/{alert}:resolve', {}, body, key)
        return found

    async def readings(self, *, band: str, from_: str | None = None, to: str | None = None, every: int | None = None) -> Series:
        """Vitals and presence between two times (the last day, if not given), one point for each `every` seconds."""
        found: Series = await self._ask('GET', f'/api/v1/readings', {'band': band, 'from': from_, 'to': to, 'every': every}, None, None)
        return found

    async def devices(self, *, kind: Literal['band', 'edge', 'gateway', 'camera'] | None = None, limit: int | None = None, cursor: str | None = None) -> DevicePage:
        """Devices of the asker's wards, a page at a time."""
        found: DevicePage = await self._ask('GET', f'/api/v1/devices', {'kind': kind, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def band_given(self, person: str) -> BandGiven:
        """The band that a person was given last."""
        found: BandGiven = await self._ask('GET', f'/api/v1/devices/given/{person}', {}, None, None)
        return found

    async def swap_band(self, body: Swap, *, key: str | None = None) -> BandGiven:
        """Give a person another band: its keys follow his order. A lost one is believed no longer."""
        found: BandGiven = await self._ask('POST', f'/api/v1/devices:swap', {}, body, key)
        return found

    async def give_kit(self, body: Gift, *, key: str | None = None) -> BandGiven:
        """Give a person under order a kit: his order is served at its box, with its band."""
        found: BandGiven = await self._ask('POST', f'/api/v1/devices:give', {}, body, key)
        return found

    async def revoke(self, body: Revocation, *, key: str | None = None) -> None:
        """Shut a device out, for good."""
        await self._ask('POST', f'/api/v1/devices:revoke', {}, body, key)

    async def list_sites(self, *, limit: int | None = None, cursor: str | None = None) -> Items_SiteRow_:
        """Sites of the asker's wards."""
        found: Items_SiteRow_ = await self._ask('GET', f'/api/v1/sites', {'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def one_site(self, site: str) -> BoardShown:
        """A site as its wall shows it: counts, beds, cameras, who went through the doors."""
        found: BoardShown = await self._ask('GET', f'/api/v1/sites/{site}', {}, None, None)
        return found

    async def residents(self, site: str, *, limit: int | None = None, cursor: str | None = None) -> Items_ResidentShown_:
        """Who should be there, and where each is."""
        found: Items_ResidentShown_ = await self._ask('GET', f'/api/v1/sites/{site}/residents', {'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def draw_plan(self, site: str, body: PlanDrawn, *, key: str | None = None) -> Version:
        """Save the plan's next version. A bed that somebody has must stay."""
        found: Version = await self._ask('POST', f'/api/v1/sites/{site}:draw', {}, body, key)
        return found

    async def assign_bed(self, site: str, body: ancu__server__web__api__sites__Place, *, key: str | None = None) -> None:
        """Give somebody a free bed, or another one; one that a colleague gave away meanwhile is refused."""
        await self._ask('POST', f'/api/v1/sites/{site}:assign-bed', {}, body, key)

    async def count_heads(self, site: str, body: HeadCount, *, key: str | None = None) -> None:
        """So many were counted by hand just now; cameras count on from there."""
        await self._ask('POST', f'/api/v1/sites/{site}:count', {}, body, key)

    async def one_camera(self, edge: str, camera: str) -> CameraShown:
        """One Camera"""
        found: CameraShown = await self._ask('GET', f'/api/v1/cameras/{edge}/{camera}', {}, None, None)
        return found

    async def draw_doors(self, edge: str, camera: str, body: Drawn, *, key: str | None = None) -> Version:
        """Save the drawing's next version; it goes to the edge by itself."""
        found: Version = await self._ask('POST', f'/api/v1/cameras/{edge}/{camera}:draw', {}, body, key)
        return found

    async def ask_still(self, edge: str, camera: str, *, key: str | None = None) -> Any:
        """Ask for one picture, if the site's own settings let any leave it."""
        found: Any = await self._ask('POST', f'/api/v1/cameras/{edge}/{camera}:ask-still', {}, None, key)
        return found

    async def still(self, edge: str, camera: str) -> str:
        """The newest picture that was asked for; kept nowhere on the way."""
        found: str = await self._ask('GET', f'/api/v1/cameras/{edge}/{camera}/still', {}, None, None)
        return found

    async def me(self) -> Me:
        """Me"""
        found: Me = await self._ask('GET', f'/api/v1/me', {}, None, None)
        return found

    async def sos(self, *, key: str | None = None) -> SosRaised:
        """Ask for help at once; the same key again raises nothing new."""
        found: SosRaised = await self._ask('POST', f'/api/v1/me:sos', {}, None, key)
        return found

    async def accesses(self) -> list[AccessRow]:
        """Who looked at the asker's data, newest first; lists of many people are not counted as a look."""
        found: list[AccessRow] = await self._ask('GET', f'/api/v1/me/accesses', {}, None, None)
        return found

    async def export(self) -> dict[str, Any]:
        """Everything that is stored of the asker."""
        found: dict[str, Any] = await self._ask('GET', f'/api/v1/me/export', {}, None, None)
        return found

    async def erase(self, *, key: str | None = None) -> ErasureRow:
        """Erase what names the asker and what he told, once his order is over; the answer is the receipt."""
        found: ErasureRow = await self._ask('POST', f'/api/v1/me:erase', {}, None, key)
        return found

    async def add_scan(self, body: Scan, *, key: str | None = None) -> ancu__server__web__api__exchange__Taken:
        """A code was scanned at a checkpoint. A breach where an order is in force and no absence allows it."""
        found: ancu__server__web__api__exchange__Taken = await self._ask('POST', f'/api/v1/checkpoint-scans', {}, body, key)
        return found

    async def scans(self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_ScanRow_:
        """Scans of people who were under order, newest first."""
        found: Items_ScanRow_ = await self._ask('GET', f'/api/v1/checkpoint-scans', {'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def grant(self, body: Absence, *, key: str | None = None) -> AbsenceRow:
        """Allow a person to be away in a window; it opens and closes by itself."""
        found: AbsenceRow = await self._ask('POST', f'/api/v1/absences', {}, body, key)
        return found

    async def absences(self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_AbsenceRow_:
        """Absences"""
        found: Items_AbsenceRow_ = await self._ask('GET', f'/api/v1/absences', {'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def end_absence(self, absence: str, *, key: str | None = None) -> AbsenceRow:
        """End an absence now, or call it off before it begins."""
        found: AbsenceRow = await self._ask('POST', f'/api/v1/absences/{absence}:end', {}, None, key)
        return found

    async def ask_checkin(self, body: Whom, *, key: str | None = None) -> CheckinRow:
        """Ask a person to check in now; refused in quiet hours, during an absence, and while one waits."""
        found: CheckinRow = await self._ask('POST', f'/api/v1/checkins', {}, body, key)
        return found

    async def checkins(self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_CheckinRow_:
        """Checkins"""
        found: Items_CheckinRow_ = await self._ask('GET', f'/api/v1/checkins', {'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def answer_checkin(self, checkin: str, body: Checked, *, key: str | None = None) -> CheckinRow:
        """The person's own answer, or what a check of it said. What a person says of his own face counts for nothing."""
        found: CheckinRow = await self._ask('POST', f'/api/v1/checkins/{checkin}:answer', {}, body, key)
        return found

    async def declare(self, body: Declaration, *, key: str | None = None) -> DeclarationRow:
        """How a person feels today; the last one, to fill the form in, is the first of the list."""
        found: DeclarationRow = await self._ask('POST', f'/api/v1/declarations', {}, body, key)
        return found

    async def declarations(self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_DeclarationRow_:
        """For the health worker, the province desk and the person."""
        found: Items_DeclarationRow_ = await self._ask('GET', f'/api/v1/declarations', {'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def add_result(self, body: Result, *, key: str | None = None) -> ResultRow:
        """A result, and what it proposes for the order: nothing changes before somebody decides."""
        found: ResultRow = await self._ask('POST', f'/api/v1/test-results', {}, body, key)
        return found

    async def results(self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_ResultRow_:
        """Results"""
        found: Items_ResultRow_ = await self._ask('GET', f'/api/v1/test-results', {'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def decide(self, result: str, body: Decision, *, key: str | None = None) -> ResultRow:
        """Carry the proposal out, or turn it down."""
        found: ResultRow = await self._ask('POST', f'/api/v1/test-results/{result}:decide', {}, body, key)
        return found

    async def ask(self, body: Wish, *, key: str | None = None) -> AskRow:
        """Ask for food, medicine, help or an absence; `due_at` says until when somebody replies."""
        found: AskRow = await self._ask('POST', f'/api/v1/requests', {}, body, key)
        return found

    async def requests(self, *, open: bool | None = None, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_AskRow_:
        """Newest first."""
        found: Items_AskRow_ = await self._ask('GET', f'/api/v1/requests', {'open': open, 'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def answer(self, ask: str, body: Answer, *, key: str | None = None) -> AskRow:
        """Answer"""
        found: AskRow = await self._ask('POST', f'/api/v1/requests/{ask}:answer', {}, body, key)
        return found

    async def dispute(self, body: Dispute, *, key: str | None = None) -> AskRow:
        """Say that an order, an alert or stored data is wrong; answered within 72 hours."""
        found: AskRow = await self._ask('POST', f'/api/v1/disputes', {}, body, key)
        return found

    async def disputes(self, *, open: bool | None = None, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_AskRow_:
        """Newest first."""
        found: Items_AskRow_ = await self._ask('GET', f'/api/v1/disputes', {'open': open, 'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def reply(self, ask: str, body: Answer, *, key: str | None = None) -> AskRow:
        """Reply"""
        found: AskRow = await self._ask('POST', f'/api/v1/disputes/{ask}:reply', {}, body, key)
        return found

    async def add_vaccination(self, body: Vaccination, *, key: str | None = None) -> VaccinationRow:
        """Tell that somebody was vaccinated; the person reads it on his page."""
        found: VaccinationRow = await self._ask('POST', f'/api/v1/vaccinations', {}, body, key)
        return found

    async def vaccinations(self, *, person: str | None = None, limit: int | None = None, cursor: str | None = None) -> Items_VaccinationRow_:
        """Vaccinations"""
        found: Items_VaccinationRow_ = await self._ask('GET', f'/api/v1/vaccinations', {'person': person, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def list_orders(self, *, open: bool | None = None, limit: int | None = None, cursor: str | None = None) -> Items_OrderShown_:
        """Newest first."""
        found: Items_OrderShown_ = await self._ask('GET', f'/api/v1/orders', {'open': open, 'limit': limit, 'cursor': cursor}, None, None)
        return found

    async def create(self, body: OrderGiven, *, key: str | None = None) -> OrderShown:
        """Register a person and open his order."""
        found: OrderShown = await self._ask('POST', f'/api/v1/orders', {}, body, key)
        return found

    async def one_order(self, order: str) -> OrderShown:
        """One Order"""
        found: OrderShown = await self._ask('GET', f'/api/v1/orders/{order}', {}, None, None)
        return found

    async def extend(self, order: str, body: Until, *, key: str | None = None) -> OrderShown:
        """Move the end, later or earlier."""
        found: OrderShown = await self._ask('POST', f'/api/v1/orders/{order}:extend', {}, body, key)
        return found

    async def end(self, order: str, body: Reason, *, key: str | None = None) -> OrderShown:
        """End it now; the person's page says so at once."""
        found: OrderShown = await self._ask('POST', f'/api/v1/orders/{order}:end', {}, body, key)
        return found

    async def transfer(self, order: str, body: ancu__server__web__api__orders__Place, *, key: str | None = None) -> OrderShown:
        """To another ward, another home or both."""
        found: OrderShown = await self._ask('POST', f'/api/v1/orders/{order}:transfer', {}, body, key)
        return found

    async def visits(self, *, person: str, limit: int | None = None) -> Visits:
        """Of one person, the newest first."""
        found: Visits = await self._ask('GET', f'/api/v1/visits', {'person': person, 'limit': limit}, None, None)
        return found

    async def add_visit(self, body: Visit, *, key: str | None = None) -> None:
        """Keep what an officer saw."""
        await self._ask('POST', f'/api/v1/visits', {}, body, key)

    async def sign_in(self, body: Credentials, *, key: str | None = None) -> Opened:
        """Sign an officer in. A secret is never answered twice, so each call opens a session of its own."""
        found: Opened = await self._ask('POST', f'/api/v1/sessions', {}, body, key)
        return found

    async def sign_out(self) -> None:
        """End the bearer token's session."""
        await self._ask('DELETE', f'/api/v1/sessions', {}, None, None)

    async def figures(self, *, from_: str | None = None, to: str | None = None, ward: str | None = None) -> dict[str, Any]:
        """Figures of the asker's wards between two times (the last week, if not given); nobody is named in them."""
        found: dict[str, Any] = await self._ask('GET', f'/api/v1/kpis', {'from': from_, 'to': to, 'ward': ward}, None, None)
        return found

    async def explanation(self, alert: str, *, lang: str | None = None) -> Told:
        """One sentence and one page; the person under order reads the same, less what the law withholds."""
        found: Told = await self._ask('GET', f'/api/v1/alerts/{alert}/explanation', {'lang': lang}, None, None)
        return found

    async def shifts(self, *, ward: str | None = None, from_: str | None = None, to: str | None = None) -> Watches:
        """Shifts, on-call watches and absences that touch a time; without one, from 12 hours ago until a week ahead."""
        found: Watches = await self._ask('GET', f'/api/v1/shifts', {'ward': ward, 'from': from_, 'to': to}, None, None)
        return found

    async def colleagues(self, *, ward: str) -> Colleagues:
        """Whom a ward can be handed to, and who of them watches now."""
        found: Colleagues = await self._ask('GET', f'/api/v1/colleagues', {'ward': ward}, None, None)
        return found

    async def draw(self, body: Draw, *, key: str | None = None) -> HandoverRow:
        """Freeze a ward's open items in a list for both to sign."""
        found: HandoverRow = await self._ask('POST', f'/api/v1/handovers', {}, body, key)
        return found

    async def handovers(self) -> Handovers:
        """The newest first."""
        found: Handovers = await self._ask('GET', f'/api/v1/handovers', {}, None, None)
        return found

    async def handover(self, handover: str) -> HandoverRow:
        """Handover"""
        found: HandoverRow = await self._ask('GET', f'/api/v1/handovers/{handover}', {}, None, None)
        return found

    async def sign(self, handover: str, body: Signature, *, key: str | None = None) -> HandoverRow:
        """Sign. When both have, what the giver owned is the taker's."""
        found: HandoverRow = await self._ask('POST', f'/api/v1/handovers/{handover}:sign', {}, body, key)
        return found

    async def key_of_push(self) -> PushKey:
        """Key Of Push"""
        found: PushKey = await self._ask('GET', f'/api/v1/push/key', {}, None, None)
        return found

    async def subscribe(self, body: PushSubscription, *, key: str | None = None) -> None:
        """Keep this browser's subscription; the same one again changes nothing."""
        await self._ask('POST', f'/api/v1/push/subscriptions', {}, body, key)

    async def unsubscribe(self, body: Endpoint, *, key: str | None = None) -> None:
        """Forget a subscription of one's own; nothing where there is none."""
        await self._ask('POST', f'/api/v1/push/subscriptions:remove', {}, body, key)

    async def shown(self, message: str, *, key: str | None = None) -> None:
        """The browser showed a message: it is delivered. `message` is the `id` inside the push."""
        await self._ask('POST', f'/api/v1/push/messages/{message}:shown', {}, None, key)

    async def take(self, message: str, *, key: str | None = None) -> TakenAlerts:
        """Acknowledge what a message told of, from the notification itself; what another has taken stays his."""
        found: TakenAlerts = await self._ask('POST', f'/api/v1/push/messages/{message}:acknowledge', {}, None, key)
        return found
