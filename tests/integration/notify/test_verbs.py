"""`ancu duty` and `ancu notify` as a person runs them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ancu.models.errors import AncuError, ConfigError, UsageError
from ancu.server.cli.audit import audit
from ancu.server.cli.duty import duty
from ancu.server.cli.notify import notify
from ancu.server.cli.officer import officer
from ancu.server.people.setup import make_installation

from .conftest import Certificates, HttpDouble, SmtpDouble


@click.group()
def verbs() -> None: ...


for verb in (audit, duty, notify, officer):
    verbs.add_command(verb)


class Terminal:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.made = make_installation(root / "house", homes=1)
        self.config = self.made.server_toml
        for login in ("thu", "ngan"):
            self("officer", "add", login, "--name", login, "--ward", self.a_ward(), "--password-out", root / login)

    def a_ward(self) -> str:
        rows = self.json("officer", "list")
        return next(row["wards"].split(",")[0] for row in rows if row["wards"] != "all")

    def __call__(self, *args: str | Path) -> str:
        line = [*map(str, args), "--config", str(self.config)]
        result = CliRunner().invoke(verbs, line, catch_exceptions=False, standalone_mode=False)
        self.code = result.return_value if isinstance(result.return_value, int) else result.exit_code
        self.err = result.stderr
        return result.stdout

    def json(self, *args: str | Path) -> Any:
        return json.loads(self(*args, "--json"))


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


DAY = ("--from", "2026-08-01T06:00+07:00", "--until", "2026-08-01T14:00+07:00")
MONTH = ("--from", "2026-08-01T00:00+07:00", "--until", "2026-09-01T00:00+07:00")


def test_a_watch_is_set_for_weeks_listed_and_cleared(terminal: Terminal):
    assert terminal.json("duty", "set", "thu", *DAY, "--weeks", "3")["added"] == 3
    assert terminal.json("duty", "set", "thu", *DAY)["added"] == 0
    assert [row["what"] for row in terminal.json("duty", "list", *MONTH)] == ["shift"] * 3
    with pytest.raises(UsageError, match="has a watch then"):
        terminal("duty", "set", "thu", "--from", "2026-08-01T13:00+07:00", "--until", "2026-08-01T20:00+07:00")
    assert terminal.json("duty", "clear", "thu", *MONTH)["cleared"] == 3
    with pytest.raises(AncuError):
        terminal("duty", "set", "nobody", *DAY)


def test_an_absence_is_set_and_ended(terminal: Terminal):
    terminal("duty", "absent", "thu", "--until", "2099-01-01T00:00+07:00")
    assert [row["what"] for row in terminal.json("duty", "list")] == ["absent"]
    terminal("duty", "absent", "thu", "--back")
    assert terminal.json("duty", "list") == []
    with pytest.raises(UsageError):
        terminal("duty", "absent", "thu")


def test_a_calendar_is_imported_and_bad_rows_are_named(terminal: Terminal, tmp_path: Path):
    rota = tmp_path / "rota.csv"
    rota.write_text(
        "login,watch,from,until\n"
        "thu,shift,2026-08-01T06:00+07:00,2026-08-01T14:00+07:00\n"
        "ngan,on_call,2026-08-01T22:00+07:00,2026-08-02T06:00+07:00\n"
        "nobody,shift,2026-08-01T06:00+07:00,2026-08-01T14:00+07:00\n"
        "thu,shift,2026-08-01 06:00,2026-08-01T14:00+07:00\n"
        "thu,nap,2026-08-01T06:00+07:00,2026-08-01T14:00+07:00\n"
        "thu,shift,2026-08-02T14:00+07:00,2026-08-02T06:00+07:00\n",
        "utf-8",
    )
    done = terminal.json("duty", "import", rota)
    assert (done["added"], terminal.code) == (2, 1)
    assert [error["line"] for error in done["errors"]] == [4, 5, 6, 7]
    assert "line 4" in terminal.err
    assert terminal.json("duty", "import", rota)["unchanged"] == 2


def test_a_handover_is_signed_by_both_with_their_own_passwords(terminal: Terminal, tmp_path: Path):
    drawn = terminal.json("duty", "handover", "draw", "--ward", terminal.a_ward(), "--giver", "thu", "--taker", "ngan")
    with pytest.raises(AncuError):
        terminal("duty", "handover", "sign", drawn["id"], "thu", "--password-file", tmp_path / "ngan")
    terminal("duty", "handover", "sign", drawn["id"], "thu", "--password-file", tmp_path / "thu")
    whole = terminal.json("duty", "handover", "sign", drawn["id"], "ngan", "--password-file", tmp_path / "ngan")
    assert whole["giver_signed"]
    assert whole["taker_signed"]
    assert terminal.json("duty", "handover", "list")[0]["hash"] == drawn["hash"]
    terminal("audit", "verify")
    assert terminal.code == 0


async def test_a_channel_is_tried_and_what_came_of_it_is_said(
    terminal: Terminal, https: HttpDouble, smtp: SmtpDouble, certificates: Certificates, tmp_path: Path
):
    with terminal.config.open("a", encoding="utf-8") as file:
        file.write(
            f'\n[notify.email]\nhost = "127.0.0.1"\nport = {smtp.port}\nsender = "a@ancu.example"\n'
            f'ca_file = "{certificates.ca_file}"\n'
            f'[notify.sms]\nurl = "{https.url}/sms"\nca_file = "{certificates.ca_file}"\nfields = {{ to = "{{to}}" }}\n'
        )
    terminal("notify", "contact", "thu", "--channel", "email", "--address", "lan@ancu.example")
    sent = await asyncio.to_thread(terminal.json, "notify", "test", "--channel", "email", "--officer", "thu")
    assert sent["results"] == [{"state": "sent", "why": ""}]
    assert len(smtp.mails) == 1
    failed = await asyncio.to_thread(terminal.json, "notify", "test", "--channel", "sms", "--to", "no number")
    assert failed["results"][0]["state"] == "refused"
    assert terminal.code == 1
    with pytest.raises(ConfigError):
        terminal("notify", "test", "--channel", "voice", "--to", "1")
    assert terminal.json("notify", "list") == []


def test_a_push_key_is_made_once(terminal: Terminal, tmp_path: Path):
    out = tmp_path / "vapid.pem"
    runner = CliRunner()
    made = runner.invoke(notify, ["key", "--out", str(out), "--json"], catch_exceptions=False, standalone_mode=False)
    assert json.loads(made.stdout)["public"].startswith("B")
    assert out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError):
        runner.invoke(notify, ["key", "--out", str(out)], catch_exceptions=False, standalone_mode=False)
