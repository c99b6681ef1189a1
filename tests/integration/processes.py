"""Real processes of our own for a test: started with a log, ended whatever happens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def process(log: Path, *args: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`ancu` with these arguments; what it says goes to `log`."""
    with log.open("ab") as out:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ancu.models.command", *args, stdout=out, stderr=out
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
        await asyncio.wait_for(child.wait(), 30)
