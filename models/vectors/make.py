"""Make frame.json: bands' frames with every intermediate value, so that firmware can be checked step by step.

Run `python models/vectors/make.py` after a change of the frame; a test keeps the file in step with the code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ancu.models.address import make_address, show_address
from ancu.models.frame import Reading, Status, advert_data, frame_cipher, seal_frame
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys

FILE = Path(__file__).with_name("frame.json")
_BAND_KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
_UUID = "d2fc"  # 0xFCD2, least significant byte first

_Case = tuple[str, str, int, int, bool, Reading]  # name, order, prand, counter, urgent, reading
_CASES: tuple[_Case, ...] = (
    ("worn at home", "o-vector01", 0x123456, 1_760_000_000, False,
     Reading(87, False, 331, 72, 98, Status.SKIN, 4711)),
    ("moving, charging", "o-vector01", 0x123456, 1_760_000_002, False,
     Reading(12, False, 348, 118, 95, Status.SKIN | Status.MOTION | Status.CHARGING, 4712)),
    ("strap cut", "o-vector01", 0x3FFFFF, 1_760_000_004, True,
     Reading(86, True, 290, 0, 0, Status.STRAP_OPEN | Status.MOTION, 4713)),
    ("SOS", "o-vector02", 0, 1_760_000_006, True,
     Reading(55, False, 365, 131, 93, Status.SKIN | Status.SOS, 0xFFFFFF)),
    ("all that is unknown", "o-vector02", 1, 1, False,
     Reading(0, False, -100, 0, 0, Status.UNSYNCED, 0)),
    ("every field at its most", "o-vector02", 0x2AAAAA, 2**32 - 1, True,
     Reading(100, True, 32767, 255, 255, Status(0xFF), 0xFFFFFF)),
)  # fmt: skip


def make() -> dict[str, Any]:
    """All vectors. Byte strings are hex, in the order in which they go over the air."""
    return {
        "about": "BTHome v2 encrypted service data of an An Cu band; see models/src/ancu/models/frame.py",
        "vectors": [_vector(case) for case in _CASES],
    }


def _vector(case: _Case) -> dict[str, Any]:
    name, order, prand, counter, urgent, reading = case
    keys = derive_band_keys(_BAND_KEY, OrderId(order))
    address = make_address(keys.identity, prand)
    body = seal_frame(reading, frame_cipher(keys.frame), address, counter, urgent=urgent)
    return {
        "name": name,
        "band_key": _BAND_KEY.hex(),
        "order": order,
        "hkdf": "HMAC-SHA-256, salt = order in ASCII, info = 'ancu/v1/frame' | 'ancu/v1/identity' | 'ancu/v1/history'",
        "frame_key": keys.frame.hex(),
        "identity_key": keys.identity.hex(),
        "history_key": keys.history.hex(),
        "prand": f"{prand:06x}",
        "address": show_address(address),
        "reading": {
            "battery_percent": reading.battery_percent,
            "tamper": reading.tamper,
            "skin_deci_c": reading.skin_deci_c,
            "heart_bpm": reading.heart_bpm,
            "spo2_percent": reading.spo2_percent,
            "status": int(reading.status),
            "history_head": reading.history_head,
        },
        "urgent": urgent,
        "counter": counter,
        "plaintext": _plaintext(reading).hex(),
        "device_info": body[:1].hex(),
        "nonce": address.hex() + _UUID + body[:1].hex() + counter.to_bytes(4, "little").hex(),
        "ciphertext": body[1:16].hex(),
        "tag": body[20:].hex(),
        "service_data": body.hex(),
        "advert": advert_data(body).hex(),
    }


def _plaintext(reading: Reading) -> bytes:
    """Spelled out here once more, so that a mistake in the code does not make its own vector."""
    return b"".join(
        (
            bytes((0x01, reading.battery_percent)),
            bytes((0x2B, reading.tamper)),
            b"\x45" + reading.skin_deci_c.to_bytes(2, "little", signed=True),
            bytes((0x54, 6, reading.heart_bpm, reading.spo2_percent, reading.status)),
            reading.history_head.to_bytes(3, "little"),
        )
    )


def as_text() -> str:
    return json.dumps(make(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), "utf-8")
