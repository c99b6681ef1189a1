"""Serve the application on one port until told to stop; streams are told to end first, so that stopping is quick."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from ancu.models.errors import ConfigError
from ancu.server.web.state import services

__all__ = ["serve"]


async def serve(
    app: FastAPI,
    host: str,
    port: int,
    stopping: asyncio.Event,
    *,
    listening: Callable[[int], None] | None = None,
) -> None:
    """Serve until `stopping` is set; `listening` hears the real port once requests are answered (0 picks a free one).

    Raises ConfigError where the address cannot be had. Ends within about two seconds, streams and all.
    """
    listener = _bind(host, port)
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,  # the house's own lines
        access_log=False,  # addresses of people are not for logs
        server_header=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=2,
        limit_concurrency=1024,  # sockets and memory, not a promise of speed
        h11_max_incomplete_event_size=16 * 1024,  # of headers
        ws="none",
        proxy_headers=False,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = asyncio.create_task(stopping.wait())
    try:
        while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.02)
        if listening is not None and not running.done():
            listening(listener.getsockname()[1])
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        services(app).streams.close()
        server.should_exit = True
        waiting.cancel()
        await running


class _Server(uvicorn.Server):
    """Signals belong to the process's composition, not to this part of it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    listener.setblocking(False)
    return listener
