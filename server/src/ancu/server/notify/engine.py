"""The engine: from the journal to deliveries that are due, and from their outcomes back. Runs inside transactions.

The journal is the outbox: an event that pages is committed with its decision, and a mark says how far the journal was
carried out. So nothing that was decided can be lost on its way to a person, and routing can never stop a decision.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from ancu.models.clock import from_ms, to_ms
from ancu.server.adapters import notify_store as rows
from ancu.server.adapters.notify_store import DeliveryRow
from ancu.server.adapters.store_journal import Stored
from ancu.server.alerts.alert import Acknowledge, MarkNotified
from ancu.server.alerts.events import (
    Acknowledged,
    Contacted,
    Dispatched,
    Resolved,
    Snoozed,
    unpack,
)
from ancu.server.core import Transaction
from ancu.server.notify import handover
from ancu.server.notify.acting import act
from ancu.server.notify.calls import call_of, id_of, note_of, pages, raised_to
from ancu.server.notify.duty import Roster
from ancu.server.notify.pacing import next_page_at, pages_due
from ancu.server.notify.plan import ALL, Outcome, Plan, Step, Webhook
from ancu.server.notify.port import Due, Receipt, Refused, State, Unreachable
from ancu.server.notify.receipts import Said
from ancu.server.notify.reminders import Reminders
from ancu.server.notify.routing import Call, Level, route
from ancu.server.notify.words import Writer
from ancu.server.ports import Severity
from ancu.server.projection import STREAM, events_of

__all__ = ["Due", "Engine", "Outcome", "Plan", "Step", "Webhook"]

log = logging.getLogger(__name__)
_EVENTS = 200  # of the journal in one transaction, so that the judge never waits long
_DUE = 32  # of a channel in one step: one that is down must not hide the others
_SEEN = (Acknowledged, Contacted, Dispatched, Resolved, Snoozed)


class Engine:
    """Decides over the core's connection. `chance` answers 0..1 and spreads retries."""

    def __init__(self, plan: Plan, writer: Writer, chance: Callable[[], float]) -> None:
        self._plan, self._writer, self._chance = plan, writer, chance
        self._reminders = Reminders(plan.persons, writer, plan.backoff, chance)
        self._roster: Roster | None = None  # as of this transaction, with what it told them since
        self.broken = 0  # events that this version failed on
        self.unreachable = 0  # calls that nobody at all could be told of
        self.waiting: dict[str, int] = {}  # deliveries that will be tried, by channel
        self.oldest_ms: int | None = None  # when the oldest page was made that has a delivery due
        self.changes: Counter[tuple[str, str]] = Counter()  # tries by channel and what they came to

    def step(self, tx: Transaction) -> Step:
        """Carry out what the journal says, make the pages that are due, and give the deliveries that are due."""
        db = tx.store.connection
        self._roster = None
        upto = rows.mark(db)
        read = 0
        for stored in list(itertools.islice(tx.store.records_after(upto), _EVENTS)):
            self._carefully(tx, stored)
            upto, read = stored.position, read + 1
        if read:
            rows.set_mark(db, upto)
        self._make_pages(tx)
        self.waiting = rows.waiting_deliveries(db)
        self.oldest_ms = rows.oldest_ms(db, tx.now_ms)
        due = [
            found
            for channel in self.waiting
            for row in rows.due(db, channel, tx.now_ms, _DUE)
            if (found := self._due(tx, row)) is not None
        ]
        reminders, look_ms = self._reminders.step(tx)
        next_ms = min((ms for ms in (self._next_ms(tx), look_ms) if ms is not None), default=None)
        return Step([*due, *reminders], tx.now_ms if read == _EVENTS else next_ms)

    def settle(self, tx: Transaction, outcomes: Sequence[Outcome]) -> None:
        """Write down what tries came to, and what follows from it."""
        self._roster = None
        for outcome in outcomes:
            row = rows.one_delivery(tx.store.connection, outcome.delivery)
            if row is not None:
                self._settle(tx, row, outcome.result)
            else:
                self._reminders.settle(tx, outcome.delivery, outcome.result)

    def told(self, tx: Transaction, channel: str, said: Iterable[Said]) -> int:
        """What a provider says later of messages that it took; returns how many it named that nobody knows yet."""
        self._roster = None
        unknown = 0
        for one in said:
            row = rows.by_reference(tx.store.connection, channel, one.reference)
            if row is not None:
                self._told(tx, row, one)
            elif not self._reminders.told(tx, channel, one):
                rows.keep_early(tx.store.connection, channel, one, tx.now_ms)
                unknown += 1
        return unknown

    def _told(self, tx: Transaction, row: DeliveryRow, said: Said) -> None:
        """A receipt moves what was sent, once; it never takes back what was delivered."""
        if row.state is not State.SENT:
            return
        if said.delivered:
            self._change(tx, row, State.DELIVERED, why="receipt")
            return
        self._change(tx, row, State.DEAD, why=said.why)
        if row.officer.startswith("webhook:"):
            return
        patience_ms = int(self._plan.patience.total_seconds() * 1000)
        for turn, delivery in enumerate(rows.stood_back(tx.store.connection, row.page)):
            self._change(tx, delivery, State.QUEUED, why="called back", next_ms=tx.now_ms + turn * patience_ms)
        self._fail_over(tx, row.page)

    def _settle(self, tx: Transaction, row: DeliveryRow, result: Receipt | Refused | Unreachable) -> None:
        match result:
            case Receipt():
                self._through(tx, row, result)
            case Refused():
                if result.gone:
                    rows.forget_contact(tx.store.connection, row.officer, row.channel, row.address)
                self._dead(tx, row, result.why, row.tries + 1)
            case Unreachable():
                self._failed(tx, row, result)

    # --- from events to notes ---

    def _carefully(self, tx: Transaction, stored: Stored) -> None:
        """What one event breaks must not keep the next one from its officer."""
        try:
            self._carry_out(tx, stored)
        except sqlite3.Error:
            raise
        except Exception:
            self.broken += 1
            log.exception("an event was not carried out", extra={"position": stored.position})

    def _carry_out(self, tx: Transaction, stored: Stored) -> None:
        if stored.record.stream == handover.STREAM:
            for alert, taker in handover.carried_out(tx.store.connection, stored):
                act(tx, alert, Acknowledge(taker))
        if stored.record.stream != STREAM:
            return
        event = unpack(stored.record.body)
        if isinstance(event, _SEEN):
            for delivery in rows.withdraw_notes(tx.store.connection, event.alert, stored.position, tx.now_ms):
                self._change(tx, delivery, State.WITHDRAWN, why="taken")
        elif pages(event) and (self._plan.order or self._plan.webhooks):
            call = call_of(tx, stored.position, event)
            if call is not None:
                self._tell_machines(tx, call)
                if self._plan.order:
                    self._tell(tx, call)

    def _tell(self, tx: Transaction, call: Call) -> None:
        """Note down who is told; where everyone whom a level reaches was told already, go to the next one."""
        db = tx.store.connection
        at = from_ms(tx.now_ms)
        roster = self._roster or rows.read_roster(db, tx.now_ms, self._plan.channels, self._pause_ms)
        level: int = call.level
        while level <= Level.EVERYBODY:
            told = route(raised_to(call, level), roster, self._plan.routing, at)
            new = {d.officer for d in told if rows.add_note(db, note_of(call, d.officer, d.level, tx.now_ms))}
            if new:
                self._roster = roster.with_more(new)
                return
            level = max((d.level for d in told), default=Level.EVERYBODY) + 1
        self.unreachable += 1
        log.error("an alert reaches nobody", extra={"alert": call.alert, "position": call.position})

    def _tell_machines(self, tx: Transaction, call: Call) -> None:
        for hook in self._plan.webhooks:
            if call.severity in hook.severities and (hook.wards is None or call.ward in hook.wards):
                note = note_of(call, f"webhook:{hook.name}", call.level, tx.now_ms)
                rows.add_note(tx.store.connection, note)

    # --- from notes to deliveries ---

    def _make_pages(self, tx: Transaction) -> None:
        db, at = tx.store.connection, from_ms(tx.now_ms)
        waiting = rows.waiting(db)
        if not waiting:
            return
        for page in pages_due(waiting, self._paged_at(tx), self._plan.routing.pause, at):
            id_ = id_of(page.officer, *(f"{note.position}" for note in page.notes))
            rows.add_page(db, id_, page.officer, urgent=page.urgent, now_ms=tx.now_ms, notes=page.notes)
            severity = page.notes[0].severity
            made = self._deliveries(tx, id_, page.officer, severity)
            if not made:  # the address was deleted since it was routed
                self._fail_over(tx, id_)

    def _deliveries(self, tx: Transaction, page: str, officer: str, severity: Severity) -> int:
        """A delivery for each address: all at once for what is critical, else one channel after the other."""
        db = tx.store.connection
        if officer.startswith("webhook:"):
            ways = {"webhook": [officer.removeprefix("webhook:")]}
        else:
            ways = {}
            for channel, address in rows.addresses(db, officer):
                if channel in self._plan.channels and severity in self._plan.routing.severities.get(channel, ALL):
                    ways.setdefault(channel, []).append(address)
        patience_ms = 0 if severity is Severity.CRITICAL else int(self._plan.patience.total_seconds() * 1000)
        made = 0
        for turn, channel in enumerate(sorted(ways, key=self._turn)):
            for address in ways[channel]:
                row = DeliveryRow(
                    id=id_of(page, channel, address),
                    page=page,
                    officer=officer,
                    urgent=severity is Severity.CRITICAL,
                    made_at=from_ms(tx.now_ms),
                    channel=channel,
                    address=address,
                    state=State.QUEUED,
                    tries=0,
                )
                rows.add_delivery(db, row, tx.now_ms + turn * patience_ms, tx.now_ms)
                self.changes[channel, State.QUEUED] += 1
                made += 1
        return made

    def _turn(self, channel: str) -> tuple[int, str]:
        order = self._plan.order
        return (order.index(channel) if channel in order else len(order), channel)

    def _due(self, tx: Transaction, row: DeliveryRow) -> Due | None:
        if row.channel not in self._plan.channels and not self._is_machine(row):
            self._dead(tx, row, "channel not configured", row.tries)
            return None
        db = tx.store.connection
        notes = rows.notes_of(db, row.page)
        message = self._writer.message(row.id, row.made_at, notes, rows.ward_names(db), urgent=row.urgent)
        return Due(row.id, row.channel, row.address, message)

    def _is_machine(self, row: DeliveryRow) -> bool:
        return row.channel == "webhook" and any(hook.name == row.address for hook in self._plan.webhooks)

    def _next_ms(self, tx: Transaction) -> int | None:
        db = tx.store.connection
        page_at = next_page_at(rows.waiting(db), self._paged_at(tx), self._plan.routing.pause, from_ms(tx.now_ms))
        times = [rows.next_try_ms(db, tx.now_ms), None if page_at is None else to_ms(page_at)]
        return min((ms for ms in times if ms is not None), default=None)

    def _paged_at(self, tx: Transaction) -> dict[str, datetime]:
        return rows.paged_at(tx.store.connection, tx.now_ms - self._pause_ms)

    @property
    def _pause_ms(self) -> int:
        return int(self._plan.routing.pause.total_seconds() * 1000)

    # --- from outcomes to states ---

    def _through(self, tx: Transaction, row: DeliveryRow, receipt: Receipt) -> None:
        if row.state is State.DELIVERED:
            return
        self._change(tx, row, receipt.state, tries=row.tries + 1, reference=receipt.reference)
        if row.state is State.SENT:
            return  # a later word on what was sent
        db = tx.store.connection
        early = rows.take_early(db, row.channel, receipt.reference)
        if not row.urgent:
            for other in rows.siblings(db, row.page):
                if other.id != row.id and other.state in (State.QUEUED, State.FAILED) and other.channel != row.channel:
                    self._change(tx, other, State.WITHDRAWN, why=rows.STOOD_BACK)
        if not row.officer.startswith("webhook:"):
            for alert in {note.alert for note in rows.notes_of(db, row.page)}:
                act(tx, alert, MarkNotified(row.channel, row.officer))
        sent = rows.one_delivery(db, row.id)
        if early is not None and sent is not None:
            self._told(tx, sent, early)

    def _failed(self, tx: Transaction, row: DeliveryRow, trouble: Unreachable) -> None:
        if row.state not in (State.QUEUED, State.FAILED):
            return  # withdrawn while it was being tried
        tries = row.tries + 1
        wait_s = self._plan.backoff.delay_s(tries, self._chance(), trouble.retry_after_s)
        next_ms = tx.now_ms + int(wait_s * 1000)
        if next_ms - to_ms(row.made_at) > self._plan.backoff.give_up_s * 1000:
            self._dead(tx, row, f"given up: {trouble.why}", tries)
            return
        self._change(tx, row, State.FAILED, why=trouble.why, tries=tries, next_ms=next_ms)
        rows.pull_forward(tx.store.connection, row.page, tx.now_ms)

    def _dead(self, tx: Transaction, row: DeliveryRow, why: str, tries: int) -> None:
        if row.state not in (State.QUEUED, State.FAILED):
            return
        self._change(tx, row, State.DEAD, why=why, tries=tries)
        rows.pull_forward(tx.store.connection, row.page, tx.now_ms)
        if not row.officer.startswith("webhook:"):
            self._fail_over(tx, row.page)

    def _fail_over(self, tx: Transaction, page: str) -> None:
        """Where nobody whom an event was told to can be reached any more, the next level hears of it at once."""
        db = tx.store.connection
        for note in rows.notes_of(db, page):
            if rows.is_withdrawn(db, note.id) or rows.still_carried(db, note.position):
                continue
            event = next(event for at, event in events_of(tx.store, note.alert) if at == note.position)
            call = call_of(tx, note.position, event)
            if call is not None:
                self._tell(tx, raised_to(call, rows.highest_level(db, note.position) + 1))

    def _change(
        self,
        tx: Transaction,
        row: DeliveryRow | str,
        state: State,
        *,
        why: str = "",
        tries: int | None = None,
        next_ms: int | None = None,
        reference: str | None = None,
    ) -> None:
        db = tx.store.connection
        found = rows.one_delivery(db, row) if isinstance(row, str) else row
        if found is None:
            return
        rows.change(db, found.id, state, tx.now_ms, why=why, tries=tries, next_ms=next_ms, reference=reference)
        self.changes[found.channel, state] += 1
