"""The edge's connections, over a real controller: made again when they break while they are being made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import entry_points

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from ancu.edge.adapters.bleak_links import BleakLinks
from ancu.edge.link_ports import LinkFailed
from ancu.firmware_sim.flash import MemoryFlash
from ancu.firmware_sim.truth import Truth
from ancu.firmware_sim.world import BandSpec, HomeSpec, World
from ancu.models.clock import SystemClock
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys
from ancu.models.link import LINK_SERVICE

pytestmark = pytest.mark.timeout(120)  # both ends of the radio in one process, on machines that do other things too
BACKEND = entry_points(group="ancu.bleak_backends")["virtual"].load()
KEYS = derive_band_keys(bytes(16), OrderId("order-1"))
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"


class Home:
    """One band; its links break at the first exchange of the connections that `breaks` says."""

    def __init__(self) -> None:
        homes = (HomeSpec("home", (BandSpec(1, KEYS, MemoryFlash()),), gatt=True),)
        self.world = World(homes, SystemClock(), Truth(None), seed=1, interval_s=0.1, loss=0.0)
        self.breaks: list[bool] = []
        self.connections = 0

    @property
    def where(self) -> str:
        return f"tcp-client:127.0.0.1:{self.world.ports()['home']}"

    async def start(self) -> None:
        await self.world.start()
        side = self.world.unit(1)._gatt
        assert side is not None

        def connected(_: object) -> None:
            self.connections += 1
            if self.breaks and self.breaks.pop(0):
                side.drop()

        side._device.on("connection", connected)

    async def offer(self) -> BLEDevice:
        device = await BleakScanner.find_device_by_filter(
            lambda _, data: LINK_SERVICE in data.service_uuids,
            timeout=30,
            backend=BACKEND.scanner,
            **BACKEND.scanner_kwargs(self.where),
        )
        assert device is not None
        return device


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    made = Home()
    await made.start()
    yield made
    await made.world.stop()


async def opens(home: Home) -> bool:
    # A scan beside it keeps the adapter open, as the edge's own does.
    async with BleakScanner(backend=BACKEND.scanner, **BACKEND.scanner_kwargs(home.where)):
        try:
            link = await BleakLinks("virtual", home.where).open(await home.offer())
        except LinkFailed:
            return False
        assert (await link.read(BATTERY))[0] > 0
        await link.close()
        return True


async def opens_at_one_go(home: Home) -> bool:
    """The known-bad control: bleak alone, which tries once."""
    async with BleakScanner(backend=BACKEND.scanner, **BACKEND.scanner_kwargs(home.where)):
        try:
            client = BleakClient(
                await home.offer(), timeout=20, backend=BACKEND.client, **BACKEND.client_kwargs(home.where)
            )
            await client.connect()
        except BleakError:
            return False
        await client.disconnect()
        return True


async def test_a_link_that_breaks_while_it_is_made_is_made_again_within_the_visit(home: Home):
    home.breaks = [True]
    assert await opens(home)
    assert home.connections == 2
    home.breaks = [True]
    assert not await opens_at_one_go(home)


async def test_the_size_of_a_packet_is_the_one_that_was_negotiated(home: Home):
    async with BleakScanner(backend=BACKEND.scanner, **BACKEND.scanner_kwargs(home.where)):
        for more, size in (("", 247), (" mtu=64", 64)):
            links = BleakLinks("virtual", home.where + more)
            link = await links.open(await home.offer())
            assert link.mtu == size
            await link.close()
