"""What the receivers of a home say, put together."""

import pytest

from ancu.models.presence import Receiver, presence

NEAR, FAR, UNSURE = Receiver(True, True), Receiver(True, False), Receiver(True, None)
DEAD = [Receiver(False, near) for near in (True, False, None)]


@pytest.mark.parametrize(
    ("receivers", "state"),
    [
        ([NEAR], "home"),
        ([FAR], "away"),
        ([UNSURE], "unknown"),
        ([], "unknown"),
        ([NEAR, FAR], "home"),
        ([FAR, FAR], "away"),
        ([FAR, UNSURE], "unknown"),
    ],
)
def test_home_if_any_hears_it_near_and_away_only_if_all_say_far(receivers: list[Receiver], state: str):
    assert presence(receivers) == state


@pytest.mark.parametrize("dead", DEAD)
def test_a_dead_receiver_makes_unknown_and_never_away(dead: Receiver):
    assert presence([dead]) == "unknown"
    assert presence([dead, FAR]) == "unknown"
    assert presence([dead, NEAR]) == "home"
