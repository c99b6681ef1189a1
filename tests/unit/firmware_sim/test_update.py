from __future__ import annotations

import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ancu.firmware_sim.bootloader import Bootloader
from ancu.firmware_sim.mcuboot import Image, ImageReason, ImageRefused, Version, make_image, open_image
from ancu.firmware_sim.smp import Smp
from ancu.models.cbor import dump, load
from ancu.models.smp import Group, image_hash, pack, unpack

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()
SHIPPED = Image(Version(0, 1), 5, bytes(32), b"")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**32), 2**40) | st.binary(max_size=300) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def refusal(raw: bytes, *, floor: int = 0) -> ImageReason:
    with pytest.raises(ImageRefused) as refused:
        open_image(raw, PUBLIC, floor=floor)
    return refused.value.reason


def upload(smp: Smp, raw: bytes, *, piece: int = 100) -> dict[str, object]:
    offset, answer = 0, {}
    while offset < len(raw):
        body = {"off": offset, "data": raw[offset : offset + piece]} | ({"len": len(raw)} if offset == 0 else {})
        answer = ask(smp, 2, Group.IMAGE, Group.UPLOAD, body)
        if "rsn" in answer or answer.get("rc"):
            break
        offset = answer["off"]
    return answer


def ask(smp: Smp, op: int, group: int, command: int, body: dict[str, object]) -> dict[str, object]:
    request = pack(op, group, command, 7, body)
    assert smp.told(request[:5]) is None  # packets cut it where they like
    answer = smp.told(request[5:])
    assert answer is not None
    said, at_group, at_command, sequence, found = unpack(answer)
    assert (said, at_group, at_command, sequence) == (op + 1, group, command, 7)
    return found


def update(boot: Bootloader, version: Version, counter: int) -> None:
    smp = Smp(boot)
    raw = make_image(b"firmware" * 50, version, counter, KEY)
    assert upload(smp, raw)["off"] == len(raw)
    ask(smp, 2, Group.IMAGE, Group.STATE, {"hash": boot.second.hash})
    assert ask(smp, 2, Group.OS, Group.RESET, {}) == {}
    assert smp.wants_reset
    boot.reset()


@given(values)
def test_what_is_encoded_is_decoded(value: object):
    assert load(dump(value)) == value


@given(st.binary(max_size=60))
def test_noise_is_refused_never_crashes(noise: bytes):
    with contextlib.suppress(ValueError):
        load(noise)
    Smp(Bootloader(SHIPPED, PUBLIC)).told(noise)


def test_an_image_is_what_was_signed():
    image = open_image(make_image(b"body", Version(1, 2, 3, 4), 9, KEY), PUBLIC, floor=9)
    assert (image.version, image.counter, image.body) == (Version(1, 2, 3, 4), 9, b"body")


def test_every_flipped_bit_of_an_image_is_refused():
    raw = make_image(b"body", Version(1, 0), 9, KEY)
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ImageRefused):
            open_image(bytes(flipped), PUBLIC, floor=0)


def test_another_signer_a_downgrade_and_a_spoiled_signature_are_refused_by_name():
    raw = make_image(b"body", Version(1, 0), 9, KEY)
    assert refusal(make_image(b"body", Version(1, 0), 9, Ed25519PrivateKey.generate())) is ImageReason.KEY
    assert refusal(raw, floor=10) is ImageReason.FLOOR
    assert refusal(raw[:-1] + bytes((raw[-1] ^ 1,))) is ImageReason.SIGNATURE
    assert refusal(raw[:20]) is ImageReason.FORMAT


def test_an_image_is_tried_once_and_stays_if_it_confirms_itself():
    boot = Bootloader(SHIPPED, PUBLIC)
    update(boot, Version(0, 2), 6)
    assert (boot.running.version, boot.confirmed) == (Version(0, 2), False)
    boot.confirm()
    boot.reset()
    assert boot.running.version == Version(0, 2)
    assert upload(Smp(boot), make_image(b"old", Version(0, 1), 5, KEY))["rsn"] == "floor"


def test_an_image_that_does_not_confirm_itself_is_put_back():
    boot = Bootloader(SHIPPED, PUBLIC)
    update(boot, Version(0, 2), 6)
    boot.reset()
    assert (boot.running, boot.confirmed, boot.reverts) == (SHIPPED, True, 1)
    boot.reset()
    assert boot.running == SHIPPED


def test_an_upload_that_lost_a_piece_is_told_where_to_go_on():
    boot = Bootloader(SHIPPED, PUBLIC)
    raw = make_image(b"firmware" * 50, Version(0, 2), 6, KEY)
    assert boot.upload(0, raw[:100], len(raw)) == 100
    assert boot.upload(200, raw[200:300], None) == 100
    assert boot.upload(100, raw[100:], None) == len(raw)
    assert boot.second is not None


def test_what_was_not_uploaded_is_not_run_and_bad_requests_are_answered():
    smp = Smp(Bootloader(SHIPPED, PUBLIC))
    assert ask(smp, 2, Group.IMAGE, Group.STATE, {"hash": bytes(32)})["rsn"] == "hash"
    assert ask(smp, 2, Group.IMAGE, Group.UPLOAD, {"off": "x"})["rc"] == 3
    assert ask(smp, 0, 9, 9, {})["rc"] == 8
    assert ask(smp, 2, Group.OS, Group.ECHO, {"d": "hello"}) == {"r": "hello"}
    assert ask(smp, 0, Group.IMAGE, Group.STATE, {})["images"][0]["version"] == "0.1.0"


def test_the_hash_by_which_an_edge_names_an_image_is_the_one_that_the_band_says():
    raw = make_image(b"firmware" * 50, Version(0, 2), 2, KEY)
    assert image_hash(raw) == open_image(raw, PUBLIC, floor=0).hash


@given(st.binary(max_size=120))
def test_noise_is_no_image_and_never_crashes(noise: bytes):
    with pytest.raises(ValueError, match="not an MCUboot image"):
        image_hash(noise)
