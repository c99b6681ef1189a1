"""The adapters of a box under BlueZ as one radio: powered, scanning, given up when they go, taken back when they come.

bleak says nothing when the adapter it scans on is pulled out or switched off: the bus does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ancu.edge.adapters.bleak_radio import BleakRadio
from ancu.edge.adapters.bluez_bus import BluezBus
from ancu.edge.ports import Advert, Radio, RadioLost

__all__ = ["ALL", "BluezRadio"]

log = logging.getLogger(__name__)

ALL = "*"  # of radio.adapter: every adapter that is there


class BluezRadio(Radio):
    """Scans on every wanted adapter that is there; an advert is heard from each that catches it.

    The same advert from two adapters is one frame with the louder RSSI, as from two adverts of one frame.
    """

    def __init__(self, adapters: str) -> None:
        """`adapters`: names with commas between, '*' for all, '' for the first."""
        self._wanted = tuple(name.strip() for name in adapters.split(",") if name.strip())
        self._bus: BluezBus | None = None
        self._radios: list[BleakRadio] = []

    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        self._bus = bus = await BluezBus.connect()
        await bus.watch_adapters(lambda name: self._changed(name, lost))
        refused: list[str] = []
        for name in self.choose(sorted(await bus.adapters())):
            try:
                await self._start(bus, name, hear)
            except RadioLost as error:
                refused.append(f"{name}: {error}")
        if not self._radios:
            raise RadioLost("; ".join(refused) or "no adapter is there")
        if refused:
            log.warning("an adapter does not scan", extra={"why": "; ".join(refused)})

    async def stop(self) -> None:
        radios, self._radios = self._radios, []
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()
        for radio in radios:
            await radio.stop()

    async def _start(self, bus: BluezBus, name: str, hear: Callable[[Advert], None]) -> None:
        await bus.power_on(name)

        def heard(advert: Advert) -> None:
            self.adverts += 1
            hear(advert)

        def heard_foreign(address: bytes, rssi_dbm: int) -> None:
            self.adverts += 1
            if self.foreign is not None:
                self.foreign(address, rssi_dbm)

        radio = BleakRadio("bluez", name)
        radio.foreign = heard_foreign
        radio.offered = self.offered
        await radio.start(heard, lambda: None)
        self._radios.append(radio)

    def choose(self, there: list[str]) -> list[str]:
        """Those of the adapters that are there which the configuration wants."""
        if not self._wanted:
            return there[:1]
        return [name for name in there if name in self._wanted or ALL in self._wanted]

    def _changed(self, name: str, lost: Callable[[], None]) -> None:
        if name in {"", *self._wanted} or ALL in self._wanted or not self._wanted:
            lost()
