"""The verbs as a person runs them, over an installation with a recorded past."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ancu.models.config import load
from ancu.models.errors import AncuError
from ancu.server.adapters.sqlite import connect
from ancu.server.alerts import alert as lifecycle
from ancu.server.cli.export import export
from ancu.server.cli.policy import policy
from ancu.server.cli.report import report
from ancu.server.config import ServerSettings
from ancu.server.people.setup import make_installation
from ancu.server.ports import Outcome
from ancu.server.review.book import Book, load_one
from ancu.server.review.in_force import note_policies

pytestmark = pytest.mark.timeout(120)  # a past is recorded first, with a sync to disk each second of it


@click.group()
def verbs() -> None: ...


for verb in (policy, report, export):
    verbs.add_command(verb)


class Terminal:
    def __init__(self, config: Path, r: Any) -> None:
        self.config, self.r = config, r
        self.code = 0

    def __call__(self, *args: str | Path) -> str:
        result = CliRunner().invoke(verbs, [str(a) for a in args], catch_exceptions=False, standalone_mode=False)
        self.code = result.return_value if isinstance(result.return_value, int) else result.exit_code
        self.err = result.stderr
        return result.stdout

    def here(self, *args: str | Path) -> str:
        return self(*args, "--config", self.config)

    def json(self, *args: str | Path) -> Any:
        return json.loads(self.here(*args, "--json"))


@pytest.fixture
def terminal(tmp_path: Path, recording_of: Any) -> Terminal:
    made = make_installation(tmp_path / "house", homes=2)
    settings = load(made.server_toml, ServerSettings)
    r = recording_of(settings.data, homes=2, policy=load_one(settings.policy))
    r.command(lambda tx: note_policies(tx, Book.plain(r.policy)))
    r.run(40)
    for pause in (25, 25, 30, 35, 30, 45):  # short walks, an hour's reopening apart each
        r.says[1] = None
        r.run(pause)
        r.says[1] = r.says[0]
        r.run(60)
        for alert in r.open_alerts():
            r.officer(alert, lifecycle.Resolve("lan", Outcome.RADIO_SHADOW))
        r.clock.ms += 1_900_000
        r.run(40)
    r.cut(0)
    r.run(20)
    r.stop()
    return Terminal(made.server_toml, r)


PAST = ("--from", "2026-03-02T00:00+00:00", "--to", "2026-03-03T00:00+00:00")


def test_a_changed_policy_is_rehearsed_over_the_past(terminal: Terminal, tmp_path: Path):
    same = terminal.json("policy", "replay", load(terminal.config, ServerSettings).policy)
    assert same["as_recorded"]["differ"] == 0
    assert same["as_recorded"]["same"] == same["same"] == same["alerts_old"] > 1
    assert [same["appear"], same["vanish"], same["move"]] == [[], [], []]
    override = tmp_path / "slow.toml"
    override.write_text(
        f'base = "{terminal.r.policy.label}"\nname = "slow"\nversion = "1"\ntitle = "t"\nsigned_by = "B"\n'
        'signed_on = 2026-12-01\nwards = ["ward-000"]\n[rules.out_of_range]\nopens_after_s = 40\n',
        "utf-8",
    )
    text = terminal.here("policy", "replay", override, *PAST)
    assert "vanish:" in text
    assert "out_of_range p-000002 in ward-000 (resolved: radio_shadow)" in text
    found = terminal.json("policy", "replay", override, *PAST, "--ward", "ward-000", "--warm-up", "6")
    assert found["vanish"]
    assert found["new"][1].endswith(f"+slow@{terminal.r.policy.version}.1")
    with pytest.raises(AncuError, match="not negative"):
        terminal.here("policy", "replay", override, "--warm-up", "-1")
    late = terminal.json("policy", "replay", override, "--warm-up", "2")
    assert len(late["vanish"]) < len(terminal.json("policy", "replay", override)["vanish"])


def test_a_past_that_lost_its_beginning_is_compared_after_a_warm_up(terminal: Terminal):
    policy = load(terminal.config, ServerSettings).policy
    whole = terminal.json("policy", "replay", policy)
    db = connect(load(terminal.config, ServerSettings).database)
    middle = db.execute("SELECT position, inbox FROM told ORDER BY position LIMIT 1 OFFSET 3").fetchone()
    db.execute("DELETE FROM told WHERE position < ? AND seats = 0", (middle["position"],))
    first = db.execute("SELECT inbox FROM told ORDER BY position LIMIT 1").fetchone()["inbox"]
    db.execute("DELETE FROM inbox WHERE position <= ?", (max(first, 1),))
    db.close()
    part = terminal.json("policy", "replay", policy)
    assert 0 < part["alerts_old"] < whole["alerts_old"]
    assert part["as_recorded"]["differ"] == 0


def test_outcomes_teach_and_nothing_is_changed(terminal: Terminal, tmp_path: Path):
    draft = tmp_path / "draft.toml"
    found = terminal.json("policy", "learn", "--weeks", "52", "--out", draft)
    assert found["by_rule"]["out_of_range"]["false"] >= 5
    assert found["bands"][0]["band"] == "wb-00000002"
    (suggestion,) = [s for s in found["suggestions"] if s["kind"] == "out_of_range"]
    assert suggestion["old"] == 15 < suggestion["new"]
    assert suggestion["replay"]["vanish_false"] >= suggestion["spares_false"] - 1 > 0
    assert suggestion["replay"]["vanish_true"] == 0
    terminal("policy", "check", draft)
    assert terminal.code == 1
    assert "name at least one place" in terminal.err
    lines = terminal.here("policy", "learn", "--weeks", "52")
    assert "suggested: rules.out_of_range.opens_after_s 15 -> " in lines
    assert "Nothing was changed." in lines


def test_the_report_has_figures_for_people_and_machines(terminal: Terminal):
    found = terminal.json("report", *PAST)
    assert found["alerts"] >= 7
    assert found["by_kind"]["out_of_range"]["precision"]["false"] >= 5
    assert found["to_resolve"]["count"] >= 5
    text = terminal.here("report", *PAST, "--ward", "ward-000")
    assert "ward ward-000" in text
    assert "p-0000" not in text
    with pytest.raises(AncuError, match="not before"):
        terminal.here("report", "--from", PAST[3], "--to", PAST[1])


def test_evidence_is_exported_and_verified_by_command(terminal: Terminal, tmp_path: Path):
    out = tmp_path / "alert.zip"
    terminal.r.start()
    (alert,) = terminal.r.open_alerts("strap_cut")
    key = terminal.json("export", "key")["key"]
    assert terminal.json("export", "alert", alert, "--out", out)["key"] == key
    assert out.stat().st_mode & 0o777 == 0o600
    assert "whole; alert" in terminal("export", "verify", out, "--key", key)
    assert json.loads(terminal("export", "verify", out, "--json"))["has_policy"]
    raw = bytearray(out.read_bytes())
    raw[len(raw) // 2] ^= 1
    out.write_bytes(raw)
    with pytest.raises(AncuError, match=r"alert\.zip: "):
        terminal("export", "verify", out)
    with pytest.raises(AncuError, match="no alert 'nobody'"):
        terminal.here("export", "alert", "nobody", "--out", out)


def test_show_diff_and_check_speak_json_and_lines():
    terminal = Terminal(Path(), None)
    shown = json.loads(terminal("policy", "show", "demo", "--json"))
    assert shown["label"].startswith("demo@")
    assert len(shown["fingerprint"]) == 16
    table = terminal("policy", "show")
    assert "out_of_range" in table
    assert "signed by not signed" in table
    changes = json.loads(terminal("policy", "diff", "table", "demo", "--json"))["changes"]
    assert {"key": "rules.out_of_range.opens_after_s", "old": 90, "new": 15} in changes
    assert "rules.out_of_range.opens_after_s: 90 -> 15" in terminal("policy", "diff", "table", "demo")
    assert "the same" in terminal("policy", "diff", "demo", "demo")
    assert json.loads(terminal("policy", "check", "default", "demo", "--json"))["ok"]
    assert not json.loads(terminal("policy", "check", "default", "none.toml", "--json"))["ok"]
    assert terminal.code == 1
    assert "none.toml: no such file" in terminal.err
