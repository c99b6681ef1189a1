"""Officers' ways in over the real register and pages: codes, devices, strangers, broken glass."""

from __future__ import annotations

import re
import sqlite3
from base64 import b32decode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from ancu.server.people.ledger import Ledger
from ancu.server.people.register import DATABASE_FILE

from . import world as world_of

HERE = Path(__file__).parent
REASON = "Cháy lớn ở chung cư giáp ranh"


class Person(httpx.AsyncClient):
    """Somebody at a browser, at an address."""

    async def form(self, path: str, **fields: str) -> httpx.Response:
        page = await self.get(path.split("?", maxsplit=1)[0])
        match = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert match is not None, page.text
        return await self.post(path, data={"csrf": match[1], **fields})

    async def sign_in(self, login: str, password: str = world_of.PASSWORD) -> httpx.Response:
        return await self.form("/login", login=login, password=password)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    made = await world_of.make_world(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def at(world: Any) -> AsyncIterator[Callable[[str], Person]]:
    opened: list[Person] = []

    def browser(address: str = "203.0.113.7") -> Person:
        transport = httpx.ASGITransport(app=world.app, client=(address, 40000))
        opened.append(Person(transport=transport, base_url=world_of.HOST, headers={"Accept": "text/html"}))
        return opened[-1]

    yield browser
    for one in opened:
        await one.aclose()


def code(secret: bytes, world: Any, *, steps: int = 0) -> str:
    at = world.clock.now().timestamp() + 30 * steps
    return TOTP(secret, 6, SHA1(), 30, enforce_key_length=False).generate(int(at)).decode()  # noqa: S303 - RFC 6238


async def turn_on(person: Person, world: Any) -> bytes:
    """The secret that a telephone would have scanned."""
    await person.sign_in("ward_a")
    page = await person.form("/security")
    assert page.status_code == 405  # the page itself takes no form
    shown = await person.post("/security/code", data={"csrf": await token(person)})
    match = re.search(r'<code class="secret">([^<]+)</code>', shown.text)
    assert match is not None
    assert "<svg" in shown.text
    secret = b32decode(match[1].replace(" ", ""))
    done = await person.post("/security/code/confirm", data={"csrf": await token(person), "code": code(secret, world)})
    assert done.status_code == 303
    return secret


async def token(person: Person) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', (await person.get("/security")).text)
    assert match is not None
    return match[1]


async def test_a_code_is_asked_for_once_it_is_confirmed_and_each_opens_once(world: Any, at: Any):
    secret = await turn_on(at(), world)
    world.clock.advance(minutes=2)
    person = at()
    asked = await person.sign_in("ward_a")
    assert asked.status_code == 200
    assert 'name="step"' in asked.text
    assert (await person.get("/alerts")).status_code == 303  # not in yet

    async def give(page: httpx.Response, digits: str) -> httpx.Response:
        fields = dict(re.findall(r'name="(csrf|step)" value="([^"]+)"', page.text))
        return await person.post("/login/code?next=/people", data={**fields, "code": digits})

    wrong = await give(asked, "000000")
    assert wrong.status_code == 401
    assert 'name="step"' in wrong.text
    right = code(secret, world)
    done = await give(wrong, right)
    assert done.headers["location"] == "/people"
    assert (await person.get("/alerts")).status_code == 200
    again = await at().sign_in("ward_a")
    assert (await give(again, right)).status_code in (401, 403), "a code was taken twice"


async def test_a_step_opens_once_and_not_after_five_minutes(world: Any, at: Any):
    secret = await turn_on(at(), world)
    for wait in (timedelta(minutes=2), timedelta(minutes=10)):
        world.clock.at += wait
    person = at()
    page = await person.sign_in("ward_a")
    fields = dict(re.findall(r'name="(csrf|step)" value="([^"]+)"', page.text))
    world.clock.advance(minutes=6)
    late = await person.post("/login/code", data={**fields, "code": code(secret, world)})
    assert late.status_code == 401
    assert (await person.get("/alerts")).status_code == 303


async def test_guessing_codes_is_shut_like_guessing_passwords(world: Any, at: Any):
    secret = await turn_on(at(), world)
    person = at("198.51.100.1")
    page = await person.sign_in("ward_a")
    answers = []
    for _ in range(8):
        fields = dict(re.findall(r'name="(csrf|step)" value="([^"]+)"', page.text))
        if "step" not in fields:
            break
        page = await person.post("/login/code", data={**fields, "code": "123456"})
        answers.append(page.status_code)
    assert answers[-1] == 429
    assert len(answers) <= 5
    world.clock.advance(minutes=31)
    assert len(code(secret, world)) == 6


async def test_a_script_signs_in_with_password_and_code(world: Any, at: Any):
    secret = await turn_on(at(), world)
    world.clock.advance(minutes=2)
    script, body = at(), {"login": "ward_a", "password": world_of.PASSWORD}
    headers = {"Idempotency-Key": "k", "Accept": "application/json"}
    bare = await script.post("/api/v1/sessions", json=body, headers=headers)
    assert (bare.status_code, bare.json()["code"]) == (401, "code_needed")
    opened = await script.post("/api/v1/sessions", json=body | {"code": code(secret, world)}, headers=headers)
    assert opened.status_code == 201
    authorized = {"Authorization": f"Bearer {opened.json()['token']}"}
    assert (await script.get("/api/v1/me", headers=authorized)).status_code == 200


async def test_changing_how_one_signs_in_asks_for_a_sign_in_of_minutes_ago(world: Any, at: Any):
    person = at()
    await person.sign_in("ward_a")
    for _ in range(3):
        world.clock.advance(minutes=10)
        csrf = await token(person)  # at work all the time
    stale = await person.post("/security/code", data={"csrf": csrf})
    assert stale.headers["location"] == "/login?why=again&next=/security"


async def test_a_stranger_who_guesses_shuts_out_himself_and_not_the_officer(world: Any, at: Any):
    stranger = at("198.51.100.1")
    for _ in range(5):
        assert (await stranger.sign_in("ward_a", "wrong-wrong-wrong")).status_code == 401
    assert (await stranger.sign_in("ward_a")).status_code == 429
    neighbour = at("198.51.100.200")  # of the same network
    assert (await neighbour.sign_in("ward_a")).status_code == 429
    assert (await at("203.0.113.7").sign_in("ward_a")).status_code == 303


async def test_strangers_everywhere_slow_each_other_down_and_a_known_device_still_gets_in(world: Any, at: Any):
    officer = at("203.0.113.7")
    assert (await officer.sign_in("ward_a")).status_code == 303
    await officer.form("/alerts")
    officer.cookies.delete(world_of.COOKIE)  # his session is over; the device stays known
    for n in range(20):
        await world.accounts.ask(
            lambda o, n=n: o._attempts.count("ward_a", bytes([n]) * 16, o._ledger.now_ms()), by="t"
        )
    waits = []
    for n in range(3):
        refused = await at(f"192.0.2.{n}").sign_in("ward_a")
        assert refused.status_code == 429
        waits.append(int(refused.headers["retry-after"]))
    assert 0 < max(waits) <= 60
    assert (await officer.sign_in("ward_a")).status_code == 303
    world.clock.advance(seconds=61)
    assert (await at("192.0.2.77").sign_in("ward_a")).status_code == 303, "the wait grows, it does not shut for good"


async def test_behind_a_proxy_of_ours_the_address_it_vouches_for_counts(tmp_path: Path):
    world = await world_of.make_world(tmp_path, settings={"forwarded_by": ("10.0.0.1",)})
    try:
        transport = httpx.ASGITransport(app=world.app, client=("10.0.0.1", 40000))

        async def tried(forwarded: str, password: str) -> int:
            headers = {"Accept": "text/html", "X-Forwarded-For": forwarded}
            async with Person(transport=transport, base_url=world_of.HOST, headers=headers) as person:
                return (await person.sign_in("ward_a", password)).status_code

        for n in range(5):
            assert await tried(f"203.0.113.9, 198.51.100.{n}", "wrong-wrong-wrong") == 401
        assert await tried("198.51.100.1", world_of.PASSWORD) == 429
        assert await tried("203.0.113.9", world_of.PASSWORD) == 303
    finally:
        await world.close()


def log_of(world: Any) -> list[tuple[str, str]]:
    connection = sqlite3.connect(world.data / DATABASE_FILE)
    connection.row_factory = sqlite3.Row
    ledger = Ledger(connection, "test")
    assert ledger.verify() is None
    entries = [(entry.action, entry.actor) for entry in ledger.entries(limit=1000)]
    connection.close()
    return entries


class TestBrokenGlass:
    async def test_a_ward_is_open_for_an_hour_and_its_officers_see_who_and_why(self, world: Any, at: Any):
        helper, own = at(), at()
        await helper.sign_in("ward_b")
        await own.sign_in("ward_a")
        page = f"/people/{world_of.PERSON_A}"
        assert (await helper.get(page)).status_code == 404
        assert (await helper.form("/break-glass", ward=world_of.WARD_A, reason=REASON)).status_code == 303
        assert (await helper.get(page)).status_code == 200
        assert "Phường 1" in (await helper.get("/alerts")).text  # he is told that it is open
        seen = (await own.get("/alerts")).text
        assert REASON in seen
        assert "Ward_B" in seen
        assert ("break_glass", world.officers["ward_b"]) in log_of(world)
        for _ in range(6):
            world.clock.advance(minutes=10)
            await helper.get("/alerts")
        world.clock.advance(seconds=1)
        assert (await helper.get(page)).status_code == 404

    async def test_it_can_be_closed_sooner_and_by_nobody_else(self, world: Any, at: Any):
        helper, other = at(), at()
        await helper.sign_in("ward_b")
        await other.sign_in("site")
        await helper.form("/break-glass", ward=world_of.WARD_A, reason=REASON)
        match = re.search(r"/break-glass/([\w-]+)/end", (await helper.get("/break-glass")).text)
        assert match is not None
        csrf = await token(other)
        await other.post(f"/break-glass/{match[1]}/end", data={"csrf": csrf})
        assert (await helper.get(f"/people/{world_of.PERSON_A}")).status_code == 200
        await helper.post(f"/break-glass/{match[1]}/end", data={"csrf": await token(helper)})
        assert (await helper.get(f"/people/{world_of.PERSON_A}")).status_code == 404

    @pytest.mark.parametrize(("ward", "reason"), [("", REASON), ("no-such-ward", REASON), (world_of.WARD_A, "gấp")])
    async def test_without_a_ward_and_a_sentence_nothing_opens(self, world: Any, at: Any, ward: str, reason: str):
        helper = at()
        await helper.sign_in("ward_b")
        assert (await helper.form("/break-glass", ward=ward, reason=reason)).status_code == 422
        assert (await helper.get(f"/people/{world_of.PERSON_A}")).status_code == 404

    async def test_health_alerts_stay_hidden_from_who_enforces(self, world: Any, at: Any):
        """Breaking glass widens the wards, never the role."""
        helper = at()
        await helper.sign_in("ward_b")
        await helper.form("/break-glass", ward=world_of.WARD_A, reason=REASON)
        session = await world.accounts.open_officer(world.officers["ward_b"], at=world.clock.now())
        assert session.session.viewer.role == "officer"
        assert session.session.viewer.wards == {world_of.WARD_A, world_of.WARD_B}


async def test_a_lost_telephone_is_taken_off_an_account(world: Any, at: Any):
    await turn_on(at(), world)
    id_ = world.officers["ward_a"]
    await world.accounts.ask(lambda o: o.factors.reset(id_), by="operator")
    assert (await at().sign_in("ward_a")).status_code == 303
    assert ("reset_factors", "operator") in log_of(world)


async def test_nobody_removes_anothers_passkey(world: Any, at: Any):
    person, id_ = at(), world.officers["health"]
    await person.sign_in("ward_a")
    held = world.ids["passkey"][0]
    await person.post(f"/security/passkeys/{held}/remove", data={"csrf": await token(person)})
    assert len(await world.accounts.ask(lambda o: o.factors.passkeys(id_), by=id_)) == 1
