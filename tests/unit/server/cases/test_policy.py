"""Policies: what is brought along loads, and what is not meant is refused."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from ancu.models.errors import ConfigError
from ancu.server.cases.codes import CONCERN_OF, SIGN_VALUES, TROUBLE_SIGNS, Kind, Say
from ancu.server.cases.policy import Rules
from ancu.server.policies import load_policy
from ancu.server.ports import Severity

DEFAULT = files("ancu.server.cases").joinpath("policies/default.toml").read_text("utf-8")
TABLE = {  # the breach table: severity, opens after (s), next levels (min)
    "sos": ("C", 0, (1, 3)),
    "strap_cut": ("C", 0, (2, 5, 15)),
    "out_of_range": ("H", 90, (3, 10, 20)),
    "band_silent": ("H", 300, (5, 15, 30)),
    "band_removed": ("M", 600, (15, 30, 60)),
    "battery_low": ("L", 0, (240,)),
    "battery_dead": ("M", 300, (240,)),
    "edge_silent": ("M", 600, (15, 30, 60)),
    "gateway_silent": ("M", 600, (15, 30, 60)),
    "area_outage": ("L", 600, (15, 30, 60)),
    "mains_lost": ("L", 0, (120,)),
    "camera_exit": ("M", 0, (2, 5)),
    "edge_moved": ("H", 0, (5, 15)),
    "forbidden_zone": ("M", 5, (5, 15)),
    "gathering": ("M", 60, (5, 15)),
    "camera_fault": ("H", 30, (5, 15)),
    "technical": ("H", 0, (30,)),
    "band_still_worn": ("L", 0, ()),
    "checkpoint_scan": ("C", 0, (2, 5)),
    "checkin_missed": ("M", 1500, (30,)),
    "checkin_wrong": ("H", 0, (10,)),
    "fever": ("H", 0, (15, 30)),
    "spo2_low": ("H", 0, (5, 10)),
    "heart_rate": ("H", 300, (15,)),
    "never_activated": ("M", 7200, (480,)),
    "challenge_missed": ("M", 0, (30,)),
    "symptom_change": ("M", 0, (30, 120)),
}


def altered(tmp_path: Path, old: str, new: str):
    assert old in DEFAULT
    path = tmp_path / "policy.toml"
    path.write_text(DEFAULT.replace(old, new, 1), "utf-8")
    return path


CALMER = {  # what `default` waits longer for than the table: opens after (s)
    "out_of_range": 165,
    "battery_low": 129_600,
    "edge_silent": 1800,
}


def rows(name: str) -> dict[str, tuple[str, int, tuple[int, ...]]]:
    rules = load_policy(name).rules
    return {
        kind.value: (rules.of(kind).severity.value, rules.of(kind).opens_after_s, rules.of(kind).next_level_min)
        for kind in Kind
    }


def test_the_policy_named_table_is_the_table_of_the_field():
    assert load_policy("table").label == "table@2"
    assert rows("table") == TABLE


def test_the_table_knows_no_doubt_and_every_m_rings_at_once():
    table = load_policy("table")
    away, off, edge = table.rules.out_of_range, table.rules.band_removed, table.rules.edge_silent
    assert (away.still_opens_after_s, away.unproven_opens_after_s, away.doubt_ends_after_s) == (90, 90, 0)
    assert table.rules.band_silent.still_opens_after_s == 300
    assert (off.warm_opens_after_s, off.warm_later_after_s, off.charging_opens_after_s) == (600, 1800, 600)
    assert table.rules.battery_low.at_once_percent == table.rules.battery_low.at_most_percent
    assert edge.unplugged_opens_after_s == edge.opens_after_s
    assert table.paging.list_first == ()


def test_the_default_is_the_table_but_for_three_longer_waits():
    calm = {kind: (severity, CALMER.get(kind, wait), levels) for kind, (severity, wait, levels) in TABLE.items()}
    assert rows("default") == calm


def test_the_default_lists_doubt_and_lets_m_stand_on_the_list_before_it_rings():
    policy = load_policy("default")
    away, off, low = policy.rules.out_of_range, policy.rules.band_removed, policy.rules.battery_low
    assert policy.label == "default@3"
    assert (away.rises_in_s, away.still_opens_after_s, away.unproven_opens_after_s) == (15, 1800, 600)
    assert (away.doubt_severity, away.doubt_ends_after_s, away.doubt_next_level_min) == ("M", 7200, (60, 120))
    assert policy.rules.band_silent.still_opens_after_s == 3600
    assert (off.warm_deci_c, off.warm_opens_after_s, off.warm_later_after_s) == (330, 3600, 14_400)
    assert off.charging_opens_after_s == 7200
    assert low.at_once_percent == 8
    assert policy.rules.edge_silent.unplugged_opens_after_s == 600
    assert policy.paging.list_first == (Severity.MEDIUM,)
    assert policy.checkins.per_day == 1


@pytest.mark.parametrize("name", ["default", "table"])
def test_every_row_of_the_table_is_in_the_policy(name: str):
    assert load_policy(name).not_in_force == {}


@pytest.mark.parametrize("row", ["fever", "spo2_low", "heart_rate", "symptom_change"])
def test_clinical_rows_wait_for_a_clinician(row: str):
    rule = getattr(load_policy("default").rules, row)
    assert rule.sign_off == "to be signed off by a clinician"
    assert rule.desk == "health"


def test_the_demo_says_in_its_title_that_it_is_one():
    demo = load_policy("demo")
    assert demo.label == "demo@3"
    assert "DEMONSTRATION" in demo.title
    assert demo.rules.out_of_range.opens_after_s == 15
    assert demo.rules.edge_silent.opens_after_s == 60


def test_a_file_is_a_policy_too(tmp_path: Path):
    assert load_policy(altered(tmp_path, 'version = "3"', 'version = "7"')).label == "default@7"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("quiet_to =", "quite_to ="),
        ("[rules.sos] ", "[rules.sso] "),
        ('severity = "C"', 'severity = "X"'),
        ("heard_fresh_s = 90", "heard_fresh_s = 121"),
        ('quiet_mutes = ["M", "L"]', 'quiet_mutes = ["C"]'),
        ('list_first = ["M"]', 'list_first = ["H"]'),
        ("Asia/Ho_Chi_Minh", "Asia/Atlantis"),
    ],
)
def test_what_is_not_meant_is_refused(tmp_path: Path, old: str, new: str):
    with pytest.raises(ConfigError, match=r"policy\.toml"):
        load_policy(altered(tmp_path, old, new))


def test_an_unknown_name_is_one_clear_line():
    with pytest.raises(ConfigError, match="no policy 'strict'"):
        load_policy("strict")


def test_kinds_rules_concerns_and_signs_are_complete():
    assert {kind.value for kind in Kind} == set(Rules.__struct_fields__)
    assert set(CONCERN_OF) == set(Kind)
    assert set(SIGN_VALUES) == set(Say)
    assert set(TROUBLE_SIGNS.values()) <= set(Say)
    assert [s.value for s in Severity] == ["C", "H", "M", "L"]
