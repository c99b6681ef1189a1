"""Web push: a message sealed for one browser (RFC 8291, aes128gcm of RFC 8188) and the server's word (VAPID, RFC 8292).

An address is the JSON of a browser's PushSubscription: {"endpoint": ..., "keys": {"p256dh": ..., "auth": ...}}.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ancu.models.clock import Clock
from ancu.models.config import read_secret
from ancu.models.errors import ConfigError, UsageError
from ancu.server.adapters.notify_http import Http, check_status
from ancu.server.notify.port import Message, Notifier, Receipt, Refused
from ancu.server.notify.settings import PushSettings, is_loopback

__all__ = ["Subscription", "WebPushNotifier", "load_key", "make_key", "open_sealed", "public_text", "seal", "vapid"]

_CURVE = ec.SECP256R1()
_RECORD = 4096  # RFC 8291 allows one record; push services take no more
_GONE = frozenset({404, 410})  # the browser took its subscription back
_TOKEN_S = 12 * 3600  # RFC 8292: at most a day
_POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@dataclass(frozen=True, slots=True)
class Subscription:
    endpoint: str
    p256dh: bytes  # the browser's public key, 65 bytes
    auth: bytes  # its secret, 16 bytes

    @classmethod
    def read(cls, text: str, hosts: tuple[str, ...]) -> Subscription:
        """Raises UsageError: not a subscription, or of a push service that is not on the list."""
        try:
            raw = msgspec.json.decode(text, type=_Raw)
            made = cls(raw.endpoint, unb64(raw.keys.p256dh), unb64(raw.keys.auth))
            ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, made.p256dh)
        except (msgspec.DecodeError, ValueError):
            raise UsageError("not a push subscription") from None
        if len(made.auth) != 16:
            raise UsageError("not a push subscription")
        parts = urlsplit(made.endpoint)
        host = parts.hostname or ""
        if parts.scheme != "https" and not is_loopback(host):
            raise UsageError("a push service speaks https")
        if not any(host == known or host.endswith(f".{known}") for known in hosts):
            raise UsageError(f"push service {host} is not on the list")
        return made

    def text(self) -> str:
        """The same subscription as one text, however a browser wrote it."""
        return _json({"endpoint": self.endpoint, "keys": {"p256dh": b64(self.p256dh), "auth": b64(self.auth)}}).decode()

    @staticmethod
    def endpoint_of(text: str) -> str | None:
        """Where a text that was kept leads; None: it is no subscription."""
        try:
            return msgspec.json.decode(text, type=_Raw).endpoint
        except msgspec.DecodeError:
            return None


class WebPushNotifier(Notifier):
    def __init__(self, settings: PushSettings, clock: Clock) -> None:
        """Raises ConfigError."""
        self._settings, self._clock = settings, clock
        self._key = load_key(settings.key_file)
        self._http = Http(settings.timeout_s, settings.ca_file)

    async def send(self, message: Message, address: str) -> Receipt:
        try:
            to = Subscription.read(address, self._settings.hosts)
        except UsageError as error:
            raise Refused(str(error)) from None
        words = {
            "id": message.id,
            "title": message.subject,
            "body": message.text,
            "url": message.url,
            "urgent": message.urgent,
            "alerts": [item.alert for item in message.items],
        }
        headers = {
            "authorization": vapid(self._key, to.endpoint, self._settings.subject, self._clock),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(self._settings.ttl_s),
            "urgency": "high" if message.urgent else "normal",
            "topic": message.id[:32],  # a repeat replaces the one that still waits at the service
        }
        answer = await self._http.ask("POST", to.endpoint, headers, seal(_json(words), to))
        if answer.status in _GONE:
            raise Refused(f"status {answer.status}", gone=True)
        check_status(answer, self._clock)
        return Receipt(reference=answer.headers.get("location"))

    async def close(self) -> None:
        await self._http.close()


def seal(
    text: bytes, to: Subscription, *, salt: bytes | None = None, key: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """A body that only that browser opens; `salt` and `key` are fresh for each unless a test gives them."""
    salt = salt or os.urandom(16)
    key = key or ec.generate_private_key(_CURVE)
    ours = key.public_key().public_bytes(*_POINT)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, to.p256dh)
    cek, nonce = _keys(key.exchange(ec.ECDH(), theirs), to, ours, salt)
    if len(text) + 17 + 86 > _RECORD:
        raise Refused("too long for a push")
    sealed = AESGCM(cek).encrypt(nonce, text + b"\x02", None)
    return salt + _RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours + sealed


def open_sealed(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """What a browser does with what `seal` made; raises UsageError."""
    salt, size = body[:16], body[20] if len(body) > 20 else 0
    ours, sealed = body[21 : 21 + size], body[21 + size :]
    to = Subscription("", key.public_key().public_bytes(*_POINT), auth)
    try:
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, ours))
        cek, nonce = _keys(shared, to, ours, salt)
        return AESGCM(cek).decrypt(nonce, sealed, None).rstrip(b"\x00")[:-1]
    except (InvalidTag, ValueError):
        raise UsageError("not sealed for this browser") from None


def vapid(key: ec.EllipticCurvePrivateKey, endpoint: str, subject: str, clock: Clock) -> str:
    """The Authorization header for a push service."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(clock.now().timestamp()) + _TOKEN_S,
        "sub": subject,
    }
    signed = f"{b64(_json({'typ': 'JWT', 'alg': 'ES256'}))}.{b64(_json(claims))}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"vapid t={signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={public_text(key)}"


def make_key() -> bytes:
    """A new VAPID key as PEM."""
    return ec.generate_private_key(_CURVE).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises ConfigError."""
    try:
        key = serialization.load_pem_private_key(read_secret(path), None)
    except (ValueError, TypeError):
        raise ConfigError(f"{path}: not a private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(f"{path}: a VAPID key is on the curve P-256")
    return key


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """The public key as browsers take it (applicationServerKey)."""
    return b64(key.public_key().public_bytes(*_POINT))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Raw(msgspec.Struct):
    endpoint: str
    keys: _Keys


def _keys(shared: bytes, to: Subscription, ours: bytes, salt: bytes) -> tuple[bytes, bytes]:
    ikm = HKDF(SHA256(), 32, to.auth, b"WebPush: info\x00" + to.p256dh + ours).derive(shared)
    cek = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(ikm)
    return cek, HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(ikm)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
