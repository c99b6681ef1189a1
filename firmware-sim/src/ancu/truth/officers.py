"""Officers in virtual time: they acknowledge what rings after a while, and close what is over."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from ancu.firmware_sim.population_params import Officers as Habits
from ancu.firmware_sim.population_types import lognormal
from ancu.models.clock import from_ms, to_ms
from ancu.server.alerts import alert as lifecycle
from ancu.server.alerts.events import AlertEvent, Ended, Raised, Reopened, SeverityRaised
from ancu.server.cases.codes import Kind
from ancu.server.cases.paging import is_quiet, quiet_end
from ancu.server.ports import Outcome
from ancu.truth.clockwork import Clockwork
from ancu.truth.span_judge import SpanJudge

__all__ = ["Officers"]

_BY = "officer"
_NEWS = (Raised, Reopened, SeverityRaised)


class Officers:
    """All officers of a world, as one who answers after a time of their habits."""

    def __init__(
        self,
        judge: SpanJudge,
        clockwork: Clockwork,
        habits: Habits,
        rng: random.Random,
        told: Callable[[Sequence[AlertEvent], int], None],
    ) -> None:
        self._judge, self._clock, self._habits, self._rng, self._told = judge, clockwork, habits, rng, told

    def hear(self, event: AlertEvent, at_ms: int) -> None:
        """What the desk shows."""
        alert = event.alert
        if getattr(event, "paged", False):
            self._clock.at(at_ms + self._patience_ms(at_ms), lambda at: self._acknowledge(alert, at))
        elif isinstance(event, _NEWS) and event.severity in self._judge.policy.paging.list_first:
            self._clock.at(self._reads_list_ms(at_ms), lambda at: self._acknowledge(alert, at))
        over = isinstance(event, Ended) or (isinstance(event, Raised) and event.kind is Kind.SOS)
        if over:
            wait = round(lognormal(self._rng, self._habits.resolve_median_min, 0.5) * 60_000)
            self._clock.at(at_ms + wait, lambda at: self._resolve(alert, at))

    def _acknowledge(self, alert: str, at_ms: int) -> None:
        state = self._judge.alert(alert)
        if state is not None and not state.resolved:
            self._do(state, lifecycle.Acknowledge(_BY), at_ms)

    def _resolve(self, alert: str, at_ms: int) -> None:
        state = self._judge.alert(alert)
        if state is not None and not state.resolved and (state.ended_at is not None or Kind.SOS in state.active):
            self._do(state, lifecycle.Resolve(_BY, Outcome.UNKNOWN), at_ms)

    def _do(self, alert: lifecycle.Alert, command: lifecycle.Command, at_ms: int) -> None:
        events = lifecycle.decide(alert, command, from_ms(at_ms))
        for event in events:
            self._judge.evolve(event)
        self._told(events, at_ms)

    def _reads_list_ms(self, at_ms: int) -> int:
        """When somebody takes what only stands on the list: by day after a while, and of a night in the morning."""
        begins = to_ms(quiet_end(self._judge.policy.paging, from_ms(at_ms)))
        return begins + round(lognormal(self._rng, self._habits.list_median_min, self._habits.sigma) * 60_000)

    def _patience_ms(self, at_ms: int) -> int:
        night = is_quiet(self._judge.policy.paging, from_ms(at_ms))
        median = self._habits.acknowledge_night_median_s if night else self._habits.acknowledge_median_s
        return round(lognormal(self._rng, median, self._habits.sigma) * 1000)
