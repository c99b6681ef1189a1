"""A register in a folder, with one ward, a gateway and an edge, and a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ancu.models.clock import Clock
from ancu.models.ids import EdgeId, GatewayId, WardCode
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.people.orders import Contact, NewPerson
from ancu.server.people.register import Register
from ancu.server.people.vault import Vault

WARD = WardCode("w-hoa-sen")
OTHER = WardCode("w-truc-xanh")
EDGE = EdgeId("home-001")
GATEWAY = GatewayId("gw-1")
START = datetime(2026, 8, 1, 1, tzinfo=UTC)
UNTIL = START + timedelta(days=14)
PERSON = NewPerson(WARD, "Nguyễn Văn Mẫu", "0000 001 001", "Nhà mẫu số 1", [Contact("Trần Thị Ví Dụ", None, "mother")])


class FakeClock(Clock):
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(range(32)))


@pytest.fixture
def register(tmp_path: Path, vault: Vault, clock: FakeClock) -> Register:
    connection = connect(tmp_path / "ancu.db")
    connection.execute("PRAGMA synchronous=OFF")
    migrate(connection)
    register = Register(connection, vault, actor="u-test", clock=clock)
    register.wards.put(WARD, "Phường Hoa Sen", "Tỉnh Minh Hoạ")
    register.wards.put(OTHER, "Phường Trúc Xanh", "Tỉnh Minh Hoạ")
    register.devices.add_gateway(GATEWAY, [WARD])
    register.devices.add_edge(EDGE, WARD, gateway=GATEWAY)
    return register
