"""What other platforms, officers and persons tell: judged, kept over a restart, and told to nobody else."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, OrderId
from ancu.server.cases.inputs import BandHeard
from ancu.server.core import Transaction
from ancu.server.policies import load_policy


async def test_a_scan_under_an_order_is_an_alert_and_the_checkpoint_learns_nothing(ward: Any):
    for person in ("p-1", "p-nobody", "p-2"):
        answer = await ward.post("checkpoint-scans", person=person, checkpoint="bridge", at=ward.at())
        assert (answer.status_code, list(answer.json()), answer.json()["id"][:2]) == (202, ["id"], "s-")
    assert await ward.alerts("lan") == [("checkpoint_scan", "on")]
    assert await ward.alerts("minh") == [("checkpoint_scan", "on")]  # of p-2, who is of her ward
    assert [row["person"] for row in (await ward.get("checkpoint-scans")).json()["items"]] == ["p-1"]


async def test_the_same_key_tells_one_scan_once_and_not_another(ward: Any):
    first = await ward.post("checkpoint-scans", key="k", person="p-1", checkpoint="bridge", at="2026-03-02T05:00:00Z")
    again = await ward.post("checkpoint-scans", key="k", person="p-1", checkpoint="bridge", at="2026-03-02T05:00:00Z")
    assert first.json() == again.json()
    assert len((await ward.get("checkpoint-scans")).json()["items"]) == 1
    other = await ward.post("checkpoint-scans", key="k", person="p-1", checkpoint="tunnel", at="2026-03-02T05:00:00Z")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2026-03-04T05:00:00Z", "2025-03-02T05:00:00Z"])
async def test_a_scanner_whose_clock_is_wrong_is_told_so_and_accuses_nobody(ward: Any, at: str):
    answer = await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at=at)
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert await ward.alerts() == []


async def test_a_scan_an_hour_old_is_on_the_work_list(ward: Any):
    await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at=ward.at(hours=-1))
    (row,) = (await ward.get("alerts")).json()["items"]
    assert (row["kind"], row["severity"]) == ("checkpoint_scan", "L")


@pytest.mark.parametrize("snapshot", [True, False])
async def test_an_absence_allows_a_scan_also_after_a_restart_and_no_longer_when_it_was_ended(
    ward: Any, *, snapshot: bool
):
    granted = await ward.post(
        "absences", person="p-1", starts_at=ward.at(), until=ward.at(hours=2), reason="hospital", checkpoints=["gate"]
    )
    assert (granted.status_code, granted.json()["state"]) == (201, "running")
    await ward.pass_time(minutes=5)
    ward.restart(snapshot=snapshot)
    await ward.turn()
    await ward.post("checkpoint-scans", person="p-1", checkpoint="gate", at=ward.at())
    assert await ward.alerts() == []
    ended = await ward.post(f"absences/{granted.json()['id']}:end")
    assert ended.json()["state"] == "over"
    assert (await ward.post(f"absences/{granted.json()['id']}:end")).json()["code"] == "refused"
    await ward.pass_time(minutes=11)
    await ward.post("checkpoint-scans", person="p-1", checkpoint="gate", at=ward.at())
    (row,) = (await ward.get("alerts")).json()["items"]
    detail = (await ward.get(f"alerts/{row['id']}")).json()
    assert [sign["code"] for sign in detail["ruled_out"]] == ["absence_over"]


@pytest.mark.parametrize("snapshot", [True, False])
async def test_a_check_in_that_nobody_answers_is_missed_also_over_a_restart(ward: Any, *, snapshot: bool):
    asked = await ward.post("checkins", person="p-1")
    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    assert (await ward.post("checkins", person="p-1")).json()["code"] == "refused"
    await ward.pass_time(minutes=16)
    assert (await ward.get("checkins")).json()["items"][0]["state"] == "reminded"
    ward.restart(snapshot=snapshot)
    await ward.turn()
    assert await ward.alerts() == []
    for _ in range(6):
        await ward.pass_time(seconds=20)
    await ward.pass_time(minutes=9)
    for _ in range(90):
        await ward.pass_time(seconds=20)
    assert await ward.alerts() == [("checkin_missed", "on")]
    answered = await ward.post(f"checkins/{asked.json()['id']}:answer", "p-1")
    assert answered.json()["state"] == "answered"
    assert await ward.alerts() == [("checkin_missed", "over")]


async def test_what_a_person_says_of_his_own_face_counts_for_nothing(ward: Any):
    asked = (await ward.post("checkins", person="p-1")).json()["id"]
    await ward.post(f"checkins/{asked}:answer", face=False)
    await ward.pass_time(seconds=20)
    again = await ward.post(f"checkins/{asked}:answer", face=False)
    assert again.json()["state"] == "refused"
    assert await ward.alerts() == [("checkin_wrong", "on")]
    own = await ward.post(f"checkins/{asked}:answer", "p-2", face=True, place=True)
    assert own.status_code == 404


async def test_nobody_is_asked_at_night(ward: Any):
    await ward.pass_time(hours=11)  # 23:00
    answer = await ward.post("checkins", person="p-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")


async def test_declarations_are_the_person_s_and_the_health_worker_s(ward: Any):
    said = await ward.post("declarations", "p-1", symptoms=["fever", "cough"], body_deci_c=386)
    assert (said.status_code, said.json()["symptoms"]) == (201, ["cough", "fever"])
    assert (await ward.post("declarations", "p-1", person="p-2", symptoms=[])).status_code == 403
    assert len((await ward.get("declarations", "y-te")).json()["items"]) == 1
    assert len((await ward.get("declarations", "p-1")).json()["items"]) == 1
    assert (await ward.get("declarations", "p-2")).json()["items"] == []
    assert (await ward.get("declarations", "lan")).status_code == 404


async def test_a_fever_is_the_health_worker_s_alert_and_not_the_officer_s(ward: Any):
    band = BandNumber(7)
    register = ward.register()
    register.devices.add_band(band)
    register.devices.assign(band, OrderId("o-1"))
    await ward.turn()
    hot = Reading(80, False, 391, 90, 97, Status.SKIN, 0)
    heard = BandHeard(ward.clock.now(), ward.clock.now(), EdgeId("e1"), band, -60, 1, hot, urgent=False, late=False)
    await ward.tell(heard)
    await ward.post("declarations", "p-1", symptoms=["fever"])
    (row,) = (await ward.get("alerts?kind=fever", "y-te")).json()["items"]
    assert (row["kind"], row["severity"]) == ("fever", "H")
    assert (await ward.get(f"alerts/{row['id']}", "y-te")).status_code == 200
    assert (await ward.get(f"alerts/{row['id']}", "lan")).status_code == 404
    assert (await ward.get("alerts?kind=fever", "lan")).json()["items"] == []


async def test_what_is_declared_anew_is_the_health_worker_s_alert_and_what_was_said_before_is_none(ward: Any):
    async def listed(viewer: str = "y-te") -> list[tuple[str, str, bool]]:
        rows = (await ward.get("alerts?kind=symptom_change", viewer)).json()["items"]
        return [(row["severity"], row["state"], row["ended_at"] is not None) for row in rows]

    await ward.post("declarations", "p-1", symptoms=[])
    assert await listed() == []
    await ward.post("declarations", "p-1", symptoms=["cough"])
    (first,) = await listed()
    assert (first[0], first[2]) == ("M", False)
    assert await listed("lan") == []
    await ward.pass_time(seconds=5)
    await ward.post("declarations", "p-1", symptoms=["cough", "chest_pain"])
    assert [(severity, over) for severity, _, over in await listed()] == [("H", False)]
    (row,) = (await ward.get("alerts?kind=symptom_change", "y-te")).json()["items"]
    said = [sign["values"] for sign in (await ward.get(f"alerts/{row['id']}", "y-te")).json()["evidence"]]
    assert {"symptoms": ["cough"]} in said
    assert {"symptoms": ["chest_pain"]} in said
    await ward.pass_time(seconds=5)
    await ward.post("declarations", "p-1", symptoms=[])
    assert [(severity, over) for severity, _, over in await listed()] == [("H", True)]


async def test_a_negative_result_in_time_proposes_release_and_an_officer_decides(ward: Any):
    added = await ward.post("test-results", "y-te", person="p-1", result="negative", taken_at=ward.at(hours=-3))
    row = added.json()
    assert (added.status_code, row["action"], row["why"], row["accepted"]) == (201, "release", "negative_in_time", None)
    assert row["policy"] == load_policy("default").label
    decided = await ward.post(f"test-results/{row['id']}:decide", accept=True)
    assert (decided.json()["accepted"], decided.json()["decided_by"]) == (True, "lan")
    assert (await ward.post(f"test-results/{row['id']}:decide", accept=False)).json()["code"] == "refused"
    await ward.turn()
    await ward.pass_time(seconds=5)
    scan = await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at=ward.at())
    assert scan.status_code == 202
    assert await ward.alerts() == []  # released: nobody's business any more


async def test_a_positive_result_proposes_to_extend_to_a_local_midnight(ward: Any):
    row = (await ward.post("test-results", person="p-1", result="positive", taken_at=ward.at())).json()
    assert (row["action"], row["until"]) == ("extend", "2026-03-09T17:00:00Z")
    assert (await ward.post(f"test-results/{row['id']}:decide", accept=True)).status_code == 200
    await ward.turn()
    assert (await ward.get("me", "p-1")).json()["order"]["until"] == "2026-03-09T17:00:00Z"


async def test_an_early_negative_and_an_invalid_result_change_nothing(ward: Any):
    early = await ward.post("test-results", person="p-1", result="negative", taken_at=ward.at(days=-3))
    assert (early.json()["action"], early.json()["why"]) == ("none", "too_early")
    invalid = await ward.post("test-results", person="p-1", result="invalid", taken_at=ward.at())
    assert invalid.json()["action"] == "repeat"
    for row in (early, invalid):
        refused = await ward.post(f"test-results/{row.json()['id']}:decide", accept=True)
        assert (refused.status_code, refused.json()["code"]) == (409, "refused")


async def test_a_foreign_person_and_an_absent_one_answer_alike(ward: Any):
    window = {"starts_at": ward.at(), "until": ward.at(hours=1), "reason": "test"}
    for person in ("p-2", "p-nobody"):
        for path, body in (
            ("absences", window),
            ("checkins", {}),
            ("declarations", {"symptoms": []}),
            ("test-results", {"result": "negative", "taken_at": ward.at()}),
        ):
            answer = await ward.post(path, person=person, **body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    foreign = (await ward.post("absences", "minh", person="p-2", **window)).json()["id"]
    for absence in (foreign, "a-nothing"):
        assert (await ward.post(f"absences/{absence}:end")).status_code == 404
    assert (await ward.get("absences")).json()["items"] == []


async def test_lists_come_a_page_at_a_time(ward: Any):
    for hour in range(5):
        window = {"starts_at": ward.at(hours=hour), "until": ward.at(hours=hour + 1)}
        await ward.post("absences", person="p-1", reason="test", **window)
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await ward.get(f"absences?limit=2{cursor}")).json()
        seen += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 5


async def test_bad_input_is_a_problem_and_changes_nothing(ward: Any):
    naive = await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at="2026-03-02T05:00:00")
    more = await ward.post("checkins", person="p-1", why="x")
    backwards = await ward.post(
        "absences", person="p-1", starts_at=ward.at(hours=2), until=ward.at(hours=1), reason="test"
    )
    assert [a.status_code for a in (naive, more, backwards)] == [422, 422, 409]
    for answer in (naive, more, backwards):
        assert answer.headers["content-type"] == "application/problem+json"
    keyless = await ward.http.post("/api/v1/checkins", headers={"Authorization": "Bearer lan"}, json={"person": "p-1"})
    assert keyless.status_code == 400


async def test_a_command_that_breaks_does_not_break_the_one_beside_it(ward: Any):
    begun, go = threading.Event(), threading.Event()

    def wait(_: Transaction) -> None:
        begun.set()
        go.wait(5)

    def breaks(_: Transaction) -> None:
        raise RuntimeError("ours")

    def works(_: Transaction) -> str:
        return "done"

    first = ward.core.command(wait)
    begun.wait(5)
    broken, good = ward.core.command(breaks), ward.core.command(works)  # they wait together: one transaction
    go.set()
    await asyncio.wrap_future(first)
    with pytest.raises(RuntimeError, match="ours"):
        await asyncio.wrap_future(broken)
    assert await asyncio.wrap_future(good) == "done"


async def test_an_alert_s_page_compares_the_absences_of_its_person(ward: Any):
    """What an officer reads under 'ruled out' names the window that was over."""

    async def told() -> str:
        (row,) = (await ward.get("alerts?kind=strap_cut")).json()["items"]
        page = (await ward.get(f"alerts/{row['id']}/explanation")).json()
        (part,) = [section for section in page["sections"] if section["code"] == "ruled_out"]
        return str(part)

    await ward.post("absences", person="p-1", starts_at=ward.at(hours=-3), until=ward.at(minutes=1), reason="test")
    await ward.pass_time(minutes=30)
    register = ward.register()
    register.devices.add_band(BandNumber(7))
    register.devices.assign(BandNumber(7), OrderId("o-1"))
    await ward.turn()
    now = ward.clock.now()
    cut = Reading(80, False, 365, 70, 98, Status.SKIN | Status.STRAP_OPEN, 0)
    await ward.tell(BandHeard(now, now, EdgeId("e1"), BandNumber(7), -60, 1, cut, urgent=True, late=False))
    assert "Vắng mặt được phép" in await told()
    assert "không ghi nhận" not in await told()
