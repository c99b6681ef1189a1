"""Sign-in through a province's identity provider: a double that speaks the real protocol over a socket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ancu.server.web.oidc import OidcSettings, Provider

from . import world as world_of

pytest.importorskip("joserfc")
HERE = Path(__file__).parent
CLIENT, SECRET = "an-cu", "s3cret-of-the-client"


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Double:
    """An identity provider: discovery, authorization, token with PKCE and client secret, keys. `lie` bends a token."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.codes: dict[str, dict[str, str]] = {}
        self.login, self.subject, self.issuer = "ward_a", "subject-1", ""
        self.lie: Callable[[dict[str, Any], dict[str, Any]], None] = lambda header, claims: None
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.about),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    async def about(self, _request: Request) -> Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse({"issuer": self.issuer} | {name: f"{self.issuer}/{path}" for name, path in names.items()})

    async def authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?code={code}&state={query['state']}", 302)

    async def token(self, request: Request) -> Response:
        form = dict(await request.form())
        asked = self.codes.pop(str(form["code"]), None)
        basic = "Basic " + urlsafe_b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        right = asked is not None and request.headers["authorization"] == basic
        if (
            not right
            or asked is None
            or b64(hashlib.sha256(str(form["code_verifier"]).encode()).digest()) != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        header = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
        claims = {
            "iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "preferred_username": self.login,
        }  # fmt: skip
        self.lie(header, claims)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.signed(header, claims)})

    async def keys(self, _request: Request) -> Response:
        numbers = self.key.public_key().public_numbers()
        n, e = (b64(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e))
        return JSONResponse({"keys": [{"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": n, "e": e}]})

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        if header["alg"] == "none":
            return f"{body}."
        return f"{body}.{b64(self.key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    made = Double()
    server = uvicorn.Server(uvicorn.Config(made.app, port=0, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    made.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield made
    server.should_exit = True
    await running


@pytest.fixture
async def world(tmp_path: Path, double: Double) -> AsyncIterator[Any]:
    secret = tmp_path / "client.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    settings = OidcSettings(issuer=double.issuer, client_id=CLIENT, client_secret_file=secret, name="Sở Y tế")
    data = tmp_path / "data"
    data.mkdir()
    made = await world_of.make_world(data, provider=Provider(settings))
    yield made
    await made.close()


@pytest.fixture
async def browser(world: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=world.app)
    async with httpx.AsyncClient(transport=transport, base_url=world_of.HOST, headers={"Accept": "text/html"}) as one:
        yield one


async def through(browser: httpx.AsyncClient) -> httpx.Response:
    """From the button, over the provider, back to us."""
    away = await browser.get("/login/oidc?next=/people")
    assert away.status_code == 303
    async with httpx.AsyncClient() as elsewhere:
        back = await elsewhere.get(away.headers["location"])
    return await browser.get(back.headers["location"])


async def test_an_officer_comes_in_through_the_province_and_lands_where_he_wanted(browser: Any):
    assert "Sở Y tế" in (await browser.get("/login")).text
    arrived = await through(browser)
    assert arrived.status_code == 200
    assert 'content="0;url=/people"' in arrived.text
    assert (await browser.get("/people")).status_code == 200


async def test_he_is_known_by_his_subject_even_under_another_login(browser: Any, double: Double, world: Any):
    await through(browser)
    double.login = "health"
    await through(browser)
    page = (await browser.get("/alerts")).text
    assert "Ward_A" in page
    double.subject = "subject-2"  # another person who calls himself like an account that is bound already
    double.login = "ward_a"
    assert (await through(browser)).status_code == 401


async def test_somebody_without_an_account_here_is_refused(browser: Any, double: Double):
    double.login = "nobody"
    assert (await through(browser)).status_code == 401


def wrong(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda header, claims: claims.__setitem__(name, value)


LIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "unsigned": lambda header, claims: header.__setitem__("alg", "none"),
    "other_nonce": wrong("nonce", "of-another-sign-in"),
    "other_client": wrong("aud", "another"),
    "other_issuer": wrong("iss", "https://elsewhere.example"),
    "expired": wrong("exp", 1_000_000_000),
    "other_party": wrong("azp", "another"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_does_not_hold_opens_nothing(browser: Any, double: Double, lie: str):
    double.lie = LIES[lie]
    assert (await through(browser)).status_code == 502
    assert (await browser.get("/alerts")).status_code == 303


async def test_a_token_signed_by_another_key_opens_nothing(browser: Any, double: Double):
    true_key = double.key
    double.lie = lambda header, claims: setattr(double, "key", rsa.generate_private_key(65537, 2048))
    original = double.keys

    async def keys(request: Request) -> Response:
        double.key = true_key
        return await original(request)

    double.app.router.routes[-1] = Route("/keys", keys)
    assert (await through(browser)).status_code == 502


async def test_what_another_browser_began_is_not_finished_here(browser: Any, world: Any):
    transport = httpx.ASGITransport(app=world.app)
    async with httpx.AsyncClient(transport=transport, base_url=world_of.HOST) as attacker, httpx.AsyncClient() as away:
        began = await attacker.get("/login/oidc")
        back = await away.get(began.headers["location"])
    assert (await browser.get(back.headers["location"])).status_code == 403
    assert (await browser.get("/alerts")).status_code == 303


async def test_coming_back_twice_opens_once(browser: Any):
    away = await browser.get("/login/oidc")
    async with httpx.AsyncClient() as elsewhere:
        back = (await elsewhere.get(away.headers["location"])).headers["location"]
    assert (await browser.get(back)).status_code == 200
    browser.cookies.set("ancu-oidc", parse_qs(urlsplit(back).query)["state"][0], domain="127.0.0.1")
    assert (await browser.get(back)).status_code == 403


async def test_a_provider_that_is_silent_is_said_to_be(browser: Any, world: Any, double: Double):
    double.issuer = "https://calls-itself-otherwise.example"
    answer = await browser.get("/login/oidc")
    assert answer.status_code == 502
    assert re.search("không trả lời", answer.text)
