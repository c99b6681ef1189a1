"""Weak signs: how faint a band is, and questions that it does not answer. Each makes a doubt, and none an absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ancu.models.ids import BandNumber, EdgeId
from ancu.server.alerts.events import Raised, SeverityRaised
from ancu.server.cases.codes import Say
from ancu.server.cases.inputs import ChallengeSettled, SelfReported
from ancu.server.policies import load_policy

HOUR = 3600


def challenge(story: Any, outcome: Any, asked_ago_s: int = 60) -> None:
    at = story.at(story.t)
    asked = at - timedelta(seconds=asked_ago_s)
    story.tell(ChallengeSettled(at, "p1", BandNumber(1), EdgeId("e1"), asked, outcome))


def two_boxes(story: Any) -> None:
    """Both stand in the home of the first band."""
    story.edges[EdgeId("e2")] = replace(story.edges[EdgeId("e1")], id=EdgeId("e2"))
    story.boxes["e2"] = True
    story.seats[BandNumber(1)] = replace(story.seats[BandNumber(1)], edges=(EdgeId("e1"), EdgeId("e2")))
    story.seat()


def test_a_band_that_is_near_is_home(calm: Any):
    calm.words = {"e1": True}
    calm.run(900)
    assert calm.where() == "home"
    assert calm.alerts == []


def test_a_band_that_is_far_is_unknown_at_once_and_a_doubt_on_the_list_after_ten_minutes(calm: Any):
    calm.run(60)
    calm.words = {"e1": False}
    calm.run(75)
    assert calm.where() == "unknown"
    calm.run(60 + 600 - 220 - 15)
    assert calm.alerts == []
    calm.run(60 + 600)
    assert [(a.kind, a.severity) for a in calm.alerts] == [("out_of_range", "M")]
    (raised,) = calm.said(Raised)
    assert raised.signs[0].code is Say.HEARD_FAINTLY
    assert not raised.paged
    assert calm.where() == "unknown"  # never away by one weak sign


def test_only_time_makes_it_an_absence_that_rings(calm: Any):
    calm.words = {"e1": False}
    calm.run(2 * HOUR + 60)
    assert calm.only.severity == "H"
    assert [event.paged for event in calm.said(SeverityRaised)] == [True]
    assert calm.where() == "away"


def test_a_door_that_was_crossed_agrees_at_once(calm: Any):
    calm.run(120)
    calm.cross("out")
    calm.run(300)
    calm.words = {"e1": False}
    calm.run(330)
    assert "C" in {a.severity for a in calm.alerts if a.kind == "out_of_range"}


def test_near_again_ends_it(calm: Any):
    calm.words = {"e1": False}
    calm.run(1200)
    calm.words = {"e1": True}
    calm.run(1230)
    assert calm.only.ended_at is not None
    assert calm.where() == "home"


def test_one_box_that_says_near_is_enough_to_be_home(calm: Any):
    two_boxes(calm)
    calm.words = {"e1": False}
    calm.run(30)
    calm.words = {"e1": False, "e2": True}
    calm.run(1800)
    assert calm.alerts == []
    assert calm.where() == "home"


@pytest.mark.parametrize("fault", ["dead", "deaf", "unsure"])
def test_a_box_that_cannot_be_believed_makes_far_from_the_other_one_no_sign_at_all(calm: Any, fault: str):
    two_boxes(calm)
    calm.words = {"e1": False, "e2": False}
    calm.run(100)
    assert calm.where() == "unknown"
    if fault == "unsure":
        calm.words = {"e1": False}
    else:
        calm.boxes = {"e1": True} if fault == "dead" else {"e1": True, "e2": False}
    calm.run(1500)
    assert [a.kind for a in calm.alerts if a.kind == "out_of_range"] == []
    assert calm.where() != "away"


def test_the_only_box_dies_and_what_it_said_last_is_unknown_and_never_away(calm: Any):
    calm.words = {"e1": False}
    calm.run(120)
    calm.box_dies()
    calm.run(2 * HOUR)
    assert calm.where() == "unknown"
    assert "out_of_range" not in calm.kinds


def test_the_literal_table_takes_loudness_for_nothing(story: Any):
    story.words = {"e1": False}
    story.run(3 * HOUR)
    assert story.alerts == []
    assert story.where() == "home"


def test_two_questions_in_a_row_that_a_heard_band_leaves_open_are_a_doubt(calm: Any):
    calm.run(400)
    challenge(calm, "missed")
    calm.run(800)
    assert calm.alerts == []
    assert calm.where() == "home"
    challenge(calm, "missed")
    calm.run(802)
    assert [(a.kind, a.severity) for a in calm.alerts] == [("challenge_missed", "M")]
    assert not calm.said(Raised)[0].paged
    assert calm.where() == "unknown"


@pytest.mark.parametrize("outcome", ["worn", "not_worn"])
def test_an_answer_ends_the_doubt(calm: Any, outcome: str):
    calm.run(400)
    challenge(calm, "missed")
    challenge(calm, "missed", 30)
    calm.run(410)
    challenge(calm, outcome)
    calm.run(420)
    assert calm.only.ended_at is not None
    assert calm.where() == "home"


def test_a_question_between_two_answers_says_nothing(calm: Any):
    for t in range(400, 4000, 400):
        calm.run(t)
        challenge(calm, "missed" if t % 800 else "worn")
    assert calm.alerts == []


def test_a_band_that_was_not_heard_or_whose_box_was_down_could_not_answer(calm: Any):
    calm.run(400)
    calm.leave()
    calm.run(520)
    challenge(calm, "missed")
    calm.come_back()
    calm.run(600)
    calm.box_dies()
    calm.run(720)
    challenge(calm, "missed")
    calm.box_lives()
    calm.run(760)
    challenge(calm, "missed", 100)  # asked while the box was down
    calm.run(780)
    assert "challenge_missed" not in calm.kinds
    assert calm.where() == "home"


def test_an_answer_is_a_word_of_the_band_as_a_frame_is(calm: Any):
    calm.run(100)
    calm.leave()
    calm.run(270)
    assert calm.kinds == ["out_of_range"]
    challenge(calm, "worn", 20)
    calm.run(275)
    assert calm.only.ended_at is not None


def test_an_answer_puts_the_doubt_of_a_faint_band_off(calm: Any):
    calm.words = {"e1": False}
    calm.run(500)
    challenge(calm, "worn")
    calm.run(1080)
    assert calm.alerts == []
    calm.run(1110)
    assert calm.kinds == ["out_of_range"]


def test_a_new_symptom_is_the_health_workers_and_an_alarming_one_rings(calm: Any):
    calm.run(30)
    calm.tell(SelfReported(calm.at(30), "p1", False, ("cough",), ("cough",)))
    (raised,) = calm.said(Raised)
    assert (raised.kind, raised.severity, raised.desk, raised.paged) == ("symptom_change", "M", "health", False)
    calm.run(60)
    calm.tell(SelfReported(calm.at(60), "p1", False, ("breathless", "cough"), ("breathless",)))
    assert (calm.only.severity, calm.said(SeverityRaised)[0].paged) == ("H", True)
    calm.run(90)
    calm.tell(SelfReported(calm.at(90), "p1", False, (), ()))
    assert calm.only.ended_at is not None


def test_what_was_declared_before_is_no_news(calm: Any):
    calm.run(30)
    calm.tell(SelfReported(calm.at(30), "p1", False, ("cough",), ()))
    calm.tell(SelfReported(calm.at(31), "p1", False, (), ()))
    assert calm.alerts == []


def test_a_policy_of_an_earlier_day_has_none_of_these_rows(tell_story: Any):
    policy = load_policy("default")
    rules = replace_struct(policy.rules, challenge_missed=None, symptom_change=None)
    story = tell_story(policy=policy.__class__(**{**as_dict(policy), "rules": rules}))
    story.run(400)
    challenge(story, "missed")
    challenge(story, "missed", 30)
    story.tell(SelfReported(story.at(story.t), "p1", False, ("cough",), ("cough",)))
    story.run(500)
    assert story.alerts == []


def as_dict(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def replace_struct(rules: Any, **without: None) -> Any:
    """The rules as a file gives them that knows none of these."""
    return rules.__class__(**{name: rule for name, rule in as_dict(rules).items() if name not in without})
