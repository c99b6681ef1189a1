"""Random check-ins over the real core: asked once, over restarts, told by telephone, and missed by row 14."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ancu.models.clock import to_ms
from ancu.models.ids import OrderId
from ancu.server.exchange.asking import Asking
from ancu.server.exchange.checkins import moments
from ancu.server.notify.engine import Engine, Outcome, Plan
from ancu.server.notify.port import Due, Receipt, Unreachable
from ancu.server.notify.words import Writer
from ancu.server.policies import load_policy

pytestmark = pytest.mark.timeout(90)  # each second of virtual time is a commit to disk

SEED = b"s" * 32
POLICY = load_policy("default")


def asking(ward: Any) -> Asking:
    return Asking(
        SEED, lambda: ward.memory.roster, ward.memory.judging.policy, ward.core.command, ward.clock, asked=lambda: None
    )


async def give_code(ward: Any, person: str) -> None:
    db = ward.register().connection
    until_ms = to_ms(ward.clock.now() + timedelta(days=30))
    db.execute("INSERT INTO access_codes VALUES (?, ?, 0, ?, NULL)", (f"hash-{person}", person, until_ms))
    db.close()


def first_moment(ward: Any, order: str = "o-1") -> datetime:
    """The next one of an order."""
    day = ward.clock.now().date()
    found = [at for n in (0, 1, 2) for at in moments(SEED, order, day + timedelta(days=n), POLICY)]
    return next(at for at in found if at > ward.clock.now())


async def go_to(ward: Any, at: datetime) -> None:
    """To a moment, in steps in which the judge hears that time passes."""
    await ward.pass_time(seconds=(at - ward.clock.now()).total_seconds())


async def checkins(ward: Any, who: str = "p-1") -> list[tuple[str, str]]:
    return [(row["person"], row["state"]) for row in (await ward.get("checkins", who)).json()["items"]]


async def test_a_person_is_asked_at_the_moment_and_once_though_the_server_restarts(ward: Any):
    await give_code(ward, "p-1")
    await go_to(ward, first_moment(ward) - timedelta(seconds=1))
    assert await asking(ward).turn() == 0
    await ward.pass_time(seconds=1)
    assert await asking(ward).turn() == 1
    assert await asking(ward).turn() == 0
    ward.restart(snapshot=False)
    await ward.turn()
    assert await asking(ward).turn() == 0
    assert await checkins(ward) == [("p-1", "asked")]


async def test_a_clock_that_was_put_back_asks_nobody_again(ward: Any):
    await give_code(ward, "p-1")
    await go_to(ward, first_moment(ward))
    assert await asking(ward).turn() == 1
    ward.clock.at -= timedelta(minutes=5)
    await ward.turn()
    assert await asking(ward).turn() == 0
    ward.clock.at += timedelta(minutes=5)
    assert await asking(ward).turn() == 0


async def test_a_random_check_in_that_nobody_answers_reaches_the_officer(ward: Any):
    await give_code(ward, "p-1")
    await go_to(ward, first_moment(ward))
    await asking(ward).turn()
    for _ in range(80):
        await ward.pass_time(seconds=20)
    assert await ward.alerts() == [("checkin_missed", "on")]


async def test_an_answer_in_time_is_nobody_s_alert(ward: Any):
    await give_code(ward, "p-1")
    await go_to(ward, first_moment(ward))
    await asking(ward).turn()
    (row,) = (await ward.get("checkins", "p-1")).json()["items"]
    await ward.pass_time(minutes=20)
    assert (await ward.post(f"checkins/{row['id']}:answer", "p-1")).json()["state"] == "answered"
    for _ in range(40):
        await ward.pass_time(seconds=20)
    assert await ward.alerts() == []


async def test_who_has_no_code_cannot_answer_and_is_not_asked(ward: Any):
    await go_to(ward, first_moment(ward))
    assert await asking(ward).turn() == 0


async def test_nobody_is_asked_during_an_absence_but_soon_after_it(ward: Any):
    await give_code(ward, "p-1")
    at = first_moment(ward)
    await go_to(ward, at - timedelta(hours=1))
    absence = await ward.post(
        "absences",
        person="p-1",
        starts_at=ward.at(),
        until=(at + timedelta(minutes=5)).isoformat(),
        reason="hospital",
    )
    assert absence.status_code == 201
    await go_to(ward, at)
    assert await asking(ward).turn() == 0
    await ward.pass_time(minutes=9)  # over, but the way home is not
    assert await asking(ward).turn() == 0


async def test_a_check_in_that_waits_is_not_followed_by_another(ward: Any):
    await give_code(ward, "p-1")
    at = first_moment(ward)
    await go_to(ward, at - timedelta(minutes=5))
    await ward.post("checkins", person="p-1")
    await go_to(ward, at)
    assert await asking(ward).turn() == 0
    assert await checkins(ward) == [("p-1", "asked")]


async def test_an_order_that_ended_asks_nobody(ward: Any):
    await give_code(ward, "p-1")
    await go_to(ward, first_moment(ward) - timedelta(minutes=1))
    ward.register().orders.end(OrderId("o-1"), "test")
    ward.clock.advance(minutes=1)
    stale = asking(ward)
    assert await stale.turn() == 0  # though memory has not read the register yet
    await ward.turn()
    assert await stale.turn() == 0


class Telephone:
    """The engine with one channel to people, stepped by hand."""

    def __init__(self, ward: Any) -> None:
        self._ward = ward
        self._engine = Engine(Plan((), persons=("sms",)), Writer("vi", "https://ancu.example"), lambda: 0.5)

    def step(self) -> list[Due]:
        return list(self._ward.core.command(self._engine.step).result(30).due)

    def settle(self, due: Due, result: Receipt | Unreachable) -> None:
        self._ward.core.command(lambda tx: self._engine.settle(tx, [Outcome(due.id, result)])).result(30)


@pytest.fixture
async def asked(ward: Any) -> Any:
    """A person with a telephone who was just asked."""
    await give_code(ward, "p-1")
    db = ward.register().connection
    db.execute("UPDATE person_private SET phone = '+84 900 000 001' WHERE person = 'p-1'")
    db.close()
    await go_to(ward, first_moment(ward))
    assert await asking(ward).turn() == 1
    return ward


async def test_a_person_is_told_by_telephone_when_asked_and_again_when_time_runs_out(asked: Any):
    telephone = Telephone(asked)
    (first,) = telephone.step()
    assert (first.channel, first.address) == ("sms", "+84 900 000 001")
    assert "điểm danh trước" in first.message.text
    assert first.message.text.endswith("https://ancu.example/me")
    telephone.settle(first, Receipt())
    assert telephone.step() == []
    await asked.pass_time(minutes=15)
    (second,) = telephone.step()
    assert "nhắc" in second.message.text
    telephone.settle(second, Receipt())
    await asked.pass_time(minutes=5)
    assert telephone.step() == []


async def test_who_answered_is_not_reminded(asked: Any):
    telephone = Telephone(asked)
    (first,) = telephone.step()
    telephone.settle(first, Unreachable("busy"))
    (row,) = (await asked.get("checkins", "p-1")).json()["items"]
    await asked.post(f"checkins/{row['id']}:answer", "p-1")
    await asked.pass_time(minutes=15)
    assert telephone.step() == []


async def test_a_message_is_tried_again_until_it_says_nothing_any_more_and_after_a_restart(asked: Any):
    telephone = Telephone(asked)
    (first,) = telephone.step()
    telephone.settle(first, Unreachable("busy"))
    assert telephone.step() == []
    await asked.pass_time(minutes=2)
    asked.restart(snapshot=False)
    telephone = Telephone(asked)
    assert [due.id for due in telephone.step()] == [first.id]
    await asked.pass_time(minutes=30)
    assert telephone.step() == []


async def test_a_person_without_a_telephone_has_only_the_page(asked: Any):
    db = asked.register().connection
    db.execute("UPDATE person_private SET phone = NULL")
    assert Telephone(asked).step() == []
    (row,) = db.execute("SELECT state, why FROM person_messages").fetchall()
    assert tuple(row) == ("dead", "no number")
    db.execute(
        "INSERT INTO guardians (person, position, name, phone, relation)"
        " VALUES ('p-1', 0, 'Mẹ', '+84900000002', 'mother')"
    )
    await asked.pass_time(minutes=15)
    assert [due.address for due in Telephone(asked).step()] == ["+84900000002"]
