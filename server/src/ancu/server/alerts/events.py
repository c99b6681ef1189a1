"""Events of alerts: what was decided, in the order it was decided. The journal of these is the truth and the audit log.

Frozen, tagged, and packed by `pack` into the same bytes for the same event. New fields are optional; a new meaning gets
a new tag. Each event carries what a reader in court needs without another file: the rule, the policy, the signs.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from ancu.models.clock import to_ms
from ancu.server.cases.codes import Concern, Desk, Kind, Say, SubjectKind
from ancu.server.ports import Outcome, Severity

__all__ = [
    "Acknowledged",
    "AlertEvent",
    "Attached",
    "Cleared",
    "Contacted",
    "Dispatched",
    "Due",
    "Ended",
    "Escalated",
    "Notified",
    "Raised",
    "Released",
    "Reopened",
    "Resolved",
    "SeverityRaised",
    "Sign",
    "Snoozed",
    "Subject",
    "alert_id",
    "event_id",
    "pack",
    "unpack",
]


class Sign(msgspec.Struct, frozen=True):
    """One piece of evidence: what was observed and when it was so. `values` as SIGN_VALUES names them."""

    code: Say
    at: datetime
    values: Mapping[str, Any] = {}
    late: bool = False


class Subject(msgspec.Struct, frozen=True):
    """Whom or what an alert is about. `person` is set where exactly one person is behind a device."""

    kind: SubjectKind
    id: str
    ward: str
    person: str | None = None


class Due(msgspec.Struct, frozen=True):
    """A step of the escalation, frozen at raising: at that time the next level hears of it. Level 0 is a first page."""

    level: int
    at: datetime


class Raised(msgspec.Struct, frozen=True, tag="raised"):
    """An incident began."""

    alert: str
    at: datetime
    policy: str  # name@version, in force when it was raised
    kind: Kind
    concern: Concern
    subject: Subject
    severity: Severity
    desk: Desk
    since: datetime  # when the breach itself began
    signs: tuple[Sign, ...]  # the first is why
    ruled_out: tuple[Sign, ...]
    paged: bool
    ladder: tuple[Due, ...]
    thresholds: Mapping[str, Any] = {}  # the rule's numbers as they were
    late: bool = False


class Attached(msgspec.Struct, frozen=True, tag="attached"):
    """Another sign of the same episode. `since` is when what it shows began."""

    alert: str
    at: datetime
    kind: Kind
    since: datetime
    signs: tuple[Sign, ...]
    paged: bool = False
    late: bool = False  # stored data: shown with the incident, and nothing else


class Cleared(msgspec.Struct, frozen=True, tag="cleared"):
    """One kind of breach is no longer so; others of the incident may still be."""

    alert: str
    at: datetime
    kind: Kind
    sign: Sign


class SeverityRaised(msgspec.Struct, frozen=True, tag="severity"):
    """Agreeing evidence made it worse; `kind` and `sign` say what did, and lead the incident from now on."""

    alert: str
    at: datetime
    kind: Kind
    severity: Severity
    sign: Sign
    desk: Desk
    paged: bool
    ladder: tuple[Due, ...]
    thresholds: Mapping[str, Any] = {}


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Nothing of the episode is so any more. The incident stays until an officer resolves it."""

    alert: str
    at: datetime
    stops_ladder: bool


class Reopened(msgspec.Struct, frozen=True, tag="reopened"):
    """It happened again soon after it had ended, or something new did after it was resolved."""

    alert: str
    at: datetime
    kind: Kind
    since: datetime
    severity: Severity  # of the incident from now on
    signs: tuple[Sign, ...]
    paged: bool
    ladder: tuple[Due, ...]


class Escalated(msgspec.Struct, frozen=True, tag="escalated"):
    """A step of the ladder fell due and nobody had acknowledged."""

    alert: str
    at: datetime
    level: int
    due: datetime
    paged: bool


class Notified(msgspec.Struct, frozen=True, tag="notified"):
    """A notifier delivered it: firing and delivered are different things."""

    alert: str
    at: datetime
    channel: str
    officer: str = ""  # whom it reached; empty: said before this was kept


class Acknowledged(msgspec.Struct, frozen=True, tag="acknowledged"):
    """An officer took ownership; the ladder stops."""

    alert: str
    at: datetime
    by: str


class Released(msgspec.Struct, frozen=True, tag="released"):
    """Whoever took ownership a moment ago gave it back; the ladder goes on where it stopped."""

    alert: str
    at: datetime
    by: str
    ladder: tuple[Due, ...]


class Snoozed(msgspec.Struct, frozen=True, tag="snoozed"):
    """The ladder waits until then."""

    alert: str
    at: datetime
    by: str
    until: datetime


class Contacted(msgspec.Struct, frozen=True, tag="contacted"):
    alert: str
    at: datetime
    by: str
    how: str


class Dispatched(msgspec.Struct, frozen=True, tag="dispatched"):
    alert: str
    at: datetime
    by: str
    unit: str


class Resolved(msgspec.Struct, frozen=True, tag="resolved"):
    alert: str
    at: datetime
    by: str
    outcome: Outcome
    note: str = ""


AlertEvent = (
    Raised
    | Attached
    | Cleared
    | SeverityRaised
    | Ended
    | Reopened
    | Escalated
    | Notified
    | Acknowledged
    | Released
    | Snoozed
    | Contacted
    | Dispatched
    | Resolved
)

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder: msgspec.msgpack.Decoder[AlertEvent] = msgspec.msgpack.Decoder(AlertEvent)


def alert_id(policy: str, subject: Subject, kind: Kind, since: datetime) -> str:
    """The id that follows from an episode: whoever decides it again, decides the same alert. 16 characters."""
    text = f"{policy}|{subject.kind}:{subject.id}|{kind}|{to_ms(since)}"
    return base64.b32encode(hashlib.sha256(text.encode()).digest()[:10]).decode().lower()


def event_id(event: AlertEvent) -> str:
    """An id that follows from the event's content. 26 characters."""
    return base64.b32encode(hashlib.sha256(pack(event)).digest()[:16]).decode().lower().rstrip("=")


def pack(event: AlertEvent) -> bytes:
    return _encoder.encode(event)


def unpack(raw: bytes) -> AlertEvent:
    """Read what `pack` wrote; raises msgspec.DecodeError."""
    return _decoder.decode(raw)
