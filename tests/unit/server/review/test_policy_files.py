"""Policy files: every problem is one line, overrides are laid over their base, differences are named."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from ancu.models.errors import ConfigError
from ancu.server.review.book import Book, differences, fingerprint, inspect, load_book, load_one
from ancu.server.review.lint import notes

TABLE = files("ancu.server.cases").joinpath("policies/table.toml").read_text("utf-8")
LABEL = load_one("table").label
OVERRIDE = f"""
base = "{LABEL}"
name = "thu-duc"
version = "2"
title = "Concrete houses"
signed_by = "Lê Thị B, CDC"
signed_on = 2026-12-01
wards = ["26734"]

[rules.out_of_range]
opens_after_s = 120
"""


def wrote(tmp_path: Path, text: str, name: str = "policy.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def altered(tmp_path: Path, old: str, new: str, text: str = TABLE) -> list[str]:
    assert old in text
    return inspect(wrote(tmp_path, text.replace(old, new, 1)))[2]


@pytest.mark.parametrize("name", ["default", "demo", "table"])
def test_what_is_brought_along_is_sound_and_says_that_nobody_signed(name: str):
    policy, overlay, wrong = inspect(name)
    assert policy is not None
    assert (overlay, wrong) == (None, [])
    assert any("not signed" in note for note in notes(policy))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("quiet_to =", "quite_to =", "paging: "),
        ("[rules.sos] ", "[rules.sso] ", "rules.sso: no such rule"),
        ("[rules.sos] ", "[rules.sso] ", "rules.sos: missing"),
        ('version = "2"', "", "version: missing"),
        ('title = "', 'tittle = "', "tittle: no such key"),
        ("opens_after_s = 90", "opens_after_s = -1", "rules.out_of_range.opens_after_s: -1 is not within"),
        ("opens_after_s = 90", 'opens_after_s = "soon"', "rules.out_of_range.opens_after_s: expected `int`"),
        (
            "\nnext_level_min = [3, 10, 20]",
            "\nnext_level_min = [3, 3]",
            "rules.out_of_range.next_level_min: [3, 3] does not",
        ),
        (
            "doubt_next_level_min = [3, 10, 20]",
            "doubt_next_level_min = [9, 3]",
            "out_of_range.doubt_next_level_min: [9, 3]",
        ),
        ('doubt_severity = "M"', 'doubt_severity = "C"', "a doubt must not be worse"),
        ("warm_later_after_s = 1800", "warm_later_after_s = 599", "warm_later_after_s: earlier"),
        ("unplugged_opens_after_s = 600", "unplugged_opens_after_s = 59", "unplugged_opens_after_s: shorter"),
        ("list_first = []", 'list_first = ["C"]', "paging: C and H are never muted"),
        ("heard_fresh_s = 90", "heard_fresh_s = 121", "presence: both must be within"),
        ("agreed_opens_after_s = 0", "agreed_opens_after_s = 100", "must not make it slower"),
        ('agreed_severity = "C"', 'agreed_severity = "L"', "must not make it milder"),
        ("at_most_percent = 5", "at_most_percent = 50", "dead before it is low"),
        ("at_least = 3", "at_least = 1", "one box is no area"),
        ('signed_by = "not', 'signed_by = " " # "', "signed_by: empty"),
        ('version = "2"', 'version = "2 b"', "use neither spaces nor '@'"),
        ("deaf_s = 30", "deaf_s = 0", "episodes.deaf_s: 0 is not within"),
    ],
)
def test_a_problem_is_one_clear_line(tmp_path: Path, old: str, new: str, says: str):
    wrong = altered(tmp_path, old, new)
    assert any(line.startswith(says) or says in line for line in wrong), wrong
    assert not any("\n" in line for line in wrong)


def test_all_problems_are_told_at_once(tmp_path: Path):
    text = TABLE.replace("opens_after_s = 90", "opens_after_s = -1", 1).replace("quiet_to =", "quite_to =")
    assert len(inspect(wrote(tmp_path, text))[2]) == 2


def test_an_override_changes_what_it_names_and_nothing_else(tmp_path: Path):
    base, merged = load_one("table"), load_one(wrote(tmp_path, OVERRIDE))
    assert merged.label == f"{base.name}+thu-duc@{base.version}.2"
    assert merged.signed_by == "Lê Thị B, CDC"
    changes = {change.key: (change.old, change.new) for change in differences(base, merged)}
    assert changes["rules.out_of_range.opens_after_s"] == (90, 120)
    assert set(changes) == {"name", "version", "title", "signed_by", "signed_on", "rules.out_of_range.opens_after_s"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('wards = ["26734"]', "", "name at least one place"),
        (f'base = "{LABEL}"', 'base = "table@0"', "is not the policy that it is laid over"),
        ("[rules.out_of_range]", "[rules.nothing]", "rules.nothing: no such rule"),
        ("opens_after_s = 120", "opens_after_s = 120\nfoo = 1", "rules.out_of_range: "),
        ('title = "Concrete houses"', "", "missing required field `title`"),
        ('wards = ["26734"]', 'wards = ["26734"]\nnot_in_force = {}', "not_in_force"),
        ("opens_after_s = 120", "opens_after_s = -5", "is not within"),
    ],
)
def test_an_override_is_checked_as_what_it_makes_of_its_base(tmp_path: Path, old: str, new: str, says: str):
    assert any(says in line for line in altered(tmp_path, old, new, OVERRIDE))


def test_a_ward_comes_before_its_province_and_that_before_the_base(tmp_path: Path):
    ward = wrote(tmp_path, OVERRIDE, "ward.toml")
    province = wrote(
        tmp_path,
        OVERRIDE.replace('"thu-duc"', '"hcm"')
        .replace('wards = ["26734"]', 'provinces = ["HCM"]')
        .replace("120", "150"),
        "province.toml",
    )
    book = load_book("table", [ward, province])
    waits = [
        book.policy(w, p).rules.out_of_range.opens_after_s for w, p in (("26734", "HCM"), ("1", "HCM"), ("1", None))
    ]
    assert waits == [120, 150, 90]
    assert book.policies[0].label == LABEL
    assert len(book.policies) == 3
    with pytest.raises(ConfigError, match="has the override"):
        load_book("table", [ward, wrote(tmp_path, OVERRIDE.replace('"2"', '"3"'), "again.toml")])
    with pytest.raises(ConfigError, match="names no base"):
        load_book("table", [wrote(tmp_path, TABLE)])


def test_a_fingerprint_follows_every_number(tmp_path: Path):
    base = load_one("table")
    other = load_one(wrote(tmp_path, TABLE.replace("opens_after_s = 90", "opens_after_s = 91", 1)))
    assert fingerprint(base) == fingerprint(load_one("table")) != fingerprint(other)
    assert len(fingerprint(base)) == 16
    assert Book.plain(base).policies == (base,)


@pytest.mark.parametrize(("name", "says"), [("strict", "no policy 'strict'"), ("./none.toml", "no such file")])
def test_what_is_not_there_is_one_clear_line(name: str, says: str):
    with pytest.raises(ConfigError, match=says):
        load_one(name)
