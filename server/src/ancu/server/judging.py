"""How the core holds the judge: inputs go in, records for the journal come out, and can be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ancu.server.adapters.store_journal import Record
from ancu.server.cases.inputs import Input
from ancu.server.cases.policy import Policy
from ancu.server.people.records import Snapshot

__all__ = ["Judging"]


class Judging(Protocol):
    """Decisions over inputs. Deterministic: no clock, no I/O."""

    def enrol(self, register: Snapshot) -> None:
        """Take the register as it is now."""

    def observe(self, happened: Input) -> None:
        """Take an input into memory; decides nothing."""

    def decide(self, happened: Input) -> Sequence[Record]:
        """What follows from an input that was observed; changes nothing."""

    def evolve(self, record: Record) -> None:
        """Take a record of the journal into memory; never fails."""

    def presence(self, person: str, now: datetime) -> tuple[str, datetime | None]:
        """'home', 'away' or 'unknown', and since when. Asked from any thread."""

    def policy(self, ward: str) -> Policy:
        """The policy that holds in a ward."""

    def snapshot(self) -> bytes: ...
    def restore(self, snapshot: bytes) -> None: ...
