"""Retries: how long a delivery waits before its next try, and when it is given up. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backoff"]

_RETRY_AFTER_MAX_S = 900.0  # a provider that asks for a day must not silence a channel for a day


@dataclass(frozen=True, slots=True)
class Backoff:
    first_s: float = 2.0
    cap_s: float = 60.0
    give_up_s: float = 4 * 3600.0  # since the page was made

    def delay_s(self, tries: int, chance: float, retry_after_s: float | None = None) -> float:
        """Seconds until the next try after `tries` failed ones; `chance` in 0..1 spreads those that failed together.

        Between half of the doubled wait and all of it; never less than what the provider asks for, within reason.
        """
        wait = min(self.cap_s, self.first_s * 2.0 ** min(max(tries - 1, 0), 16)) * (0.5 + chance / 2)
        return max(wait, min(retry_after_s or 0.0, _RETRY_AFTER_MAX_S))
