"""The scan: started, restarted when asked or when the air falls silent, taken up again when the adapter comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ancu.edge.ports import Advert, Radio, RadioLost
from ancu.models.clock import Clock

__all__ = ["Scan"]

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 5.0  # a lost adapter is tried again at least so often: nothing can be said without it
START_S = 15.0  # a start that takes longer hangs
STOP_S = 5.0
REFRESH_S = 3600.0  # a platform remembers every address it saw during a scan, and addresses rotate for ever


class Scan:
    """Supervises a radio. `changed(True)` is called when a scan runs, `changed(False)` when it no longer does."""

    def __init__(self, radio: Radio, clock: Clock, *, stall_s: float) -> None:
        self.ok = False
        self.rescans = 0
        self._radio = radio
        self._clock = clock
        self._stall_s = stall_s
        self._again = asyncio.Event()
        self._said: bool | None = None

    @property
    def adverts(self) -> int:
        """Of any device, since the start."""
        return self._radio.adverts

    def again(self) -> None:
        """Ask for a restarted scan."""
        self._again.set()

    async def run(self, hear: Callable[[Advert], None], changed: Callable[[bool], None]) -> None:
        """Scan until cancelled."""
        wait_s = FIRST_WAIT_S
        began = False
        while True:
            self._again.clear()
            try:
                async with asyncio.timeout(START_S):
                    await self._radio.start(hear, self.again)
            except (RadioLost, TimeoutError) as error:
                self._tell(ok=False, why=str(error) or "the start hangs")
                await self._stop()
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                continue
            self._tell(ok=True)
            self.rescans += began
            began, wait_s = True, FIRST_WAIT_S
            changed(True)
            try:
                await self._until_wanted()
            finally:
                changed(False)
                await self._stop()

    async def _until_wanted(self) -> None:
        """Return when a restart was asked for, or when no advert of any device came for `stall_s`."""
        heard = self._radio.adverts
        until_s = self._clock.monotonic() + REFRESH_S
        while self._clock.monotonic() < until_s:
            try:
                async with asyncio.timeout(self._stall_s):
                    await self._again.wait()
            except TimeoutError:
                if self._radio.adverts == heard:
                    return
                heard = self._radio.adverts
            else:
                return

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(STOP_S):
                await self._radio.stop()
        except TimeoutError:
            log.warning("the radio does not stop its scan")

    def _tell(self, *, ok: bool, why: str = "") -> None:
        self.ok = ok
        if self._said is not ok:
            self._said = ok
            log.log(
                logging.INFO if ok else logging.WARNING,
                "radio scans" if ok else "radio lost",
                extra={"why": why} if why else {},
            )
