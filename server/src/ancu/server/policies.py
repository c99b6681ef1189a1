"""Policies as files: those that are brought along, and a province's own."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from ancu.models.config import load
from ancu.models.errors import ConfigError
from ancu.server.cases.policy import Policy

__all__ = ["load_policy"]


def load_policy(name_or_path: str | Path) -> Policy:
    """Read a policy that is brought along ('default', 'table', 'demo') or a file's; raises ConfigError."""
    if isinstance(name_or_path, str) and "/" not in name_or_path and not name_or_path.endswith(".toml"):
        with as_file(files("ancu.server.cases") / "policies" / f"{name_or_path}.toml") as path:
            if not path.is_file():
                raise ConfigError(f"no policy {name_or_path!r}: use default, table, demo or the path of a .toml file")
            return load(path, Policy)
    return load(Path(name_or_path), Policy)
