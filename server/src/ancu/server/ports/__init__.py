"""Ports: what the pages may ask, and in what words they are answered. `desk/store.py` implements `Desk` over the store.

Every query takes a `Viewer` and answers only from his wards; a foreign id and an absent id both raise `NotFound`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from ancu.models.errors import AncuError

__all__ = [
    "AlertAlreadyResolved",
    "AlertDetail",
    "AlertRow",
    "AlertState",
    "CallCard",
    "Change",
    "Desk",
    "DeviceRow",
    "NotFound",
    "Outcome",
    "Page",
    "PersonDetail",
    "Point",
    "Role",
    "Severity",
    "Signal",
    "Step",
    "Viewer",
]


T = TypeVar("T")


class Role(StrEnum):
    CITIZEN = "citizen"
    OFFICER = "officer"
    SITE = "site"
    HEALTH = "health"
    PROVINCE = "province"
    OPERATOR = "operator"


class Severity(StrEnum):
    """Of an incident, worst first: person at risk or confirmed exit; high; medium; work list only."""

    CRITICAL = "C"
    HIGH = "H"
    MEDIUM = "M"
    LOW = "L"


class AlertState(StrEnum):
    OPEN = "open"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    CONTACTED = "contacted"
    DISPATCHED = "dispatched"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """Outcome codes; True in `is_true` counts for the precision of the rule, None for neither."""

    TRUE_EXIT = "true_exit"
    AUTHORISED = "authorised"
    BAND_FAULT = "band_fault"
    BATTERY = "battery"
    RADIO_SHADOW = "radio_shadow"
    POWER_OUTAGE = "power_outage"
    GATEWAY_FAULT = "gateway_fault"
    ASLEEP = "asleep"
    CHECKIN_GLITCH = "checkin_glitch"
    WRONG_ADDRESS = "wrong_address"
    CAMERA_ERROR = "camera_error"
    MEDICAL = "medical"
    TEST = "test"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. A province desk and an operator see all wards (`wards` is None)."""

    id: str
    role: Role
    wards: frozenset[str] | None
    person: str | None = None  # of a citizen: the only person he may see


class NotFound(AncuError):
    """Absent, or not the viewer's to see: the answer is the same."""

    code = "not_found"


class AlertAlreadyResolved(AncuError):
    code = "alert_already_resolved"

    def __init__(self, alert: str, by: str | None) -> None:
        super().__init__(f"alert {alert} is already resolved")
        self.alert, self.by = alert, by


@dataclass(frozen=True, slots=True)
class Signal:
    """One piece of evidence: what was observed, when, and with what values. Words are in the catalogues by `code`."""

    code: str  # e.g. 'strap_cut', 'unseen_rescanned', 'edge_alive', 'door_out'
    at: datetime
    values: Mapping[str, Any] = field(default_factory=dict)
    late: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an incident's timeline."""

    position: int
    at: datetime
    code: str  # raised, evidence, severity, notified, acknowledged, ended, resolved, reopened, ...
    by: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallCard:
    """Whom to call."""

    name: str
    phone: str | None
    relation: str  # 'self', 'guardian', 'site', ...


@dataclass(frozen=True, slots=True)
class AlertRow:
    id: str
    kind: str  # 'sos', 'strap_cut', 'out_of_range', 'band_silent', 'edge_silent', 'camera_exit', 'technical', ...
    severity: Severity
    state: AlertState
    ward: str
    subject: str  # person id, or edge, camera, gateway id
    subject_label: str  # what an officer reads: 'Nguyễn Văn A · P. Bến Nghé', 'Camera cổng A'
    person: str | None
    opened_at: datetime
    updated_at: datetime
    ended_at: datetime | None  # when the condition cleared; the incident stays until someone resolves it
    acknowledged_by: str | None
    outcome: Outcome | None
    policy: str  # 'demo@1'
    why: Signal  # the signal that raised it, for one line
    position: int  # of the last event: the stream's id
    snoozed_until: datetime | None = None
    level: int = 0  # how far it was passed on while nobody had it


@dataclass(frozen=True, slots=True)
class AlertDetail:
    row: AlertRow
    evidence: Sequence[Signal]
    timeline: Sequence[Step]
    ruled_out: Sequence[Signal]
    calls: Sequence[CallCard]
    last_known: Mapping[str, Any]  # presence, last heard, battery, edge state
    thresholds: Mapping[str, Any]  # policy numbers in force for this kind
    excuses: Sequence[Signal] | None = None  # authorised absences about that time; None: nobody looked


@dataclass(frozen=True, slots=True)
class PersonDetail:
    id: str
    label: str
    ward: str
    address: str | None
    calls: Sequence[CallCard]
    order: str
    order_from: datetime
    order_until: datetime
    ended_at: datetime | None
    band: str | None
    edge: str | None
    presence: str  # 'home', 'away', 'unknown'
    presence_since: datetime | None
    last_heard_at: datetime | None
    latest: Mapping[str, Any]  # heart_bpm, spo2_percent, skin_deci_c, battery_percent, status names
    alerts: Sequence[AlertRow]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    id: str
    kind: str  # 'band', 'edge', 'gateway', 'camera'
    ward: str
    state: str  # 'ok', 'unknown', 'silent', 'fault', 'revoked', 'new'
    last_seen_at: datetime | None
    battery_percent: int | None
    firmware: str | None
    serves: str | None  # person or edge it belongs to
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """A down-sampled point of a band's series; None where nothing was said."""

    at: datetime
    heart_bpm: float | None
    spo2_percent: float | None
    skin_c: float | None
    battery_percent: float | None
    rssi_dbm: float | None
    worn: bool | None
    heard: int  # readings in the bucket
    late: int = 0  # of these, what came long after it was so: from a band's own log, or from a box that was cut off


@dataclass(frozen=True, slots=True)
class Change:
    """An alert changed: one server-sent event."""

    position: int
    row: AlertRow


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_cursor: str | None


class Desk(Protocol):
    """The one layer through which pages and API see and change anything. All times UTC-aware."""

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
    ) -> Page[AlertRow]: ...

    async def alert(self, viewer: Viewer, alert: str) -> AlertDetail: ...
    async def acknowledge(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow: ...
    async def snooze(self, viewer: Viewer, alert: str, until: datetime, *, key: str) -> AlertRow:
        """Its ladder waits until then; raises SnoozeRefused beyond twelve hours."""

    async def contact(self, viewer: Viewer, alert: str, how: str, *, key: str) -> AlertRow:
        """He spoke with the person: 'phone', 'visit', ..."""

    async def dispatch(self, viewer: Viewer, alert: str, unit: str, *, key: str) -> AlertRow:
        """Someone is on the way."""

    async def resolve(self, viewer: Viewer, alert: str, outcome: Outcome, *, note: str = "", key: str) -> AlertRow: ...
    def changes(self, viewer: Viewer, after: int | None) -> AsyncIterator[Change]:
        """Changes after a position (None: from now on), without end; resumable."""

    async def position(self) -> int:
        """Where changes stand: what is read after this call, and followed from here, has no gap."""
        ...

    async def person(self, viewer: Viewer, person: str) -> PersonDetail: ...
    async def people(self, viewer: Viewer, *, limit: int = 100, cursor: str | None = None) -> Page[PersonDetail]: ...
    async def readings(
        self, viewer: Viewer, band: str, start: datetime, end: datetime, every_s: int
    ) -> Sequence[Point]: ...
    async def devices(
        self, viewer: Viewer, *, kind: str | None = None, limit: int = 200, cursor: str | None = None
    ) -> Page[DeviceRow]: ...
    async def sos(self, viewer: Viewer, *, key: str) -> AlertRow: ...
    async def kpis(
        self, viewer: Viewer, *, start: datetime, end: datetime, ward: str | None = None
    ) -> Mapping[str, Any]:
        """Figures of the viewer's wards, or of one of them; nobody is named in them."""
        ...

    async def health(self) -> Mapping[str, Any]:
        """What /readyz and /metrics say: ready (bool), reason, counters by name and labels."""
