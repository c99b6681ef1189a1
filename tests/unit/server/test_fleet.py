"""Figures of the fleet: forecasts, links, faults."""

from __future__ import annotations

from typing import Any

import pytest

from ancu.server.fleet import FAULTS, band_figures, battery_days, faults_of, link_of
from ancu.server.ingest.latest import BandLatest

DAY_MS = 86_400_000


def band(percent: int, *, top: int = 100, took_days: float = 2.0) -> BandLatest:
    now_ms = 1_800_000_000_000
    return BandLatest(
        heard_ms=now_ms, battery_percent=percent, top_percent=top, top_ms=now_ms - round(took_days * DAY_MS)
    )


def test_a_battery_goes_on_falling_as_it_fell():
    assert battery_days(band(80)) == pytest.approx(7.5)  # ten percent a day, down to five
    assert battery_days(band(6, took_days=9.4)) == pytest.approx(0.1, abs=0.01)
    assert battery_days(band(3, took_days=9)) == 0


@pytest.mark.parametrize("known", [band(99), band(80, took_days=0.2), band(100)])
def test_nothing_is_foretold_of_an_hour_or_a_tremble(known: BandLatest):
    assert battery_days(known) is None
    assert band_figures(known)["battery_days"] is None


def test_a_link_is_good_fair_or_weak():
    assert [link_of(dbm) for dbm in (-60, -75, -76, -88, -89)] == ["good", "good", "fair", "fair", "weak"]


@pytest.mark.parametrize(
    ("kind", "state", "percent", "values", "faults"),
    [
        ("band", "ok", 80, {"link": "good"}, ()),
        ("band", "ok", 15, {"link": "weak"}, ("battery_low", "link_weak")),
        ("band", "ok", 60, {"battery_days": 1.5}, ("battery_soon",)),
        ("band", "ok", 15, {"battery_days": 0.8}, ("battery_low",)),  # one word for one cause
        ("band", "silent", 4, {}, ("silent", "battery_dead")),
        ("edge", "ok", None, {"mains": False, "clock_synced": False, "waiting": 900}, ("clock", "mains", "behind")),
        ("edge", "fault", None, {"dropped": 3}, ("radio", "dropped")),
        ("camera", "fault", None, {"condition": "covered"}, ("camera",)),
        ("camera", "ok", None, {"condition": None}, ()),
        ("band", "revoked", 4, {}, ()),
        ("edge", "new", None, {}, ()),
    ],
)
def test_what_is_wrong_is_named_worst_first(
    kind: str, state: str, percent: int | None, values: dict[str, Any], faults: tuple[str, ...]
):
    assert faults_of(kind, state, percent, values) == faults
    assert set(faults) <= set(FAULTS)
