"""The judges, as the core holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ancu.models.ids import EdgeId
from ancu.server.adapters.store_journal import Record
from ancu.server.alerts.events import unpack
from ancu.server.cases.inputs import Input
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import BandSeat, CameraSeat, EdgeSeat, GatewaySeat, OrderSeat, Roster
from ancu.server.judging import Judging
from ancu.server.people.records import EdgeRecord, Snapshot
from ancu.server.projection import STREAM, record_of
from ancu.server.review.book import Book
from ancu.server.review.panel import Panel
from ancu.server.review.seats import Seating

__all__ = ["Bench", "roster_of", "seating_of"]


class Bench(Judging):
    """The judge under one policy, or under a book of them."""

    def __init__(self, policy: Policy | Book) -> None:
        self._judge = Panel(policy if isinstance(policy, Book) else Book.plain(policy))

    def enrol(self, register: Snapshot) -> None:
        self._judge.seat(seating_of(register))

    def observe(self, happened: Input) -> None:
        self._judge.observe(happened)

    def decide(self, happened: Input) -> Sequence[Record]:
        return [record_of(event) for event in self._judge.decide(happened)]

    def evolve(self, record: Record) -> None:
        if record.stream == STREAM:
            self._judge.evolve(unpack(record.body))

    def presence(self, person: str, now: datetime) -> tuple[str, datetime | None]:
        return self._judge.presence(person, now)

    def policy(self, ward: str) -> Policy:
        return self._judge.policy_of(ward)

    def snapshot(self) -> bytes:
        return self._judge.snapshot()

    def restore(self, snapshot: bytes) -> None:
        self._judge.restore(snapshot)


def seating_of(register: Snapshot) -> Seating:
    """The register as a past keeps it."""
    return Seating(roster_of(register), {ward.code: ward.province for ward in register.wards.values()})


def roster_of(register: Snapshot) -> Roster:
    """The register as the judge sees it: what is revoked has no seat; the edges of a site all hear its bands."""
    edges = {edge.id: edge for edge in register.edges.values() if not edge.revoked}
    places: dict[str, list[EdgeId]] = {}
    for edge in edges.values():
        places.setdefault(_place(edge), []).append(edge.id)
    bands = {}
    for band in register.bands.values():
        order = None if band.order is None or band.revoked else register.orders.get(band.order)
        if order is not None:
            box = None if order.edge is None else edges.get(order.edge)
            near = tuple(sorted(places[_place(box)])) if box is not None else ()
            bands[band.number] = BandSeat(band.number, order.id, near)
    return Roster(
        orders={
            order.id: OrderSeat(order.id, order.person, order.ward, order.starts_at, order.until, order.ended_at)
            for order in register.orders.values()
        },
        bands=bands,
        edges={edge.id: EdgeSeat(edge.id, edge.ward, _place(edge), edge.gateway) for edge in edges.values()},
        gateways={
            gateway.id: GatewaySeat(gateway.id, min(gateway.wards))
            for gateway in register.gateways.values()
            if gateway.wards and not gateway.revoked
        },
        cameras={
            key: CameraSeat(camera.edge, camera.camera, _place(edges[camera.edge]))
            for key, camera in register.cameras.items()
            if camera.edge in edges and not camera.revoked
        },
    )


def _place(edge: EdgeRecord) -> str:
    return f"site:{edge.site}" if edge.site else edge.id
