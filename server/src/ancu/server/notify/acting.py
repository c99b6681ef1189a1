"""Acting: do to an alert what an officer could, inside a transaction of the core."""

from __future__ import annotations

from ancu.models.clock import from_ms
from ancu.server.alerts.alert import Alert, Command, decide
from ancu.server.core import Transaction
from ancu.server.ports import AlertAlreadyResolved
from ancu.server.projection import alert_of, events_of, record_of

__all__ = ["act"]


def act(tx: Transaction, alert: str, command: Command) -> Alert | None:
    """The alert as it was before; None where there is none. Nothing happens to one that is resolved already."""
    state = alert_of(events_of(tx.store, alert))
    if state is None:
        return None
    try:
        events = decide(state, command, from_ms(tx.now_ms))
    except AlertAlreadyResolved:
        return state
    for event in events:
        record = record_of(event)
        tx.memory.judging.evolve(record)
        tx.records.append(record)
    return state
