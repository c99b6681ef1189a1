"""Whatever is done in whatever order, the register stays whole."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ancu.models.errors import UsageError
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.adapters.sqlite import migrate
from ancu.server.people.orders import NewPerson
from ancu.server.people.register import Register
from ancu.server.people.vault import Vault

START = datetime(2026, 8, 1, tzinfo=UTC)
UNTIL = START + timedelta(days=14)
wards = st.sampled_from(["w-a", "w-b", "w-none"]).map(WardCode)
edges = st.sampled_from(["e-1", "e-2", "g-1"]).map(EdgeId)
gateways = st.sampled_from(["g-1", "g-2", "e-1"]).map(GatewayId)
bands = st.integers(1, 3).map(BandNumber)
persons = st.sampled_from(["p-1", "p-2", "p-3"])
orders = st.sampled_from(["o-1", "o-2", "o-3", "o-4"]).map(OrderId)


class Whatever(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        migrate(connection)
        self.register = Register(connection, Vault(bytes(32)))
        self.version = 0
        for ward in ("w-a", "w-b"):
            self.register.wards.put(ward, ward, "x")

    def teardown(self) -> None:
        self.register.connection.close()

    @rule(edge=edges, ward=wards, gateway=st.none() | gateways)
    def add_edge(self, edge: EdgeId, ward: WardCode, gateway: GatewayId | None) -> None:
        with suppress(UsageError):
            self.register.devices.add_edge(edge, ward, gateway=gateway)

    @rule(gateway=gateways, ward=wards)
    def add_gateway(self, gateway: GatewayId, ward: WardCode) -> None:
        with suppress(UsageError):
            self.register.devices.add_gateway(gateway, [ward])

    @rule(band=bands)
    def add_band(self, band: BandNumber) -> None:
        with suppress(UsageError):
            self.register.devices.add_band(band)

    @rule(band=bands, order=orders)
    def assign(self, band: BandNumber, order: OrderId) -> None:
        with suppress(UsageError):
            self.register.devices.assign(band, order)

    @rule(band=bands)
    def revoke_band(self, band: BandNumber) -> None:
        with suppress(UsageError):
            self.register.devices.revoke_band(band)

    @rule(edge=edges)
    def revoke_edge(self, edge: EdgeId) -> None:
        with suppress(UsageError):
            self.register.devices.revoke_device("edge", edge)

    @rule(edge=edges)
    def rotate_edge(self, edge: EdgeId) -> None:
        with suppress(UsageError):
            self.register.devices.rotate_edge(edge)

    @rule(person=persons, ward=wards)
    def add_person(self, person: str, ward: WardCode) -> None:
        with suppress(UsageError):
            self.register.orders.add_person(NewPerson(ward, "A"), person)

    @rule(person=persons, order=orders, edge=st.none() | edges)
    def add_order(self, person: str, order: OrderId, edge: EdgeId | None) -> None:
        with suppress(UsageError):
            self.register.orders.add(person, START, UNTIL, edge=edge, id_=order)

    @rule(order=orders)
    def end_order(self, order: OrderId) -> None:
        with suppress(UsageError):
            self.register.orders.end(order, "x")

    @invariant()
    def the_log_is_whole(self) -> None:
        assert self.register.ledger.verify() is None

    @invariant()
    def nothing_is_half_done(self) -> None:
        assert not self.register.connection.in_transaction
        assert not self.register.connection.execute("PRAGMA foreign_key_check").fetchall()

    @invariant()
    def the_snapshot_is_consistent(self) -> None:
        snapshot = self.register.snapshot()
        assert snapshot.version >= self.version
        self.version = snapshot.version
        served = [band.order for band in snapshot.bands.values() if band.order]
        assert len(served) == len(set(served))
        under_order = [order.person for order in snapshot.orders.values() if order.ended_at is None]
        assert len(under_order) == len(set(under_order))
        assert not set(snapshot.edges) & set(map(EdgeId, snapshot.gateways))
        for order in snapshot.orders.values():
            assert order.edge is None or snapshot.edges[order.edge].ward == order.ward


Whatever.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestWhatever = Whatever.TestCase
