from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from hypothesis import given
from hypothesis import strategies as st

from ancu.models import history, link
from ancu.models.address import parse_address
from ancu.models.errors import FrameReason, FrameRefused
from ancu.models.frame import Reading, Status, frame_cipher
from ancu.models.frame_extended import EXTENDED_BYTES, extended_advert_data, open_extended, seal_extended
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys
from ancu.models.link import Answer, ElapsedTime

FOLDER = Path(__file__).parents[3] / "models" / "vectors"
GOLDEN: dict[str, Any] = json.loads((FOLDER / "link.json").read_text("utf-8"))
KEYS = derive_band_keys(bytes.fromhex(GOLDEN["band_key"]), OrderId(GOLDEN["order"]))
CIPHER = frame_cipher(KEYS.frame)
READING = Reading(87, False, 361, 72, 98, Status.SKIN, 4)


def maker() -> ModuleType:
    spec = spec_from_file_location("vectors_make_link", FOLDER / "make_link.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_golden_file_is_what_the_code_makes() -> None:
    assert (FOLDER / "link.json").read_text("utf-8") == maker().as_text()


@pytest.mark.parametrize("vector", GOLDEN["log"], ids=[vector["name"] for vector in GOLDEN["log"]])
def test_a_golden_record_follows_from_its_intermediate_values(vector: dict[str, Any]) -> None:
    number = vector["sequence"].to_bytes(3, "little").hex()
    assert vector["record"] == number + vector["sealed"] + vector["tag"]
    entry = history.read_entry(bytes.fromhex(vector["record"]), KEYS.history)
    assert (entry.sequence, entry.boot, entry.ticks_s) == (vector["sequence"], vector["boot"], vector["ticks_s"])


def test_a_golden_extended_frame_opens_to_its_records() -> None:
    golden = GOLDEN["extended"]
    opened, records = open_extended(bytes.fromhex(golden["service_data"]), CIPHER, parse_address(golden["address"]))
    assert opened.reading == READING
    assert records.hex() == "".join(vector["record"] for vector in GOLDEN["log"])
    assert not opened.urgent


@given(st.binary(min_size=16, max_size=12 * 16).map(lambda raw: raw[: len(raw) // 16 * 16]), st.booleans())
def test_an_extended_frame_says_what_was_put_in_and_fits_the_air(records: bytes, urgent: bool) -> None:
    address = bytes(6)
    body = seal_extended(READING, records, CIPHER, address, 77, urgent=urgent)
    assert len(extended_advert_data(body)) <= EXTENDED_BYTES
    opened, told = open_extended(body, CIPHER, address)
    assert (opened.reading, opened.counter, opened.urgent, told) == (READING, 77, urgent, records)


@given(st.binary(max_size=240))
def test_noise_is_no_extended_frame_and_never_crashes(noise: bytes) -> None:
    with pytest.raises(FrameRefused):
        open_extended(noise, CIPHER, bytes(6))


def test_a_frame_is_no_extended_frame() -> None:
    with pytest.raises(FrameRefused) as refused:
        open_extended(bytes(24), CIPHER, bytes(6))
    assert refused.value.reason is FrameReason.LENGTH
    with pytest.raises(ValueError, match="whole records"):
        seal_extended(READING, bytes(15), CIPHER, bytes(6), 1)


@given(st.integers(0, 2**40), st.booleans())
def test_a_time_that_was_written_is_read(ms: int, ticks: bool) -> None:
    time = ElapsedTime(ms if ticks else ms + 946_684_800_000, ticks)
    assert link.read_elapsed(link.encode_elapsed(time)) == time


@given(st.binary(max_size=12))
def test_noise_is_no_time_no_answer_and_no_receipt(noise: bytes) -> None:
    link.read_elapsed(noise)
    assert link.open_answer(noise, bytes(8), KEYS.history) is None
    assert history.open_receipt(noise, KEYS.history) is None


def test_an_answer_is_to_one_nonce_alone() -> None:
    answer = Answer(1_760_000_000, Status.SKIN, tapped=False)
    body = link.encode_answer(answer, b"n" * 8, KEYS.history)
    assert link.open_answer(body, b"n" * 8, KEYS.history) == answer
    assert link.open_answer(body, b"m" * 8, KEYS.history) is None
    assert link.open_answer(body, b"n" * 8, bytes(32)) is None


def test_all_keys_of_a_band_change_with_its_order() -> None:
    other = derive_band_keys(bytes.fromhex(GOLDEN["band_key"]), OrderId("o-vector02"))
    first, second = link.link_keys(KEYS.identity), link.link_keys(other.identity)
    for mine, its in ((KEYS.frame, other.frame), (KEYS.identity, other.identity), (KEYS.history, other.history)):
        assert mine != its
    assert {first.resolving, first.address, first.access}.isdisjoint({second.resolving, second.address, second.access})


def test_any_bthome_tool_reads_an_extended_frame_whose_key_it_holds() -> None:
    golden = GOLDEN["extended"]
    parser = BTHomeBluetoothDeviceData(bindkey=KEYS.frame)
    update = parser.update(
        BluetoothServiceInfoBleak(
            name="wb",
            address=golden["address"],
            rssi=-60,
            manufacturer_data={},
            service_data={"0000fcd2-0000-1000-8000-00805f9b34fb": bytes.fromhex(golden["service_data"])},
            service_uuids=[],
            source="",
            device=BLEDevice(golden["address"], "wb", None),
            advertisement=None,
            connectable=False,
            time=0.0,
            tx_power=None,
        )
    )
    assert parser.bindkey_verified
    raw = [value.native_value for key, value in update.entity_values.items() if key.key.startswith("raw")]
    assert "".join(vector["record"] for vector in GOLDEN["log"]) in raw
