"""An officer at a browser, as far as a program can be one: signs in by the form, then reads the stream of alerts."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from ancu.models.errors import UsageError

__all__ = ["Officer"]

_ANSWER_S = 10.0
_QUIET_S = 30.0  # the stream beats every 10 s; a longer silence is a dead link
_RETRY_S = 0.5
_CSRF = re.compile(r'name="csrf"\s+value="([^"]+)"')


class Officer:
    """One signed-in officer. Blocking calls run in threads; `alerts` survives restarts of the server."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._cookies: dict[str, str] = {}
        self._last_event: str | None = None

    async def sign_in(self, login: str, password: str) -> None:
        """Sign in as a person does; raises UsageError when refused."""
        await asyncio.to_thread(self._sign_in, login, password)

    async def get(self, path: str) -> Any:
        """A JSON answer of the API."""
        status, body = await asyncio.to_thread(self._ask, "GET", path, None, {})
        if status != http.client.OK:
            raise UsageError(f"{path} answered {status}")
        return json.loads(body)

    async def alerts(self, clock: Callable[[], float]) -> AsyncIterator[tuple[float, Mapping[str, Any]]]:
        """Every change of an alert with the moment of its arrival, without end, from the first alert on."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[float, Mapping[str, Any]]] = asyncio.Queue()

        def hand_over(change: Mapping[str, Any]) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, (clock(), change))

        stop = threading.Event()
        threading.Thread(target=self._read_stream, args=(hand_over, stop), daemon=True).start()
        try:
            while True:
                yield await queue.get()
        finally:
            stop.set()

    def _sign_in(self, login: str, password: str) -> None:
        _, page = self._ask("GET", "/login", None, {})
        token = _CSRF.search(page)
        if token is None:
            raise UsageError("the sign-in page has no form")
        form = urlencode({"csrf": token[1], "login": login, "password": password})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _ = self._ask("POST", "/login", form, headers)
        if status != http.client.SEE_OTHER:
            raise UsageError(f"signing in as {login} was answered {status}")

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_ANSWER_S)
        try:
            connection.request(method, path, body, {**headers, **self._cookie()})
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                name, _, value = line.partition(";")[0].partition("=")
                self._cookies[name] = value
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items() if value)}

    def _read_stream(self, hand_over: Callable[[Mapping[str, Any]], None], stop: threading.Event) -> None:
        while not stop.is_set():
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_QUIET_S)
            try:
                after = {"Last-Event-ID": self._last_event or "0"}
                connection.request("GET", "/api/v1/alerts/stream", headers={**self._cookie(), **after})
                answer = connection.getresponse()
                while not stop.is_set() and (line := answer.readline()):
                    self._read_line(line.decode("utf-8", "replace").rstrip("\r\n"), hand_over)
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(_RETRY_S)

    def _read_line(self, line: str, hand_over: Callable[[Mapping[str, Any]], None]) -> None:
        name, _, value = line.partition(": ")
        if name == "id":
            self._last_event = value
        elif name == "data" and "alert" in (change := json.loads(value)):
            hand_over(change["alert"])
