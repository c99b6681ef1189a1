"""What the server commands: verified, taken once, and kept where it must outlast a restart."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ancu.models.commands import Command, SetBands, SetZones, open_command
from ancu.models.config import read_secret, write_secret
from ancu.models.errors import AncuError, ConfigError, WireRefused
from ancu.models.ids import EdgeId
from ancu.models.keys import EdgeKeys

__all__ = ["COMMANDED_FILE", "Commanded", "bands_toml"]

log = logging.getLogger(__name__)
C = TypeVar("C", bound=Command)
COMMANDED_FILE = "commanded"  # in the edge's data folder


class _Kept(msgspec.Struct, frozen=True):
    counter: int = 0
    zones: dict[str, SetZones] = msgspec.field(default_factory=dict)


class Commanded:
    """Feed it bodies of the command topic by `take`; who can carry out a kind of command says so by `on`."""

    def __init__(self, edge: EdgeId, keys: EdgeKeys, file: Path) -> None:
        self.refused: Counter[str] = Counter()  # by reason
        self._edge, self._key, self._file = edge, keys.down, file
        self._kept = _read(file)
        self._acts: dict[type[Any], Callable[[Any], None]] = {}

    @property
    def counter(self) -> int:
        """Of the newest command that was taken."""
        return self._kept.counter

    def drawing(self, camera: str) -> SetZones | None:
        """What was last drawn on a camera's picture; None: what the configuration file says."""
        return self._kept.zones.get(camera)

    def on(self, kind: type[C], act: Callable[[C], None]) -> None:
        """`act` carries out commands of a kind; it may raise errors of ours, which are logged."""
        self._acts[kind] = act

    def take(self, body: bytes) -> bool:
        """Verify, keep and carry out a command; whether that was done. Nothing here raises: what is none is counted."""
        try:
            opened = open_command(body, self._edge, self._key, after=self._kept.counter)
            act = self._acts.get(type(opened.command))
            if act is None:
                self._refuse("not_ours")
                return False
            # Kept before it is carried out: a command that kills us must not kill us again.
            self._keep(_Kept(opened.counter, self._zones_with(opened.command)))
            act(opened.command)
        except WireRefused as refused:
            self._refuse(refused.reason)
        except (AncuError, OSError) as error:
            self.refused["failed"] += 1
            log.warning("a command was not carried out", extra={"error": str(error)})
        else:
            return True
        return False

    def _zones_with(self, command: Command) -> dict[str, SetZones]:
        return self._kept.zones | ({command.camera: command} if isinstance(command, SetZones) else {})

    def _keep(self, kept: _Kept) -> None:
        write_secret(self._file, msgspec.msgpack.encode(kept))
        self._kept = kept

    def _refuse(self, reason: str) -> None:
        if not self.refused[reason]:
            log.warning("command refused", extra={"reason": reason})
        self.refused[reason] += 1


def bands_toml(command: SetBands) -> bytes:
    """A bands file's text."""
    rows = [
        f'[[bands]]\nnumber = {number}\nidentity_key = "{key.hex()}"\n' for number, key in sorted(command.bands.items())
    ]
    return "\n".join(rows).encode()


def _read(file: Path) -> _Kept:
    if not file.exists():
        return _Kept()
    try:
        return msgspec.msgpack.decode(read_secret(file), type=_Kept)
    except (ConfigError, msgspec.DecodeError) as error:
        # The server sends what is to be anew; until then the configuration file's drawing serves.
        log.warning("what was commanded cannot be read again", extra={"error": str(error)})
        return _Kept()
