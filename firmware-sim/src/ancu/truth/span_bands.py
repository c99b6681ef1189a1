"""The edge's decider in spans: what it would be after hearing a band all along, in one step."""

from __future__ import annotations

from collections.abc import Collection

from ancu.edge.bands import SEEK_AGAIN_S, Bands, Moment
from ancu.models.ids import BandNumber

__all__ = ["SpanBands"]


class SpanBands(Bands):
    """`Bands` that can be told of a quiet span.

    In quiet hearing a band's state moves with each frame and says one report a period; nothing else follows. So the
    last frame of the span, reported, leaves what all of them leave, but for the memory of single frames that tells a
    repeat.
    """

    def quiet(self, number: BandNumber, now: Moment) -> None:
        """New frames of a band were heard up to now, none further apart than an absence, and the last was reported."""
        band = next(band for band in self._bands if band.number == number)
        band.since_s, band.heard_ms, band.reported_s = now.mono_s, now.at_ms, now.mono_s
        band.stated, band.unseen, band.rescans = False, False, 0
        band.frame, band.odd = None, []

    def next_search_s(self, missing: Collection[BandNumber], now_s: float) -> float | None:
        """When a tick may next do something about these bands; None: when the scan runs again, or never."""
        times = []
        for band in self._bands:
            if band.number not in missing or band.stated:
                continue
            lost_s = band.since_s + self._unseen_s
            if now_s < lost_s:
                times.append(lost_s)
            elif self._scanning_s is None:
                continue
            elif self._scanning_s >= lost_s:
                times.append(max(now_s + 1, self._scanning_s + self._listen_s))
            else:
                times.append(max(now_s + 1, self._asked_s + SEEK_AGAIN_S))
        return min(times, default=None)

    def since_ms(self, number: BandNumber) -> int:
        """When a band was last heard; 0: never."""
        return next(band for band in self._bands if band.number == number).heard_ms or 0
