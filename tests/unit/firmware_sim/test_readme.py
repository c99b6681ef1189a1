"""The documentation names every key and action, and nothing that is not there."""

import re
from pathlib import Path

import msgspec
import pytest

from ancu.firmware_sim.actions import Action
from ancu.firmware_sim.settings import BandSecret, HomeSettings, Script, SimSettings

README = (Path(__file__).parents[3] / "firmware-sim" / "README.md").read_text("utf-8")
ACTIONS = msgspec.json.schema(Action)["discriminator"]["mapping"]


@pytest.mark.parametrize("kind", [SimSettings, HomeSettings, Script, BandSecret])
def test_every_key_of_the_configuration_is_documented(kind: type[msgspec.Struct]):
    tables = {"homes", "script"}  # documented by their own keys
    missing = [name for name in kind.__struct_fields__ if name not in tables and f"`{name}`" not in README]
    assert missing == []


def test_every_action_is_documented_and_no_other():
    table = README.split("| `do` |")[1].split("\n## ")[0]
    named = {name for row in table.splitlines()[2:] if row for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(ACTIONS)
