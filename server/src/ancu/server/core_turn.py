"""What the core's works are, and what gathers while one transaction runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ancu.models.errors import AncuError, WireReason
from ancu.models.topics import Upstream
from ancu.models.wire import Confirmation, Relay
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import Record, Stored
from ancu.server.cases.inputs import PersonInput
from ancu.server.history.intake import Receipt
from ancu.server.ingest.rows import note_row
from ancu.server.memory import Memory

__all__ = ["CommandWork", "CoreStopped", "Relayed", "TickWork", "Told", "Transaction", "Turn", "Work"]


class CoreStopped(AncuError):
    """The server cannot do this now: it is stopping, or its store does not take writes."""

    code = "unavailable"


@dataclass(frozen=True, slots=True)
class Told:
    """What a commit lets the outside know."""

    confirms: dict[Confirmation, str]  # with the edge's ward
    records: Sequence[Stored]
    rows: int  # highest position of the inbox
    receipts: Sequence[Receipt] = ()  # of what bands recorded themselves


@dataclass(slots=True)
class Transaction:
    """What a command may use while it runs on the core's thread, inside the transaction."""

    store: Store
    memory: Memory
    now_ms: int
    records: list[Record] = field(default_factory=list)  # for the journal, in order
    row: int = 0  # highest position of the inbox, if it grew

    def tell(self, told: PersonInput, ward: str) -> None:
        """Judge what was told of a person, and keep it: a restart is told it again."""
        note = note_row(told, ward, self.now_ms)
        self.row = self.store.add_rows([note])
        self.records += self.memory.take_note(note)


@dataclass(frozen=True, slots=True)
class Relayed:
    topic: Upstream
    body: bytes
    relay: Relay | WireReason
    arrived: float


@dataclass(frozen=True, slots=True)
class CommandWork:
    run: Callable[[Transaction], Any]
    future: Future[Any]


@dataclass(frozen=True, slots=True)
class TickWork:
    pass


Work = Relayed | CommandWork | TickWork


@dataclass(slots=True)
class Turn:
    """What gathers while a transaction runs."""

    records: list[Record] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    marks: dict[Any, int] = field(default_factory=dict)
    lost: Counter[Any] = field(default_factory=Counter)
    confirms: dict[Confirmation, str] = field(default_factory=dict)
    arrived: list[float] = field(default_factory=list)
    answers: list[tuple[Future[Any], Any, AncuError | None]] = field(default_factory=list)
    row: int = 0
    stored: list[Stored] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
