"""Whatever fails below it, the province desk hears of an alert within its ladder: real judge, virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ancu.models.frame import Reading, Status
from ancu.models.ids import GatewayId
from ancu.server.alerts.alert import Acknowledge, Snooze
from ancu.server.bench.fleet import Home, fleet, register_of
from ancu.server.cases.inputs import BandHeard, BandUnseen, EdgeAlive, GatewayAlive, SosTapped, Tick
from ancu.server.notify.duty import Watch
from ancu.server.notify.engine import Due, Plan, Webhook
from ancu.server.notify.port import Receipt, Refused, State, Unreachable
from ancu.server.notify.rehearsal import Rehearsal
from ancu.server.policies import load_policy
from ancu.server.ports import Role, Severity

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)  # 01:00 in Ho Chi Minh City
CHANNELS = ("push", "zalo", "sms", "email", "voice")
WORN = Reading(80, False, 365, 72, 98, Status.SKIN | Status.MOTION, 0)
POLICY = load_policy("default")
SOS_PROVINCE_S, RANGE_PROVINCE_S = (
    60 * rule.next_level_min[1] for rule in (POLICY.rules.sos, POLICY.rules.out_of_range)
)
RISES_S = 20  # who leaves is in motion for longer than a turn in bed
GONE_S = POLICY.rules.out_of_range.opens_after_s + 5


def rehearse(folder: Path, at: datetime = NOON, channels: tuple[str, ...] = CHANNELS, **plan: object) -> Rehearsal:
    rehearsal = Rehearsal(folder, Plan(channels, **plan), at)
    rehearsal.homes = fleet(1)  # type: ignore[attr-defined]
    rehearsal.enrol(register_of(rehearsal.homes, now=at + timedelta(hours=23, minutes=59)))
    rehearsal.add_ward("ward-000")
    rehearsal.add_officer("off-a", Role.OFFICER, ["ward-000"], channels)
    rehearsal.add_officer("off-b", Role.OFFICER, ["ward-000"], channels)
    rehearsal.add_officer("prov", Role.PROVINCE, ways=channels)
    rehearsal.tell(Tick(at))
    return rehearsal


def home_of(rehearsal: Rehearsal) -> Home:
    return rehearsal.homes[0]  # type: ignore[attr-defined]


def call_for_help(rehearsal: Rehearsal) -> None:
    rehearsal.tell(SosTapped(rehearsal.at, home_of(rehearsal).bands[0].person))
    rehearsal.carry()


def leave(rehearsal: Rehearsal, seconds: int) -> None:
    """The band is heard in motion for a while, then for so many seconds no more; its box lives and testifies."""
    home, start = home_of(rehearsal), rehearsal.at
    band = home.bands[0].number
    gone = start + timedelta(seconds=RISES_S)
    for second in range(RISES_S + seconds):
        if second % 10 == 0:
            rehearsal.tell(GatewayAlive(rehearsal.at, GatewayId("gw-000"), frozenset({home.edge})))
            rehearsal.tell(EdgeAlive(rehearsal.at, home.edge, 10, True, True))
        if second % 10 == 0 and second <= RISES_S:
            rehearsal.tell(BandHeard(rehearsal.at, rehearsal.at, home.edge, band, -60, second + 1, WORN, False, False))
        if second == RISES_S + 20:
            rehearsal.tell(BandUnseen(rehearsal.at, home.edge, band, gone))
        rehearsal.run(1)


def first(rehearsal: Rehearsal, officer: str) -> timedelta | None:
    times = [heard.at for heard in rehearsal.heard if heard.officer == officer]
    return min(times) - raised_at(rehearsal) if times else None


def raised_at(rehearsal: Rehearsal) -> datetime:
    ms = rehearsal.db.execute("SELECT min(opened_ms) FROM alerts").fetchone()[0]
    return datetime.fromtimestamp(ms / 1000, UTC)


def states(rehearsal: Rehearsal, officer: str) -> set[str]:
    rows = rehearsal.db.execute(
        "SELECT d.state FROM notify_deliveries d JOIN notify_pages p ON p.id = d.page WHERE p.officer = ?", (officer,)
    )
    return {row["state"] for row in rows}


@pytest.mark.parametrize("fault", [Unreachable("connect"), Unreachable("timeout", 600), Refused("status 403")])
@pytest.mark.parametrize("down", CHANNELS)
def test_one_channel_down_and_everybody_still_hears_at_once(tmp_path: Path, down: str, fault: Unreachable | Refused):
    rehearsal = rehearse(tmp_path)
    rehearsal.answers[down] = lambda due: fault
    call_for_help(rehearsal)
    assert first(rehearsal, "off-a") == first(rehearsal, "off-b") == timedelta(0)
    rehearsal.run(SOS_PROVINCE_S + 5)
    reached = first(rehearsal, "prov")
    assert reached is not None
    assert reached <= timedelta(seconds=SOS_PROVINCE_S + 2)


@pytest.mark.parametrize("up", CHANNELS)
def test_all_channels_down_but_one_and_it_gets_through_that_one(tmp_path: Path, up: str):
    rehearsal = rehearse(tmp_path)
    for channel in set(CHANNELS) - {up}:
        rehearsal.answers[channel] = lambda due: Unreachable("connect")
    leave(rehearsal, GONE_S)
    rehearsal.run(30)
    told = [heard.channel for heard in rehearsal.heard]
    assert told == [up]
    assert rehearsal.heard[0].at - raised_at(rehearsal) <= timedelta(seconds=30)


def test_a_refusal_moves_to_the_next_level_at_once_when_no_channel_is_left(tmp_path: Path):
    rehearsal = rehearse(tmp_path, channels=("sms",))
    rehearsal.answers["sms"] = lambda due: Refused("status 400") if "off-" in due.address else Receipt()
    call_for_help(rehearsal)
    rehearsal.run(3)
    assert first(rehearsal, "prov") is not None
    assert states(rehearsal, "off-a") == {State.DEAD}


def test_ward_channels_that_only_time_out_leave_the_ladder_to_bring_it_up(tmp_path: Path):
    rehearsal = rehearse(tmp_path, channels=("sms",))
    rehearsal.answers["sms"] = lambda due: Unreachable("timeout") if "off-" in due.address else Receipt()
    leave(rehearsal, GONE_S + RANGE_PROVINCE_S + 5)
    reached = first(rehearsal, "prov")
    assert reached is not None
    assert timedelta(seconds=RANGE_PROVINCE_S) <= reached <= timedelta(seconds=RANGE_PROVINCE_S + 2)


def test_an_officer_off_shift_is_left_in_peace_and_the_one_on_shift_hears(tmp_path: Path):
    rehearsal = rehearse(tmp_path)
    rehearsal.add_watch("off-b", NOON - timedelta(hours=1), NOON + timedelta(hours=8))
    rehearsal.add_watch("off-a", NOON - timedelta(hours=9), NOON - timedelta(hours=1))
    call_for_help(rehearsal)
    assert {heard.officer for heard in rehearsal.heard} == {"off-b"}


def test_nobody_on_shift_and_the_ward_hears_at_once_and_the_province_by_its_step(tmp_path: Path):
    rehearsal = rehearse(tmp_path)
    rehearsal.add_watch("off-a", NOON - timedelta(hours=9), NOON - timedelta(hours=1))
    call_for_help(rehearsal)
    assert {heard.officer for heard in rehearsal.heard} == {"off-a", "off-b"}
    rehearsal.run(SOS_PROVINCE_S + 2)
    assert first(rehearsal, "prov") is not None


def test_all_officers_absent_is_a_ward_without_officers(tmp_path: Path):
    rehearsal = rehearse(tmp_path)
    for officer in ("off-a", "off-b"):
        rehearsal.add_absence(officer, NOON - timedelta(days=1), NOON + timedelta(days=1))
    call_for_help(rehearsal)
    assert first(rehearsal, "prov") == timedelta(0)


def test_a_ward_without_officers_has_the_province_hear_at_once(tmp_path: Path):
    rehearsal = rehearse(tmp_path)
    rehearsal.db.execute("UPDATE officers SET disabled_ms = 1 WHERE role = 'officer'")
    leave(rehearsal, GONE_S)
    assert first(rehearsal, "prov") is not None
    assert first(rehearsal, "prov") <= timedelta(seconds=1)


def test_on_call_officers_are_called_when_nobody_is_on_shift(tmp_path: Path):
    rehearsal = rehearse(tmp_path, NIGHT)
    rehearsal.add_watch("off-a", NIGHT - timedelta(hours=12), NIGHT - timedelta(hours=4))
    rehearsal.add_watch("off-b", NIGHT - timedelta(hours=4), NIGHT + timedelta(hours=4), Watch.ON_CALL)
    call_for_help(rehearsal)
    assert {heard.officer for heard in rehearsal.heard} == {"off-b"}


def test_whoever_acknowledges_ends_it_and_nothing_more_is_sent(tmp_path: Path):
    rehearsal = rehearse(tmp_path, channels=("sms", "email"))
    rehearsal.answers["sms"] = lambda due: Unreachable("timeout")
    call_for_help(rehearsal)
    alert = rehearsal.db.execute("SELECT id FROM alerts").fetchone()["id"]
    rehearsal.command(alert, Acknowledge("off-a"))
    tries = rehearsal.tries
    rehearsal.run(1200, step_s=5)
    assert rehearsal.tries == tries
    assert states(rehearsal, "off-a") == {State.SENT, State.WITHDRAWN}
    assert first(rehearsal, "prov") is None


def test_a_snoozed_alert_is_quiet_until_then_and_climbs_after(tmp_path: Path):
    rehearsal = rehearse(tmp_path)
    call_for_help(rehearsal)
    alert = rehearsal.db.execute("SELECT id FROM alerts").fetchone()["id"]
    rehearsal.command(alert, Snooze("off-a", NOON + timedelta(minutes=20)))
    count = len(rehearsal.heard)
    rehearsal.run(19 * 60, step_s=10)
    assert len(rehearsal.heard) == count
    rehearsal.run(5 * 60, step_s=10)
    assert first(rehearsal, "prov") is not None


def test_the_alert_says_that_it_was_told_and_over_which_channel(tmp_path: Path):
    rehearsal = rehearse(tmp_path, channels=("push", "sms"))
    rehearsal.answers["push"] = lambda due: Refused("status 410", gone=True)
    leave(rehearsal, GONE_S)
    row = rehearsal.db.execute("SELECT state FROM alerts").fetchone()
    assert row["state"] == "notified"
    ways = rehearsal.db.execute("SELECT channel FROM contact_points WHERE officer = 'off-a'").fetchall()
    assert [way["channel"] for way in ways] == ["sms"]


def test_what_is_retried_is_the_same_message_with_the_same_id(tmp_path: Path):
    rehearsal = rehearse(tmp_path, channels=("sms",))
    seen = []

    def flaky(due: Due) -> Receipt | Unreachable:
        seen.append(due)
        return Unreachable("reset") if len(seen) < 4 else Receipt()

    rehearsal.answers["sms"] = flaky
    rehearsal.db.execute("UPDATE officers SET disabled_ms = 1 WHERE id = 'off-b'")
    call_for_help(rehearsal)
    rehearsal.run(30)
    ours = [due for due in seen if due.address == "sms:off-a"]
    assert len(ours) >= 4
    assert len({due.id for due in ours}) == 1
    assert len({due.message for due in ours}) == 1


def test_a_dead_house_counts_who_could_not_be_told(tmp_path: Path):
    rehearsal = rehearse(tmp_path, channels=("sms",))
    rehearsal.answers["sms"] = lambda due: Refused("status 401")
    call_for_help(rehearsal)
    rehearsal.run(5)
    assert rehearsal.engine.unreachable > 0
    assert rehearsal.heard == []


def test_a_machine_hears_of_every_call_and_silences_nobody(tmp_path: Path):
    rehearsal = rehearse(
        tmp_path, channels=("sms",), webhooks=(Webhook("desk"), Webhook("low", frozenset({Severity.LOW})))
    )
    call_for_help(rehearsal)
    assert {(heard.officer, heard.channel) for heard in rehearsal.heard} == {
        ("off-a", "sms"), ("off-b", "sms"), ("webhook:desk", "webhook"),
    }  # fmt: skip
    assert {heard.due.address for heard in rehearsal.heard if heard.channel == "webhook"} == {"desk"}


def test_nothing_of_a_person_is_in_a_message(tmp_path: Path):
    rehearsal = rehearse(tmp_path)
    call_for_help(rehearsal)
    message = rehearsal.heard[0].due.message
    person = home_of(rehearsal).bands[0].person
    assert person not in repr(message)
    assert message.items[0].alert in message.text
    assert message.items[0].url in message.text
    assert "Khẩn cấp" in message.text
    assert "Phường ward-000" in message.text


def test_what_was_decided_before_notify_existed_pages_nobody(tmp_path: Path):
    rehearsal = rehearse(tmp_path)
    rehearsal.tell(SosTapped(rehearsal.at, home_of(rehearsal).bands[0].person))
    rehearsal.db.execute("UPDATE notify_mark SET upto = (SELECT max(position) FROM journal)")
    rehearsal.carry()
    assert rehearsal.heard == []


def test_a_burst_in_one_moment_is_shared_by_those_on_shift(tmp_path: Path):
    rings = msgspec.structs.replace(POLICY, paging=msgspec.structs.replace(POLICY.paging, list_first=()))
    rehearsal = Rehearsal(tmp_path, Plan(("sms",)), NOON, rings)
    homes = fleet(6)
    rehearsal.enrol(register_of(homes, now=NOON))  # two weeks' orders that began a day ago, and no band was ever heard
    rehearsal.add_ward("ward-000")
    for officer in ("a", "b", "c"):
        rehearsal.add_officer(officer, Role.OFFICER, ["ward-000"], ["sms"])
    rehearsal.run(1)
    rows = rehearsal.db.execute("SELECT officer, count(*) AS n FROM notify_notes GROUP BY officer").fetchall()
    assert {row["officer"]: row["n"] for row in rows} == {"a": 2, "b": 2, "c": 2}
    assert len(rehearsal.heard) == 3
