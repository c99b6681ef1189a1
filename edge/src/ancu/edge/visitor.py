"""Visits bands: begins what is due, carries it out, and puts what came of it into the journal."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from ancu.edge.link_ports import BandLink, LinkFailed, Links
from ancu.edge.ports import Host
from ancu.edge.progress import Progress
from ancu.edge.updating import AGAIN_S, Updates
from ancu.edge.visiting import enter, fetch, forget, put_challenge, tell_time
from ancu.edge.visits import Visit, Visits
from ancu.edge.vitals import read_vitals
from ancu.models.band_facts import ChallengeAnswered, HistoryRun
from ancu.models.clock import Clock, to_ms
from ancu.models.commands import AskBand, HistoryHeld
from ancu.models.history import RECORD_BYTES, sequence_of
from ancu.models.ids import BandNumber, band_name
from ancu.models.link import LinkKeys
from ancu.models.topics import Lane
from ancu.models.wire import Fact

__all__ = ["Visitor"]

log = logging.getLogger(__name__)
TICK_S = 0.5
VISIT_S = 300.0  # a visit that takes longer is cut: the next one goes on where it ended


class _Say(Protocol):
    def __call__(self, lane: Lane, record: Fact, /) -> None: ...


class Visitor:
    """One edge's visits. `flushed` resolves when what was said is durable."""

    def __init__(
        self,
        links: Links,
        identity_keys: Mapping[BandNumber, bytes],
        progress: Progress,
        *,
        clock: Clock,
        host: Host,
        say: _Say,
        flushed: Callable[[], Awaitable[None]],
        slots: int,
        every_s: float,
        ordinary: Mapping[bytes, BandNumber] | None = None,
        vitals_s: float = 60.0,
        updates: Updates | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()  # visits: 'well', 'failed', 'refused'; and 'records'
        self._links, self._progress = links, progress
        self._clock, self._host, self._say, self._flushed = clock, host, say, flushed
        self._updates = updates
        self._keys = dict(identity_keys)
        self._visits = Visits(identity_keys, slots=slots, every_s=every_s, ordinary=ordinary, vitals_s=vitals_s)
        self._told_ms: dict[BandNumber, int] = {}
        self._failing: set[BandNumber] = set()
        self._wake = asyncio.Event()

    def rekey(self, identity_keys: Mapping[BandNumber, bytes]) -> None:
        """Other bands from now on."""
        self._keys = dict(identity_keys)
        self._visits.rekey(identity_keys)

    def offered(self, address: bytes, device: object, rssi_dbm: int) -> None:
        """The radio heard a device that can be connected to."""
        if self._visits.offered(address, device, self._clock.monotonic(), rssi_dbm) is not None:
            self._wake.set()

    def ask(self, ask: AskBand) -> None:
        """The server asks a band something."""
        if self._visits.ask(ask):
            self._wake.set()
        else:
            self._say(Lane.ALARM, self._unanswered(ask, "unreachable"))

    def held(self, held: HistoryHeld) -> None:
        """The server holds a band's records."""
        number = BandNumber(held.band)
        key = self._keys.get(number)
        if key is None:
            return
        self._progress.held(number, held.upto, held.receipt)
        if held.again:
            self._progress.fetched(number, key, held.upto)
            self._visits.want(number, self._clock.monotonic())
            self._wake.set()
        elif self._progress.next(number, key) <= held.upto:
            self._progress.fetched(number, key, held.upto)

    async def run(self) -> None:
        """Visit until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                for ask in self._visits.overdue(to_ms(self._clock.now())):
                    self._say(Lane.ALARM, self._unanswered(ask, "unreachable"))
                while (visit := self._visits.next(self._clock.monotonic())) is not None:
                    group.create_task(self._visit(visit))
                self._wake.clear()
                try:
                    async with asyncio.timeout(TICK_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def _visit(self, visit: Visit) -> None:
        well, left = False, list(visit.asks)
        try:
            async with asyncio.timeout(VISIT_S):
                async with asyncio.timeout(self._patience_s(visit)):
                    link = await self._links.open(visit.device, bond=visit.keys is not None)
                try:
                    if visit.keys is None:
                        vitals = await read_vitals(link, visit.band, self._clock, visit.rssi_dbm)
                        self._say(Lane.STATE, vitals)
                    else:
                        await self._carry_out(visit, visit.keys, link, left)
                finally:
                    await link.close()
            well = True
        except (LinkFailed, TimeoutError) as error:
            refused = isinstance(error, LinkFailed) and error.refused
            self.counts["refused" if refused else "failed"] += 1
            if visit.band not in self._failing:
                self._failing.add(visit.band)
                log.info("a visit failed", extra={"band": band_name(visit.band), "why": str(error) or "too long"})
        else:
            self.counts["well"] += 1
            self._failing.discard(visit.band)
        finally:
            for ask in left:
                self._say(Lane.ALARM, self._unanswered(ask, "unreachable"))
            now_s = self._clock.monotonic()
            self._visits.ended(visit.band, now_s, well=well)
            if well and self._updates is not None and self._updates.waits(visit.band):
                self._visits.want(visit.band, now_s + AGAIN_S)
            self._wake.set()

    def _patience_s(self, visit: Visit) -> float | None:
        """How long to try to connect: no longer than the last question can wait."""
        if not visit.asks:
            return None
        return max(0.5, (max(ask.deadline_ms for ask in visit.asks) - to_ms(self._clock.now())) / 1000)

    async def _carry_out(self, visit: Visit, keys: LinkKeys, link: BandLink, left: list[AskBand]) -> None:
        await enter(link, keys.access)
        while left:
            self._say(Lane.ALARM, await put_challenge(link, left[0], self._clock))
            del left[0]
        told_ms = self._told_ms.get(visit.band)
        clock = await tell_time(link, visit.band, self._clock, trusted=self._host.clock_synced(), told_ms=told_ms)
        if clock.set:
            self._told_ms[visit.band] = to_ms(self._clock.now())
        self._say(Lane.BULK, clock)
        receipt = self._progress.receipt(visit.band)
        if receipt is not None:
            await forget(link, receipt)
            self._progress.delivered(visit.band, receipt)  # one that it refused is of another order: no use in it
        await self._fetch(visit, link)
        if self._updates is not None and (said := await self._updates.offer(link, visit.band)) is not None:
            self._say(Lane.STATE, said)

    async def _fetch(self, visit: Visit, link: BandLink) -> None:
        key = self._keys.get(visit.band)
        if key is None:
            return
        first = self._progress.next(visit.band, key)

        def run(head: bytes, records: bytes) -> None:
            self.counts["records"] += len(records) // RECORD_BYTES
            self._say(Lane.BULK, HistoryRun(to_ms(self._clock.now()), visit.band, head, records))
            self._progress.fetched(visit.band, key, sequence_of(records[-RECORD_BYTES:]))

        try:
            fetched = await fetch(link, first, run)
        except LinkFailed:
            await self._save()
            raise
        if fetched.newest < first - 1:
            # The band's log is shorter than we know it: it began anew, and so do we.
            self._progress.fetched(visit.band, key, -1)
        await self._save()

    async def _save(self) -> None:
        await self._flushed()
        self._progress.save()

    def _unanswered(self, ask: AskBand, why: str) -> ChallengeAnswered:
        return ChallengeAnswered(to_ms(self._clock.now()), ask.band, ask.challenge, b"", why)
