from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from habluetooth import BluetoothServiceInfoBleak

from ancu.models.address import parse_address
from ancu.models.errors import FrameReason, FrameRefused
from ancu.models.frame import (
    BODY_BYTES,
    Reading,
    Status,
    advert_data,
    counter_of,
    frame_cipher,
    is_urgent,
    open_frame,
    seal_frame,
)

FOLDER = Path(__file__).parents[3] / "models" / "vectors"
VECTORS: list[dict[str, Any]] = json.loads((FOLDER / "frame.json").read_text("utf-8"))["vectors"]
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])

KEY = bytes(range(16))
ADDRESS = parse_address("5A:10:20:30:40:50")
READING = Reading(87, False, 331, 72, 98, Status.SKIN, 4711)


def maker() -> ModuleType:
    spec = spec_from_file_location("vectors_make", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reading_of(vector: dict[str, Any]) -> Reading:
    fields = vector["reading"]
    return Reading(**{**fields, "status": Status(fields["status"])})


def test_the_golden_file_is_what_the_code_makes() -> None:
    assert (FOLDER / "frame.json").read_text("utf-8") == maker().as_text()


@each_vector
def test_a_golden_frame_opens_to_its_reading(vector: dict[str, Any]) -> None:
    opened = open_frame(
        bytes.fromhex(vector["service_data"]),
        frame_cipher(bytes.fromhex(vector["frame_key"])),
        parse_address(vector["address"]),
    )
    assert (opened.reading, opened.counter, opened.urgent) == (
        reading_of(vector),
        vector["counter"],
        vector["urgent"],
    )


@each_vector
def test_a_golden_frame_follows_from_its_intermediate_values_alone(vector: dict[str, Any]) -> None:
    cipher = AESCCM(bytes.fromhex(vector["frame_key"]), tag_length=4)
    sealed = cipher.encrypt(bytes.fromhex(vector["nonce"]), bytes.fromhex(vector["plaintext"]), None)
    assert sealed.hex() == vector["ciphertext"] + vector["tag"]
    counter = vector["counter"].to_bytes(4, "little").hex()
    assert vector["service_data"] == vector["device_info"] + vector["ciphertext"] + counter + vector["tag"]
    assert vector["advert"] == "020106" + "1b16d2fc" + vector["service_data"]
    assert len(bytes.fromhex(vector["advert"])) == 31


@each_vector
def test_any_bthome_tool_reads_a_band_whose_key_it_holds(vector: dict[str, Any]) -> None:
    parser = BTHomeBluetoothDeviceData(bindkey=bytes.fromhex(vector["frame_key"]))
    body = bytes.fromhex(vector["service_data"])
    update = parser.update(
        BluetoothServiceInfoBleak(
            name="wb",
            address=vector["address"],
            rssi=-60,
            manufacturer_data={},
            service_data={"0000fcd2-0000-1000-8000-00805f9b34fb": body},
            service_uuids=[],
            source="",
            device=BLEDevice(vector["address"], "wb", None),
            advertisement=None,
            connectable=False,
            time=0.0,
            tx_power=None,
        )
    )
    assert parser.bindkey_verified
    values = {key.key: value.native_value for key, value in update.entity_values.items()}
    reading = vector["reading"]
    assert values["battery"] == reading["battery_percent"]
    assert values["temperature"] == pytest.approx(reading["skin_deci_c"] / 10)
    assert values["raw"] == vector["plaintext"][-12:]
    (tamper,) = update.binary_entity_values.values()
    assert tamper.native_value is reading["tamper"]


def test_every_flipped_bit_is_refused() -> None:
    cipher = frame_cipher(KEY)
    body = seal_frame(READING, cipher, ADDRESS, 1_760_000_000)
    for bit in range(8 * BODY_BYTES):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FrameRefused):
            open_frame(bytes(flipped), cipher, ADDRESS)


def test_every_flipped_bit_of_the_address_is_refused() -> None:
    cipher = frame_cipher(KEY)
    body = seal_frame(READING, cipher, ADDRESS, 1_760_000_000)
    for bit in range(48):
        address = (int.from_bytes(ADDRESS, "big") ^ 1 << bit).to_bytes(6, "big")
        with pytest.raises(FrameRefused) as refused:
            open_frame(body, cipher, address)
        assert refused.value.reason is FrameReason.SEAL


def test_a_quiet_frame_cannot_be_made_urgent_nor_an_urgent_one_quiet() -> None:
    cipher = frame_cipher(KEY)
    for urgent in (True, False):
        body = seal_frame(READING, cipher, ADDRESS, 7, urgent=urgent)
        assert is_urgent(body) is urgent
        forged = bytes((body[0] ^ 0x04,)) + body[1:]
        with pytest.raises(FrameRefused) as refused:
            open_frame(forged, cipher, ADDRESS)
        assert refused.value.reason is FrameReason.SEAL


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", FrameReason.LENGTH),
        (bytes(BODY_BYTES - 1), FrameReason.LENGTH),
        (bytes(BODY_BYTES + 1), FrameReason.LENGTH),
        (b"\x40" + bytes(23), FrameReason.CLEAR),
        (b"\x21" + bytes(23), FrameReason.VERSION),
        (b"\x41" + bytes(23), FrameReason.SEAL),
    ],
)
def test_what_is_wrong_with_a_body_is_named(body: bytes, reason: FrameReason) -> None:
    with pytest.raises(FrameRefused) as refused:
        open_frame(body, frame_cipher(KEY), ADDRESS)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "plain",
    [
        bytes(15),
        bytes.fromhex("0165 2b00 454b01 5406 000000000000"),  # battery 101
        bytes.fromhex("0164 2b02 454b01 5406 000000000000"),  # tamper 2
        bytes.fromhex("0164 2b00 024b01 5406 000000000000"),  # another temperature object
        bytes.fromhex("0164 2b00 454b01 5405 000000000000"),  # a shorter raw object
    ],
)
def test_a_band_that_seals_other_objects_is_refused(plain: bytes) -> None:
    cipher = frame_cipher(KEY)
    counter = (7).to_bytes(4, "little")
    sealed = cipher.encrypt(ADDRESS + b"\xd2\xfc\x41" + counter, plain, None)
    with pytest.raises(FrameRefused) as refused:
        open_frame(b"\x41" + sealed[:-4] + counter + sealed[-4:], cipher, ADDRESS)
    assert refused.value.reason is FrameReason.OBJECTS


def test_the_history_head_is_kept_modulo_its_24_bits() -> None:
    cipher = frame_cipher(KEY)
    body = seal_frame(Reading(1, False, 0, 0, 0, Status(0), 2**24 + 5), cipher, ADDRESS, 1)
    assert open_frame(body, cipher, ADDRESS).reading.history_head == 5


def test_the_counter_is_readable_without_a_key() -> None:
    assert counter_of(seal_frame(READING, frame_cipher(KEY), ADDRESS, 1_760_000_123)) == 1_760_000_123


def test_an_advert_fills_a_legacy_advertisement() -> None:
    assert len(advert_data(seal_frame(READING, frame_cipher(KEY), ADDRESS, 1))) == 31
