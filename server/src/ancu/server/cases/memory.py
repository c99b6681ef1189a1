"""Memory: what was observed and what was decided, apart from each other, and both as one snapshot.

Observed state moves by inputs alone, decided state by events alone; so replaying either, in any interleaving, gives the
same memory.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, MutableMapping

import msgspec

from ancu.models.clock import to_ms
from ancu.models.errors import AncuError
from ancu.server.alerts.alert import Alert, evolve
from ancu.server.alerts.events import AlertEvent, Attached, Cleared, Raised, Reopened
from ancu.server.cases.band import BandState
from ancu.server.cases.camera import CameraState, DoorState
from ancu.server.cases.codes import Concern, Kind, SubjectKind
from ancu.server.cases.edge import EdgeState, GatewayState
from ancu.server.cases.fingerprint import Surroundings
from ancu.server.cases.person import PersonState
from ancu.server.cases.zones import ZoneState

__all__ = ["Decided", "Observed", "SnapshotRefused", "pack_memory", "unpack_memory"]

_VERSION = 1


class SnapshotRefused(AncuError):
    """A snapshot that this version cannot read; memory has to be rebuilt from the inbox and the journal."""

    code = "snapshot_refused"


class Observed(msgspec.Struct):
    """By inputs."""

    bands: dict[int, BandState] = {}
    edges: dict[str, EdgeState] = {}
    gateways: dict[str, GatewayState] = {}
    cameras: dict[str, CameraState] = {}
    doors: dict[str, DoorState] = {}  # by place
    people: dict[str, PersonState] = {}
    zones: dict[str, dict[str, ZoneState]] = {}  # by camera, by zone
    around: dict[str, Surroundings] = {}  # by edge
    tick_ms: int = 0  # the last tick; 0: none yet
    told_ms: int = 0  # the last tick or heartbeat: until then the judge was not deaf
    listening_ms: int = 0  # since when without a gap; 0: always


class Decided:
    """By events: alerts that may still matter, and each subject's latest of each concern."""

    def __init__(
        self, alerts: MutableMapping[str, Alert], latest: MutableMapping[str, str], told: MutableMapping[str, int]
    ) -> None:
        self._alerts = alerts
        self._latest = latest  # by subject and concern
        self._told = told  # by subject and kind
        self._troubled: dict[str, set[str]] = {}  # by subject: alerts that go on

    def branch(self) -> Decided:
        """A copy to try events on: what happens to it does not happen here."""
        return _Branch(ChainMap({}, self._alerts), ChainMap({}, self._latest), ChainMap({}, self._told))

    def alert(self, alert: str) -> Alert | None:
        return self._alerts.get(alert)

    def alerts(self) -> Iterator[Alert]:
        return iter(self._alerts.values())

    def latest(self, kind: SubjectKind, subject: str, concern: Concern) -> Alert | None:
        """The incident that new signs of this concern belong to, if it is not too long over."""
        return self._alerts.get(self._latest.get(_key(kind, subject, concern), ""))

    def is_troubled(self, kind: SubjectKind, subject: str) -> bool:
        """Whether any incident of the subject goes on."""
        return _key(kind, subject) in self._troubled

    def told(self, kind: SubjectKind, subject: str) -> dict[Kind, int]:
        """By kind, the last occurrence that an event told."""
        return {k: ms for k in Kind if (ms := self.told_of(kind, subject, k)) is not None}

    def told_of(self, kind: SubjectKind, subject: str, breach: Kind) -> int | None:
        return self._told.get(_key(kind, subject, breach))

    def evolve(self, event: AlertEvent) -> None:
        """Never fails; an event of an alert that is not remembered changes nothing."""
        alert = evolve(self._alerts.get(event.alert), event)
        if alert is None:
            return
        self._alerts[alert.id] = alert
        self._note_trouble(alert)
        if isinstance(event, Raised):
            if event.late:
                return
            self._displace(alert)
        if isinstance(event, Raised | Reopened) or (isinstance(event, Attached) and not event.late):
            key = _key(alert.subject.kind, alert.subject.id, event.kind)
            self._told[key] = max(self._told.get(key, 0), to_ms(event.since))
        elif isinstance(event, Cleared):  # whatever was so before what cleared it is told; what begins with it is not
            key = _key(alert.subject.kind, alert.subject.id, event.kind)
            self._told[key] = max(self._told.get(key, 0), to_ms(event.sign.at) - 1)

    def _note_trouble(self, alert: Alert) -> None:
        key = _key(alert.subject.kind, alert.subject.id)
        if alert.active:
            self._troubled.setdefault(key, set()).add(alert.id)
        elif key in self._troubled:
            self._troubled[key].discard(alert.id)
            if not self._troubled[key]:
                del self._troubled[key]

    def _displace(self, alert: Alert) -> None:
        """A new incident takes the place of the one before, which is forgotten here once it was resolved."""
        key = _key(alert.subject.kind, alert.subject.id, alert.concern)
        before = self._alerts.get(self._latest.get(key, ""))
        self._latest[key] = alert.id
        if before is not None and before.id != alert.id and before.resolved:
            self._forget(before)

    def _forget(self, alert: Alert) -> None:
        del self._alerts[alert.id]
        self._note_trouble(msgspec.structs.replace(alert, active=frozenset()))


class _Branch(Decided):
    """Lives for one hearing: it forgets nothing, and whom trouble concerned before is asked of its origin."""

    def _note_trouble(self, alert: Alert) -> None:
        pass

    def _forget(self, alert: Alert) -> None:
        pass


def _key(kind: SubjectKind, *parts: str) -> str:
    return "|".join((kind, *parts))


class _Snapshot(msgspec.Struct):
    v: int
    observed: Observed  # but its bands
    bands: dict[str, BandState]  # by number
    alerts: list[Alert]
    latest: dict[str, str]
    told: dict[str, int]


def pack_memory(observed: Observed, decided: Decided) -> bytes:
    """Both as bytes; equal memories give equal bytes."""
    alerts = sorted(decided.alerts(), key=lambda alert: alert.id)
    bands = {str(number): state for number, state in observed.bands.items()}
    rest = msgspec.structs.replace(observed, bands={})
    return msgspec.msgpack.encode(
        _Snapshot(_VERSION, rest, bands, alerts, dict(decided._latest), dict(decided._told)),  # noqa: SLF001 - own memory
        order="deterministic",
    )


def unpack_memory(raw: bytes) -> tuple[Observed, Decided]:
    """Read what `pack_memory` wrote; raises SnapshotRefused."""
    try:
        snapshot = msgspec.msgpack.decode(raw, type=_Snapshot)
    except msgspec.DecodeError as error:
        raise SnapshotRefused(f"snapshot cannot be read: {error}") from None
    if snapshot.v != _VERSION:
        raise SnapshotRefused(f"snapshot of version {snapshot.v}, this is {_VERSION}")
    snapshot.observed.bands = {int(number): state for number, state in snapshot.bands.items()}
    decided = Decided({alert.id: alert for alert in snapshot.alerts}, snapshot.latest, snapshot.told)
    for alert in snapshot.alerts:
        decided._note_trouble(alert)  # noqa: SLF001 - own memory
    return snapshot.observed, decided
