"""How far each band's history was fetched into the journal, over restarts; and receipts that wait for a visit."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec

from ancu.models.config import read_secret, write_secret
from ancu.models.errors import ConfigError
from ancu.models.ids import BandNumber

__all__ = ["PROGRESS_FILE", "Progress"]

log = logging.getLogger(__name__)
PROGRESS_FILE = "history"  # in the edge's data folder


class Progress:
    """By band under one order: another identity key is another log."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._next = _read(file)
        self._written = dict(self._next)
        self._receipts: dict[BandNumber, tuple[int, bytes]] = {}

    def next(self, band: BandNumber, identity_key: bytes) -> int:
        """The first record that is still to be fetched; 0: whatever the band has."""
        return self._next.get(_name(band, identity_key), 0)

    def fetched(self, band: BandNumber, identity_key: bytes, upto: int) -> None:
        self._next[_name(band, identity_key)] = upto + 1

    def save(self) -> None:
        """Write what changed. Only after the records are in the journal: behind is harmless, ahead would lose some."""
        if self._next != self._written:
            write_secret(self._file, msgspec.json.encode(self._next))
            self._written = dict(self._next)

    def held(self, band: BandNumber, upto: int, receipt: bytes) -> None:
        """The server gave a receipt."""
        self._receipts[band] = (upto, receipt)

    def receipt(self, band: BandNumber) -> bytes | None:
        """What the band has still to be told that it may forget."""
        return self._receipts[band][1] if band in self._receipts else None

    def delivered(self, band: BandNumber, receipt: bytes) -> None:
        if self.receipt(band) == receipt:
            del self._receipts[band]


def _name(band: BandNumber, identity_key: bytes) -> str:
    return f"{band}/{hashlib.sha256(b'ancu/v1/log' + identity_key).hexdigest()[:12]}"


def _read(file: Path) -> dict[str, int]:
    if not file.exists():
        return {}
    try:
        return msgspec.json.decode(read_secret(file), type=dict[str, int])
    except (ConfigError, msgspec.DecodeError) as error:
        log.warning("how far history was fetched cannot be read: from the beginning", extra={"error": str(error)})
        return {}
