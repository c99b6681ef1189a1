"""Firmware images in MCUboot's format: header, body, protected TLVs with the version floor, hash and signature. Pure.

    header 32   magic | load address | header size 2 | protected TLV size 2 | body size 4 | flags 4 | version 8 | pad 4
    body
    protected   6908 | size | TLV 50 security counter
    TLVs        6907 | size | TLV 10 SHA-256 of all before | TLV 01 that of the public key | TLV 24 Ed25519 of the hash

The security counter is the floor: a band takes no image whose counter is below that of the image that it runs.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ancu.models.errors import AncuError

__all__ = ["Image", "ImageReason", "ImageRefused", "Version", "make_image", "open_image"]

_MAGIC = 0x96F3B83D
_HEADER = struct.Struct("<IIHHIIBBHII")
_INFO = struct.Struct("<HH")
_PROTECTED, _PLAIN = 0x6908, 0x6907
_KEY_HASH, _SHA256, _ED25519, _COUNTER = 0x01, 0x10, 0x24, 0x50


class ImageReason(StrEnum):
    """Why an image was refused."""

    FORMAT = "format"
    HASH = "hash"  # a bit of it is wrong
    KEY = "key"  # signed by nobody whom this band knows
    SIGNATURE = "signature"
    FLOOR = "floor"  # older than what the band runs


class ImageRefused(AncuError):
    """An image that a band does not run."""

    code = "image_refused"

    def __init__(self, reason: ImageReason) -> None:
        super().__init__(f"image refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, order=True)
class Version:
    major: int
    minor: int
    revision: int = 0
    build: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.revision}" + (f".{self.build}" if self.build else "")


@dataclass(frozen=True, slots=True)
class Image:
    """An image whose hash and signature fit."""

    version: Version
    counter: int  # security counter
    hash: bytes  # 32 B
    body: bytes


def make_image(body: bytes, version: Version, counter: int, key: Ed25519PrivateKey) -> bytes:
    """Sign a firmware as the build does."""
    protected = _tlvs(_PROTECTED, [(_COUNTER, counter.to_bytes(4, "little"))])
    header = _HEADER.pack(
        _MAGIC, 0, _HEADER.size, len(protected), len(body), 0,
        version.major, version.minor, version.revision, version.build, 0,
    )  # fmt: skip
    signed = header + body + protected
    digest = hashlib.sha256(signed).digest()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    rows = [(_SHA256, digest), (_KEY_HASH, hashlib.sha256(public).digest()), (_ED25519, key.sign(digest))]
    return signed + _tlvs(_PLAIN, rows)


def open_image(raw: bytes, key: Ed25519PublicKey, *, floor: int) -> Image:
    """Check an image against the key that a band was made with and its floor; raises ImageRefused."""
    try:
        image, end, key_hash, digest, signature = _read(raw)
    except (struct.error, KeyError, IndexError):
        raise ImageRefused(ImageReason.FORMAT) from None
    if hashlib.sha256(raw[:end]).digest() != digest:
        raise ImageRefused(ImageReason.HASH)
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if hashlib.sha256(public).digest() != key_hash:
        raise ImageRefused(ImageReason.KEY)
    try:
        key.verify(signature, digest)
    except InvalidSignature:
        raise ImageRefused(ImageReason.SIGNATURE) from None
    if image.counter < floor:
        raise ImageRefused(ImageReason.FLOOR)
    return image


def _read(raw: bytes) -> tuple[Image, int, bytes, bytes, bytes]:
    magic, _, head, protected, size, _, major, minor, revision, build, _ = _HEADER.unpack_from(raw)
    end = head + size + protected
    if magic != _MAGIC or head < _HEADER.size or end > len(raw):
        raise ImageRefused(ImageReason.FORMAT)
    floor = _read_tlvs(raw, head + size, _PROTECTED)
    rows = _read_tlvs(raw, end, _PLAIN)
    image = Image(
        Version(major, minor, revision, build),
        int.from_bytes(floor[_COUNTER], "little"),
        rows[_SHA256],
        raw[head : head + size],
    )
    return image, end, rows[_KEY_HASH], rows[_SHA256], rows[_ED25519]


def _tlvs(magic: int, rows: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(_INFO.pack(kind, len(value)) + value for kind, value in rows)
    return _INFO.pack(magic, _INFO.size + len(body)) + body


def _read_tlvs(raw: bytes, at: int, magic: int) -> dict[int, bytes]:
    said, size = _INFO.unpack_from(raw, at)
    end = at + size
    if said != magic or end > len(raw):
        raise ImageRefused(ImageReason.FORMAT)
    rows: dict[int, bytes] = {}
    at += _INFO.size
    while at < end:
        kind, length = _INFO.unpack_from(raw, at)
        at += _INFO.size
        if at + length > end:
            raise ImageRefused(ImageReason.FORMAT)
        rows[kind] = raw[at : at + length]
        at += length
    return rows
