"""Strict TOML: one file, every key known, errors that name the field, secrets in files of mode 0600."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from ancu.models.errors import ConfigError

__all__ = ["Host", "Port", "Settings", "load", "read_secret", "write_secret"]

T = TypeVar("T", bound="Settings")
_LABEL = "[0-9A-Za-z_%:-]{1,63}"
Host = Annotated[str, msgspec.Meta(pattern=rf"^{_LABEL}(\.{_LABEL})*\.?$", max_length=253)]  # a name or an address
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every table of a configuration file; unknown keys are refused."""


def load(path: Path, kind: type[T]) -> T:
    """Read a TOML file as `kind`; relative paths inside stay relative to the file's folder. Raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(table, kind, dec_hook=_paths(path.parent))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error.__class__.__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None


def read_secret(path: Path) -> bytes:
    """The bytes of a secret file, which only its owner may read or write. Raises ConfigError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(f"{path}: mode {mode:04o} lets others read a secret; chmod 0600 it")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: secret cannot be read ({error.strerror})") from None


def write_secret(path: Path, secret: bytes) -> None:
    """Write a secret file of mode 0600, replacing it at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _paths(folder: Path) -> Callable[[type, object], object]:
    def hook(kind: type, value: object) -> object:
        if kind is Path:
            if not isinstance(value, str) or not value or "\0" in value or _is_too_long(value):
                raise ValueError("expected a path, as text")
            return folder / value
        raise NotImplementedError(f"cannot read {kind.__name__}")

    return hook


def _is_too_long(path: str) -> bool:
    return any(len(part.encode()) > 255 for part in path.split("/"))  # what file systems take
