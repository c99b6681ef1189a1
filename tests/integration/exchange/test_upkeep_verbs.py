"""Backup, restore, migrate, erase and move, as an operator runs them over a real data folder."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ancu.models.config import load
from ancu.models.errors import AncuError
from ancu.models.ids import EdgeId, OrderId
from ancu.server.adapters.backup import BackupRefused
from ancu.server.adapters.sqlite import connect
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import Record, audit_key, verify_chain
from ancu.server.cli.backup import backup, migrate, restore
from ancu.server.cli.erase import erase
from ancu.server.cli.order import order
from ancu.server.config import ServerSettings
from ancu.server.people.register import Register
from ancu.server.people.setup import Installation, make_installation
from ancu.server.people.vault import MASTER_KEY_FILE, Vault

pytestmark = pytest.mark.timeout(90)  # each begins with an installation of its own: keys, certificates, passwords


@click.group()
def verbs() -> None: ...


for verb in (backup, restore, migrate, erase, order):
    verbs.add_command(verb)


class Terminal:
    def __init__(self, made: Installation) -> None:
        self.made, self.config = made, made.server_toml
        self.settings = load(made.server_toml, ServerSettings)
        self.code = 0

    def __call__(self, *args: object) -> str:
        line = [*map(str, args), "--config", str(self.config)]
        result = CliRunner().invoke(verbs, line, catch_exceptions=False, standalone_mode=False)
        self.code = result.return_value if isinstance(result.return_value, int) else result.exit_code
        return result.stdout

    def json(self, *args: object) -> Any:
        return json.loads(self(*args, "--json"))

    def elsewhere(self, folder: Path) -> Terminal:
        """The same server with another data folder."""
        text = self.config.read_text("utf-8")
        config = self.config.with_name(f"{folder.name}.toml")
        config.write_text(text.replace('data = "data"', f'data = "{folder}"'), "utf-8")
        assert str(folder) in config.read_text("utf-8")
        other = Terminal(self.made)
        other.config, other.settings = config, load(config, ServerSettings)
        return other

    def register(self) -> Register:
        return Register.open(self.settings.data, actor="test")

    def journal(self) -> Store:
        return Store(connect(self.settings.database), audit_key(Vault.open(self.settings.data / MASTER_KEY_FILE)))


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(make_installation(tmp_path / "house", homes=2))


def test_a_backup_beside_a_writer_is_one_moment_and_comes_back_whole(terminal: Terminal, tmp_path: Path):
    stop, wrote = threading.Event(), threading.Event()

    def write() -> None:
        store, n = terminal.journal(), 0
        while not stop.is_set():
            n += 1
            with store.transaction():  # two rows that belong together
                store.append([Record(n, "test", f"{n}", b"one"), Record(n, "test", f"{n}", b"two")])
            if n == 20:
                wrote.set()
        store.connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert wrote.wait(60)
        made = terminal.json("backup", "--out", tmp_path / "kept")
    finally:
        stop.set()
        writer.join()
    assert made["records"] >= 40
    assert made["records"] % 2 == 0
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    new = terminal.elsewhere(tmp_path / "new-house")
    back = new.json("restore", tmp_path / "kept")
    assert (back["records"], back["restored"]) == (made["records"], True)
    store = new.journal()
    chain = verify_chain(store.connection, audit_key(Vault.open(new.settings.data / MASTER_KEY_FILE)))
    assert (chain.records, chain.broken_at) == (made["records"], None)
    store.connection.close()
    names = {str(path.relative_to(new.settings.data)) for path in new.settings.data.rglob("*") if path.is_file()}
    assert {"ancu.db", "master.key", "ca/ca.key", "broker.key", "devices.toml"} <= names
    assert (new.settings.data / "master.key").stat().st_mode & 0o777 == 0o600


def test_a_restore_writes_over_nothing(terminal: Terminal, tmp_path: Path):
    terminal("backup", "--out", tmp_path / "kept")
    before = (terminal.settings.data / "master.key").read_bytes()
    with pytest.raises(BackupRefused, match="not empty"):
        terminal("restore", tmp_path / "kept")
    assert (terminal.settings.data / "master.key").read_bytes() == before
    (tmp_path / "empty").mkdir()
    terminal.elsewhere(tmp_path / "empty")("restore", tmp_path / "kept")
    assert (tmp_path / "empty" / "ancu.db").exists()
    with pytest.raises(BackupRefused, match="exists already"):
        terminal("backup", "--out", tmp_path / "kept")


@pytest.mark.parametrize("spoil", ["a byte", "a file less", "a file more", "the manifest", "nothing there"])
def test_a_backup_that_is_not_what_was_written_is_refused_and_leaves_nothing(
    terminal: Terminal, tmp_path: Path, spoil: str
):
    kept = tmp_path / "kept"
    terminal("backup", "--out", kept)
    assert terminal.json("restore", kept, "--check")["restored"] is False
    match spoil:
        case "a byte":
            raw = bytearray((kept / "data/ancu.db").read_bytes())
            raw[len(raw) // 2] ^= 1
            (kept / "data/ancu.db").write_bytes(raw)
        case "a file less":
            (kept / "data/devices.toml").unlink()
        case "a file more":
            (kept / "data/more").write_text("x")
        case "the manifest":
            manifest = kept / "manifest.json"
            manifest.write_text(manifest.read_text().replace('"journal": ', '"journal": 1'))
        case _:
            shutil.rmtree(kept)
            kept.mkdir()
    for check in (("--check",), ()):
        with pytest.raises(BackupRefused):
            terminal.elsewhere(tmp_path / "new")("restore", kept, *check)
    assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_journal_that_was_changed_is_not_backed_up(terminal: Terminal, tmp_path: Path):
    store = terminal.journal()
    with store.transaction():
        store.append([Record(1, "test", "a", b"one"), Record(2, "test", "a", b"two")])
    store.connection.execute("UPDATE journal SET body = x'00' WHERE position = 1")
    store.connection.close()
    with pytest.raises(BackupRefused, match="record 1"):
        terminal("backup", "--out", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_schema_is_brought_up_once_and_what_is_missing_is_named(terminal: Terminal):
    assert terminal.json("migrate") == {"taken": []}
    db = connect(terminal.settings.database)
    db.execute("DROP TABLE notify_early")
    db.execute("DELETE FROM migrations WHERE name = '0013_receipts.sql'")
    db.close()
    assert "0013_receipts.sql" in terminal("migrate", "--check")
    assert terminal.code == 1
    assert terminal.json("migrate") == {"taken": ["0013_receipts.sql"]}
    assert terminal.json("migrate", "--check") == {"pending": []}


def test_a_person_is_erased_by_a_receipt_and_no_byte_of_the_name_stays(terminal: Terminal):
    citizen = terminal.made.citizens[0]
    register = terminal.register()
    name = register.private.label(citizen.person).split(" · ")[0]
    assert name.encode() in terminal.settings.database.read_bytes()
    with pytest.raises(AncuError, match="in force"):
        terminal("erase", citizen.person, "--yes")
    register.orders.end(OrderId(citizen.order), "completed")
    register.connection.close()
    others = name.encode() in b"".join(
        other.encode()
        for (other,) in sqlite3.connect(terminal.settings.database).execute(
            "SELECT name FROM person_private WHERE person <> ?", (citizen.person,)
        )
    )
    found = terminal.json("erase", citizen.person, "--yes")
    assert found["counts"]["person_private"] == 1
    assert found["flushed"]
    raw = terminal.settings.database.read_bytes()
    assert others or name.encode() not in raw
    with pytest.raises(AncuError, match="no person"):
        terminal("erase", "p-nobody", "--yes")
    assert len(terminal.register().ledger.entries(limit=1000)) > 0


def test_an_order_moves_to_another_box_and_back(terminal: Terminal, tmp_path: Path):
    first, second = terminal.made.citizens[:2]
    register = terminal.register()
    register.orders.end(OrderId(second.order), "completed")
    out = tmp_path / "bands.toml"
    moved = terminal.json("order", "move", first.order, "--edge", second.home, "--bands-out", out)
    assert (moved["edge"], moved["ward"]) == (second.home, second.ward)
    assert str(first.band) in out.read_text("utf-8")
    assert register.snapshot().orders[OrderId(first.order)].edge == EdgeId(second.home)
    terminal("order", "move", first.order, "--edge", first.home)
    assert register.snapshot().orders[OrderId(first.order)].edge == EdgeId(first.home)
    for wrong in (("--edge", "none"), (), ("--ward", "none")):
        with pytest.raises(AncuError):
            terminal("order", "move", first.order, *wrong)
    with pytest.raises(AncuError):
        terminal("order", "move", second.order, "--edge", first.home)  # it has ended


def test_a_backup_says_when_it_was_made(terminal: Terminal, tmp_path: Path):
    made = terminal.json("backup", "--out", tmp_path / "kept")
    assert datetime.now(UTC) - datetime.fromisoformat(made["made_at"]) < timedelta(hours=1)
