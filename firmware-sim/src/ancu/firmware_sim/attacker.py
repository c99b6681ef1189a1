"""What an attacker in the air of a home sends: recorded, altered and invented adverts, from the band's own address."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ancu.firmware_sim.band import Sent
from ancu.firmware_sim.radio import OnAir
from ancu.models.frame import Reading, Status, advert_data, frame_cipher, is_urgent, seal_frame

__all__ = ["clone", "flip", "forge", "replay"]

_INFO_URGENT = b"\x45"
_SEALED_FROM, _SEALED_TO = 1, 16  # bytes of a body that are ciphertext


def replay(recorded: Sequence[Sent]) -> OnAir:
    """The oldest advert that was recorded, again."""
    return OnAir(recorded[0].address, recorded[0].data)


def flip(recorded: Sequence[Sent], rng: random.Random) -> OnAir:
    """The newest advert with one bit of its ciphertext turned over."""
    body = bytearray(recorded[-1].body)
    body[rng.randrange(_SEALED_FROM, _SEALED_TO)] ^= 1 << rng.randrange(8)
    return OnAir(recorded[-1].address, advert_data(bytes(body)))


def forge(recorded: Sequence[Sent], rng: random.Random, now_s: int) -> OnAir:
    """Noise that looks like an urgent frame of this second."""
    body = _INFO_URGENT + rng.randbytes(15) + now_s.to_bytes(4, "little") + rng.randbytes(4)
    return OnAir(recorded[-1].address, advert_data(body))


def clone(recorded: Sequence[Sent], frame_key: bytes) -> OnAir:
    """A well sealed frame under the newest counter that says all is well, from a device that has the key."""
    newest = recorded[-1]
    calm = Reading(99, False, 365, 70, 98, Status.SKIN, 0)
    body = seal_frame(calm, frame_cipher(frame_key), newest.address, newest.counter, urgent=is_urgent(newest.body))
    return OnAir(newest.address, advert_data(body))
