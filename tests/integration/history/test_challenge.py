"""The server asks a band, through the edge, over the bonded link; the answer is the band's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ancu.models.clock import SystemClock
from ancu.models.commands import AskBand
from ancu.server.history.challenges import ask

from .conftest import until

pytestmark = pytest.mark.timeout(120)  # many parts in one process, on machines that do other things too


async def put(place: Any, *, within_s: float = 10.0, tap: bool = False) -> None:
    server = place.server

    def choose(tx: Any) -> AskBand:
        return ask(
            tx.store.connection,
            band=place.band.number,
            order=place.band.order,
            edge=place.home.edge,
            now_ms=tx.now_ms,
            within_s=within_s,
            tap=tap,
        )

    question = await asyncio.wrap_future(server.core.command(choose))
    assert await server.commander.tell(place.home.edge, question)


def outcomes(place: Any) -> list[str | None]:
    return [row["outcome"] for row in place.server.rows("SELECT outcome FROM challenges ORDER BY asked_ms")]


async def test_a_band_that_is_worn_answers_by_itself_and_one_that_is_not_says_so(place: Any):
    await place.put_band()
    place.start_server()
    await place.start_edge(visit_s=600)
    await put(place)
    await until(lambda: outcomes(place) == ["worn"])
    place.unit.wearer.take_off()
    place.unit.wake()
    await put(place)
    await until(lambda: outcomes(place) == ["worn", "not_worn"])


async def test_a_wearer_who_is_asked_to_touches_the_band(place: Any):
    await place.put_band()
    place.start_server()
    await place.start_edge(visit_s=600)
    await put(place, tap=True)
    while outcomes(place) == [None]:
        place.unit.touch()
        await asyncio.sleep(0.1)
    assert outcomes(place) == ["worn"]


async def test_nobody_touches_it_or_the_band_is_not_to_be_had_and_the_deadline_passes(place: Any):
    await place.put_band()
    place.start_server()
    await place.start_edge(visit_s=600)
    await until(lambda: place.agent._visitor.counts["well"] >= 1)
    await put(place, within_s=1.5, tap=True)
    await until(lambda: outcomes(place) == ["missed"])
    place.unit.silent = True
    await put(place, within_s=1.0)
    await until(lambda: outcomes(place) == ["missed", "missed"], within_s=40)


async def test_two_in_a_row_that_a_band_which_is_heard_leaves_open_are_a_doubt_until_it_answers(place: Any):
    await place.put_band()
    server = place.start_server()
    await place.start_edge(visit_s=600)
    await until(lambda: place.agent._visitor.counts["well"] >= 1)
    doubts = "SELECT severity, ended_ms FROM alerts WHERE kind = 'challenge_missed'"
    await until(lambda: presence(place) == "home")
    await put(place, within_s=1.5, tap=True)
    await until(lambda: outcomes(place) == ["missed"])
    assert server.rows(doubts) == []
    await put(place, within_s=1.5, tap=True)
    await until(lambda: outcomes(place) == ["missed", "missed"])
    await until(lambda: server.rows(doubts))
    assert [tuple(row) for row in server.rows(doubts)] == [("M", None)]
    assert presence(place) == "unknown"
    await put(place, within_s=60, tap=True)  # an edge that failed waits a while before it tries again
    while outcomes(place)[-1] is None:
        place.unit.touch()
        await asyncio.sleep(0.1)
    assert outcomes(place)[-1] == "worn"
    await until(lambda: server.rows(doubts)[0]["ended_ms"] is not None)
    assert presence(place) == "home"


def presence(place: Any) -> str:
    said: str = place.server.memory.judging.presence(place.band.person, SystemClock().now())[0]
    return said


async def test_an_answer_that_the_edge_made_up_is_forged_and_alerts_the_technical_desk(place: Any):
    await place.put_band()
    server = place.start_server()
    agent = await place.start_edge(visit_s=600)
    await until(lambda: place.agent._visitor.counts["well"] >= 1)
    say = agent._visitor._say

    def lie(lane: Any, fact: Any) -> None:
        if type(fact).__name__ == "ChallengeAnswered":
            fact = type(fact)(fact.at_ms, fact.band, fact.challenge, bytes(16))
        say(lane, fact)

    agent._visitor._say = lie
    await put(place)
    await until(lambda: outcomes(place) == ["forged"])
    await until(lambda: server.rows("SELECT 1 FROM alerts WHERE kind = 'technical'"))
    assert b"challenge_forged" in server.rows("SELECT why FROM alerts WHERE kind = 'technical'")[0]["why"]
