"""Any sequence of alerts, failures and acknowledgements on the real store: an officer's peace, and nothing lost."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.server.alerts.alert import Acknowledge
from ancu.server.alerts.events import Due as Rung
from ancu.server.alerts.events import Escalated, Raised, Sign, Subject
from ancu.server.cases.codes import Concern, Desk, Kind, Say, SubjectKind
from ancu.server.notify.engine import Plan
from ancu.server.notify.port import Receipt, Refused, Unreachable
from ancu.server.notify.rehearsal import Rehearsal
from ancu.server.ports import Role, Severity
from ancu.server.projection import record_of

START = datetime(2026, 3, 2, 5, tzinfo=UTC)
PAUSE = timedelta(minutes=10)
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), st.sampled_from([Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM])),
        st.tuples(st.just("escalate"), st.integers(0, 5)),
        st.tuples(st.just("acknowledge"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 700)),
    ),
    max_size=14,
)


def raised(number: int, severity: Severity, at: datetime) -> Raised:
    subject = Subject(SubjectKind.PERSON, f"p{number}", "w1", f"p{number}")
    sign = Sign(Say.UNSEEN_RESCANNED, at)
    return Raised(
        f"alert-{number}", at, "default@1", Kind.OUT_OF_RANGE, Concern.WHEREABOUTS, subject, severity, Desk.WARD, at,
        (sign,), (), True, (Rung(1, at + PAUSE),),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(happenings, st.integers(0, 2**32))
def test_an_officer_has_ten_minutes_and_every_open_alert_reaches_someone(happens: list[tuple[str, object]], seed: int):
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        rehearsal = Rehearsal(Path(folder), Plan(("push", "sms")), START, chance=chance.random)
        rehearsal.add_ward("w1")
        for officer in ("a", "b"):
            rehearsal.add_officer(officer, Role.OFFICER, ["w1"], ["push", "sms"])
        rehearsal.add_officer("prov", Role.PROVINCE, ways=["sms"])
        faults = [Receipt(), Receipt(), Unreachable("timeout"), Refused("status 400")]
        rehearsal.answers["push"] = lambda due: chance.choice(faults)
        rehearsal.answers["sms"] = lambda due: chance.choice(faults[:3])
        alerts: list[Raised] = []
        taken: set[str] = set()
        for what, value in happens:
            if what == "wait":
                rehearsal.run(value, step_s=37, ticks=False)
            elif what == "raise":
                alerts.append(raised(len(alerts), value, rehearsal.at))
                _write(rehearsal, alerts[-1])
            elif alerts:
                alert = alerts[value % len(alerts)]
                if what == "acknowledge":
                    taken.add(alert.alert)
                    rehearsal.command(alert.alert, Acknowledge("a"))
                elif alert.alert not in taken:
                    _write(rehearsal, Escalated(alert.alert, rehearsal.at, 1, rehearsal.at, paged=True))
            rehearsal.carry()
        rehearsal.run(3000, step_s=15, ticks=False)

        heard = {item.alert for one in rehearsal.heard for item in one.due.message.items}
        assert {alert.alert for alert in alerts} - taken <= heard
        pages = rehearsal.db.execute("SELECT officer, made_ms, urgent FROM notify_pages ORDER BY made_ms").fetchall()
        for officer in ("a", "b", "prov"):
            times = [page["made_ms"] for page in pages if page["officer"] == officer and not page["urgent"]]
            assert all(later - earlier >= 600_000 for earlier, later in pairwise(times))
        notes = rehearsal.db.execute("SELECT * FROM notify_notes").fetchall()
        assert all(note["page"] is not None or note["withdrawn_ms"] is not None for note in notes)
        made = {row["id"]: row["made_ms"] for row in rehearsal.db.execute("SELECT id, made_ms FROM notify_pages")}
        assert all(made[note["page"]] == note["at_ms"] for note in notes if note["severity"] == "C" and note["page"])


def _write(rehearsal: Rehearsal, event: Raised | Escalated) -> None:
    record = record_of(event)
    rehearsal.memory.judging.evolve(record)
    rehearsal.write([record])
