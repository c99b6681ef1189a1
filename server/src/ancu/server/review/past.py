"""The past: everything that the judge was told, in the order in which it was told.

Readings and facts are in the inbox. What is not, is kept here in the same transactions: ticks, gateways' signs of life,
calls for help from a page, and each change of the register. Both together give the judge the same day again.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import msgspec

from ancu.models.clock import from_ms, to_ms
from ancu.models.errors import AncuError
from ancu.models.ids import GatewayId
from ancu.server.adapters.store import rows_after
from ancu.server.cases.inputs import GatewayAlive, Input, Tick
from ancu.server.ingest.rows import Row, inputs_of
from ancu.server.optional import moment_ms
from ancu.server.review.seats import Seating, SeatsChange, change_of, changed

__all__ = ["Past", "PastRefused", "Remembered", "last_told", "position_at", "read_after", "read_past", "span"]

_WAITING = 60  # entries of a quiet server that are worth a write of their own: a minute of ticks
_TICK, _GATEWAY, _SEATS, _OTHER = 0, 1, 3, 4
_KINDS: dict[str, type[Input]] = {kind.__name__: kind for kind in get_args(Input)}


class PastRefused(AncuError):
    """A stored past that cannot be read."""

    code = "past_refused"


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    rows: int  # of the inbox that came before it, since this body began
    tag: int
    at_ms: int
    of: Any = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Entry])


class Past:
    """What was told since the last write. Changed by the core's thread only."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._rows = self._changes = self._rare = 0
        self._seating: Seating | None = None

    def row(self) -> None:
        """The judge is about to be told a row of the inbox."""
        self._rows += 1

    def tell(self, happened: Input) -> None:
        """The judge is about to be told something that the inbox does not hold."""
        at_ms = to_ms(happened.at)
        match happened:
            case Tick():
                self._entries.append(_Entry(self._rows, _TICK, at_ms))
            case GatewayAlive(gateway=gateway):
                self._entries.append(_Entry(self._rows, _GATEWAY, at_ms, gateway))
            case _:
                self._entries.append(_Entry(self._rows, _OTHER, at_ms, (type(happened).__name__, happened)))
                self._rare += 1

    def seated(self, seating: Seating) -> None:
        """The register is another one from here."""
        change = change_of(self._seating, seating)
        if change is not None:
            self._entries.append(_Entry(self._rows, _SEATS, 0, change))
            self._changes += 1
        self._seating = seating

    def forget(self) -> None:
        """A transaction failed, or the process begins: what was not written is not the past of what is stored."""
        self._entries, self._rows, self._changes, self._rare = [], 0, 0, 0
        seating, self._seating = self._seating, None
        if seating is not None:
            self.seated(seating)

    def is_worth_a_write(self) -> bool:
        """Ticks can wait a while; what a person or an officer said cannot."""
        return len(self._entries) >= _WAITING or self._changes + self._rare > 0

    def write(self, connection: sqlite3.Connection, last_row: int, at_ms: int) -> None:
        """Keep it, inside the transaction that holds the rows; `last_row` is the newest of them."""
        if self._entries:
            body = zlib.compress(_encoder.encode(self._entries), 1)
            connection.execute(
                "INSERT INTO told (inbox, at_ms, seats, body) VALUES (?, ?, ?, ?)",
                (last_row - self._rows, at_ms, self._changes, body),
            )
        self._entries, self._rows, self._changes, self._rare = [], 0, 0, 0


@dataclass(frozen=True, slots=True)
class Remembered:
    """One step of the past: a row of the inbox, something told beside it, or another seating."""

    at_ms: int
    row: Row | None = None
    told: Input | None = None
    seating: Seating | None = None

    @property
    def inputs(self) -> Sequence[Input]:
        """What the judge was told."""
        if self.row is not None:
            return inputs_of(self.row)
        return () if self.told is None else (self.told,)


def read_past(
    connection: sqlite3.Connection, *, begin: datetime | None = None, until: datetime | None = None
) -> Iterator[Remembered]:
    """Everything that the judge was told, in order, from where the past begins, or from `begin`; raises PastRefused."""
    until_ms = moment_ms(until)
    skip = 0 if begin is None else position_at(connection, "told", "at_ms", to_ms(begin))
    seating = _seated_before(connection, skip)
    at_ms = 0
    if skip:
        yield Remembered(0, seating=seating)
    for step in _merged(connection, skip, None):
        at_ms = (step.at_ms if isinstance(step, _Entry) else step[1].received_ms) or at_ms
        if until_ms is not None and at_ms >= until_ms:
            return
        if not isinstance(step, _Entry):
            yield Remembered(at_ms, row=step[1])
        elif step.tag == _SEATS:
            seating = changed(seating, msgspec.convert(step.of, SeatsChange))
            yield Remembered(at_ms, seating=seating)
        else:
            yield Remembered(at_ms, told=_input(step))


def read_after(connection: sqlite3.Connection, told: int, inbox: int) -> Iterator[Remembered]:
    """What the judge was told after a position of what it was told and one of the inbox; without seatings."""
    for step in _merged(connection, told, inbox):
        if not isinstance(step, _Entry):
            yield Remembered(step[1].received_ms, row=step[1])
        elif step.tag != _SEATS:
            yield Remembered(step.at_ms, told=_input(step))


def last_told(connection: sqlite3.Connection) -> int:
    """The newest position of what was told."""
    return int(connection.execute("SELECT coalesce(max(position), 0) FROM told").fetchone()[0])


def span(connection: sqlite3.Connection) -> tuple[datetime, datetime] | None:
    """The time that the past covers; None if nothing is kept."""
    first = connection.execute("SELECT at_ms, body FROM told ORDER BY position LIMIT 1").fetchone()
    last = connection.execute("SELECT at_ms FROM told ORDER BY position DESC LIMIT 1").fetchone()
    if first is None:
        return None
    begin = min([first["at_ms"], *(entry.at_ms for entry in _entries(first["body"]) if entry.at_ms)])
    return from_ms(begin), from_ms(max(begin, last["at_ms"]))


def position_at(connection: sqlite3.Connection, table: str, column: str, ms: int) -> int:
    """The last position of a table that grows with time before a moment: a binary search over its key."""
    low, high = 0, int(connection.execute(f"SELECT coalesce(max(position), 0) FROM {table}").fetchone()[0])  # noqa: S608 - our own names
    while low < high:
        middle = (low + high + 1) // 2
        row = connection.execute(
            f"SELECT position, {column} AS ms FROM {table} WHERE position <= ? ORDER BY position DESC LIMIT 1",  # noqa: S608
            (middle,),
        ).fetchone()
        if row is None or row["ms"] < ms:
            low = middle
        else:
            high = row["position"] - 1
    return low


def _merged(connection: sqlite3.Connection, told: int, inbox: int | None) -> Iterator[tuple[int, Row] | _Entry]:
    """Rows and what was told beside them; rows from where the first told body says, if `inbox` does not."""
    rows = None if inbox is None else rows_after(connection, inbox)
    held = None if rows is None else next(rows, None)
    for body in connection.execute("SELECT inbox, body FROM told WHERE position > ? ORDER BY position", (told,)):
        if rows is None:
            rows = rows_after(connection, body["inbox"])
            held = next(rows, None)
        for entry in _entries(body["body"]):
            while held is not None and held[0] <= body["inbox"] + entry.rows:
                yield held
                held = next(rows, None)
            yield entry
    while rows is not None and held is not None:
        yield held
        held = next(rows, None)


def _seated_before(connection: sqlite3.Connection, position: int) -> Seating:
    seating = Seating()
    query = "SELECT body FROM told WHERE seats > 0 AND position <= ? ORDER BY position"
    for told in connection.execute(query, (position,)):
        for entry in _entries(told["body"]):
            if entry.tag == _SEATS:
                seating = changed(seating, msgspec.convert(entry.of, SeatsChange))
    return seating


def _input(entry: _Entry) -> Input:
    at = from_ms(entry.at_ms)
    if entry.tag == _TICK:
        return Tick(at)
    if entry.tag == _GATEWAY:
        return GatewayAlive(at, GatewayId(entry.of), frozenset())
    try:
        name, fields = entry.of
        return msgspec.convert(fields, _KINDS[name])
    except (KeyError, TypeError, ValueError, msgspec.ValidationError):
        raise PastRefused("an input that this version does not know") from None


def _entries(body: bytes) -> list[_Entry]:
    try:
        return _decoder.decode(zlib.decompress(body))
    except (zlib.error, msgspec.DecodeError) as error:
        raise PastRefused(f"what the judge was told cannot be read: {error}") from None
