from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ancu.server.cases.codes import Desk, Kind
from ancu.server.notify.duty import Absence, Officer, Roster, Span, Watch
from ancu.server.notify.routing import Call, Level, RoutingPolicy, route
from ancu.server.ports import Role, Severity

NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = RoutingPolicy()


def call(severity: Severity = Severity.HIGH, **changes: object) -> Call:
    values: dict[str, object] = {
        "position": 1, "alert": "a1", "kind": Kind.OUT_OF_RANGE, "severity": severity, "desk": Desk.WARD, "ward": "w1",
    }  # fmt: skip
    return Call(**(values | changes))


def officer(id_: str, role: Role = Role.OFFICER, **changes: object) -> Officer:
    wards = None if role in (Role.PROVINCE, Role.OPERATOR) else frozenset({"w1"})
    values: dict[str, object] = {"id": id_, "role": role, "wards": wards, "channels": frozenset({"sms"})}
    return Officer(**(values | changes))


def shift(id_: str, watch: Watch = Watch.SHIFT) -> Span:
    return Span(id_, watch, NOW - HOUR, NOW + HOUR)


def over(id_: str) -> Span:
    return Span(id_, Watch.SHIFT, NOW - 2 * HOUR, NOW - HOUR)


def told(roster: Roster, what: Call | None = None, policy: RoutingPolicy = POLICY) -> list[str]:
    return [delivery.officer for delivery in route(what or call(), roster, policy, NOW)]


DESK = officer("p1", Role.PROVINCE)


def test_the_least_busy_officer_on_shift_is_told():
    roster = Roster(
        (officer("a", load=2), officer("b", load=1), officer("c", load=0)), (shift("a"), shift("b"), over("c"))
    )
    assert told(roster) == ["b"]


def test_whoever_was_paged_just_now_comes_after_whoever_was_not():
    roster = Roster((officer("a", load=0, paged_at=NOW - timedelta(minutes=3)), officer("b", load=5)))
    assert told(roster) == ["b"]


def test_what_is_critical_goes_to_everyone_on_shift_at_once():
    roster = Roster((officer("a", paged_at=NOW), officer("b"), officer("c")), (shift("a"), shift("b"), over("c")))
    deliveries = route(call(Severity.CRITICAL), roster, POLICY, NOW)
    assert [(d.officer, d.due, d.urgent) for d in deliveries] == [("a", NOW, True), ("b", NOW, True)]


def test_under_critical_an_officer_has_ten_minutes_between_two_pages():
    roster = Roster((officer("a", paged_at=NOW - timedelta(minutes=4)),))
    assert route(call(), roster, POLICY, NOW)[0].due == NOW + timedelta(minutes=6)


def test_a_ward_that_never_had_a_calendar_is_always_on_shift():
    assert told(Roster((officer("a"), DESK))) == ["a"]


def test_a_calendar_that_ran_out_leaves_nobody_on_shift_and_all_of_the_ward_hear_of_it():
    roster = Roster((officer("a"), officer("b"), DESK), scheduled=frozenset({"a", "b"}))
    assert told(roster) == ["a", "b"]
    assert route(call(), roster, POLICY, NOW)[0].level == Level.WARD


def test_nobody_on_shift_means_those_on_call():
    roster = Roster((officer("a"), officer("b")), (over("a"), shift("b", Watch.ON_CALL)))
    assert told(roster) == ["b"]


def test_an_absent_officer_is_not_told_though_his_shift_says_so():
    roster = Roster((officer("a"), officer("b")), (shift("a"), shift("b")), (Absence("a", NOW - HOUR, NOW + HOUR),))
    assert told(roster) == ["b"]
    assert told(roster, call(level=1)) == ["b"]


def test_a_ward_without_officers_goes_to_the_province_at_once():
    roster = Roster((officer("x", wards=frozenset({"w2"})), DESK))
    deliveries = route(call(), roster, POLICY, NOW)
    assert [(d.officer, d.level) for d in deliveries] == [("p1", Level.PROVINCE)]


def test_an_officer_whom_no_channel_reaches_is_as_good_as_none():
    assert told(Roster((officer("a", channels=frozenset()), DESK))) == ["p1"]


def test_a_channel_for_critical_only_does_not_carry_the_rest():
    policy = RoutingPolicy(severities={"voice": frozenset({Severity.CRITICAL})})
    roster = Roster((officer("a", channels=frozenset({"voice"})), DESK))
    assert told(roster, call(Severity.CRITICAL), policy) == ["a"]
    assert told(roster, call(), policy) == ["p1"]


def test_levels_climb_from_the_ward_to_the_province_to_everybody():
    roster = Roster((officer("a"), officer("b"), DESK, officer("t", Role.OPERATOR)), (shift("a"),))
    assert [told(roster, call(level=level)) for level in range(4)] == [["a"], ["a", "b"], ["p1"], ["p1", "t"]]


def test_the_last_step_of_a_short_ladder_tells_the_province_too():
    assert told(Roster((officer("a"), DESK)), call(level=1, last=True)) == ["a", "p1"]


def test_the_province_desk_on_shift_is_told_and_all_of_it_when_none_is():
    desk = (DESK, officer("p2", Role.PROVINCE))
    assert told(Roster(desk, (shift("p2"), over("p1"))), call(level=2)) == ["p2"]
    assert told(Roster(desk, (over("p2"), over("p1"))), call(level=2)) == ["p1", "p2"]


def test_health_alerts_go_to_health_workers_and_technical_ones_to_operators():
    roster = Roster((officer("a"), officer("h", Role.HEALTH), officer("t", Role.OPERATOR), DESK))
    assert told(roster, call(desk=Desk.HEALTH)) == ["h"]
    assert told(roster, call(desk=Desk.TECHNICAL, kind=Kind.TECHNICAL)) == ["t"]
    assert told(roster, call(level=1, desk=Desk.HEALTH)) == ["h"]


def test_site_staff_hear_of_cameras_and_not_of_homes():
    roster = Roster((officer("s", Role.SITE), DESK))
    assert told(roster, call(kind=Kind.CAMERA_EXIT)) == ["s"]
    assert told(roster) == ["p1"]


def test_absent_province_officers_are_better_than_nobody():
    assert told(Roster((DESK,), absences=(Absence("p1", NOW - HOUR, NOW + HOUR),))) == ["p1"]


def test_nobody_at_all_is_told_as_such():
    assert told(Roster()) == []


def test_who_owns_an_alert_that_calls_again_hears_of_it_first():
    roster = Roster((officer("a"), officer("b", load=9)))
    assert told(roster, call(owner="b")) == ["b", "a"]


def test_a_clock_that_was_put_back_holds_no_page():
    roster = Roster((officer("a", paged_at=NOW + timedelta(days=1)),))
    assert route(call(), roster, POLICY, NOW)[0].due == NOW
