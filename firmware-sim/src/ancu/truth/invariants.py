"""What has to hold in every run, whatever was drawn: the contract's invariants as far as virtual time can see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ancu.server.alerts.events import Raised
from ancu.server.cases.codes import Kind
from ancu.truth.match import Matched
from ancu.truth.run import Outcome

__all__ = ["broken"]

_BLUR_MS = 75_000  # a box's silence begins at its last sign of life


def broken(outcome: Outcome, matched: Matched) -> list[str]:
    """One line for each invariant that does not hold; nothing is as it should be."""
    return [
        *_exactly_once(outcome),
        *_one_alert_an_episode(outcome, matched),
        *_late_never_pages(outcome),
        *_unknown_is_shown(outcome),
        *_a_gateway_hides_its_boxes(outcome),
        *_one_incident_an_outage(outcome),
    ]


def _exactly_once(outcome: Outcome) -> Iterator[str]:
    # A record waits in its box until the confirm arrives: those on the way at the end are taken and waiting.
    if not outcome.written - outcome.waiting <= outcome.received <= outcome.written:
        yield f"1: {outcome.written} records written, {outcome.received} taken, {outcome.waiting} waiting"


def _one_alert_an_episode(outcome: Outcome, matched: Matched) -> Iterator[str]:
    ids = Counter(entry.event.alert for entry in outcome.journal if isinstance(entry.event, Raised))
    yield from (f"2: alert {alert} was raised {times} times" for alert, times in ids.items() if times > 1)
    yield from (f"2: {name} of {h.who} at {h.start_ms}: more than one incident" for name, h in matched.double)


def _late_never_pages(outcome: Outcome) -> Iterator[str]:
    for entry in outcome.journal:
        if getattr(entry.event, "late", False) and getattr(entry.event, "paged", False):
            yield f"4: {entry.event.alert} pages with late data"


def _unknown_is_shown(outcome: Outcome) -> Iterator[str]:
    yield from (f"5: {who} shown as known at {at}" for who, at in outcome.shown_known)


def _a_gateway_hides_its_boxes(outcome: Outcome) -> Iterator[str]:
    world = outcome.world
    homes = {home.edge: home for home in world.homes}
    for entry in outcome.journal:
        event = entry.event
        if not isinstance(event, Raised) or event.kind is not Kind.EDGE_SILENT:
            continue
        home = homes[event.subject.id]
        since = round(event.since.timestamp() * 1000)
        own = any(down.start_ms <= entry.at_ms and down.end_ms >= since for down in [*home.box_down, *home.link_down])
        hidden = any(s - _BLUR_MS <= since and entry.at_ms <= e for s, e in world.gateways[home.gateway])
        if hidden and not own:
            yield f"7: {home.edge} is alerted for the silence of {home.gateway}"


def _one_incident_an_outage(outcome: Outcome) -> Iterator[str]:
    raised = [e for e in outcome.journal if isinstance(e.event, Raised) and e.event.kind is Kind.AREA_OUTAGE]
    for area, spans in outcome.world.power.items():
        for start, end in spans:
            told = [e for e in raised if e.event.subject.id == area and start <= e.at_ms <= end]  # type: ignore[union-attr]
            if len(told) > 1:
                yield f"storm: {len(told)} incidents for one power cut of {area}"
