"""The manager's end of an update, against a band's own end of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ancu.edge.link_ports import BandLink, LinkFailed
from ancu.edge.updating import Firmware, Updates, read_firmware
from ancu.firmware_sim.bootloader import Bootloader
from ancu.firmware_sim.mcuboot import Image, Version, make_image
from ancu.firmware_sim.smp import Smp
from ancu.models.clock import SystemClock
from ancu.models.ids import BandNumber

KEY = Ed25519PrivateKey.generate()
BAND = BandNumber(1)
MOST_BYTES = 512  # of an attribute: a stack throws away what is longer


class FakeLink(BandLink):
    """A band at the other end; a write without response that is too long is lost, as on the air."""

    def __init__(self, mtu: int, smp: Smp | None) -> None:
        self._mtu, self._smp = mtu, smp
        self._told: Callable[[bytes], None] = lambda _: None
        self.longest = 0

    @property
    def mtu(self) -> int:
        return self._mtu

    async def read(self, uuid: str) -> bytes:
        raise LinkFailed(uuid)

    async def write(self, uuid: str, value: bytes) -> None:
        raise LinkFailed(uuid)

    async def send(self, uuid: str, value: bytes) -> None:
        self.longest = max(self.longest, len(value))
        assert self._smp is not None
        answer = self._smp.told(value) if len(value) <= MOST_BYTES else None
        if answer is not None:
            for at in range(0, len(answer), self._mtu - 3):
                self._told(answer[at : at + self._mtu - 3])

    def has(self, uuid: str) -> bool:
        return self._smp is not None

    async def subscribe(self, uuid: str, told: Callable[[bytes], None]) -> None:
        self._told = told

    def on_lost(self, lost: Callable[[], None]) -> None:
        """It never is."""

    async def close(self) -> None:
        """Nothing to do."""


@pytest.mark.parametrize("mtu", [23, 247, 517])
async def test_an_image_goes_over_in_packets_that_an_attribute_can_hold(mtu: int, tmp_path: Path):
    (tmp_path / "band.bin").write_bytes(make_image(b"new" * 900, Version(0, 2), 2, KEY))
    boot = Bootloader(Image(Version(0, 1), 1, bytes(32), b""), KEY.public_key())
    link = FakeLink(mtu, Smp(boot))
    updates = Updates(read_firmware(tmp_path / "band.bin"), SystemClock())
    sent = await updates.offer(link, BAND)
    assert sent is not None
    assert (sent.outcome, updates.waits(BAND)) == ("sent", True)
    assert link.longest == min(mtu - 3, MOST_BYTES)
    boot.reset()
    running = await updates.offer(link, BAND)
    assert running is not None
    assert (running.outcome, updates.waits(BAND)) == ("running", False)
    assert await updates.offer(link, BAND) is None


async def test_a_band_that_takes_no_updates_is_left_alone():
    updates = Updates(Firmware(b"", bytes(32)), SystemClock())
    assert await updates.offer(FakeLink(247, None), BAND) is None
    assert not updates.waits(BAND)
