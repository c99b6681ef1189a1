"""Findings: what a `check` verb says, one clear line each."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from ancu.models.errors import AncuError

__all__ = ["Finding", "report", "writable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str  # 'configuration', 'broker', ...
    ok: bool
    says: str


def writable(folder: Path) -> Finding:
    """Whether a data folder takes what is written to it; made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"0" * 65536)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return Finding("data", ok=False, says=f"{folder}: cannot be written ({error.strerror})")
    return Finding("data", ok=True, says=f"{folder}: writable")


async def report(findings: AsyncIterator[Finding], *, as_json: bool) -> bool:
    """Print findings as they come, or as one JSON object at the end; whether all are well.

    An AncuError out of `findings` is the last finding: what comes after it could not be looked at.
    """
    seen: list[Finding] = []

    def tell(finding: Finding) -> None:
        seen.append(finding)
        if not as_json:
            click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}: {finding.says}")

    try:
        async for finding in findings:
            tell(finding)
    except AncuError as error:
        tell(Finding("configuration", ok=False, says=str(error)))
    well = all(finding.ok for finding in seen)
    if as_json:
        click.echo(json.dumps({"ok": well, "findings": [asdict(finding) for finding in seen]}, ensure_ascii=False))
    return well
