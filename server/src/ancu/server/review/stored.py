"""What looking back needs of the server's file, read at one moment beside a server that goes on writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from ancu.models.clock import to_ms
from ancu.models.errors import ConfigError
from ancu.server.adapters.sqlite import connect
from ancu.server.adapters.store_journal import records_after
from ancu.server.alerts.events import AlertEvent, unpack
from ancu.server.projection import STREAM
from ancu.server.review.book import Book
from ancu.server.review.compare import compare
from ancu.server.review.outline import Outline, outlines
from ancu.server.review.past import position_at, read_past, span
from ancu.server.review.replay import Replayed, acts_of, replay

__all__ = ["Rehearsal", "Wanted", "at_one_moment", "journal_events", "rehearse", "usual_window"]

_LOOK_BACK = timedelta(days=14)  # an order's length: who is judged now was judged in it
_WARM_UP = timedelta(hours=12)  # longer than any wait of a rule but those that run for days


@contextmanager
def at_one_moment(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only view that does not change under the reader; raises ConfigError."""
    try:
        connection = connect(database, read_only=True)
    except sqlite3.Error as error:
        raise ConfigError(f"{database}: cannot be read ({error})") from None
    try:
        connection.execute("BEGIN")
        yield connection
    except sqlite3.Error as error:
        raise ConfigError(f"{database}: cannot be read ({error})") from None
    finally:
        connection.close()


def journal_events(connection: sqlite3.Connection, since: datetime | None = None) -> Iterator[AlertEvent]:
    """Events of alerts in order; with `since`, those from then on."""
    after = 0 if since is None else position_at(connection, "journal", "at_ms", to_ms(since))
    for stored in records_after(connection, after, stream=STREAM):
        yield unpack(stored.record.body)


class Rehearsal:
    """A changed policy over the past, beside the one in force and beside what was really raised."""

    def __init__(self, base: Replayed, new: Replayed, recorded: list[Outline], wanted: Wanted) -> None:
        self.base, self.new = base, new
        self.change = compare(wanted.of(base.alerts), wanted.of(new.alerts))
        self.fidelity = compare(wanted.of(recorded), wanted.of(base.alerts))
        self.base_pages = sum(outline.pages for outline in wanted.of(base.alerts))
        self.new_pages = sum(outline.pages for outline in wanted.of(new.alerts))

    @property
    def days(self) -> float:
        return (self.base.ends_ms - self.base.begins_ms) / 86_400_000


class Wanted:
    """Which alerts to compare: opened in a time, in a ward."""

    def __init__(self, since: datetime | None = None, until: datetime | None = None, ward: str | None = None) -> None:
        self._since, self._until, self._ward = since, until, ward

    def of(self, alerts: list[Outline]) -> list[Outline]:
        return [
            outline
            for outline in alerts
            if (self._since is None or outline.opened_at >= self._since)
            and (self._until is None or outline.opened_at < self._until)
            and (self._ward is None or outline.ward == self._ward)
        ]


def usual_window(
    connection: sqlite3.Connection, warm_up: timedelta | None = None
) -> tuple[datetime | None, datetime | None]:
    """(alerts opened from when on are compared, from where the judge begins) where nobody named a time.

    At most the last fourteen days, after a warm-up: a judge that begins in the middle of things sees them anew. A past
    that is kept from the very first input is compared whole. None: from its beginning.
    """
    covered = span(connection)
    if covered is None:
        return None, None
    begins, ends = covered
    if ends - begins > _LOOK_BACK:
        since = ends - _LOOK_BACK
        return since, since - (_WARM_UP if warm_up is None else warm_up)
    if warm_up is None:
        first = connection.execute("SELECT inbox FROM told ORDER BY position LIMIT 1").fetchone()
        oldest = connection.execute("SELECT coalesce(min(position), 1) FROM inbox").fetchone()[0]
        if first["inbox"] == 0 and oldest == 1:
            return None, None
        warm_up = min(_WARM_UP, (ends - begins) / 4)
    return begins + warm_up, None


def rehearse(
    connection: sqlite3.Connection,
    base: Book,
    news: Sequence[Book],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    ward: str | None = None,
    begin: datetime | None = None,
) -> list[Rehearsal]:
    """Replay books over the past up to `until`, in one reading of it; raises ConfigError where none was kept.

    From `begin` on, the judge begins with empty memory: quicker, and what went on then is seen anew.
    """
    if span(connection) is None:
        raise ConfigError("nothing to replay: this server has not kept a past yet")
    events = list(journal_events(connection))
    before, *after = replay([base, *news], read_past(connection, begin=begin, until=until), acts_of(events))
    recorded = [o for o in outlines(events).values() if o.opened_at.timestamp() * 1000 >= before.begins_ms]
    wanted = Wanted(since or begin, until, ward)
    return [Rehearsal(before, each, recorded, wanted) for each in after]
