"""Zalo: messages of an official account to followers, by its Open API (v3.0) and OAuth v4.

The access token lives about a day. A refresh token serves once: what replaces it is on the disk before it is used.
An address is the follower's user id, as Zalo gave it to this official account.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

from ancu.models.clock import Clock
from ancu.models.config import read_secret, write_secret
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_http import Answer, Http, check_status
from ancu.server.notify.port import Message, Notifier, Receipt, Refused, Unreachable
from ancu.server.notify.settings import ZaloSettings

__all__ = ["ZaloNotifier"]

_EARLY_S = 300  # a token is renewed so long before its end
_TEXT_MAX = 2000  # Zalo's own limit
_BAD_TOKEN = frozenset({-216, -124})  # the access token is invalid or over
_LATER = frozenset({-32, -200, -1})  # too many requests, or Zalo's own trouble


class ZaloNotifier(Notifier):
    def __init__(self, settings: ZaloSettings, clock: Clock) -> None:
        """Raises ConfigError."""
        self._settings, self._clock = settings, clock
        self._http = Http(settings.timeout_s, settings.ca_file)
        self._secret = read_secret(settings.secret_file).decode("ascii", "replace").strip()
        self._tokens = _read_tokens(settings)
        self._renewing = asyncio.Lock()

    async def send(self, message: Message, address: str) -> Receipt:
        said = await self._post(message, address, await self._token())
        if said.get("error") in _BAD_TOKEN:
            said = await self._post(message, address, await self._token(refused=True))
        error = said.get("error")
        if error == 0:
            data = said.get("data")
            reference = data.get("message_id") if isinstance(data, dict) else None
            return Receipt(reference=None if reference is None else str(reference)[:100])
        if error in _LATER or error in _BAD_TOKEN:
            raise Unreachable(f"zalo {error}")
        raise Refused(f"zalo {str(error)[:20]}")

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, message: Message, address: str, token: str) -> dict[str, Any]:
        body = {"recipient": {"user_id": address}, "message": {"text": message.text[:_TEXT_MAX]}}
        answer = await self._http.ask(
            "POST",
            f"{self._settings.api.rstrip('/')}/v3.0/oa/message/cs",
            {"content-type": "application/json", "access_token": token},
            json.dumps(body, ensure_ascii=False).encode(),
        )
        check_status(answer, self._clock)
        return _object(answer)

    async def _token(self, *, refused: bool = False) -> str:
        """A token that should be good; a new one if the last was refused. Raises Refused, Unreachable."""
        held = self._tokens.get("access_token")
        async with self._renewing:
            fresh = self._tokens.get("access_token")
            over = float(self._tokens.get("expires_at", 0)) - _EARLY_S <= self._clock.now().timestamp()
            if not fresh or over or (refused and fresh == held):
                await self._renew()
            return str(self._tokens["access_token"])

    async def _renew(self) -> None:
        form = {
            "refresh_token": str(self._tokens["refresh_token"]),
            "app_id": self._settings.app_id,
            "grant_type": "refresh_token",
        }
        answer = await self._http.ask(
            "POST",
            f"{self._settings.oauth.rstrip('/')}/v4/oa/access_token",
            {"content-type": "application/x-www-form-urlencoded", "secret_key": self._secret},
            urlencode(form).encode(),
        )
        check_status(answer, self._clock)
        said = _object(answer)
        if not said.get("access_token") or not said.get("refresh_token"):
            raise Refused(f"zalo token {str(said.get('error', 'missing'))[:20]}")
        self._tokens = {
            "access_token": said["access_token"],
            "refresh_token": said["refresh_token"],
            "expires_at": self._clock.now().timestamp() + float(said.get("expires_in", 0)),
        }
        write_secret(self._settings.token_file, json.dumps(self._tokens).encode())


def _read_tokens(settings: ZaloSettings) -> dict[str, Any]:
    try:
        tokens = json.loads(read_secret(settings.token_file))
    except ValueError:
        tokens = None
    if not isinstance(tokens, dict) or not tokens.get("refresh_token"):
        raise ConfigError(f'{settings.token_file}: not JSON like {{"refresh_token": "..."}}')
    return tokens


def _object(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Unreachable("answer is not JSON")
    return said
