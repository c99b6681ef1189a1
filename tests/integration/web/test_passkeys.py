"""Passkeys in a real Chromium with a virtual authenticator: made on the account's page, then the only thing shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ancu.server.web.serve import serve

from . import world as world_of

pytest.importorskip("webauthn")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]  # a browser on a busy machine
HERE = Path(__file__).parent
PATIENCE_MS = 30_000


@pytest_asyncio.fixture(loop_scope="module")
async def served(tmp_path: Path) -> AsyncIterator[tuple[Any, str]]:
    world = await world_of.make_world(tmp_path)
    stopping, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(world.app, "127.0.0.1", 0, stopping, listening=port.set_result))
    yield world, f"http://localhost:{await port}"  # a passkey belongs to a name, never to an address
    stopping.set()
    await serving
    await world.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Any) -> AsyncIterator[Any]:
    context = await chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    tools = await context.new_cdp_session(page)
    await tools.send("WebAuthn.enable")
    made = await tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    page.tools, page.authenticator = tools, made["authenticatorId"]
    yield page
    await context.close()


async def by_password(page: Any, url: str) -> None:
    await page.goto(f"{url}/login?next=/security")
    await page.fill("#login", "ward_a")
    await page.fill("#password", world_of.PASSWORD)
    await page.click("button.primary")
    await page.wait_for_url("**/security")


async def add_passkey(page: Any) -> None:
    await page.fill("#label", "Điện thoại của Lan")
    await page.locator("#new-passkey button").click()
    await page.get_by_text("Điện thoại của Lan").first.wait_for()


async def leave(page: Any) -> None:
    await page.context.clear_cookies()


async def test_a_passkey_is_made_and_opens_the_door_without_login_and_password(served: Any, page: Any):
    world, url = served
    await by_password(page, url)
    await add_passkey(page)
    await leave(page)
    for _ in range(5):  # somebody else shuts the password's door from the same address
        await world.accounts.ask(lambda o: o._attempts.count("ward_a", b"", o._ledger.now_ms()), by="test")
    await page.goto(f"{url}/login")
    await page.locator("#passkey").click()
    await page.wait_for_url("**/alerts")
    held = await world.accounts.ask(lambda o: o.factors.passkeys(world.officers["ward_a"]), by="test")
    assert [key.label for key in held] == ["Điện thoại của Lan"]
    assert held[0].used_at is not None


async def test_without_the_persons_finger_or_pin_it_opens_nothing(served: Any, page: Any):
    _, url = served
    await by_password(page, url)
    await add_passkey(page)
    await leave(page)
    await page.tools.send("WebAuthn.setUserVerified", {"authenticatorId": page.authenticator, "isUserVerified": False})
    await page.goto(f"{url}/login")
    await page.locator("#passkey").click()
    await page.get_by_text("Khoá truy cập không dùng được").wait_for()


async def test_a_passkey_that_was_removed_opens_nothing(served: Any, page: Any):
    _, url = served
    await by_password(page, url)
    await add_passkey(page)
    await page.get_by_role("button", name="Xoá khoá Điện thoại của Lan").click()
    await page.get_by_text("Điện thoại của Lan").wait_for(state="detached")
    await leave(page)
    await page.goto(f"{url}/login")
    await page.locator("#passkey").click()
    await page.get_by_text("Khoá truy cập không dùng được").wait_for()


async def test_a_cloned_authenticator_is_found_by_its_count(served: Any, page: Any):
    world, url = served
    await by_password(page, url)
    await add_passkey(page)
    id_ = world.officers["ward_a"]

    def ahead(officers: Any) -> None:
        [key] = officers.factors.passkeys(id_)
        officers.factors.passkey_used(key.id, key.uses + 1000)  # another copy was used in between

    await world.accounts.ask(ahead, by="test")
    await leave(page)
    await page.goto(f"{url}/login")
    await page.locator("#passkey").click()
    await page.get_by_text("Khoá truy cập không dùng được").wait_for()
