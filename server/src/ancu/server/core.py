"""The core: one thread that owns the store, the judge and the order of things.

Works come in through a queue; those that wait together share one transaction. What a transaction holds is confirmed and
told only after its commit. A transaction that fails is rolled back, memory is brought back to what the store holds, and
the works are tried again; a work that cannot be carried out even alone is put aside, and never stops what follows.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from ancu.models.clock import Clock, from_ms, to_ms
from ancu.models.errors import AncuError
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import Relay
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import Stored, verify_chain
from ancu.server.cases.inputs import Tick
from ancu.server.core_turn import CommandWork, CoreStopped, Relayed, TickWork, Told, Transaction, Turn, Work
from ancu.server.history.intake import take_history
from ancu.server.ingest.pipeline import Taken, read_relay
from ancu.server.lanes import Lanes
from ancu.server.memory import Memory
from ancu.server.people.records import Snapshot
from ancu.server.steady import SteadyClock

__all__ = ["Core", "CoreStopped", "Told", "Transaction", "verify_chain"]

log = logging.getLogger(__name__)
T = TypeVar("T")

_STARTING = "starting"
_TICK_S = 1.0
_RETRY_S = 1.0
_GROUP_WORKS = 64  # in one transaction: one sync to disk for all of them
_GROUP_BYTES = 4 * 1024 * 1024
_WAITING_WORKS = 1024  # beyond it relays are left to the gateway, which keeps them until they are confirmed
_SNAPSHOT_READINGS = 50_000  # since the last one: read again in about two seconds
_SNAPSHOT_S = 60.0


class Core:
    """Owns the thread. `open_store` and `roster` are called on it; `told` too, after each commit."""

    def __init__(
        self,
        *,
        open_store: Callable[[], Store],
        roster: Callable[[Store, int | None], Snapshot | None],
        project: Callable[[Store, Sequence[Stored]], None],
        note: Callable[[Store, Taken], None] = lambda *_: None,
        memory: Memory,
        clock: Clock,
        told: Callable[[Told], None],
        listening: Callable[[], bool] = lambda: True,
        steady: SteadyClock | None = None,
    ) -> None:
        """`roster` answers the register if it is newer than the version given; `project` writes the desk's tables.

        `note` keeps what a relay brought for the desk beside its rows. All run inside transactions of the core: what a
        record says and what the desk shows are committed together. While it is not `listening`, silence proves nothing
        and the judge is not told that time passes.
        """
        self._open_store = open_store
        self._roster = roster
        self._project = project
        self._note = note
        self._memory = memory
        self._clock = clock
        self._told = told
        self._listening = listening
        self._steady = steady
        self._queue: Lanes[Work] = Lanes()
        self._thread = threading.Thread(target=self._main, name="core", daemon=True)
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self.fault: str | None = _STARTING
        self.row = 0  # highest position of the inbox
        self.counts: Counter[tuple[str, str]] = Counter()
        self.commit_s: deque[float] = deque(maxlen=1_000)  # from a relay's arrival to its commit, newest last

    # --- from any thread ---

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 4.0) -> None:
        """Finish what is in hand, save memory, end; works that still wait are refused."""
        self._stopping.set()
        self._queue.put(TickWork(), urgent=True)
        self._thread.join(timeout)

    def wait_ready(self, timeout: float) -> bool:
        """Whether memory was brought back within a time."""
        return self._ready.wait(timeout)

    def is_alive(self) -> bool:
        """Whether the thread runs; one that ended by itself did so over an error that it logged."""
        return self._thread.is_alive()

    def waiting(self) -> int:
        """Works in the queue."""
        return self._queue.waiting()

    def deliver(self, topic: Upstream, body: bytes) -> bool:
        """Hand over a relay; False leaves it to the gateway, which sends it again."""
        if self._queue.waiting() >= _WAITING_WORKS or self._stopping.is_set():
            return False
        relay = read_relay(topic, body)
        urgent = isinstance(relay, Relay) and any(item.lane is Lane.ALARM for item in relay.items)
        self._queue.put(Relayed(topic, body, relay, self._clock.monotonic()), urgent=urgent)
        return True

    def command(self, run: Callable[[Transaction], T]) -> Future[T]:
        """Run something inside a transaction; the answer comes after its commit. Errors of ours come back as raised."""
        future: Future[T] = Future()
        if self._stopping.is_set():
            future.set_exception(CoreStopped("the server is stopping"))
        else:
            self._queue.put(CommandWork(run, future), urgent=True)
        return future

    # --- the core's own thread ---

    def _main(self) -> None:
        store: Store | None = None
        held: list[Work] = []
        try:
            while not self._stopping.is_set() or held or self._queue.waiting():
                try:
                    store = store or self._begin()
                    held = held or self._collect()
                    self._turn(store, held)
                    held = []
                except (sqlite3.Error, OSError) as error:
                    held = self._trouble(held, error)
                    store = _closed(store)
                    if self._stopping.wait(_RETRY_S):
                        break
            if store is not None:
                self._save(store)
        except Exception:
            log.exception("the core ended")
            self.fault = "the core ended"
            raise
        finally:
            self._stopping.set()
            self._refuse([*held, *self._drain()])
            _closed(store)

    def _begin(self) -> Store:
        """Open the store and bring memory to exactly what it holds."""
        store = self._open_store()
        roster = self._roster(store, None)
        if roster is not None:
            self._memory.enrol(roster)
        rows = self._memory.rebuild(store)
        self.counts = Counter(store.counters())
        self._unsaved, self._saved_at = 0, self._clock.monotonic() - (_SNAPSHOT_S if rows else 0)
        self.row = store.last_row()
        self._tick_at = self._clock.monotonic()
        if self.fault is not None and self.fault != _STARTING:
            log.info("the store is back")
        self.fault = None
        self._ready.set()
        log.info("core ready", extra={"rows_read_again": rows, "inbox": self.row})
        return store

    def _collect(self) -> list[Work]:
        """Wait for work until the next tick is due; take what waits together."""
        works: list[Work] = []
        size = 0
        patience = max(0.0, self._tick_at - self._clock.monotonic())
        while len(works) < _GROUP_WORKS and size < _GROUP_BYTES:
            work = self._queue.get(0.0 if works else patience)
            if work is None:
                break
            works.append(work)
            size += len(work.body) if isinstance(work, Relayed) else 0
        now = self._clock.monotonic()
        if now >= self._tick_at:
            self._tick_at = now + _TICK_S
            works.append(TickWork())
        return works

    def _turn(self, store: Store, works: list[Work]) -> None:
        if not works:
            return
        try:
            self._commit(store, works)
        except (sqlite3.Error, OSError):
            raise
        except Exception:
            log.exception("a transaction failed; trying its works one by one")
            self._memory.rebuild(store)
            for work in works:
                self._alone(store, work)

    def _alone(self, store: Store, work: Work) -> None:
        try:
            self._commit(store, [work])
        except (sqlite3.Error, OSError):
            raise
        except Exception as error:
            log.exception("put aside", extra={"work": work.__class__.__name__})
            self._memory.rebuild(store)
            if isinstance(work, CommandWork):
                work.future.set_exception(error)
            if isinstance(work, Relayed) and isinstance(work.relay, Relay):
                self._give_up(store, work, work.relay)

    def _give_up(self, store: Store, work: Relayed, relay: Relay) -> None:
        """Never let one body that we fail on stop its lane: kept whole, counted, settled."""
        now_ms = to_ms(self._clock.now())
        turn = Turn()
        with store.transaction():
            taken = self._memory.pipeline.give_up(work.topic, relay, self._memory.keyring, now_ms)
            turn.counts, turn.confirms = taken.counts, taken.confirms
            store.count(taken.counts)
            store.set_marks(taken.marks, {})
            store.put_aside(taken.aside, now_ms)
        self._after(turn)

    def _commit(self, store: Store, works: Sequence[Work]) -> None:
        """One transaction. Nothing is told or answered before it is on the disk."""
        turn = Turn()
        works = self._of_our_time(works)
        with store.transaction():
            now_ms = to_ms(self._clock.now())
            for work in works:
                match work:
                    case Relayed():
                        self._relay(store, work, now_ms, turn)
                    case CommandWork():
                        self._run(store, work, now_ms, turn)
                    case TickWork():
                        self._tick(store, now_ms, turn)
            self._flush(store, turn)
            store.count(turn.counts)
            if turn.marks:
                store.set_marks(turn.marks, turn.lost)
            if turn.row or turn.stored or self._memory.past.is_worth_a_write():
                self._memory.past.write(store.connection, turn.row or self.row, now_ms)
            if turn.row:
                self._maybe_save(store, turn.counts["readings", ""])
        self._after(turn)

    def _of_our_time(self, works: Sequence[Work]) -> list[Work]:
        """While our clock is in doubt: ask the edges, and leave what is of the time in doubt to the gateways.

        They send it again. Taken now it would be refused as of the future, or be late.
        """
        steady = self._steady
        if steady is None or not steady.is_in_doubt:
            return list(works)
        kept: list[Work] = []
        for work in works:
            said = self._memory.said_by(work.topic, work.relay) if isinstance(work, Relayed) else []
            voices = [steady.hear(edge, sent_ms) for edge, sent_ms in said]
            if True not in voices or False in voices:
                kept.append(work)
        return kept

    def _flush(self, store: Store, turn: Turn) -> None:
        """Journal and project what was decided so far, so that a command sees it."""
        positions = store.append(turn.records)
        stored = [Stored(*pair) for pair in zip(positions, turn.records, strict=True)]
        if stored:
            self._project(store, stored)
            turn.stored += stored
            turn.records = []

    def _relay(self, store: Store, work: Relayed, now_ms: int, turn: Turn) -> None:
        taken, records = self._memory.take(work.topic, work.body, work.relay, now_ms)
        turn.records += records
        turn.counts += taken.counts
        turn.marks |= taken.marks
        turn.lost += taken.lost
        turn.confirms = {c: w for c, w in turn.confirms.items() if (c.edge, c.epoch, c.lane) not in taken.marks}
        turn.confirms |= taken.confirms
        turn.arrived.append(work.arrived)
        brought = take_history(store.connection, taken.rows, self._memory.roster)
        for row in brought.rows:
            turn.records += self._memory.take_note(row)
        turn.counts += brought.counts
        turn.receipts += brought.receipts
        if taken.rows:
            turn.row = store.add_rows([*taken.rows, *brought.rows])
        self._note(store, taken)
        if taken.aside:
            store.put_aside(taken.aside, now_ms)

    def _run(self, store: Store, work: CommandWork, now_ms: int, turn: Turn) -> None:
        if not work.future.running() and not work.future.set_running_or_notify_cancel():
            return
        self._flush(store, turn)
        transaction = Transaction(store, self._memory, now_ms)
        try:
            answer = work.run(transaction)
        except AncuError as error:
            turn.answers.append((work.future, None, error))
            return
        turn.row = transaction.row or turn.row
        turn.records += transaction.records
        self._flush(store, turn)
        turn.answers.append((work.future, answer, None))

    def _tick(self, store: Store, now_ms: int, turn: Turn) -> None:
        version = self._memory.roster.version if self._memory.roster is not None else None
        roster = self._roster(store, version)
        if roster is not None:
            self._memory.enrol(roster)
        if self._listening():
            turn.records += self._memory.feed(Tick(from_ms(now_ms)))

    def _after(self, turn: Turn) -> None:
        self.counts += turn.counts
        self.row = turn.row or self.row
        for future, answer, error in turn.answers:
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)
        now = self._clock.monotonic()
        self.commit_s.extend(now - at for at in turn.arrived)
        if turn.confirms or turn.stored or turn.row:
            self._told(Told(turn.confirms, turn.stored, self.row, turn.receipts))

    def _maybe_save(self, store: Store, readings: int) -> None:
        self._unsaved += readings
        now = self._clock.monotonic()
        if self._unsaved >= _SNAPSHOT_READINGS or now - self._saved_at >= _SNAPSHOT_S:
            self._write_snapshot(store)
            self._unsaved, self._saved_at = 0, now

    def _save(self, store: Store) -> None:
        try:
            with store.transaction():
                self._memory.past.write(store.connection, self.row, to_ms(self._clock.now()))
                self._write_snapshot(store)
        except (sqlite3.Error, OSError) as error:
            log.warning("memory not saved at the end; the next start reads more", extra={"why": str(error)})

    def _write_snapshot(self, store: Store) -> None:
        """A snapshot only makes the next start quicker: what cannot be made must not stop what follows."""
        try:
            saved = self._memory.save(store)
        except (sqlite3.Error, OSError):
            raise
        except Exception:
            log.exception("no snapshot of memory")
            return
        store.save(saved, to_ms(self._clock.now()))

    def _trouble(self, held: list[Work], error: Exception) -> list[Work]:
        """The store failed: say so once, keep the relays, refuse the commands."""
        if self.fault is None or self.fault == _STARTING:
            log.error("the store failed", extra={"why": str(error)})
        self.fault = f"store: {error}"
        waiting = held + (self._drain() if self._stopping.is_set() else [])
        self._refuse(waiting)
        return [work for work in waiting if isinstance(work, Relayed)]

    def _drain(self) -> list[Work]:
        works: list[Work] = []
        while (work := self._queue.get(0.0)) is not None:
            works.append(work)
        return works

    def _refuse(self, works: Sequence[Work]) -> None:
        for work in works:
            if isinstance(work, CommandWork) and not work.future.done():
                work.future.set_exception(CoreStopped(f"not now: {self.fault or 'the server is stopping'}"))


def _closed(store: Store | None) -> Store | None:
    if store is not None:
        with contextlib.suppress(sqlite3.Error):
            store.connection.close()
    return None
