"""Figures and explanations by the API: scoped, bounded, in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx
import pytest

from ancu.server.ports import NotFound, Role, Viewer
from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings
from tests.unit.server.web import fakes

Ask = Callable[[Viewer], httpx.AsyncClient]
OFFICER = Viewer("u-lan", Role.OFFICER, frozenset({"ben-nghe"}))
CITIZEN = Viewer("p-an", Role.CITIZEN, frozenset({"ben-nghe"}), "p-an")


@pytest.fixture
def world() -> Any:

    class Counting(fakes.FakeDesk):
        """A desk that remembers what it was asked for."""

        async def kpis(self, viewer: Viewer, *, start: Any, end: Any, ward: str | None = None) -> Mapping[str, Any]:
            if ward is not None and viewer.wards is not None and ward not in viewer.wards:
                raise NotFound(f"no ward {ward!r}")
            self.asked = (viewer.id, end - start, ward)
            return {"alerts": 3}

    clock = fakes.FakeClock()
    desk = Counting(clock)
    fakes.populate(desk)
    return clock, desk, fakes.FakeAccounts()


@pytest.fixture
async def ask(world: Any) -> AsyncIterator[Ask]:
    clock, desk, accounts = world
    app = create_app(desk, accounts, WebSettings(), clock)
    opened: list[httpx.AsyncClient] = []

    def of(viewer: Viewer) -> httpx.AsyncClient:
        token = accounts.open(viewer, "Lê Thị Lan", clock.now()).token
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        transport = httpx.ASGITransport(app=app)
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=headers))
        return opened[-1]

    yield of
    for client in opened:
        await client.aclose()


async def test_figures_are_asked_for_a_week_unless_said(ask: Ask, world: Any):
    answer = await ask(OFFICER).get("/api/v1/kpis")
    assert answer.json() == {"alerts": 3}
    assert world[1].asked[1].days == 7
    between = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z", "ward": "ben-nghe"}
    assert (await ask(OFFICER).get("/api/v1/kpis", params=between)).status_code == 200
    assert world[1].asked == ("u-lan", world[1].asked[1], "ben-nghe")


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"ward": "da-kao"}, 404),
        ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, 409),
        ({"from": "2020-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, 409),
        ({"from": "2026-03-02T00:00:00"}, 422),
    ],
)
async def test_what_is_not_his_or_makes_no_sense_is_refused(ask: Ask, params: dict[str, str], status: int):
    assert (await ask(OFFICER).get("/api/v1/kpis", params=params)).status_code == status


async def test_a_person_under_order_sees_no_figures_but_reads_why_an_alert_is_there(ask: Ask, world: Any):
    assert (await ask(CITIZEN).get("/api/v1/kpis")).status_code == 403
    alert = world[1].raise_alert(person="p-an").id
    mine = (await ask(CITIZEN).get(f"/api/v1/alerts/{alert}/explanation")).json()
    his = (await ask(OFFICER).get(f"/api/v1/alerts/{alert}/explanation", params={"lang": "en"})).json()
    assert mine["lang"] == "vi"
    assert mine["sentence"].startswith("Lúc ")
    assert his["sentence"].startswith("At ")
    codes = [{section["code"] for section in each["sections"]} for each in (mine, his)]
    assert "do" not in codes[0]
    assert "do" in codes[1]


async def test_a_foreign_alert_is_explained_to_nobody(ask: Ask, world: Any):
    alert = world[1].raise_alert(ward="da-kao", person="p-xa").id
    for viewer in (OFFICER, CITIZEN):
        assert (await ask(viewer).get(f"/api/v1/alerts/{alert}/explanation")).status_code == 404
