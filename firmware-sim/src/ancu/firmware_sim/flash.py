"""Flash pages of the bands: in memory, or in one file that outlives the process."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from ancu.firmware_sim.band import Stored
from ancu.models.errors import ConfigError

__all__ = ["FlashFile", "FlashPage", "MemoryFlash"]

_PAGE = struct.Struct("<IIIB3x")  # band, counter_end, history_head, tampered
_UNUSED = 0


class MemoryFlash:
    """A flash page that lasts as long as this object."""

    def __init__(self) -> None:
        self._stored = Stored()

    def read(self) -> Stored:
        return self._stored

    def write(self, stored: Stored) -> None:
        self._stored = stored


class FlashFile:
    """One page of 16 bytes a band. A page is one `pwrite`, which a kill of the process cannot tear."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        raw = os.pread(self._file, os.fstat(self._file).st_size, 0)
        if len(raw) % _PAGE.size:
            raise ConfigError(f"{path}: not a flash file; remove it only together with the bands' orders")
        self._pages = {page[0]: at for at, page in enumerate(_PAGE.iter_unpack(raw)) if page[0] != _UNUSED}

    def page(self, band: int) -> FlashPage:
        """The page of a band; a new band gets a blank one."""
        at = self._pages.setdefault(band, len(self._pages))
        return FlashPage(self._file, at * _PAGE.size, band)

    def close(self) -> None:
        os.close(self._file)


class FlashPage:
    """One band's page of a FlashFile."""

    def __init__(self, file: int, at: int, band: int) -> None:
        self._file, self._at, self._band = file, at, band

    def read(self) -> Stored:
        raw = os.pread(self._file, _PAGE.size, self._at)
        if len(raw) < _PAGE.size:
            return Stored()
        _, counter_end, history_head, tampered = _PAGE.unpack(raw)
        return Stored(counter_end, history_head, bool(tampered))

    def write(self, stored: Stored) -> None:
        page = _PAGE.pack(self._band, stored.counter_end, stored.history_head, stored.tampered)
        os.pwrite(self._file, page, self._at)
