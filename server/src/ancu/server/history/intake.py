"""Takes the bands' own records out of what edges brought: verified, dated, packed for the series as late readings.

Runs inside the core's transaction, after the rows that it reads were placed: a restart reads the rows that came out of
it, and needs no key.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ancu.models.band_facts import BandClock, ChallengeAnswered, HistoryHeard, HistoryRun
from ancu.models.errors import FrameRefused
from ancu.models.frame import frame_cipher
from ancu.models.frame_extended import open_extended
from ancu.models.history import Clocked, make_receipt
from ancu.models.ids import BandNumber, EdgeId, band_name
from ancu.server.history import challenges
from ancu.server.history.chain import Checked, Held, Recorded, check_run, follow
from ancu.server.history.clocks import note_clock
from ancu.server.history.dating import Mark, is_jump
from ancu.server.history.readings import at_time, reading_of
from ancu.server.history.store import HistoryStore, Undated
from ancu.server.ingest.rows import Row, Trouble, facts_of, pack_facts, sane_ms
from ancu.server.ingest.verify import FUTURE_MS
from ancu.server.people.records import BandRecord, Snapshot

__all__ = ["Brought", "Receipt", "take_history"]

log = logging.getLogger(__name__)
_TAGS = (b"history", b"band_clock", b"challenge")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an edge may tell a band to forget; `again` asks for what follows once more."""

    edge: EdgeId
    band: BandNumber
    upto: int
    body: bytes
    again: bool


@dataclass(slots=True)
class Brought:
    """What came of the rows of one relay."""

    rows: list[Row] = field(default_factory=list)  # more rows for the inbox
    receipts: list[Receipt] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)


def take_history(connection: sqlite3.Connection, rows: Sequence[Row], register: Snapshot | None) -> Brought:
    """Take what bands said of themselves from rows that were just placed."""
    brought = Brought()
    if register is None:
        return brought
    for row in rows:
        if not row.lane or not any(tag in row.facts for tag in _TAGS):
            continue
        for _, fact in facts_of(row)[0]:
            match fact:
                case HistoryRun():
                    _take_run(connection, row, fact, register, brought)
                case HistoryHeard():
                    _take_heard(connection, row, fact, register, brought)
                case BandClock():
                    note_clock(connection, fact)
                case ChallengeAnswered():
                    row_of = challenges.take_answer(connection, row, fact, register, brought.counts)
                    if row_of is not None:
                        brought.rows.append(row_of)
    return brought


def _take_run(connection: sqlite3.Connection, row: Row, run: HistoryRun, register: Snapshot, brought: Brought) -> None:
    band = register.bands.get(BandNumber(run.band))
    if band is None or band.keys is None or band.order is None or band.revoked:
        brought.counts["history_refused", "unknown_band"] += 1
        return
    store = HistoryStore(connection, band.number, band.order, band.keys.history)
    held = store.held()
    _keep(store, row, band, brought, held=held, checked=check_run(run.head, run.records, held, band.keys.history))


def _take_heard(
    connection: sqlite3.Connection, row: Row, heard: HistoryHeard, register: Snapshot, brought: Brought
) -> None:
    band = register.bands.get(BandNumber(heard.band))
    if band is None or band.keys is None or band.order is None or band.revoked:
        brought.counts["history_refused", "unknown_band"] += 1
        return
    try:
        _, records = open_extended(heard.body, frame_cipher(band.keys.frame), heard.address)
    except FrameRefused as refused:
        brought.counts["history_refused", refused.reason] += 1
        return
    store = HistoryStore(connection, band.number, band.order, band.keys.history)
    held = store.held()
    # A recording of it adds nothing: a record is taken once, and only where the chain goes on.
    checked = follow(records, held, band.keys.history)
    if checked.records:
        _keep(store, row, band, brought, held=held, checked=checked)


def _keep(store: HistoryStore, row: Row, band: BandRecord, brought: Brought, *, held: Held, checked: Checked) -> None:
    assert band.keys is not None  # noqa: S101 - the callers looked
    taker = _Taker(store, band.number, row.received_ms, brought.counts)
    for recorded in checked.records:
        taker.take(recorded)
    if checked.held != held:
        store.hold(checked.held)
    counts = brought.counts
    counts["history_records", ""] += len(checked.records)
    counts["history_known", ""] += checked.known
    counts["history_lost", ""] += checked.lost
    if checked.fault is not None:
        store.name(checked.fault, row.edge, row.received_ms)
        counts["history_faults", checked.fault.kind] += 1
        log.warning(
            "a band's record is not right",
            extra={
                "edge": row.edge,
                "band": band_name(band.number),
                "sequence": checked.fault.sequence,
                "kind": checked.fault.kind,
            },
        )
        taker.troubles.append(f"history_{checked.fault.kind}_{checked.fault.sequence}")
    brought.rows += _rows(row, band, taker)
    receipt = make_receipt(checked.held.upto, band.keys.history)
    brought.receipts.append(Receipt(row.edge, band.number, checked.held.upto, receipt, again=checked.fault is not None))


class _Taker:
    """Dates records in order; those of a boot without a time wait."""

    def __init__(
        self, store: HistoryStore, band: BandNumber, received_ms: int, counts: Counter[tuple[str, str]]
    ) -> None:
        self.readings: list[bytes] = []
        self.troubles: list[str] = []
        self._store, self._band, self._received_ms, self._counts = store, band, received_ms, counts
        self._boot = store.newest_boot()
        self._dates = None if self._boot is None else store.dates(self._boot)

    def take(self, recorded: Recorded) -> None:
        entry = recorded.entry
        if entry.boot != self._boot or self._dates is None:
            self._store.begin_boot(entry.boot)
            self._boot, self._dates = entry.boot, self._store.dates(entry.boot)
        if isinstance(entry.body, Clocked):
            self._learn(Mark(entry.ticks_s, entry.body.unix_s), entry.boot, entry.sequence)
            return
        packed = reading_of(recorded, self._band)
        at_ms = self._dates.date_ms(entry.ticks_s)
        if at_ms is None:
            self._store.wait(entry.boot, Undated(entry.sequence, entry.ticks_s, packed))
            self._counts["history_undated", ""] += 1
        else:
            self._keep(packed, at_ms)

    def _learn(self, mark: Mark, boot: int, sequence: int) -> None:
        if mark.unix_s * 1000 > self._received_ms + FUTURE_MS:
            self.troubles.append(f"history_clock_{sequence}")  # a time that is still to come was told to this band
            self._counts["history_faults", "clock"] += 1
            return
        marks = self._store.marks(boot)
        if marks and is_jump(marks[-1], mark):
            self.troubles.append(f"history_clock_{sequence}")
            self._counts["history_faults", "clock"] += 1
        self._store.mark(boot, mark)
        self._dates = self._store.dates(boot)
        for undated in self._store.take_waiting(boot):
            at_ms = self._dates.date_ms(undated.ticks_s)
            if at_ms is not None:
                self._keep(undated.record, at_ms)
                self._counts["history_dated", ""] += 1

    def _keep(self, packed: bytes, at_ms: int) -> None:
        if at_ms > self._received_ms + FUTURE_MS:
            self._counts["history_faults", "future"] += 1  # no time is better than one that cannot be
            return
        self.readings.append(at_time(packed, sane_ms(at_ms, self._received_ms)))


def _rows(row: Row, band: BandRecord, taker: _Taker) -> Iterator[Row]:
    troubles: Iterable[Trouble] = [Trouble(band.number, reason, 1) for reason in taker.troubles]
    if taker.readings or taker.troubles:
        facts = pack_facts((), troubles)
        yield Row(row.received_ms, row.ward, row.edge, row.gateway, 0, 0, 0, 0, b"".join(taker.readings), facts)
