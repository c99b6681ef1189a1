"""Backup: the data folder at one moment, while the server goes on writing; and the way back, into an empty place only.

    manifest.json   what lies here: SHA-256 and size of each file, the schema's steps, where the journal stood; sealed
                    with a key that follows from the master key
    data/...        the database as of one transaction, and every other file of the data folder

The series are not in it: the server makes them anew from the inbox. With the master key in it, a backup is as secret as
the server itself: its folder is its owner's alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ancu.models.errors import ConfigError, UsageError
from ancu.server.adapters.sqlite import connect
from ancu.server.adapters.store_journal import audit_key, verify_chain
from ancu.server.people.vault import MASTER_KEY_FILE, Vault

__all__ = ["BackupRefused", "Contents", "back_up", "restore", "verify"]

_FORMAT = 1
_MANIFEST = "manifest.json"
_CHUNK = 1024 * 1024
_LIVE = ("-wal", "-shm", "-journal")  # of SQLite, beside the file: what they hold is in the copy


class BackupRefused(UsageError):
    """Not what was written, or not to be written there."""

    code = "backup_refused"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds."""

    files: int
    bytes: int
    made_at: str
    records: int  # of the journal, all of them whole
    steps: int  # of the schema


def back_up(data: Path, database: Path, series: Path, out: Path, now: datetime) -> Contents:
    """Write a backup into a folder that is not there yet, all of it or nothing; raises BackupRefused, ConfigError."""
    vault = Vault.open(data / MASTER_KEY_FILE)
    if out.exists():
        raise BackupRefused(f"{out}: exists already; name a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))  # mode 0700
    try:
        target = draft / "data"
        target.mkdir(mode=0o700)
        left_out = {database, series, *(database.with_name(database.name + end) for end in _LIVE)}
        left_out.add(series.with_name(series.name + ".wal"))
        for path in sorted(data.rglob("*")):
            if path.is_file() and not path.is_symlink() and path not in left_out:
                _copy(path, target / path.relative_to(data))
        _copy_database(database, target / database.relative_to(data))
        made = _manifest(draft, target / database.relative_to(data), vault, now)
        _sync_folder(draft)
        draft.rename(out)
        _sync_folder(out.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return made


def verify(backup: Path) -> Contents:
    """Check every byte of a backup; raises BackupRefused."""
    manifest = _read_manifest(backup)
    files: dict[str, Any] = manifest["files"]
    there = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()} - {_MANIFEST}
    if there != set(files):
        odd = min(there ^ set(files))
        raise BackupRefused(f"{backup}: {odd} is {'missing' if odd in files else 'not in the manifest'}")
    for name, says in files.items():
        if (backup / name).stat().st_size != says["bytes"] or _hash(backup / name) != says["sha256"]:
            raise BackupRefused(f"{backup}: {name} was changed")
    return _contents(manifest)


def restore(backup: Path, data: Path) -> Contents:
    """Put a backup into a data folder that is absent or empty; raises BackupRefused. All of it, or nothing."""
    made = verify(backup)
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BackupRefused(f"{data}: not empty; a restore never writes over what is there")
    data.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{data.name}-", dir=data.parent))
    try:
        for path in sorted((backup / "data").rglob("*")):
            if path.is_file():
                _copy(path, draft / path.relative_to(backup / "data"))
        _sync_folder(draft)
        with contextlib.suppress(FileNotFoundError):
            data.rmdir()
        draft.rename(data)
        _sync_folder(data.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return made


def _copy_database(database: Path, target: Path) -> None:
    """One transaction's view, page by page, by SQLite itself; a writer beside it is not held up."""
    source = connect(database, read_only=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(0o600)
        with contextlib.closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without companions
        _sync(target)
    except sqlite3.Error as error:
        raise ConfigError(f"{database}: cannot be copied ({error})") from None
    finally:
        source.close()


def _manifest(folder: Path, database: Path, vault: Vault, now: datetime) -> Contents:
    copy = connect(database, read_only=True)
    try:
        wrong = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        chain = verify_chain(copy, audit_key(vault))
        steps = [row["name"] for row in copy.execute("SELECT name FROM migrations ORDER BY name")]
    finally:
        copy.close()
    if wrong != "ok" or chain.broken_at is not None:
        raise BackupRefused(f"the database is not whole: {wrong if wrong != 'ok' else f'record {chain.broken_at}'}")
    files = {
        str(path.relative_to(folder)): {"sha256": _hash(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {
        "format": _FORMAT,
        "made_at": now.isoformat(timespec="seconds"),
        "journal": chain.records,
        "schema": steps,
        "files": files,
    }
    manifest["seal"] = _seal(vault, manifest)
    path = folder / _MANIFEST
    path.touch(0o600)
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True), "utf-8")
    _sync(path)
    return _contents(manifest)


def _read_manifest(backup: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((backup / _MANIFEST).read_text("utf-8"))
        vault = Vault.open(backup / "data" / MASTER_KEY_FILE)
        seal = manifest.pop("seal")
        if manifest["format"] != _FORMAT:
            raise BackupRefused(f"{backup}: of another version")
        if not hmac.compare_digest(str(seal), _seal(vault, manifest)):
            raise BackupRefused(f"{backup}: its manifest was changed")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, ConfigError):
        raise BackupRefused(f"{backup}: no backup, or not all of one") from None
    return dict(manifest)


def _seal(vault: Vault, manifest: dict[str, Any]) -> str:
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return vault.hash(f"ancu/v1/backup {hashlib.sha256(text.encode()).hexdigest()}")


def _contents(manifest: dict[str, Any]) -> Contents:
    files: dict[str, Any] = manifest["files"]
    size = sum(says["bytes"] for says in files.values())
    return Contents(len(files), size, manifest["made_at"], manifest["journal"], len(manifest["schema"]))


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.touch(0o600)
    with path.open("rb") as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, _CHUNK)
    target.chmod(path.stat().st_mode & 0o700)
    _sync(target)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
