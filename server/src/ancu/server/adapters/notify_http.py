"""HTTP for notifiers: one request, a bounded answer, and what its status means for a retry."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from ancu.models.clock import Clock
from ancu.models.errors import ConfigError
from ancu.server.notify.port import Refused, Unreachable

__all__ = ["Answer", "Http", "check_status", "tls"]

_ANSWER_BYTES = 64 * 1024  # of a body; no provider's answer that matters is longer
_LATER = frozenset({408, 425, 429})  # of the 4xx: not now, while the rest means never


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """Requests of one channel. Opens nothing before the first of them; follows no redirect and reads no environment."""

    def __init__(self, timeout_s: float, ca_file: Path | None = None) -> None:
        self._timeout_s = timeout_s
        self._tls = tls(ca_file)
        self._client: Any = None

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises Unreachable for whatever keeps an answer away, and Refused for a URL that cannot be asked."""
        import httpx  # noqa: PLC0415 - ten megabytes that a server without channels need not carry

        try:
            async with asyncio.timeout(self._timeout_s):  # also of an answer that comes byte by byte
                async with self._opened(httpx).stream(method, url, headers=headers, content=body) as answer:
                    held = bytearray()
                    async for part in answer.aiter_bytes():
                        held += part
                        if len(held) >= _ANSWER_BYTES:
                            break
                    return Answer(answer.status_code, answer.headers, bytes(held[:_ANSWER_BYTES]))
        except (TimeoutError, httpx.TimeoutException):
            raise Unreachable("timeout") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise Refused("not a URL") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Unreachable(error.__class__.__name__) from None  # its text may hold the address

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self, httpx: Any) -> Any:
        if self._client is None:
            logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses
            self._client = httpx.AsyncClient(
                verify=self._tls,
                trust_env=False,
                timeout=self._timeout_s,
                limits=httpx.Limits(max_connections=8, max_keepalive_connections=2, keepalive_expiry=30),
            )
        return self._client


def check_status(answer: Answer, clock: Clock) -> None:
    """Return for 2xx; raises Unreachable for what may pass, Refused for what will not."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in _LATER or status >= 500:
        raise Unreachable(f"status {status}", _retry_after_s(answer, clock))
    raise Refused(f"status {status}")


def tls(ca_file: Path | None) -> ssl.SSLContext:
    """What a channel believes; raises ConfigError."""
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        raise ConfigError(f"{ca_file}: no certificates to believe in ({error.strerror or 'not PEM'})") from None


def _retry_after_s(answer: Answer, clock: Clock) -> float | None:
    """Seconds, or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        at: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - clock.now()).total_seconds())
