"""What an officer sees of an area's outage: one incident, or one for each home behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ancu.firmware_sim.population_types import Happening, Home
from ancu.truth.match import Matched, Told
from ancu.truth.run import Outcome

__all__ = ["outages"]

_COUNTS_MS = 13 * 60_000  # the row opens after ten minutes; a shorter outage needs no incident
_BACK_MS = 10 * 60_000  # a home that is back so soon after the heal had nothing but the outage
_TOGETHER = 3


def outages(outcome: Outcome, matched: Matched) -> dict[str, Any]:
    """Incidents an outage of an area's power or provider, and of homes that came back soon after it."""
    world = outcome.world
    alerts = [a for a in matched.alerts if a.kind in ("area_outage", "edge_silent")]
    counts, extra = [], 0
    for happening in world.happenings:
        homes = [home for home in world.homes if home.area == happening.who]
        long = min(happening.end_ms, world.end_ms) - happening.start_ms >= _COUNTS_MS
        if happening.kind not in ("power", "network") or not long or len(homes) < _TOGETHER:
            continue
        area = sum(_is_during(alert, happening) for alert in alerts if alert.subject.id == happening.who)
        ours = {home.edge for home in homes if _had_only(home, happening)}
        single = sum(_is_during(alert, happening) for alert in alerts if alert.subject.id in ours)
        counts.append(area + single)
        extra += single
    return {"count": len(counts), "incidents_most": max(counts, default=0), "incidents_of_homes": extra}


def _is_during(alert: Told, outage: Happening) -> bool:
    return outage.start_ms <= alert.at_ms <= outage.end_ms + _BACK_MS and alert.since_ms >= outage.start_ms - 75_000


def _had_only(home: Home, outage: Happening) -> bool:
    """Whether nothing else befell a home around an outage, and it was back soon after the heal."""
    near = [
        down
        for down in [*home.box_down, *home.link_down]
        if down.start_ms <= outage.end_ms + _BACK_MS and down.end_ms >= outage.start_ms - _BACK_MS
    ]
    spans: Sequence[tuple[int, int]] = [(down.start_ms, down.end_ms) for down in near]
    return all(s >= outage.start_ms and e <= outage.end_ms + _BACK_MS for s, e in spans)
