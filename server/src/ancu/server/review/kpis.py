"""Figures of the work: how many alerts, how many true, how fast they were answered. Pure; nobody is named in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from ancu.server.cases.codes import Concern, Kind
from ancu.server.ports import Outcome, Severity
from ancu.server.review.outcomes import is_true
from ancu.server.review.stats import Share, Spread, share, spread
from ancu.server.review.stories import Story

__all__ = ["Exits", "KindFigures", "Kpis", "OrderSpan", "Releases", "as_json", "kpis"]

_IN_TIME = timedelta(minutes=3)  # from an exit to an officer
_RELEASE = timedelta(minutes=1)  # nobody is under order a minute after the release
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class OrderSpan:
    """A person under order. `over_at`: its end, or the one that was planned."""

    person: str
    ward: str
    starts_at: datetime
    over_at: datetime


@dataclass(frozen=True, slots=True)
class KindFigures:
    alerts: int
    pages: int
    precision: Share
    paged_precision: Share


@dataclass(frozen=True, slots=True)
class Exits:
    """Where the truth is known: exits that an officer confirmed, and those of them that the alert told too late."""

    known: int
    missed: int  # never paged, or later than three minutes after it began
    tests: int  # alerts that were resolved as a test


@dataclass(frozen=True, slots=True)
class Releases:
    """Orders that ended, and those after whose end nobody was suspected any more."""

    due: int
    on_time: int


@dataclass(frozen=True, slots=True)
class Kpis:
    start: datetime
    end: datetime
    ward: str | None  # None: all that the asker may see
    person_days: float
    alerts: int
    pages: int
    alerts_per_100_days: float | None  # per 100 people a day
    pages_per_100_days: float | None
    by_severity: Mapping[Severity, int]
    by_kind: Mapping[Kind, KindFigures]
    precision: Share
    paged_precision: Share
    to_notify: Spread  # from the opening of a paged alert to its first delivery
    to_acknowledge: Spread  # from its first page
    to_resolve: Spread  # from its opening
    unresolved: int
    reopened: int
    exits: Exits
    releases: Releases


def kpis(
    told: Iterable[Story],
    orders: Sequence[OrderSpan],
    start: datetime,
    end: datetime,
    *,
    wards: frozenset[str] | None = None,
    ward: str | None = None,
) -> Kpis:
    """Figures of alerts opened, pages sent and orders served in [start, end), in these wards (None: all)."""
    if ward is not None:
        wards = frozenset({ward}) if wards is None else wards & {ward}
    seen = [story for story in told if wards is None or story.ward in wards]
    mine = [order for order in orders if wards is None or order.ward in wards]
    opened = [story for story in seen if start <= story.opened_at < end]
    paged = [story for story in opened if story.pages]
    pages = sum(start <= at < end for story in seen for at in story.pages)
    person_days = sum(_overlap_s(order, start, end) for order in mine) / _DAY_S
    return Kpis(
        start=start,
        end=end,
        ward=ward,
        person_days=round(person_days, 4),
        alerts=len(opened),
        pages=pages,
        alerts_per_100_days=_per_100(len(opened), person_days),
        pages_per_100_days=_per_100(pages, person_days),
        by_severity={severity: sum(story.severity is severity for story in opened) for severity in Severity},
        by_kind=_by_kind(opened, start, end),
        precision=_precision(opened),
        paged_precision=_precision(paged),
        to_notify=spread(_s(story.opened_at, story.notified_at) for story in paged if story.notified_at),
        to_acknowledge=spread(_s(story.pages[0], story.claimed_at) for story in paged if story.claimed_at),
        to_resolve=spread(_s(story.opened_at, story.resolved_at) for story in opened if story.resolved_at),
        unresolved=sum(story.resolved_at is None for story in opened),
        reopened=sum(start <= at < end for story in seen for at in story.reopened),
        exits=_exits(opened),
        releases=_releases(mine, seen, start, end),
    )


def as_json(found: Kpis) -> dict[str, Any]:
    """Plain values, times in ISO 8601; `from` and `to` as they are asked for."""
    plain = asdict(found)
    start, end = plain.pop("start"), plain.pop("end")
    plain["by_severity"] = {str(severity): count for severity, count in found.by_severity.items()}
    plain["by_kind"] = {str(kind): asdict(figures) for kind, figures in found.by_kind.items()}
    return {"from": start.isoformat(), "to": end.isoformat(), **plain}


def _by_kind(opened: Sequence[Story], start: datetime, end: datetime) -> dict[Kind, KindFigures]:
    found = {}
    for kind in Kind:
        of_kind = [story for story in opened if story.kind is kind]
        if of_kind:
            found[kind] = KindFigures(
                alerts=len(of_kind),
                pages=sum(start <= at < end for story in of_kind for at in story.pages),
                precision=_precision(of_kind),
                paged_precision=_precision([story for story in of_kind if story.pages]),
            )
    return found


def _precision(found: Sequence[Story]) -> Share:
    said = [is_true(story.outcome, story.concern) for story in found]
    return share(said.count(True), said.count(False))


def _exits(opened: Sequence[Story]) -> Exits:
    known = [story for story in opened if story.concern is Concern.WHEREABOUTS and story.outcome is Outcome.TRUE_EXIT]
    in_time = [story for story in known if story.pages and story.pages[0] - story.since <= _IN_TIME]
    return Exits(len(known), len(known) - len(in_time), sum(story.outcome is Outcome.TEST for story in opened))


def _releases(orders: Sequence[OrderSpan], told: Sequence[Story], start: datetime, end: datetime) -> Releases:
    suspected: dict[str, list[datetime]] = {}
    for story in told:
        if story.person is not None and story.concern is Concern.WHEREABOUTS:
            suspected.setdefault(story.person, []).extend([story.opened_at, *story.reopened, *story.pages])
    over = [order for order in orders if start <= order.over_at < end]
    late = 0
    for order in over:
        again = min(
            (o.starts_at for o in orders if o.person == order.person and o.starts_at >= order.over_at), default=None
        )
        after = order.over_at + _RELEASE
        late += any(at > after and (again is None or at < again) for at in suspected.get(order.person, ()))
    return Releases(len(over), len(over) - late)


def _overlap_s(order: OrderSpan, start: datetime, end: datetime) -> float:
    return max(0.0, (min(order.over_at, end) - max(order.starts_at, start)).total_seconds())


def _per_100(count: int, person_days: float) -> float | None:
    return round(100 * count / person_days, 3) if person_days > 0 else None


def _s(begin: datetime, end: datetime | None) -> float:
    return 0.0 if end is None else (end - begin).total_seconds()
