"""Connections on `bluetoothd`: our own pairing agent, what an unpaired peer is refused, the real MTU."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from ancu.edge.adapters.bluez_agent import PairingAgent
from ancu.edge.adapters.bluez_bus import BluezBus
from ancu.edge.adapters.bluez_mtu import att_mtu
from ancu.models.address import parse_address
from ancu.models.link import ACCESS, TICKS, access_proof, is_link_address, link_keys

from .conftest import Adapter, keys_of

pytestmark = [pytest.mark.bluez, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"


async def power_on(adapter: Adapter) -> None:
    bus = await BluezBus.connect()
    try:
        async with asyncio.timeout(30):
            while adapter.name not in await bus.adapters():  # noqa: ASYNC110 - the kernel tells BlueZ of it
                await asyncio.sleep(0.2)
        await bus.power_on(adapter.name)
    finally:
        bus.close()


@asynccontextmanager
async def connected(adapter: Adapter, band: int) -> AsyncIterator[BleakClient]:
    await power_on(adapter)
    link = link_keys(keys_of(band).identity)

    def is_ours(device: BLEDevice, _: AdvertisementData) -> bool:
        return is_link_address(link, parse_address(device.address))

    device = await BleakScanner.find_device_by_filter(is_ours, timeout=40, bluez={"adapter": adapter.name})
    assert device is not None
    async with BleakClient(device, timeout=40, bluez={"adapter": adapter.name}) as client:
        yield client


async def test_our_agent_pairs_and_a_peer_of_the_home_reads(adapter: Adapter):
    agent = PairingAgent()
    async with connected(adapter, 1) as client, agent.expecting(client.address):
        assert (await client.read_gatt_char(BATTERY))[0] > 0
        assert att_mtu(client) > 200
        await client.pair()
        nonce = bytes(await client.read_gatt_char(ACCESS))
        access = link_keys(keys_of(1).identity).access
        await client.write_gatt_char(ACCESS, access_proof(access, nonce), response=True)
        assert len(await client.read_gatt_char(TICKS)) == 7
    agent.close()


async def test_without_an_agent_bluez_pairs_with_nobody_and_what_is_protected_stays_so(adapter: Adapter):
    async with connected(adapter, 2) as client:
        for forbidden in (client.pair, partial(client.read_gatt_char, TICKS)):
            with pytest.raises((BleakError, TimeoutError)):
                async with asyncio.timeout(5):
                    await forbidden()
