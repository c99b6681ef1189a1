"""Standard services over a real connection: bleak's client on the virtual adapter against a band's GATT server."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from typing import Any

import pytest
from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDeviceNotFoundError, BleakError

from ancu.models.link import ACCESS, LINK_SERVICE, access_proof, link_keys

pytestmark = pytest.mark.timeout(120)  # two processes, on machines that do other things too
BACKEND = entry_points(group="ancu.bleak_backends")["virtual"].load()
HEART, TEMPERATURE, OXYGEN, BATTERY, SERIAL = (
    f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("2a37", "2a1c", "2a5f", "2a19", "2a25")
)


@pytest.fixture
async def sim(make_sim: Callable[..., Awaitable[Any]]) -> Any:
    return await make_sim(homes_more="gatt = true")


async def find(sim: Any, home: int = 1) -> BLEDevice:
    """The device under which a band can be connected to, which is not that of its frames."""
    found: asyncio.Queue[BLEDevice] = asyncio.Queue()

    def heard(device: BLEDevice, data: AdvertisementData) -> None:
        if LINK_SERVICE in data.service_uuids:
            found.put_nowait(device)

    scanner = BleakScanner(heard, backend=BACKEND.scanner, **BACKEND.scanner_kwargs(sim.adapter(home)))
    async with scanner, asyncio.timeout(30):
        return await found.get()


def client_of(
    sim: Any, device: BLEDevice | str, lost: asyncio.Event | None = None, *, within_s: float = 30
) -> BleakClient:
    return BleakClient(
        device,
        disconnected_callback=lambda _: lost.set() if lost else None,
        timeout=within_s,
        backend=BACKEND.client,
        **BACKEND.client_kwargs(sim.adapter()),
    )


async def test_a_peer_reads_battery_and_serial_number(sim: Any):
    async with client_of(sim, await find(sim)) as client:
        assert {service.uuid[4:8] for service in client.services} >= {"180d", "180f", "1809", "180a"}
        assert 60 <= (await client.read_gatt_char(BATTERY))[0] <= 100
        assert await client.read_gatt_char(SERIAL) == b"wb-00000001"
        assert client.mtu_size == 247
        adapter = await BleakAdapter.get(backend=BACKEND.adapter, bluez={"adapter": sim.adapter()})
        (device,) = await adapter.get_connected_devices(["0000180d-0000-1000-8000-00805f9b34fb"])
        assert device.address == client.address
    assert not client.is_connected


async def test_vitals_are_told_to_the_homes_own_edge_only(sim: Any):
    async with client_of(sim, await find(sim)) as client:
        heart: asyncio.Queue[bytes] = asyncio.Queue()
        warmth: asyncio.Queue[bytes] = asyncio.Queue()
        oxygen: asyncio.Queue[bytes] = asyncio.Queue()
        await client.start_notify(HEART, lambda _, value: heart.put_nowait(bytes(value)))
        await client.start_notify(TEMPERATURE, lambda _, value: warmth.put_nowait(bytes(value)))
        await client.start_notify(OXYGEN, lambda _, value: oxygen.put_nowait(bytes(value)))
        await asyncio.sleep(0.8)
        await client.pair()
        await asyncio.sleep(0.8)
        assert heart.empty()
        assert oxygen.empty()
        access = link_keys(sim.keys[1].identity).access
        proof = access_proof(access, bytes(await client.read_gatt_char(ACCESS)))
        await client.write_gatt_char(ACCESS, proof, response=True)
        async with asyncio.timeout(30):
            assert 40 <= (await heart.get())[1] <= 160
            assert 340 <= int.from_bytes((await warmth.get())[1:4], "little") <= 380
            assert 85 <= int.from_bytes((await oxygen.get())[1:3], "little") <= 100
        await client.stop_notify(HEART)


async def test_a_connected_band_offers_no_second_connection_and_is_still_heard(sim: Any):
    async with client_of(sim, await find(sim)):
        heard: list[bool] = []
        scanner = BleakScanner(
            lambda _, data: heard.append(LINK_SERVICE in data.service_uuids),
            backend=BACKEND.scanner,
            **BACKEND.scanner_kwargs(sim.adapter()),
        )
        async with scanner, asyncio.timeout(30):
            while len(heard) < 6:  # noqa: ASYNC110 - the scanner calls back
                await asyncio.sleep(0.02)
    assert not any(heard)


async def test_a_link_that_walks_away_is_lost_and_said_to_be(sim: Any):
    lost = asyncio.Event()
    client = client_of(sim, await find(sim), lost)
    await client.connect()
    await sim.do("leave")
    async with asyncio.timeout(30):
        await lost.wait()
    with pytest.raises(BleakError):
        await client.read_gatt_char(BATTERY)


async def test_an_absent_band_is_not_found_and_the_adapter_goes_on(sim: Any):
    with pytest.raises(BleakDeviceNotFoundError):
        await client_of(sim, "5A:00:00:00:00:01", within_s=2).connect()
    async with client_of(sim, await find(sim)) as client:
        assert client.is_connected


async def test_a_simulator_that_dies_disconnects_its_clients(sim: Any):
    lost = asyncio.Event()
    client = client_of(sim, await find(sim), lost)
    await client.connect()
    await sim.kill()
    async with asyncio.timeout(30):
        await lost.wait()
    await client.disconnect()
    assert not client.is_connected


async def test_a_band_can_be_connected_again_after_a_disconnect_and_a_new_host(sim: Any):
    for _ in range(3):
        async with client_of(sim, await find(sim)) as client:
            assert (await client.read_gatt_char(BATTERY))[0] > 0
