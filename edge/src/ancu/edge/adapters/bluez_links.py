"""Connections under BlueZ: as by bleak, with our own agent to agree to the pairing that we began."""

from __future__ import annotations

from bleak.backends.device import BLEDevice

from ancu.edge.adapters.bleak_links import BleakLinks
from ancu.edge.adapters.bluez_agent import PairingAgent
from ancu.edge.link_ports import BandLink, LinkFailed
from ancu.edge.ports import RadioLost

__all__ = ["BluezLinks"]


class BluezLinks(BleakLinks):
    """Every adapter of the box: a device is connected by the one that it was seen by."""

    def __init__(self) -> None:
        super().__init__("bluez", "")
        self._agent = PairingAgent()

    async def open(self, device: object, *, bond: bool = True) -> BandLink:
        assert isinstance(device, BLEDevice)  # noqa: S101 - our radio offers no other
        if not bond:
            return await super().open(device, bond=False)
        try:
            async with self._agent.expecting(device.address):
                return await super().open(device)
        except RadioLost as lost:
            raise LinkFailed(str(lost)) from lost
