"""How providers sign and spell their receipts: SMS and voice as configured, Zalo by its official-account webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from ancu.models.config import read_secret
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_provider import at_path
from ancu.server.adapters.notify_webhook import verify
from ancu.server.notify.receipts import Callback, Receiver, Said, Unsigned
from ancu.server.notify.settings import NotifySettings, ReceiptSettings, ZaloSettings

__all__ = ["ProviderReceiver", "ZaloReceiver", "build_receivers"]

_SECRET_BYTES = 16
_TOLERANCE_S = 300.0
_REFERENCE_MAX = 100
_ITEMS = 100  # of one callback


def build_receivers(settings: NotifySettings) -> dict[str, Receiver]:
    """A receiver for each channel whose provider tells; raises ConfigError."""
    built: dict[str, Receiver] = {}
    for name, provider in (("sms", settings.sms), ("voice", settings.voice)):
        if provider is not None and provider.receipts is not None:
            built[name] = ProviderReceiver(provider.receipts)
    if settings.zalo is not None and settings.zalo.webhook_secret_file is not None:
        built["zalo"] = ZaloReceiver(settings.zalo)
    return built


class ProviderReceiver(Receiver):
    """SMS and voice."""

    def __init__(self, settings: ReceiptSettings) -> None:
        """Raises ConfigError."""
        self._settings = settings
        self._secret = _secret(settings)

    def read(self, callback: Callback, now_s: float) -> list[Said]:
        if not self._is_signed(callback, now_s):
            raise Unsigned("not signed by this provider")
        settings, said = self._settings, self._body(callback)
        items = at_path(said, settings.items_field) if settings.items_field else [said]
        found = []
        for item in items[:_ITEMS] if isinstance(items, list) else []:
            reference, state = at_path(item, settings.id_field), str(at_path(item, settings.state_field))
            if reference is None or state not in (*settings.delivered_values, *settings.failed_values):
                continue  # 'queued', 'sent', 'answered': on its way
            delivered = state in settings.delivered_values
            found.append(
                Said(str(reference)[:_REFERENCE_MAX], delivered, "" if delivered else f"provider {state[:40]}")
            )
        return found

    def _is_signed(self, callback: Callback, now_s: float) -> bool:
        settings = self._settings
        if settings.scheme == "standard":
            return verify(self._secret, callback.headers, callback.body, now_s)
        given = callback.headers.get(settings.header.lower(), "")
        if settings.scheme == "twilio":
            return _same(given, _twilio(self._secret, callback))
        at = callback.headers.get(settings.timestamp_header.lower(), "") if settings.timestamp_header else ""
        if settings.timestamp_header and not (_is_number(at) and abs(now_s - _seconds(at)) <= _TOLERANCE_S):
            return False
        text = at.encode() + b"." + callback.body if at else callback.body
        made = hmac.digest(self._secret, text, "sha256")
        given = given.removeprefix("sha256=")
        return _same(given.lower(), made.hex()) or _same(given, base64.b64encode(made).decode())

    def _body(self, callback: Callback) -> Any:
        if self._settings.format == "form":
            return _form(callback.body)
        try:
            return json.loads(callback.body)
        except ValueError:
            return None


class ZaloReceiver(Receiver):
    """X-ZEvent-Signature: mac=SHA-256 of the application's id, the body, its timestamp and the webhook's secret."""

    def __init__(self, settings: ZaloSettings) -> None:
        """Raises ConfigError."""
        assert settings.webhook_secret_file is not None  # noqa: S101 - who builds it has looked
        self._app_id = settings.app_id
        self._secret = read_secret(settings.webhook_secret_file).strip()
        if len(self._secret) < _SECRET_BYTES:
            raise ConfigError(f"{settings.webhook_secret_file}: at least {_SECRET_BYTES} bytes")

    def read(self, callback: Callback, now_s: float) -> list[Said]:
        try:
            said = json.loads(callback.body)
        except ValueError:
            said = None
        at = str(said.get("timestamp", "")) if isinstance(said, dict) else ""
        if not _is_number(at) or abs(now_s - _seconds(at)) > _TOLERANCE_S or not self._is_signed(callback, at):
            raise Unsigned("not signed by Zalo")
        message = said.get("message")
        if said.get("event_name") not in {"user_received_message", "user_seen_message"} or not isinstance(
            message, dict
        ):
            return []
        ids = message.get("msg_ids") if isinstance(message.get("msg_ids"), list) else [message.get("msg_id")]
        return [Said(str(id_)[:_REFERENCE_MAX], delivered=True) for id_ in (ids or [])[:_ITEMS] if id_]

    def _is_signed(self, callback: Callback, at: str) -> bool:
        given = callback.headers.get("x-zevent-signature", "").removeprefix("mac=").strip().lower()
        text = self._app_id.encode() + callback.body + at.encode() + self._secret
        return _same(given, hashlib.sha256(text).hexdigest())


def _twilio(secret: bytes, callback: Callback) -> str:
    """HMAC-SHA-1 over the URL and the form's fields in the order of their names, as Twilio signs."""
    fields = "".join(name + value for name, value in sorted(_form(callback.body).items()))
    return base64.b64encode(hmac.digest(secret, (callback.url + fields).encode(), "sha1")).decode()


def _form(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100))
    except ValueError:  # UnicodeDecodeError too
        return {}


def _same(given: str, made: str) -> bool:
    return hmac.compare_digest(given.encode(), made.encode())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 13


def _seconds(text: str) -> float:
    """Unix seconds; what has 13 digits is in milliseconds."""
    return int(text) / 1000 if len(text) == 13 else float(text)


def _secret(settings: ReceiptSettings) -> bytes:
    secret = read_secret(settings.secret_file).strip()
    if len(secret) < _SECRET_BYTES:
        raise ConfigError(f"{settings.secret_file}: at least {_SECRET_BYTES} bytes")
    return secret
