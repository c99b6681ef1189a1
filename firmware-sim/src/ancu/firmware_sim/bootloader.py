"""The two slots of a band and what its bootloader does with them at a reset. Pure.

An image is uploaded into the second slot, marked for a test, run after the next reset, and goes on only if the running
firmware confirms it: one that does not, because it hangs or reaches nobody, is put back at the next reset.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ancu.firmware_sim.mcuboot import Image, ImageReason, ImageRefused, open_image

__all__ = ["SLOT_BYTES", "Bootloader"]

SLOT_BYTES = 448 * 1024  # of the band's 1 MiB of flash, beside the log and the bootloader


class Bootloader:
    """The slots of one band. `running` has always passed every check."""

    def __init__(self, running: Image, key: Ed25519PublicKey) -> None:
        self.running, self.confirmed = running, True
        self.pending = False  # the second slot is tried at the next reset
        self.reverts = 0
        self._key = key
        self._floor = running.counter
        self._uploaded = bytearray()
        self._size: int | None = None
        self._second: Image | None = None

    @property
    def second(self) -> Image | None:
        """What the second slot holds and would be run."""
        return self._second

    def upload(self, offset: int, data: bytes, size: int | None) -> int:
        """Take a piece; returns the offset at which the next has to begin. A first piece says the whole size."""
        if offset == 0:
            if size is None or not 0 < size <= SLOT_BYTES:
                raise ImageRefused(ImageReason.FORMAT)
            self._uploaded, self._size, self._second, self.pending = bytearray(), size, None, False
        if self._size is None or offset != len(self._uploaded):
            return len(self._uploaded)
        self._uploaded += data[: self._size - offset]
        if len(self._uploaded) == self._size:
            raw, self._size = bytes(self._uploaded), None
            self._second = open_image(raw, self._key, floor=self._floor)
        return len(self._uploaded)

    def test(self, digest: bytes) -> None:
        """Run the uploaded image after the next reset, once; raises ImageRefused for another."""
        if self._second is None or self._second.hash != digest:
            raise ImageRefused(ImageReason.HASH)
        self.pending = True

    def confirm(self) -> None:
        """The running firmware is good: it stays, and nothing older is taken any more."""
        self.confirmed = True
        self._floor = max(self._floor, self.running.counter)

    def reset(self) -> None:
        """Swap what is to be tried; put back what was tried and not confirmed."""
        if not self.confirmed and self._second is not None:
            self.running, self._second = self._second, self.running
            self.confirmed, self.pending = True, False
            self.reverts += 1
        elif self.pending and self._second is not None:
            self.running, self._second = self._second, self.running
            self.confirmed = self.pending = False
