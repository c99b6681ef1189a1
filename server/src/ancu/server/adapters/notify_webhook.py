"""Webhook: every page to another system as signed JSON, in the form of Standard Webhooks.

webhook-id: the delivery's id, the same at every try: drop what was seen
webhook-timestamp: unix seconds of this try: drop what is older than five minutes
webhook-signature: v1,<base64 of HMAC-SHA-256(secret, id.timestamp.body)>
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

import msgspec

from ancu.models.clock import Clock
from ancu.models.config import read_secret
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_http import Http, check_status
from ancu.server.notify.port import Message, Notifier, Receipt, Refused, State
from ancu.server.notify.settings import WebhookSettings

__all__ = ["WebhookNotifier", "signature", "verify"]

_SECRET_BYTES = 24
_TOLERANCE_S = 300


class WebhookNotifier(Notifier):
    """All webhooks; an address is a webhook's name."""

    def __init__(self, settings: tuple[WebhookSettings, ...], clock: Clock) -> None:
        """Raises ConfigError."""
        self._clock = clock
        self._hooks = {one.name: (one.url, _secret(one), Http(one.timeout_s, one.ca_file)) for one in settings}

    async def send(self, message: Message, address: str) -> Receipt:
        if address not in self._hooks:
            raise Refused("no such webhook")
        url, secret, http = self._hooks[address]
        body = msgspec.json.encode(
            {
                "id": message.id,
                "type": "alert.page" if message.items else "test",
                "made_at": message.made_at,
                "url": message.url,
                "alerts": [
                    {
                        "alert": item.alert,
                        "kind": item.kind,
                        "severity": item.severity,
                        "ward": item.ward,
                        "level": item.level,
                        "at": item.at,
                        "url": item.url,
                    }
                    for item in message.items
                ],
            }
        )
        at = str(int(self._clock.now().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": at,
            "webhook-signature": signature(secret, message.id, at, body),
        }
        check_status(await http.ask("POST", url, headers, body), self._clock)
        return Receipt(State.DELIVERED)

    async def close(self) -> None:
        for _, _, http in self._hooks.values():
            await http.close()


def signature(secret: bytes, id_: str, at: str, body: bytes) -> str:
    """Over the id, the time and the body, so that none of them can be changed or replayed under another."""
    return "v1," + base64.b64encode(hmac.digest(secret, f"{id_}.{at}.".encode() + body, "sha256")).decode()


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    """What a receiver does; it also drops an id that it has seen."""
    id_, at, signed = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not at.isdigit() or abs(now_s - int(at)) > _TOLERANCE_S:
        return False
    expected = signature(secret, id_, at, body)
    return any(hmac.compare_digest(expected, each) for each in signed.split(" "))


def _secret(settings: WebhookSettings) -> bytes:
    secret = read_secret(settings.secret_file).strip()
    if len(secret) < _SECRET_BYTES:
        raise ConfigError(f"{settings.secret_file}: a webhook's secret has at least {_SECRET_BYTES} bytes")
    return secret
