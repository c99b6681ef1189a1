"""Persons: what is known of one beside the band: absences, the check-in that runs, the last word on how he feels.

States are joins: an input that comes again, or after one that it came before, changes nothing.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from ancu.models.clock import to_ms
from ancu.server.cases.absence import Absence
from ancu.server.cases.checkin import Checkin
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

__all__ = ["PersonState"]

_KEPT_MS = 14 * 86_400_000  # longest order: an absence that was over so long ago explains nothing any more


class PersonState(msgspec.Struct):
    absences: dict[str, Absence] = {}
    checkin: Checkin | None = None  # the last one that was asked
    feverish_ms: int = 0  # when the person last said so; 0: never

    def told(self, heard: PersonInput) -> None:  # noqa: C901 - one case an input
        at_ms = to_ms(heard.at)
        match heard:
            case AbsenceGranted(absence=absence):
                kept = {key: a for key, a in self.absences.items() if at_ms - a.over_ms < _KEPT_MS}
                granted = Absence(absence, to_ms(heard.starts_at), to_ms(heard.until), heard.checkpoints)
                self.absences = {**kept, absence: self.absences.get(absence, granted)}
            case AbsenceEnded(absence=absence):
                running = self.absences.get(absence)
                if running is not None:
                    self.absences = {**self.absences, absence: running.ended(at_ms)}
            case CheckinAsked(checkin=checkin):
                if self.checkin is None or at_ms > self.checkin.asked_ms:
                    self.checkin = Checkin(checkin, at_ms)
            case CheckinAnswered(checkin=checkin):
                if self.checkin is not None and self.checkin.id == checkin:
                    self.checkin = self.checkin.answered(at_ms, face=heard.face, place=heard.place)
            case SelfReported(feverish=feverish):
                if feverish:
                    self.feverish_ms = max(self.feverish_ms, at_ms)
            case CheckpointScanned() | ChallengeSettled():
                pass  # judged when it comes: nothing of the present follows from it
            case _:
                assert_never(heard)
