"""What the machine says of itself."""

from __future__ import annotations

import ctypes
from pathlib import Path

from ancu.edge.ports import Host

__all__ = ["LinuxHost"]

_SUPPLIES = Path("/sys/class/power_supply")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # more than struct timex has anywhere


class LinuxHost(Host):
    """Linux: power supplies from sysfs, the clock's state from the kernel."""

    def mains(self) -> bool:
        mains = [supply for supply in _SUPPLIES.glob("*") if _text(supply / "type") == "Mains"]
        return not mains or any(_text(supply / "online") == "1" for supply in mains)

    def clock_synced(self) -> bool:
        try:
            state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        except (OSError, AttributeError):
            return False
        return 0 <= state < _TIME_ERROR


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
