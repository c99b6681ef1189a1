"""New firmware for bands, over the air: one signed file, offered to each band at its visits. See docs/band.md.

The edge cannot sign and does not judge: it carries the file, and tells what the band made of it. A band that ran the
image and is not running it at a later visit has put it back, and is not troubled with it again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ancu.edge.link_ports import BandLink, LinkFailed
from ancu.models.band_facts import BandUpdated
from ancu.models.clock import Clock, to_ms
from ancu.models.errors import ConfigError
from ancu.models.ids import BandNumber
from ancu.models.smp import READ, SMP_CHARACTERISTIC, WRITE, Group, image_hash, pack, unpack

__all__ = ["Firmware", "Updates", "read_firmware"]

AGAIN_S = 4.0  # a band that was told to reset is back after so long, and to be visited before anything resets it again
_PIECE_BYTES = 512  # of the image in one request; bands take requests of 4 KiB
_ANSWER_S = 20.0  # the band checks the signature of the whole image within its last answer
_WRITE_HEADER = 3
_VALUE_BYTES = 512  # of an attribute at most, however large a packet BlueZ negotiates


@dataclass(frozen=True, slots=True)
class Firmware:
    """A signed MCUboot image."""

    raw: bytes
    hash: bytes


def read_firmware(path: Path) -> Firmware:
    """Raises ConfigError."""
    try:
        raw = path.read_bytes()
        return Firmware(raw, image_hash(raw))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


class Updates:
    """What became of one image at each band, since this process began."""

    def __init__(self, firmware: Firmware, clock: Clock) -> None:
        self._firmware, self._clock = firmware, clock
        self._last: dict[BandNumber, BandUpdated] = {}

    def waits(self, band: BandNumber) -> bool:
        """Whether a band tries the image, and is to be visited soon: that confirms it."""
        last = self._last.get(band)
        return last is not None and last.outcome == "sent"

    async def offer(self, link: BandLink, band: BandNumber) -> BandUpdated | None:
        """Take the image as far as it goes in this visit; what is news of it. Raises LinkFailed."""
        last = self._last.get(band)
        if last is not None and last.outcome != "sent":
            return None
        manager = _Manager(link)
        if not await manager.begin():
            return None  # this band takes no updates
        outcome, why = await self._carry(manager, tried=last is not None)
        said = BandUpdated(to_ms(self._clock.now()), band, self._firmware.hash, outcome, why)
        self._last[band] = said
        return said

    async def _carry(self, manager: _Manager, *, tried: bool) -> tuple[Any, str]:
        if await manager.running() == self._firmware.hash:
            return "running", ""  # and confirmed: the band let us in
        if tried:
            return "reverted", ""
        why = await manager.upload(self._firmware.raw)
        if not why:
            why = _why(await manager.ask(WRITE, Group.IMAGE, Group.STATE, {"hash": self._firmware.hash}))
        if why:
            return "refused", why
        await manager.ask(WRITE, Group.OS, Group.RESET, {})
        return "sent", ""


class _Manager:
    """The manager's end of SMP over a link: one request at a time."""

    def __init__(self, link: BandLink) -> None:
        self._link = link
        self._at_once = min(link.mtu - _WRITE_HEADER, _VALUE_BYTES)
        self._sequence = 0
        self._held = b""
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        link.on_lost(lambda: self._answers.put_nowait(None))

    async def begin(self) -> bool:
        """Listen; False for a band that has no such service."""
        if not self._link.has(SMP_CHARACTERISTIC):
            return False
        await self._link.subscribe(SMP_CHARACTERISTIC, self._told)
        return True

    async def running(self) -> bytes:
        """The hash of the image that the band runs; empty where it does not say."""
        images = (await self.ask(READ, Group.IMAGE, Group.STATE, {})).get("images")
        rows = [row for row in images if isinstance(row, dict)] if isinstance(images, list) else []
        return next(
            (bytes(row["hash"]) for row in rows if row.get("active") and isinstance(row.get("hash"), bytes)), b""
        )

    async def upload(self, raw: bytes) -> str:
        """Why the band does not take the image; empty when it did."""
        offset = 0
        while offset < len(raw):
            body: dict[str, Any] = {"off": offset, "data": raw[offset : offset + _PIECE_BYTES]}
            answer = await self.ask(WRITE, Group.IMAGE, Group.UPLOAD, body | ({"len": len(raw)} if not offset else {}))
            if why := _why(answer):
                return why
            taken = answer.get("off")
            if not isinstance(taken, int) or taken <= offset:
                raise LinkFailed("the band does not go on with an update", refused=True)
            offset = taken
        return ""

    async def ask(self, op: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        self._sequence = (self._sequence + 1) % 256
        request = pack(op, group, command, self._sequence, body)
        for at in range(0, len(request), self._at_once):
            await self._link.send(SMP_CHARACTERISTIC, request[at : at + self._at_once])
        try:
            async with asyncio.timeout(_ANSWER_S):
                answer = await self._answers.get()
        except TimeoutError:
            raise LinkFailed("the band says nothing of its update") from None
        if answer is None:
            raise LinkFailed("the link was lost")
        return answer

    def _told(self, packet: bytes) -> None:
        self._held += packet
        try:
            _, _, _, sequence, body = unpack(self._held)
        except ValueError:
            return  # more of it is to come
        self._held = b""
        if sequence == self._sequence:
            self._answers.put_nowait(body)


def _why(answer: dict[str, Any]) -> str:
    return str(answer.get("rsn") or f"code {answer['rc']}") if answer.get("rc") else ""
