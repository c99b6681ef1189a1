"""The typed client: in step with the API, and of use against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings
from tests.integration.web import world as world_of

from . import ancu_client as made
from . import make_client as maker


def test_the_client_is_in_step_with_the_description():
    document = create_app(None, None, WebSettings(), None).openapi()  # type: ignore[arg-type]
    told = "make it anew: python tests/client/make_client.py"
    assert maker.made(document) == maker.TARGET.read_text("utf-8"), told


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    world = await world_of.make_world(tmp_path)
    token = (await world.session("ward_a")).token
    transport, headers = httpx.ASGITransport(app=world.app), {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url=world_of.HOST, headers=headers) as http:
        yield made.Client(http)
    await world.close()


async def test_an_alert_is_found_taken_and_resolved(client: Any):
    [alert, *_] = (await client.list_alerts(kind=["sos"]))["items"]
    assert (await client.acknowledge(alert["id"]))["state"] == "acknowledged"
    resolved = await client.resolve(alert["id"], {"outcome": "test", "note": ""}, key="once")
    assert resolved["outcome"] == "test"
    assert await client.resolve(alert["id"], {"outcome": "test", "note": ""}, key="once") == resolved
    assert (await client.one_alert(alert["id"]))["row"]["state"] == "resolved"


async def test_a_refusal_is_an_error_with_its_problem(client: Any):
    with pytest.raises(made.Refused) as refused:
        await client.one_alert("no-such-alert")
    assert (refused.value.status, refused.value.problem["code"]) == (404, "not_found")
