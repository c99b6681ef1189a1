from pathlib import Path

import msgspec
import pytest

from ancu.firmware_sim.actions import Action, CutStrap, Leave, Reboot
from ancu.firmware_sim.scenarios import Scenario, Step, demo, load_scenario
from ancu.models.errors import ConfigError


def test_the_demo_cuts_the_second_strap_and_walks_the_third_out_and_back():
    assert demo([1, 2, 3, 4], start_s=10, away_s=30) == Scenario(
        (Step(10, CutStrap(band=2)), Step(15, Leave(band=3, for_s=30)))
    )


def test_a_demo_of_one_home_is_quiet():
    assert demo([1]) == Scenario(())


def test_a_script_is_read_in_the_order_of_time(tmp_path: Path):
    path = tmp_path / "script.toml"
    path.write_text('[[step]]\nat_s = 9\ndo = "reboot"\nband = 1\n[[step]]\ndo = "cut_strap"\nband = 2\n')
    scenario = load_scenario(path)
    assert scenario == Scenario((Step(0, CutStrap(band=2)), Step(9, Reboot(band=1))))
    assert [step.at_s for step in scenario.after(5).steps] == [5, 14]


@pytest.mark.parametrize(
    "text",
    [
        "[[step]]",
        '[[step]]\ndo = "dance"\nband = 1',
        '[[step]]\ndo = "cut_strap"\nband = 1\nextra = 2',
        '[[step]]\ndo = "cut_strap"\nband = 1\nat_s = "soon"',
        "step = 1",
        "nonsense",
    ],
)
def test_a_wrong_script_is_refused_with_the_files_name(tmp_path: Path, text: str):
    path = tmp_path / "script.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"script\.toml"):
        load_scenario(path)


def test_every_action_has_one_spelling():
    schema = msgspec.json.schema(Action)
    assert {"cut_strap", "press_sos", "leave", "return", "battery"} <= set(schema["discriminator"]["mapping"])
