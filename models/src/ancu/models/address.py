"""Resolvable private addresses (Bluetooth Core, Vol 6 Part B 1.3.2.2), most significant byte first throughout."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

__all__ = ["is_resolvable", "make_address", "parse_address", "resolves", "show_address"]


def make_address(identity_key: bytes, prand: int) -> bytes:
    """The 6-byte address that `prand` (its low 22 bits) gives under an identity key."""
    part = ((prand & 0x3FFFFF) | 0x400000).to_bytes(3, "big")
    return part + _hash(identity_key, part)


def is_resolvable(address: bytes) -> bool:
    """Whether the two top bits mark a resolvable private address."""
    return len(address) == 6 and address[0] >> 6 == 0b01


def resolves(identity_key: bytes, address: bytes) -> bool:
    """Whether the address was made with this identity key (1 in 16 million others agree by chance)."""
    return is_resolvable(address) and _hash(identity_key, address[:3]) == address[3:]


def parse_address(text: str) -> bytes:
    """'C4:5A:10:00:00:01' -> 6 bytes; raises ValueError."""
    address = bytes.fromhex(text.replace(":", ""))
    if len(address) != 6:
        raise ValueError(f"not a device address: {text!r}")
    return address


def show_address(address: bytes) -> str:
    """6 bytes -> 'C4:5A:10:00:00:01'."""
    return address.hex(":").upper()


def _hash(identity_key: bytes, prand: bytes) -> bytes:
    # ECB of one block is the standard's function e(); nothing longer is ever encrypted with it.
    encryptor = Cipher(AES(identity_key), ECB()).encryptor()  # noqa: S305
    return encryptor.update(bytes(13) + prand)[-3:]
