"""Make link.json: the log, the link and the challenge with every intermediate value, for who writes a band in C.

Run `python models/vectors/make_link.py` after a change of the formats; a test keeps the file in step with the code.
"""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

from ancu.models.address import make_address, show_address
from ancu.models.frame import Reading, Status, frame_cipher
from ancu.models.frame_extended import extended_advert_data, seal_extended
from ancu.models.history import (
    FIRST_TAG,
    Clocked,
    Entry,
    Head,
    Vitals,
    encode_entry,
    encode_head,
    make_receipt,
)
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys
from ancu.models.link import Answer, ElapsedTime, access_proof, encode_answer, encode_elapsed, link_keys

FILE = Path(__file__).with_name("link.json")
_BAND_KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
_ORDER = "o-vector01"
_KEYS = derive_band_keys(_BAND_KEY, OrderId(_ORDER))
_ENTRIES = (
    ("the time is known", Entry(1, 3, 0, Clocked(1_760_000_000))),
    ("worn", Entry(2, 3, 60, Vitals(72, 98, 361, 87, Status.SKIN, tamper=False))),
    ("off, tampered, cold", Entry(3, 3, 120, Vitals(0, 0, None, 86, Status.STRAP_OPEN, tamper=True))),
    ("after a reset", Entry(4, 4, 60, Vitals(80, 97, 358, 86, Status.SKIN | Status.UNSYNCED, tamper=True))),
)  # fmt: skip


def make() -> dict[str, Any]:
    """All vectors. Byte strings are hex, in the order in which they are in flash and go over the air."""
    keys, records = _KEYS, _records()
    head = encode_head(Head(1, 5, FIRST_TAG), keys.history)
    nonce, answer = bytes(range(8)), Answer(1_760_000_100, Status.SKIN, tapped=True)
    links = link_keys(keys.identity)
    address = make_address(keys.identity, 0x123456)
    reading = Reading(87, False, 361, 72, 98, Status.SKIN, 4)
    body = seal_extended(reading, b"".join(records), frame_cipher(keys.frame), address, 1_760_000_240)
    return {
        "about": "log, link and challenge of an An Cu band; see docs/band.md",
        "band_key": _BAND_KEY.hex(),
        "order": _ORDER,
        "identity_key": keys.identity.hex(),
        "history_key": keys.history.hex(),
        "log": [_record(place, record) for place, record in enumerate(records)],
        "head": {
            "base": 1,
            "next": 5,
            "anchor": FIRST_TAG.hex(),
            "clear": head[:10].hex(),
            "mac": head[10:].hex(),
            "head": head.hex(),
        },
        "receipt": {"upto": 4, "receipt": make_receipt(4, keys.history).hex()},
        "link": {
            "hkdf": "SHA-256, identity key, no salt, info 'ancu/v1/link' or '.../link-address' or '.../access'",
            "resolving_key": links.resolving.hex(),
            "identity_address": show_address(links.address),
            "prand": "123456",
            "link_address": show_address(make_address(links.resolving, 0x123456)),
            "access_key": links.access.hex(),
            "nonce": nonce.hex(),
            "proof": access_proof(links.access, nonce).hex(),
        },
        "elapsed_time": {
            "unix_ms": 1_760_000_000_123,
            "synchronised": encode_elapsed(ElapsedTime(1_760_000_000_123)).hex(),
            "ticks_ms": 61_500,
            "unsynchronised": encode_elapsed(ElapsedTime(61_500, ticks=True)).hex(),
        },
        "challenge": {
            "nonce": nonce.hex(),
            "counter": answer.counter,
            "status": int(answer.status),
            "tapped": answer.tapped,
            "answer": encode_answer(answer, nonce, keys.history).hex(),
        },
        "extended": {
            "address": show_address(address),
            "counter": 1_760_000_240,
            "service_data": body.hex(),
            "advert": extended_advert_data(body).hex(),
        },
    }


def _records() -> list[bytes]:
    records, tag = [], FIRST_TAG
    for _, entry in _ENTRIES:
        records.append(encode_entry(entry, _KEYS.history, tag))
        tag = records[-1][-4:]
    return records


def _record(place: int, record: bytes) -> dict[str, Any]:
    """Spelled out here once more, so that a mistake in the code does not make its own vector."""
    name, entry = _ENTRIES[place]
    body = entry.body
    if isinstance(body, Clocked):
        flags, four = 0x80, body.unix_s.to_bytes(4, "little")
    else:
        flags = int(body.status) | 0x40 * body.tamper
        skin = 255 if body.skin_deci_c is None else body.skin_deci_c - 200
        four = bytes((body.heart_bpm, body.spo2_percent, skin, body.battery_percent))
    number = entry.sequence.to_bytes(3, "little")
    plain = bytes((entry.boot,)) + entry.ticks_s.to_bytes(3, "little") + bytes((flags,)) + four
    pad = hmac.digest(_KEYS.history, b"e" + number, "sha256")[:9]
    sealed = bytes(a ^ b for a, b in zip(plain, pad, strict=True))
    before = FIRST_TAG if place == 0 else _records()[place - 1][-4:]
    tag = hmac.digest(_KEYS.history, b"r" + before + number + sealed, "sha256")[:4]
    return {
        "name": name,
        "sequence": entry.sequence,
        "boot": entry.boot,
        "ticks_s": entry.ticks_s,
        "flags": f"{flags:02x}",
        "body": four.hex(),
        "plain": plain.hex(),
        "pad": pad.hex(),
        "sealed": sealed.hex(),
        "tag_before": before.hex(),
        "tag": tag.hex(),
        "record": record.hex(),
    }


def as_text() -> str:
    return json.dumps(make(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), "utf-8")
