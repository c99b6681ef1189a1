"""A process that runs until it is told to stop, and then does stop."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine

__all__ = ["run_until_stopped"]

STOP_S = 4.0  # a stop is promised within 5 s; a thread stuck in a connect must not break the promise


def run_until_stopped(main: Coroutine[object, object, None]) -> None:
    """Run `main` until it returns or SIGTERM or SIGINT cancels it; what is not done 4 s later is cut off.

    Cutting off is harmless by design: every part survives `kill -9` at any moment.
    """
    asyncio.run(_guard(main))


async def _guard(main: Coroutine[object, object, None]) -> None:
    task = asyncio.ensure_future(main)
    told = asyncio.Event()

    def stop() -> None:
        if not told.is_set():
            told.set()
            last_resort = threading.Timer(STOP_S, os._exit, (0,))
            last_resort.daemon = True
            last_resort.start()
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not told.is_set():
            raise
