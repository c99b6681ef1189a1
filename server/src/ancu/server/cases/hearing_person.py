"""What is heard of a person beside the band: checkpoints, absences, check-ins, self-reports."""

from __future__ import annotations

from typing import assert_never

from ancu.models.clock import from_ms, to_ms
from ancu.models.ids import BandNumber
from ancu.server.alerts.events import Sign
from ancu.server.cases.absence import running
from ancu.server.cases.checkin import checkin_missed, checkin_wrong
from ancu.server.cases.checkpoint import is_stale, scanned
from ancu.server.cases.codes import Kind, Say, SubjectKind
from ancu.server.cases.hearing import Hearing, person_subject
from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    ChallengeSettled,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    PersonInput,
    SelfReported,
)
from ancu.server.cases.person import PersonState
from ancu.server.cases.roster import OrderSeat
from ancu.server.cases.symptoms import symptoms_changed
from ancu.server.cases.verdict import Clear, Verdict, Wait, next_look

__all__ = ["PersonHearing"]

_MOMENTARY = (Kind.CHECKPOINT_SCAN, Kind.CAMERA_EXIT)  # that an absence granted afterwards still explains


class PersonHearing(Hearing):
    def hear_person(self, heard: PersonInput) -> None:
        match heard:
            case CheckpointScanned():
                self._hear_scan(heard)
            case AbsenceGranted() | AbsenceEnded():
                self._explain_moments(heard.person)
                self._look_at_bands(heard.person)
                self.look_at_person(heard.person)
            case SelfReported():
                self._look_at_bands(heard.person)
                self._hear_symptoms(heard)
            case ChallengeSettled():
                self._look_at_bands(heard.person)
            case CheckinAsked() | CheckinAnswered():
                self.look_at_person(heard.person)
            case _:
                assert_never(heard)

    def look_at_person(self, person: str) -> int | None:
        """Rows 14 and 15."""
        state, order = self._observed.people.get(person), self._order_at(person, self._at_ms)
        if state is None or state.checkin is None:
            return None
        if order is None:
            self._release(person)
            return None
        checkin, absences, listening_ms = state.checkin, state.absences, self._observed.listening_ms
        found: list[Verdict] = [
            checkin_missed(checkin, absences, listening_ms, self._at_ms, self._policy),
            checkin_wrong(checkin, self._policy),
        ]
        if self._before.is_troubled(SubjectKind.PERSON, person):
            found.append(Wait(to_ms(order.over_at)))
        self._settle(person_subject(order), found)
        return next_look(found)

    def _hear_scan(self, scan: CheckpointScanned) -> None:
        order = self._order_at(scan.person, to_ms(scan.at))
        if order is None or from_ms(self._at_ms) >= order.over_at:
            return
        state = self._observed.people.get(scan.person, PersonState())
        holds = scanned(scan, state.absences, self._policy)
        if holds is None:
            return
        if is_stale(scan, self._at_ms, self._policy):
            self._settle_late(person_subject(order), holds)
        else:
            self._settle(person_subject(order), [holds])

    def _hear_symptoms(self, report: SelfReported) -> None:
        order = self._order_at(report.person, self._at_ms)
        if order is not None:
            self._settle(person_subject(order), [symptoms_changed(report, self._policy)])

    def _explain_moments(self, person: str) -> None:
        """What was raised inside a window that is granted only now was allowed after all."""
        state, order = self._observed.people.get(person), self._order_at(person, self._at_ms)
        if state is None or order is None:
            return
        for kind in _MOMENTARY:
            told = self._decided.told_of(SubjectKind.PERSON, person, kind)
            excuse = None if told is None else running(state.absences, told, self._policy)
            if excuse is not None:
                sign = excuse.sign(Say.ABSENCE_RUNS, self._at_ms)
                self._settle(person_subject(order), [Clear(kind, self._at_ms, sign)])

    def _look_at_bands(self, person: str) -> None:
        for number in self._roster.bands_of_person.get(person, ()):
            self.look_at_band(BandNumber(number))

    def _release(self, person: str) -> None:
        """An order that ended takes the check-in with it."""
        orders = [self._roster.orders[o] for o in self._roster.orders_of_person.get(person, ())]
        over = [order for order in orders if to_ms(order.over_at) <= self._at_ms]
        if over:
            last = max(over, key=lambda order: (order.over_at, order.id))
            sign = Sign(Say.ORDER_OVER, last.over_at, {"order": last.id, "ended_at": last.over_at})
            kinds = (Kind.CHECKIN_MISSED, Kind.CHECKIN_WRONG, Kind.CHECKPOINT_SCAN)
            self._settle(person_subject(last), [Clear(kind, self._at_ms, sign) for kind in kinds])

    def _order_at(self, person: str, at_ms: int) -> OrderSeat | None:
        """The order that a person was under at a time."""
        orders = (self._roster.orders[o] for o in self._roster.orders_of_person.get(person, ()))
        found = (order for order in orders if to_ms(order.starts_at) <= at_ms < to_ms(order.over_at))
        return max(found, key=lambda order: (order.starts_at, order.id), default=None)
