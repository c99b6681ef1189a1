"""New firmware over the air: MCUboot images by SMP over the bonded link."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bleak import BleakClient
from bleak.exc import BleakGATTProtocolError

from ancu.firmware_sim.mcuboot import Version, make_image
from ancu.firmware_sim.smp import SMP_CHARACTERISTIC, Group, pack, unpack
from ancu.models.link import ACCESS, access_proof, link_keys

from .conftest import Place, connect, until

pytestmark = pytest.mark.timeout(120)


class Manager:
    """The least that speaks SMP over a connection."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client
        self._held = b""
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def enter(self, place: Place) -> None:
        await self._client.pair()
        access = link_keys(place.band.keys.identity).access
        proof = access_proof(access, bytes(await self._client.read_gatt_char(ACCESS)))
        await self._client.write_gatt_char(ACCESS, proof, response=True)
        await self._client.start_notify(SMP_CHARACTERISTIC, lambda _, value: self._told(bytes(value)))

    async def ask(self, op: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        request = pack(op, group, command, 1, body)
        for at in range(0, len(request), 240):
            await self._client.write_gatt_char(SMP_CHARACTERISTIC, request[at : at + 240], response=False)
        async with asyncio.timeout(20):
            return await self._answers.get()

    async def upload(self, raw: bytes) -> dict[str, Any]:
        offset, answer = 0, {}
        while offset < len(raw):
            body = {"off": offset, "data": raw[offset : offset + 400]} | ({"len": len(raw)} if offset == 0 else {})
            answer = await self.ask(2, Group.IMAGE, Group.UPLOAD, body)
            if answer["rc"]:
                break
            offset = answer["off"]
        return answer

    def _told(self, packet: bytes) -> None:
        self._held += packet
        try:
            answer = unpack(self._held)[4]
        except ValueError:
            return
        self._held = b""
        self._answers.put_nowait(answer)


async def test_a_band_takes_what_is_signed_refuses_a_downgrade_and_puts_back_what_nobody_confirmed(place: Any):
    await place.put_band()
    boot = place.unit.bootloader
    client = await connect(place)
    manager = Manager(client)
    with pytest.raises(BleakGATTProtocolError):
        await client.write_gatt_char(SMP_CHARACTERISTIC, b"", response=True)  # nobody, before he showed the key
    await manager.enter(place)
    old = make_image(b"old" * 500, Version(0, 0, 9), 0, place.update_key)
    assert (await manager.upload(old))["rsn"] == "floor"
    new = make_image(b"new" * 500, Version(0, 2), 2, place.update_key)
    spoiled = new[:200] + bytes((new[200] ^ 1,)) + new[201:]
    assert (await manager.upload(spoiled))["rsn"] == "hash"
    assert (await manager.upload(new))["off"] == len(new)
    await manager.ask(2, Group.IMAGE, Group.STATE, {"hash": boot.second.hash})
    await manager.ask(2, Group.OS, Group.RESET, {})
    await until(lambda: boot.running.version == Version(0, 2))
    assert not boot.confirmed
    await until(lambda: place.unit.band is not None)
    place.unit.reset()  # it ran, and reached nobody
    assert boot.running.version == Version(0, 1)
    assert boot.reverts == 1
