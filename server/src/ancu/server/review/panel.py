"""A panel: one judge a policy, each with the wards where his policy holds, together as one. Pure.

Every judge hears of boxes, gateways and doors; bands are heard by the judge of their ward alone. An alert belongs to
the judge of its subject's ward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from ancu.models.ids import BandNumber
from ancu.server.alerts.alert import Alert
from ancu.server.alerts.events import AlertEvent, Raised
from ancu.server.cases.inputs import BandHeard, BandUnseen, Input
from ancu.server.cases.judge import Judge
from ancu.server.cases.memory import SnapshotRefused
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import Roster
from ancu.server.review.book import Book
from ancu.server.review.seats import Seating

__all__ = ["Panel"]

_MAGIC = b"panel1"


class Panel:
    def __init__(self, book: Book) -> None:
        self.book = book
        self._judges = {policy.label: self._make(policy) for policy in book.policies}
        self._only = next(iter(self._judges.values())) if len(self._judges) == 1 else None
        self._of_band: dict[BandNumber, Judge] = {}
        self._seating = Seating()

    def seat(self, seating: Seating) -> None:
        """From now on these are the people and devices, and their wards."""
        self._seating = seating
        if self._only is not None:
            self._only.set_roster(seating.roster)
            return
        self._of_band = {}
        for label, judge in self._judges.items():
            roster = _of(seating.roster, partial(self._is_of, label))
            judge.set_roster(roster)
            self._of_band |= dict.fromkeys(roster.bands, judge)

    def label_of(self, ward: str) -> str:
        """The policy that holds in a ward."""
        return self._policy(ward).label

    def policy_of(self, ward: str) -> Policy:
        """The policy that holds in a ward."""
        return self._policy(ward)

    def observe(self, heard: Input) -> None:
        for judge in self._hearing(heard):
            judge.observe(heard)

    def decide(self, heard: Input) -> list[AlertEvent]:
        if self._only is not None:
            return self._only.decide(heard)
        return [event for judge in self._hearing(heard) for event in judge.decide(heard)]

    def evolve(self, event: AlertEvent) -> None:
        if self._only is not None:
            self._only.evolve(event)
        elif isinstance(event, Raised):
            self._judges[self._policy(event.subject.ward).label].evolve(event)
        else:
            for judge in self._judges.values():  # whoever does not know the alert is not moved by it
                judge.evolve(event)

    def alert(self, alert: str) -> Alert | None:
        return next((found for judge in self._judges.values() if (found := judge.alert(alert)) is not None), None)

    def alerts(self) -> Iterator[Alert]:
        for judge in self._judges.values():
            yield from judge.alerts()

    def presence(self, person: str, at: datetime | None = None) -> tuple[str, datetime | None]:
        """As the judge of the person's ward says."""
        said: tuple[str, datetime | None] = ("unknown", None)
        for judge in self._judges.values():
            said = judge.presence(person, at)
            if said != ("unknown", None):
                return said
        return said

    def snapshot(self) -> bytes:
        if self._only is not None:
            return self._only.snapshot()
        return _MAGIC + msgspec.msgpack.encode([judge.snapshot() for judge in self._judges.values()])

    def restore(self, snapshot: bytes) -> None:
        """Take memory back, also that of other policies: who was heard and what was raised does not follow from them.

        Raises SnapshotRefused.
        """
        parts = _parts(snapshot)
        if self._only is not None and len(parts) == 1:
            self._only.restore(parts[0])
            return
        whole = _joined(parts)
        for label, judge in self._judges.items():
            judge.restore(_share(whole, partial(self._is_of, label)))

    def _make(self, policy: Policy) -> Judge:
        return Judge(policy)

    def _policy(self, ward: str) -> Policy:
        return self.book.policy(ward, self._seating.provinces.get(ward))

    def _is_of(self, label: str, ward: str) -> bool:
        return self._policy(ward).label == label

    def _hearing(self, heard: Input) -> tuple[Judge, ...]:
        if self._only is not None:
            return (self._only,)
        if isinstance(heard, BandHeard | BandUnseen):
            judge = self._of_band.get(heard.band)
            return () if judge is None else (judge,)
        return tuple(self._judges.values())


def _of(roster: Roster, mine: Callable[[str], bool]) -> Roster:
    """The part of a roster whose wards are mine."""
    orders = {key: order for key, order in roster.orders.items() if mine(order.ward)}
    edges = {key: edge for key, edge in roster.edges.items() if mine(edge.ward)}
    return Roster(
        orders=orders,
        bands={key: band for key, band in roster.bands.items() if band.order in orders},
        edges=edges,
        gateways={key: gateway for key, gateway in roster.gateways.items() if mine(gateway.ward)},
        cameras={key: camera for key, camera in roster.cameras.items() if camera.edge in edges},
    )


def _parts(snapshot: bytes) -> list[bytes]:
    if not snapshot.startswith(_MAGIC):
        return [snapshot]
    try:
        return msgspec.msgpack.decode(snapshot[len(_MAGIC) :], type=list[bytes])
    except msgspec.DecodeError as error:
        raise SnapshotRefused(f"snapshot cannot be read: {error}") from None


def _joined(parts: list[bytes]) -> dict[str, Any]:
    """The memories of several judges as one."""
    try:
        tables: list[dict[str, Any]] = [msgspec.msgpack.decode(part) for part in parts]
        whole = tables[0]
        for table in tables[1:]:
            whole["bands"] |= table["bands"]
            whole["alerts"] += table["alerts"]
            whole["latest"] |= table["latest"]
            whole["told"] |= table["told"]
    except (msgspec.DecodeError, KeyError, TypeError, IndexError) as error:
        raise SnapshotRefused(f"snapshot cannot be read: {error}") from None
    return whole


def _share(whole: Mapping[str, Any], mine: Callable[[str], bool]) -> bytes:
    try:
        alerts = [alert for alert in whole["alerts"] if mine(alert["subject"]["ward"])]
        kept = {alert["id"] for alert in alerts}
        latest = {key: alert for key, alert in whole["latest"].items() if alert in kept}
    except (KeyError, TypeError) as error:
        raise SnapshotRefused(f"snapshot cannot be read: {error}") from None
    return msgspec.msgpack.encode({**whole, "alerts": alerts, "latest": latest})
