"""Commands to edges: sealed and counted on the core's thread, sent after the commit, sent again until they show.

What is to be (the bands of a home, the drawing of a camera) follows from the register; what is, an edge says in its
heartbeat. Where the two differ and the edge lives, it is told. Nothing is queued: a command that is lost is made anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from ancu.models.commands import BANDS, Command, SetBands, bands_mark, next_counter, seal_command, zones_of
from ancu.models.ids import BandNumber, EdgeId, WardCode
from ancu.server.core import CoreStopped, Transaction
from ancu.server.people.records import Snapshot
from ancu.server.people.sites_drawing import newest_drawings
from ancu.server.people.sites_seen import sweep

__all__ = ["Commander", "Outgoing", "bands_of_edges", "seal_for"]

log = logging.getLogger(__name__)
_LOOK_S = 2.0  # between two comparisons
_AGAIN_MS = 10_000  # an edge tells what it applied every 10 s or so
_SLOWEST_MS = 600_000  # to an edge that cannot do what it is told
_ALIVE_MS = 60_000
_SWEEP_MS = 600_000  # between two looks at what cameras told that is kept long enough


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A sealed command on its way."""

    ward: WardCode
    edge: EdgeId
    body: bytes


class _Runs(Protocol):
    def __call__(self, run: Callable[[Transaction], list[Outgoing]], /) -> Future[list[Outgoing]]: ...


@dataclass(slots=True)
class _Told:
    value: int
    at_ms: int
    times: int = 1

    def is_due(self, value: int, now_ms: int) -> bool:
        patience = min(_AGAIN_MS * 2 ** (self.times - 1), _SLOWEST_MS)
        return value != self.value or now_ms - self.at_ms >= patience


class Commander:
    """`run` puts work into the core; `send` hands a command to the link, which may lose it."""

    def __init__(self, run: _Runs, send: Callable[[Outgoing], None]) -> None:
        self._run, self._send = run, send
        self._swept_ms = 0
        self._told: dict[tuple[EdgeId, str], _Told] = {}  # read and written on the core's thread
        self._wanted: tuple[int, Mapping[EdgeId, tuple[int, SetBands]]] | None = None  # of a version of the register

    async def tell(self, edge: EdgeId, command: Command) -> bool:
        """Seal and send one command; False for an edge that is unknown or revoked."""
        sent = await asyncio.wrap_future(self._run(lambda tx: list(seal_for(tx, edge, command))))
        for outgoing in sent:
            self._send(outgoing)
        return bool(sent)

    async def run(self) -> None:
        """Keep edges as the register wants them, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                outgoing = await asyncio.wrap_future(self._run(self._compare))
            except CoreStopped:
                continue  # it says so itself
            for command in outgoing:
                self._send(command)

    def _compare(self, tx: Transaction) -> list[Outgoing]:
        register = tx.memory.roster
        if register is None:
            return []
        if tx.now_ms - self._swept_ms >= _SWEEP_MS:
            self._swept_ms = tx.now_ms
            sweep(tx.store.connection, tx.now_ms)
        return [
            outgoing
            for edge, name, value, command in self._differences(tx, register)
            if self._is_due(edge, name, value, tx.now_ms)
            for outgoing in seal_for(tx, edge, command)
        ]

    def _differences(self, tx: Transaction, register: Snapshot) -> Iterator[tuple[EdgeId, str, int, Command]]:
        drawings = newest_drawings(tx.store.connection)
        for edge, (mark, bands) in self._bands(register).items():
            said = tx.memory.latest.edge(edge)
            if said is None or tx.now_ms - said.seen_ms > _ALIVE_MS:
                continue
            # Only what the box reports: what it does not, it has not, or it is too old to be told.
            if said.applied.get(BANDS, mark) != mark:
                yield edge, BANDS, mark, bands
            for camera, drawing in drawings.get(edge, {}).items():
                if said.applied.get(zones_of(camera), drawing.version) != drawing.version:
                    yield edge, zones_of(camera), drawing.version, drawing

    def _is_due(self, edge: EdgeId, name: str, value: int, now_ms: int) -> bool:
        told = self._told.get((edge, name))
        if told is None or told.value != value:
            self._told[edge, name] = _Told(value, now_ms)
            log.info("an edge is told", extra={"edge": edge, "what": name})
            return True
        if not told.is_due(value, now_ms):
            return False
        told.at_ms, told.times = now_ms, told.times + 1
        return True

    def _bands(self, register: Snapshot) -> Mapping[EdgeId, tuple[int, SetBands]]:
        if self._wanted is None or self._wanted[0] != register.version:
            found = bands_of_edges(register)
            self._wanted = (
                register.version,
                {
                    edge: (bands_mark(bands), SetBands({int(n): key for n, key in bands.items()}))
                    for edge, bands in found.items()
                },
            )
        return self._wanted[1]


def seal_for(tx: Transaction, edge: EdgeId, command: Command) -> Iterator[Outgoing]:
    """Count and seal a command inside a transaction; nothing for an edge that is unknown or revoked."""
    known = tx.memory.keyring.edges.get(edge)
    if known is None or known.revoked:
        return
    connection = tx.store.connection
    row = connection.execute("SELECT counter FROM edge_commands WHERE edge = ?", (edge,)).fetchone()
    counter = next_counter(row["counter"] if row else 0, tx.now_ms)
    connection.execute(
        "INSERT INTO edge_commands (edge, counter) VALUES (?1, ?2) ON CONFLICT (edge) DO UPDATE SET counter = ?2",
        (edge, counter),
    )
    yield Outgoing(WardCode(known.ward), edge, seal_command(edge, counter, command, known.keys.down))


def bands_of_edges(register: Snapshot) -> dict[EdgeId, dict[BandNumber, bytes]]:
    """Identity keys by edge in use: its home's bands, or its site's, for every box of a site hears all of them."""
    found: dict[EdgeId, dict[BandNumber, bytes]] = {edge.id: {} for edge in register.edges.values() if not edge.revoked}
    places: dict[Any, list[EdgeId]] = {}
    for edge in found:
        places.setdefault(_place(register, edge), []).append(edge)
    for band in register.bands.values():
        order = register.orders.get(band.order) if band.order else None
        if order is None or order.edge not in found or band.keys is None or band.revoked:
            continue
        for edge in places[_place(register, order.edge)]:
            found[edge][band.number] = band.keys.identity
    return found


def _place(register: Snapshot, edge: EdgeId) -> tuple[str, str]:
    record = register.edges[edge]
    return ("site", record.site) if record.site else ("home", edge)
