"""Flash pages of the bands: in memory, or in one file that outlives the process."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

from ancu.firmware_sim.log import Stored
from ancu.models.errors import ConfigError
from ancu.models.history import CAPACITY, RECORD_BYTES

__all__ = ["FlashFile", "FlashPage", "MemoryFlash"]

_PAGE = struct.Struct("<IIIIIB11x")  # band, counter_end, history_head, history_base, boot, tampered
_BLANK = bytes(RECORD_BYTES)
_UNUSED = 0


class MemoryFlash:
    """A flash page that lasts as long as this object."""

    def __init__(self, stored: Stored | None = None) -> None:
        self._stored = stored or Stored()
        self._slots: dict[int, bytes] = {}

    def read(self) -> Stored:
        return self._stored

    def write(self, stored: Stored) -> None:
        self._stored = stored

    def slot(self, sequence: int) -> bytes | None:
        return self._slots.get(sequence % CAPACITY)

    def put(self, sequence: int, record: bytes) -> None:
        self._slots[sequence % CAPACITY] = record


class FlashFile:
    """One page of 32 bytes a band, and a log file a band beside it; a write is one `pwrite`, which no kill can tear."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._logs = path.with_name(f"{path.name}.logs")
        self._logs.mkdir(mode=0o700, exist_ok=True)
        self._open: list[int] = []
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        raw = os.pread(self._file, os.fstat(self._file).st_size, 0)
        if len(raw) % _PAGE.size:
            raise ConfigError(f"{path}: not a flash file; remove it only together with the bands' orders")
        self._pages = {page[0]: at for at, page in enumerate(_PAGE.iter_unpack(raw)) if page[0] != _UNUSED}

    def page(self, band: int) -> FlashPage:
        """The page of a band; a new band gets a blank one."""
        at = self._pages.setdefault(band, len(self._pages))
        return FlashPage(self._file, at * _PAGE.size, band, self._log)

    def bonds(self, band: int) -> Path:
        """Where a band keeps the keys of the hosts it is bonded with."""
        return self._logs / f"{band}.bonds"

    def close(self) -> None:
        for file in (self._file, *self._open):
            os.close(file)

    def _log(self, band: int) -> int:
        file = os.open(self._logs / f"{band}.log", os.O_RDWR | os.O_CREAT, 0o600)
        self._open.append(file)
        return file


class FlashPage:
    """One band's page of a FlashFile, and its log, whose file is opened when it is first used."""

    def __init__(self, file: int, at: int, band: int, open_log: Callable[[int], int]) -> None:
        self._file, self._at, self._band, self._open_log = file, at, band, open_log
        self._log: int | None = None

    def read(self) -> Stored:
        raw = os.pread(self._file, _PAGE.size, self._at)
        if len(raw) < _PAGE.size:
            return Stored()
        _, counter_end, history_head, history_base, boot, tampered = _PAGE.unpack(raw)
        return Stored(counter_end, history_head, bool(tampered), max(1, history_base), boot)

    def write(self, stored: Stored) -> None:
        page = _PAGE.pack(
            self._band, stored.counter_end, stored.history_head, stored.history_base, stored.boot, stored.tampered
        )
        os.pwrite(self._file, page, self._at)

    def slot(self, sequence: int) -> bytes | None:
        raw = os.pread(self._log_file(), RECORD_BYTES, sequence % CAPACITY * RECORD_BYTES)
        return raw if len(raw) == RECORD_BYTES and raw != _BLANK else None

    def put(self, sequence: int, record: bytes) -> None:
        os.pwrite(self._log_file(), record, sequence % CAPACITY * RECORD_BYTES)

    def _log_file(self) -> int:
        if self._log is None:
            self._log = self._open_log(self._band)
        return self._log
