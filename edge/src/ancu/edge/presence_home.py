"""Near or far for every band of a home, as long as this box listens. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterable

from ancu.edge.presence import SLOT_S, Nearness, Thresholds
from ancu.models.ids import BandNumber

__all__ = ["HomeNearness"]


class HomeNearness:
    """One receiver's word about its bands. A scan that was only restarted loses nothing; one that was lost, all."""

    def __init__(self, thresholds: Thresholds, bands: Iterable[BandNumber], mono_s: float) -> None:
        self._thresholds = thresholds
        self._bands = {band: Nearness(thresholds, mono_s) for band in bands}
        self._deaf_s: float | None = mono_s  # since when no scan runs

    def heard(self, band: BandNumber, rssi_dbm: int, mono_s: float) -> None:
        if band in self._bands:
            self._bands[band].heard(rssi_dbm, mono_s)

    def tick(self, mono_s: float) -> None:
        """Time passed; call about once a second."""
        if self._deaf_s is None:
            for near in self._bands.values():
                near.tick(mono_s)
        elif mono_s - self._deaf_s >= SLOT_S:
            self._forget(mono_s)

    def listening(self, mono_s: float) -> None:
        """A scan runs."""
        if self._deaf_s is not None and mono_s - self._deaf_s >= SLOT_S:
            self._forget(mono_s)
        self._deaf_s = None

    def deaf(self, mono_s: float) -> None:
        """No scan runs."""
        if self._deaf_s is None:
            self._deaf_s = mono_s

    def rekey(self, bands: Iterable[BandNumber], mono_s: float) -> None:
        """Other bands from now on; what is known of those that stay, stays."""
        self._bands = {band: self._bands.get(band) or Nearness(self._thresholds, mono_s) for band in bands}

    def near(self, band: int) -> bool | None:
        """None: it cannot tell."""
        known = self._bands.get(BandNumber(band))
        return None if known is None else known.near

    def _forget(self, mono_s: float) -> None:
        for near in self._bands.values():
            near.deaf(mono_s)
