"""Rota: shifts, on-call watches, absences and contact points in the register, each change with its line in the log."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ancu.models.clock import from_ms, to_ms
from ancu.models.errors import UsageError
from ancu.server.notify.duty import Watch
from ancu.server.people.errors import Absent
from ancu.server.people.ledger import Ledger
from ancu.server.people.wards import RowError

__all__ = ["COLUMNS", "Entry", "ImportedWatches", "Rota", "parse_time"]

COLUMNS = ("login", "watch", "from", "until")
_LONGEST = timedelta(days=31)  # a watch that is longer is a slip of the pen
_CHANNELS = ("push", "zalo", "sms", "voice", "email")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the calendar: a watch or an absence."""

    login: str
    what: str  # 'shift', 'on_call', 'absent'
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class ImportedWatches:
    added: int
    unchanged: int
    errors: tuple[RowError, ...]


class Rota:
    """One actor's hand on the calendar."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection = ledger.connection

    def set_watch(self, login: str, watch: Watch, start: datetime, end: datetime) -> bool:
        """Add a watch; False if it was there. Raises Absent, UsageError (it overlaps another)."""
        officer = self.officer_of(login)
        if not start < end <= start + _LONGEST:
            raise UsageError(f"a watch ends after it begins, within {_LONGEST.days} days")
        clash = self._connection.execute(
            "SELECT from_ms, until_ms FROM duty_watches"
            " WHERE officer = ? AND watch = ? AND from_ms < ? AND until_ms > ?",
            (officer, watch, to_ms(end), to_ms(start)),
        ).fetchone()
        if clash is not None:
            if (clash["from_ms"], clash["until_ms"]) == (to_ms(start), to_ms(end)):
                return False
            raise UsageError(f"{login} has a watch then already, from {from_ms(clash['from_ms']).isoformat()}")
        with self._ledger.change("set_watch", officer, watch=watch, start=start.isoformat(), end=end.isoformat()) as db:
            db.execute(
                "INSERT INTO duty_watches (officer, watch, from_ms, until_ms) VALUES (?, ?, ?, ?)",
                (officer, watch, to_ms(start), to_ms(end)),
            )
        return True

    def clear_watches(self, login: str, start: datetime, end: datetime) -> int:
        """Take the watches that begin within a time off the calendar; raises Absent."""
        officer = self.officer_of(login)
        with self._ledger.change("clear_watches", officer, start=start.isoformat(), end=end.isoformat()) as db:
            done = db.execute(
                "DELETE FROM duty_watches WHERE officer = ? AND from_ms >= ? AND from_ms < ?",
                (officer, to_ms(start), to_ms(end)),
            )
        return done.rowcount

    def set_absent(self, login: str, start: datetime, end: datetime, reason: str) -> None:
        """Nobody pages him then. Raises Absent, UsageError."""
        officer = self.officer_of(login)
        if not start < end:
            raise UsageError("an absence ends after it begins")
        with self._ledger.change("set_absent", officer, start=start.isoformat(), end=end.isoformat()) as db:
            db.execute(
                "INSERT INTO duty_absences (officer, from_ms, until_ms, reason) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (officer, from_ms) DO UPDATE SET until_ms = excluded.until_ms, reason = excluded.reason",
                (officer, to_ms(start), to_ms(end), reason),
            )

    def end_absence(self, login: str, now: datetime) -> int:
        """He is back: what goes on ends now, what was to come is taken back. Raises Absent."""
        officer, now_ms = self.officer_of(login), to_ms(now)
        with self._ledger.change("end_absence", officer) as db:
            ended = db.execute(
                "UPDATE duty_absences SET until_ms = ?2 WHERE officer = ?1 AND from_ms < ?2 AND until_ms > ?2",
                (officer, now_ms),
            ).rowcount
            return (
                ended
                + db.execute("DELETE FROM duty_absences WHERE officer = ? AND from_ms >= ?", (officer, now_ms)).rowcount
            )

    def set_contact(self, login: str, channel: str, address: str) -> None:
        """Add an address; raises Absent, UsageError."""
        if channel not in _CHANNELS:
            raise UsageError(f"no channel {channel!r}: use {', '.join(_CHANNELS)}")
        if not address or any(c in address for c in "\r\n"):
            raise UsageError("an address is one line")
        officer = self.officer_of(login)
        with self._ledger.change("set_contact", officer, channel=channel) as db:  # the address stays out of the log
            db.execute(
                "INSERT OR IGNORE INTO contact_points (officer, channel, address, created_ms) VALUES (?, ?, ?, ?)",
                (officer, channel, address, self._ledger.now_ms()),
            )

    def clear_contacts(self, login: str, channel: str) -> int:
        """Forget the addresses of a channel; raises Absent."""
        officer = self.officer_of(login)
        with self._ledger.change("clear_contacts", officer, channel=channel) as db:
            return db.execute(
                "DELETE FROM contact_points WHERE officer = ? AND channel = ?", (officer, channel)
            ).rowcount

    def entries(self, start: datetime, end: datetime, *, ward: str | None = None) -> list[Entry]:
        """The calendar of a time, in order."""
        query = (
            "SELECT o.login, e.what, e.from_ms, e.until_ms FROM ("
            " SELECT officer, watch AS what, from_ms, until_ms FROM duty_watches"
            " UNION ALL SELECT officer, 'absent', from_ms, until_ms FROM duty_absences) e"
            " JOIN officers o ON o.id = e.officer WHERE e.from_ms < ?2 AND e.until_ms > ?1"
            " AND (?3 IS NULL OR EXISTS (SELECT 1 FROM officer_wards w WHERE w.officer = o.id AND w.ward = ?3))"
            " ORDER BY e.from_ms, o.login, e.what"
        )
        rows = self._connection.execute(query, (to_ms(start), to_ms(end), ward))
        return [Entry(r["login"], r["what"], from_ms(r["from_ms"]), from_ms(r["until_ms"])) for r in rows]

    def read_csv(self, lines: Iterable[str]) -> ImportedWatches:
        """Import rows `login,watch,from,until`; a bad row is named, the good ones are kept. Raises UsageError."""
        reader = csv.DictReader(lines)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise UsageError(
                f"the first line must name the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}"
            )
        added = unchanged = 0
        errors: list[RowError] = []
        with self._ledger.together():  # one sync for a month of a province
            for row in reader:
                login, watch, start, end = ((row[column] or "").strip() for column in COLUMNS)
                try:
                    done = self.set_watch(login, _watch(watch or Watch.SHIFT), parse_time(start), parse_time(end))
                except UsageError as error:
                    errors.append(RowError(reader.line_num, str(error)))
                else:
                    added, unchanged = added + done, unchanged + (not done)
        return ImportedWatches(added, unchanged, tuple(errors))

    def officer_of(self, login: str) -> str:
        """The id behind a login; raises Absent."""
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT id FROM officers WHERE login = ? AND disabled_ms IS NULL", (login,)
        ).fetchone()
        if row is None:
            raise Absent("officer in use", login)
        return str(row["id"])


def parse_time(text: str) -> datetime:
    """'2026-08-01T08:00+07:00' as an aware time; raises UsageError, also for a time without a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"time {text!r}: write it like 2026-08-01T08:00+07:00") from None
    if at.tzinfo is None:
        raise UsageError(f"time {text!r}: give its zone, like {text}+07:00")
    return at


def _watch(text: str) -> Watch:
    try:
        return Watch(text)
    except ValueError:
        raise UsageError(f"watch {text!r}: use shift or on_call") from None
