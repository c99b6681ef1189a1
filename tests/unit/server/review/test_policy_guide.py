"""docs/policy.md explains every key of a policy, and none that there is not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest

from ancu.server.cases.codes import Kind
from ancu.server.cases.policy import NotInForce, Policy
from ancu.server.cli.policy import policy as verbs
from ancu.server.review.book import Overlay, load_one
from ancu.server.review.lint import SECTIONS

GUIDE = (Path(__file__).parents[4] / "docs" / "policy.md").read_text("utf-8")
NAMED = set(re.findall(r"`([a-z_0-9]+)`", GUIDE))
POLICY = load_one("default")
KEYS = {
    *get_type_hints(Policy),
    *(key for section in SECTIONS for key in msgspec.to_builtins(getattr(POLICY, section))),
    *(kind.value for kind in Kind),
    *(key for kind in Kind for key in POLICY.rules.of(kind).__struct_fields__),
    *NotInForce.__struct_fields__,
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_explained(key: str):
    assert key in NAMED


def test_no_key_is_explained_that_there_is_not():
    rows = set(re.findall(r"^\| ((?:`[a-z_0-9]+`(?:, )?)+)", GUIDE, re.MULTILINE))
    listed = {key for row in rows for key in re.findall(r"`([a-z_0-9]+)`", row)}
    assert listed - KEYS == set()


def test_every_verb_is_in_the_guide():
    assert [verb for verb in verbs.commands if f"`ancu policy {verb}" not in GUIDE] == []


def test_the_override_in_the_guide_reads(tmp_path: Path):
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    overlay = msgspec.convert(tomllib.loads(text), Overlay)
    assert overlay.wards == ("26734", "26737")
    file = tmp_path / "override.toml"
    file.write_text(text, "utf-8")
    assert load_one(file).rules.out_of_range.opens_after_s == 180


def test_an_override_may_change_every_section():
    assert set(SECTIONS) <= set(Overlay.__struct_fields__)
