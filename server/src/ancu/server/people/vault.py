"""The vault: secrets at rest, sealed under one master key that lies in a file of mode 0600 and nowhere else."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ancu.models.config import read_secret, write_secret
from ancu.models.errors import ConfigError

__all__ = ["MASTER_KEY_FILE", "Vault"]

MASTER_KEY_FILE = "master.key"  # its usual name, in the server's data folder
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Seals short secrets (AES-256-GCM) and makes look-up hashes of access codes. Its repr says nothing."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise ConfigError(f"a master key has {_KEY_BYTES} bytes")
        self._cipher = AESGCM(_derive(master_key, b"ancu/v1/vault/seal"))
        self._hash_key = _derive(master_key, b"ancu/v1/vault/hash")

    @classmethod
    def create(cls, path: Path) -> Vault:
        """Make a new master key; raises ConfigError where one exists, for all that it sealed would be lost."""
        if path.exists():
            raise ConfigError(f"{path}: a master key exists already")
        key = os.urandom(_KEY_BYTES)
        write_secret(path, key.hex().encode() + b"\n")
        return cls(key)

    @classmethod
    def open(cls, path: Path) -> Vault:
        """Read a master key; raises ConfigError."""
        try:
            return cls(bytes.fromhex(read_secret(path).decode("ascii")))
        except ValueError:
            raise ConfigError(f"{path}: not a master key (64 hexadecimal digits)") from None

    def seal(self, label: str, secret: bytes) -> bytes:
        """Seal a secret for one place: what was sealed as 'edge:a' does not open as 'edge:b'."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, label.encode())

    def open_sealed(self, label: str, sealed: bytes) -> bytes:
        """Open what `seal` made; raises ConfigError: another master key, or a row that someone changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label.encode())
        except (InvalidTag, ValueError):
            raise ConfigError(f"the master key does not open {label}: wrong key file, or the row was changed") from None

    def hash(self, code: str) -> str:
        """A keyed hash by which an access code is looked up; useless without the master key."""
        return hmac.digest(self._hash_key, code.encode(), "sha256").hex()


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, None, info).derive(key)
