"""What a page would show of each person, minute by minute: looked at whenever it may have changed."""

from __future__ import annotations

from ancu.firmware_sim.population_types import World
from ancu.models.clock import from_ms
from ancu.truth.box import Box
from ancu.truth.clockwork import Clockwork
from ancu.truth.span_judge import SpanJudge

__all__ = ["PresenceLog"]

_SHOWN_MS = 120_000  # unknown is shown as unknown so soon after its cause


class PresenceLog:
    def __init__(self, judge: SpanJudge, clockwork: Clockwork, world: World) -> None:
        self.shown_known: list[tuple[str, int]] = []
        self._judge, self._clock = judge, clockwork
        self._names = {person.number: person.name for person in world.people}
        self._since = {person.name: ("unknown", world.start_ms) for person in world.people}
        self._minutes = {"home": 0.0, "away": 0.0, "unknown": 0.0}
        self._down: dict[str, int] = {}  # boxes that nothing comes from, since when
        fresh = judge.policy.presence
        self._after_ms = sorted(
            {
                0,
                1_000,
                2_000,
                12_000,
                *(
                    s * 1000 + 1_001
                    for s in (fresh.heard_fresh_s, fresh.edge_fresh_s, judge.policy.rules.out_of_range.opens_after_s)
                ),
            }
        )
        self.fresh_ms = fresh.heard_fresh_s * 1000  # a shorter gap changes nothing that is shown
        for person in world.people:
            self.watch(person.name, world.start_ms + 10_000)

    @property
    def unknown_min(self) -> float:
        return self._minutes["unknown"]

    @property
    def away_min(self) -> float:
        return self._minutes["away"]

    def watch(self, person: str, at_ms: int) -> None:
        """Something happened to a person's band."""
        for after in self._after_ms:
            self._clock.at(at_ms + after, lambda at: self._look(person, at))

    def cut_off(self, box: Box, at_ms: int) -> None:
        """Nothing comes from a box any more."""
        if box.home.edge in self._down:
            return
        self._down[box.home.edge] = at_ms
        for number in box.home.people:
            self.watch(self._names[number], at_ms)
        self._clock.at(at_ms + _SHOWN_MS, lambda at: self._check(box, at_ms, at))

    def back(self, box: Box, at_ms: int) -> None:
        if box.up and box.linked:
            self._down.pop(box.home.edge, None)
            for number in box.home.people:
                self.watch(self._names[number], at_ms)

    def close(self, end_ms: int) -> None:
        for person, (state, since) in self._since.items():
            self._minutes[state] += max(0, end_ms - since) / 60_000
            self._since[person] = (state, end_ms)

    def _look(self, person: str, at_ms: int) -> None:
        before, since = self._since[person]
        state, _ = self._judge.presence(person, from_ms(at_ms))
        if state != before:
            self._minutes[before] += (at_ms - since) / 60_000
            self._since[person] = (state, at_ms)

    def _check(self, box: Box, down_ms: int, at_ms: int) -> None:
        if self._down.get(box.home.edge) != down_ms:
            return
        for number in box.home.people:
            state, _ = self._judge.presence(self._names[number], from_ms(at_ms))
            if state != "unknown":
                self.shown_known.append((self._names[number], at_ms))
