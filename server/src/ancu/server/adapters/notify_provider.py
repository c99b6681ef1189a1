"""SMS and voice by any provider that takes an HTTP request; the configuration says how it wants to be asked."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from ancu.models.clock import Clock
from ancu.models.config import read_secret
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_http import Answer, Http, check_status
from ancu.server.notify.port import Message, Notifier, Receipt, Refused, Unreachable
from ancu.server.notify.settings import ProviderSettings
from ancu.server.notify.words import plain

__all__ = ["ProviderNotifier", "at_path"]

_PLACE = re.compile(r"\{(to|text|id|secret|secret64)\}")
_NUMBER = re.compile(r"\+?[0-9]{3,15}")


class ProviderNotifier(Notifier):
    """An address is a telephone number; spaces, dots and dashes in it do not matter."""

    def __init__(self, settings: ProviderSettings, clock: Clock, says: Literal["text", "speech"] = "text") -> None:
        """Raises ConfigError."""
        self._settings, self._clock, self._says = settings, clock, says
        self._http = Http(settings.timeout_s, settings.ca_file)
        secret = b"" if settings.secret_file is None else read_secret(settings.secret_file).strip()
        try:
            self._secret = secret.decode("ascii")
        except UnicodeDecodeError:
            raise ConfigError(f"{settings.secret_file}: a provider's secret is ASCII") from None

    async def send(self, message: Message, address: str) -> Receipt:
        number = re.sub(r"[\s.()-]", "", address)
        if not _NUMBER.fullmatch(number):
            raise Refused("not a number", gone=False)
        words = message.text if self._says == "text" else message.speech
        values = {
            "to": number,
            "text": _cut(plain(words) if self._settings.plain else words, self._settings.text_max),
            "id": message.id,
            "secret": self._secret,
            "secret64": base64.b64encode(self._secret.encode()).decode(),
        }
        headers, body = self._request(values)
        answer = await self._http.ask(self._settings.method, self._settings.url, headers, body)
        check_status(answer, self._clock)
        return self._judge(answer)

    async def close(self) -> None:
        await self._http.close()

    def _request(self, values: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
        fields = _fill(self._settings.fields, values)
        headers = {"content-type": "application/json", "idempotency-key": values["id"]}
        if self._settings.format == "form":
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode({name: str(value) for name, value in fields.items()}).encode()
        else:
            body = json.dumps(fields, ensure_ascii=False).encode()
        return headers | {name.lower(): _fill(value, values) for name, value in self._settings.headers.items()}, body

    def _judge(self, answer: Answer) -> Receipt:
        """Providers like to say 200 and mean no."""
        settings = self._settings
        if not settings.ok_field and not settings.id_field:
            return Receipt()
        try:
            said = json.loads(answer.body)
        except ValueError:
            if settings.ok_field:
                raise Unreachable("answer is not JSON") from None
            return Receipt()
        verdict = at_path(said, settings.ok_field)
        if settings.ok_field and str(verdict) not in settings.ok_values:
            if str(verdict) in settings.retry_values:
                raise Unreachable(f"answer {str(verdict)[:40]}")
            raise Refused(f"answer {str(verdict)[:40]}")
        reference = at_path(said, settings.id_field) if settings.id_field else None
        return Receipt(reference=None if reference is None else str(reference)[:100])


def _fill(value: Any, values: Mapping[str, str]) -> Any:
    """Put values into places; what is put in is never read as a place."""
    match value:
        case str():
            return _PLACE.sub(lambda found: values[found[1]], value)
        case dict():
            return {name: _fill(each, values) for name, each in value.items()}
        case list():
            return [_fill(each, values) for each in value]
    return value


def at_path(said: Any, path: str) -> Any:
    """What lies at a path like 'data.0.status' of parsed JSON; None where nothing does."""
    for name in path.split("."):
        if isinstance(said, list) and name.isdigit() and int(name) < len(said):
            said = said[int(name)]
        elif isinstance(said, dict):
            said = said.get(name)
        else:
            return None
    return said


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(0, length - 3)] + "..."
