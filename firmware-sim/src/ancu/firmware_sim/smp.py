"""A band's end of the Simple Management Protocol: image upload, image state, reset, echo. Pure."""

from __future__ import annotations

from typing import Any

from ancu.firmware_sim.bootloader import Bootloader
from ancu.firmware_sim.mcuboot import Image, ImageRefused
from ancu.models.smp import Group, pack, size_of, unpack

__all__ = ["Smp"]

_OK, _INVALID, _NOT_SUPPORTED, _BAD_STATE = 0, 3, 8, 6
_MOST_BYTES = 4096  # of one request


class Smp:
    """A band's end: takes pieces of requests as they come in packets, gives back whole answers."""

    def __init__(self, bootloader: Bootloader) -> None:
        self.bootloader = bootloader
        self.wants_reset = False
        self.refused: str | None = None  # why the last image was
        self._held = b""

    def told(self, packet: bytes) -> bytes | None:
        """A packet came in; the answer, if a request is whole."""
        self._held += packet
        size = size_of(self._held)
        if size is None:
            return None
        if size > _MOST_BYTES:
            self._held = b""
            return None
        if len(self._held) < size:
            return None
        request, self._held = self._held[:size], b""
        try:
            op, group, command, sequence, body = unpack(request)
        except ValueError:
            return None
        return pack(op + 1, group, command, sequence, self._carry_out(op, group, command, body))

    def _carry_out(  # noqa: PLR0911 - one case a command
        self, op: int, group: int, command: int, body: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            match group, command, op:
                case Group.OS, Group.ECHO, _:
                    return {"r": str(body.get("d", ""))}
                case Group.OS, Group.RESET, 2:
                    self.wants_reset = True
                    return {}
                case Group.IMAGE, Group.STATE, 0:
                    return self._state()
                case Group.IMAGE, Group.STATE, 2:
                    return self._set_state(body)
                case Group.IMAGE, Group.UPLOAD, 2:
                    return self._upload(body)
        except ImageRefused as error:
            self.refused = error.reason
            return {"rc": _BAD_STATE, "rsn": error.reason.value}
        except (TypeError, ValueError):
            return {"rc": _INVALID}
        return {"rc": _NOT_SUPPORTED}

    def _upload(self, body: dict[str, Any]) -> dict[str, Any]:
        offset, data, size = body.get("off"), body.get("data"), body.get("len")
        if not isinstance(offset, int) or not isinstance(data, bytes) or not isinstance(size, int | None):
            raise TypeError
        return {"rc": _OK, "off": self.bootloader.upload(offset, data, size)}

    def _set_state(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("confirm"):
            self.bootloader.confirm()
        else:
            digest = body.get("hash")
            if not isinstance(digest, bytes):
                raise TypeError
            self.bootloader.test(digest)
        return self._state()

    def _state(self) -> dict[str, Any]:
        boot = self.bootloader
        images = [_slot(0, boot.running, active=True, confirmed=boot.confirmed, pending=False)]
        if boot.second is not None:
            images.append(_slot(1, boot.second, active=False, confirmed=False, pending=boot.pending))
        return {"images": images}


def _slot(slot: int, image: Image, **flags: bool) -> dict[str, Any]:
    return {"slot": slot, "version": str(image.version), "hash": image.hash, "bootable": True, **flags}
