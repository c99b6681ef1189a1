"""What really happened, one JSON line an event: the yardstick for what the chain reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

__all__ = ["Truth"]


class Truth:
    """Writes events to a file, flushed one by one, or nowhere."""

    def __init__(self, path: Path | None) -> None:
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")

    def write(self, at_ms: int, home: str, band: int, event: str, **more: object) -> None:
        """`at_ms`: unix milliseconds of the event on the air, or of the step through the door."""
        if self._file is not None:
            line = {"at_ms": at_ms, "home": home, "band": band, "event": event, **more}
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
