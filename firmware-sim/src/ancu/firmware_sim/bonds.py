"""Where the keys of bonds are kept: in memory, or in a file of mode 0600 that outlives the process."""

from __future__ import annotations

import json
from pathlib import Path

from bumble.keys import MemoryKeyStore, PairingKeys

from ancu.models.config import write_secret

__all__ = ["Bonds"]


class Bonds(MemoryKeyStore):
    """Bonds of one device, the oldest given up for a new one beyond `most`."""

    def __init__(self, path: Path | None = None, *, most: int = 512) -> None:
        super().__init__()
        self._path, self._most = path, most
        if path is not None and path.exists():
            kept = json.loads(path.read_bytes())
            self.all_keys = {name: PairingKeys.from_dict(keys) for name, keys in kept.items()}

    async def update(self, name: str, keys: PairingKeys) -> None:
        self.all_keys.pop(name, None)
        self.all_keys[name] = keys
        while len(self.all_keys) > self._most:
            del self.all_keys[next(iter(self.all_keys))]
        self._write()

    async def delete(self, name: str) -> None:
        if self.all_keys.pop(name, None) is not None:
            self._write()

    def _write(self) -> None:
        if self._path is not None:
            kept = {name: keys.to_dict() for name, keys in self.all_keys.items()}
            write_secret(self._path, json.dumps(kept).encode())
