"""The fleet in figures: how long a battery lasts, how good a link is, what is wrong with a device. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from ancu.server.ingest.latest import BandLatest

__all__ = ["FAULTS", "band_figures", "battery_days", "faults_of", "link_of"]

Link = Literal["good", "fair", "weak"]
FAULTS: Final = (  # worst first; words are in the catalogues
    "silent", "battery_dead", "camera", "radio", "tamper", "clock", "unsynced", "mains", "dropped", "battery_low",
    "battery_soon", "link_weak", "behind",
)  # fmt: skip
_DAY_MS: Final = 86_400_000
_LEAST_MS: Final = 6 * 3_600_000  # of discharge before anything is foretold
_LEAST_DROP: Final = 2  # percent; one percent is the gauge's own trembling
_DEAD_PERCENT: Final = 5
_LOW_PERCENT: Final = 20
_SOON_DAYS: Final = 2.0
_GOOD_DBM, _FAIR_DBM = -75, -88  # of the mean indoors: 5 m, and near the end of what is heard
_BEHIND: Final = 500  # records that wait in a journal: minutes of a site


def battery_days(band: BandLatest) -> float | None:
    """Days until the battery is dead if it goes on as since it was last charged; None: too little is known."""
    spent, took_ms = band.top_percent - band.battery_percent, band.heard_ms - band.top_ms
    if spent < _LEAST_DROP or took_ms < _LEAST_MS:
        return None
    return max(0.0, (band.battery_percent - _DEAD_PERCENT) * took_ms / spent / _DAY_MS)


def link_of(mean_dbm: float) -> Link:
    if mean_dbm >= _GOOD_DBM:
        return "good"
    return "fair" if mean_dbm >= _FAIR_DBM else "weak"


def band_figures(band: BandLatest) -> dict[str, Any]:
    """What a list shows of a band beside its newest reading."""
    days = battery_days(band)
    return {
        "battery_days": None if days is None else round(days, 1),
        "rssi_mean_dbm": round(band.rssi_mean_dbm),
        "link": link_of(band.rssi_mean_dbm),
    }


def faults_of(kind: str, state: str, battery_percent: int | None, values: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with a device, worst first; of one that is revoked or was never used, nothing is asked."""
    if state in ("revoked", "new"):
        return ()
    days = values.get("battery_days")
    found = {
        "silent": state in ("silent", "unknown"),
        "battery_dead": battery_percent is not None and battery_percent <= _DEAD_PERCENT,
        "battery_low": battery_percent is not None and _DEAD_PERCENT < battery_percent <= _LOW_PERCENT,
        "battery_soon": days is not None and days < _SOON_DAYS and (battery_percent or 0) > _LOW_PERCENT,
        "camera": kind == "camera" and values.get("condition") not in (None, "ok"),
        "radio": kind == "edge" and state == "fault",
        "clock": values.get("clock_synced") is False,
        "unsynced": "unsynced" in values.get("status", ()),
        "mains": values.get("mains") is False,
        "dropped": bool(values.get("dropped")),
        "behind": max(values.get("waiting") or 0, values.get("spooled") or 0) > _BEHIND,
        "link_weak": values.get("link") == "weak",
        "tamper": "tamper" in values.get("status", ()),
    }
    return tuple(fault for fault in FAULTS if found.get(fault))
