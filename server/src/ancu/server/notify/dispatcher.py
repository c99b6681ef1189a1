"""The dispatcher: carries due deliveries out, and their outcomes back, for as long as the server runs.

Decides nothing: the engine does, on the core's thread. Between a send and its outcome on the disk a crash means that
the message is sent again, under the same id; never that it is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from ancu.models.clock import Clock, to_ms
from ancu.models.errors import AncuError
from ancu.server.core import Transaction
from ancu.server.notify.engine import Due, Engine, Outcome, Step
from ancu.server.notify.port import Notifier, Receipt, Refused, Unreachable

__all__ = ["Dispatcher"]

log = logging.getLogger(__name__)
_AT_ONCE = 8  # tries of one channel at one time: one that hangs must not keep the others waiting
_SOONEST_S = 0.2  # between two turns that nothing new called for
_LATEST_S = 60.0
_TROUBLE_S = (1.0, 30.0)  # when the core cannot answer: first wait, longest wait

Command = Callable[[Callable[[Transaction], Step]], "Future[Step]"]


class Dispatcher:
    """Belongs to one event loop. `command` runs something inside a transaction of the core."""

    def __init__(self, engine: Engine, notifiers: Mapping[str, Notifier], command: Command, clock: Clock) -> None:
        self._engine, self._notifiers, self._command, self._clock = engine, notifiers, command, clock
        self._wake = asyncio.Event()
        self._flying: dict[str, tuple[str, asyncio.Task[None]]] = {}  # by delivery, with its channel
        self._outcomes: list[Outcome] = []
        self._down: set[str] = set()

    def wake(self) -> None:
        """The journal grew; called on the loop."""
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled."""
        trouble_s = 0.0
        try:
            while True:
                self._wake.clear()
                step = await self._turn()
                if step is None:
                    trouble_s = min(max(trouble_s * 2, _TROUBLE_S[0]), _TROUBLE_S[1])
                    await asyncio.sleep(trouble_s)
                    continue
                trouble_s = 0.0
                self._start(step)
                await self._rest(step)
        finally:
            await self._close()

    def counts(self) -> dict[str, Any]:
        """For metrics."""
        engine, now_ms = self._engine, to_ms(self._clock.now())
        changes = {(("channel", c), ("state", str(s))): count for (c, s), count in sorted(engine.changes.items())}
        age_s = 0.0 if engine.oldest_ms is None else max(0.0, (now_ms - engine.oldest_ms) / 1000)
        return {
            "deliveries_total": changes,
            "deliveries_waiting": {(("channel", name),): count for name, count in engine.waiting.items()},
            "delivery_queue_age_seconds": age_s,
            "alerts_reaching_nobody_total": engine.unreachable,
            "notify_events_failed_total": engine.broken,
        }

    async def _turn(self) -> Step | None:
        """One transaction: what tries came to goes in, what is due comes out. None: not now."""
        outcomes = self._outcomes[:]

        def turn(tx: Transaction) -> Step:
            self._engine.settle(tx, outcomes)
            return self._engine.step(tx)

        try:
            step = await asyncio.wrap_future(self._command(turn))
        except AncuError:
            return None  # the core says itself what is wrong
        except Exception:
            log.exception("notify failed on its own; trying again")
            return None
        self._outcomes = self._outcomes[len(outcomes) :]
        for outcome in outcomes:
            self._flying.pop(outcome.delivery, None)
        return step

    def _start(self, step: Step) -> None:
        busy = Counter(channel for channel, _ in self._flying.values())
        for due in step.due:
            if due.id not in self._flying and busy[due.channel] < _AT_ONCE:
                busy[due.channel] += 1
                self._flying[due.id] = due.channel, asyncio.create_task(self._try(due))

    async def _rest(self, step: Step) -> None:
        """Until a try ends, something new comes, or the next time falls due; never a busy loop."""
        wait_s = _LATEST_S
        if step.next_ms is not None:
            wait_s = (step.next_ms - to_ms(self._clock.now())) / 1000
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(wait_s, _SOONEST_S), _LATEST_S)):
                await self._wake.wait()

    async def _try(self, due: Due) -> None:
        notifier = self._notifiers.get(due.channel)
        result: Receipt | Refused | Unreachable
        try:
            result = Refused("no such channel") if notifier is None else await notifier.send(due.message, due.address)
        except (Refused, Unreachable) as trouble:
            result = trouble
        except Exception:
            log.exception("a notifier failed on its own", extra={"channel": due.channel, "delivery": due.id})
            result = Unreachable("internal")
        self._note_health(due.channel, result)
        self._outcomes.append(Outcome(due.id, result))
        self._wake.set()

    def _note_health(self, channel: str, result: Receipt | Refused | Unreachable) -> None:
        """Said once when a channel is lost, once when it is back."""
        if isinstance(result, Receipt) and channel in self._down:
            self._down.discard(channel)
            log.info("channel is back", extra={"channel": channel})
        elif isinstance(result, Unreachable) and channel not in self._down:
            self._down.add(channel)
            log.warning("channel does not answer", extra={"channel": channel, "why": result.why})
        elif isinstance(result, Refused):
            log.warning("a message was refused", extra={"channel": channel, "why": result.why})

    async def _close(self) -> None:
        tasks = [task for _, task in self._flying.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for notifier in self._notifiers.values():
            await notifier.close()
