"""Receipts of providers over a socket: doubles that sign as each of them does, and what it makes of what was sent."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest

from ancu.models.clock import SystemClock
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_channels import build_notifiers, plan_of
from ancu.server.adapters.notify_receipts import build_receivers
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import fleet, register_of
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Core, Transaction
from ancu.server.memory import Memory
from ancu.server.notify.desk import ReceiptDesk
from ancu.server.notify.dispatcher import Dispatcher
from ancu.server.notify.engine import Engine
from ancu.server.notify.office import Office
from ancu.server.notify.settings import NotifySettings, ProviderSettings, ReceiptSettings, ZaloSettings
from ancu.server.notify.words import Writer
from ancu.server.policies import load_policy
from ancu.server.ports import Desk
from ancu.server.projection import project
from ancu.server.seating import Bench
from ancu.server.web import office
from ancu.server.web.accounts import Accounts, Session, SignedIn
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings

from .conftest import Certificates, HttpDouble, Reply

pytestmark = pytest.mark.timeout(120)  # each waits for a real server and a real provider's double

CLOCK = SystemClock()
SECRET = "a secret of twenty-four bytes"
SecretFile = Callable[[str, str], Path]


class Nobody(Accounts):
    """No one signs in to receive a receipt."""

    async def sign_in(self, login: str, password: str, address: str, *, at: datetime) -> SignedIn:
        raise NotImplementedError

    async def enter(self, code: str, address: str, *, at: datetime) -> SignedIn:
        raise NotImplementedError

    async def session(self, token: str, *, at: datetime, touch: bool) -> Session | None:
        return None

    async def bearer(self, token: str, *, at: datetime) -> Session | None:
        return None

    async def sign_out(self, token: str) -> None: ...

    async def names(self, ids: Collection[str]) -> Mapping[str, str]:
        return {}

    async def issue_code(self, person: str, *, by: str) -> str:
        raise NotImplementedError

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Provider:
    """How one of them takes a message and tells of it."""

    name: str
    channel: str
    taken: bytes  # its answer to a message
    settings: Mapping[str, Any]
    tell: Callable[[str, str, bool], tuple[dict[str, str], bytes]]  # (url, reference, delivered): headers, body


def mac(text: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), text, "sha256")


def plain_hmac(_url: str, reference: str, delivered: bool) -> tuple[dict[str, str], bytes]:
    body = json.dumps({"SMSID": reference, "SendStatus": "5" if delivered else "4"}).encode()
    return {"X-Signature": f"sha256={mac(body).hex()}"}, body


def timed_hmac(_url: str, reference: str, delivered: bool, at: str = "") -> tuple[dict[str, str], bytes]:
    at = at or str(int(time.time()))
    receipts = [{"id": "another", "status": "queued"}, {"id": reference, "status": "ok" if delivered else "no"}]
    body = json.dumps({"data": {"receipts": receipts}}).encode()
    signed = base64.b64encode(mac(at.encode() + b"." + body)).decode()
    return {"X-Acme-Mac": signed, "X-Acme-Time": at}, body


def standard(_url: str, reference: str, delivered: bool) -> tuple[dict[str, str], bytes]:
    at = str(int(time.time()))
    body = json.dumps({"message": {"id": reference}, "state": "delivered" if delivered else "failed"}).encode()
    signed = base64.b64encode(mac(f"ev-1.{at}.".encode() + body)).decode()
    return {"webhook-id": "ev-1", "webhook-timestamp": at, "webhook-signature": f"v1,{signed}"}, body


def twilio(url: str, reference: str, delivered: bool) -> tuple[dict[str, str], bytes]:
    fields = {"MessageSid": reference, "MessageStatus": "delivered" if delivered else "undelivered", "To": "+84 9"}
    text = url + "".join(name + fields[name] for name in sorted(fields))
    signed = base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), "sha1")).decode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
    return form, urlencode(fields).encode()


def zalo(_url: str, reference: str, delivered: bool, at: str = "") -> tuple[dict[str, str], bytes]:
    at = at or str(int(time.time() * 1000))
    event = "user_received_message" if delivered else "user_send_text"
    body = json.dumps({"app_id": "77", "event_name": event, "message": {"msg_id": reference}, "timestamp": at}).encode()
    signed = hashlib.sha256(b"77" + body + at.encode() + SECRET.encode()).hexdigest()
    return {"X-ZEvent-Signature": f"mac={signed}"}, body


JSON_ID = b'{"id": "m-1"}'
PROVIDERS = [
    Provider(
        "hmac",
        "sms",
        JSON_ID,
        {"id_field": "SMSID", "state_field": "SendStatus", "delivered_values": ("5",), "failed_values": ("4",)},
        plain_hmac,
    ),
    Provider(
        "hmac-timed",
        "sms",
        JSON_ID,
        {
            "header": "X-Acme-Mac",
            "timestamp_header": "X-Acme-Time",
            "items_field": "data.receipts",
            "id_field": "id",
            "state_field": "status",
            "delivered_values": ("ok",),
            "failed_values": ("no",),
        },
        timed_hmac,
    ),
    Provider(
        "standard",
        "voice",
        JSON_ID,
        {
            "scheme": "standard",
            "id_field": "message.id",
            "state_field": "state",
            "delivered_values": ("delivered",),
            "failed_values": ("failed",),
        },
        standard,
    ),
    Provider(
        "twilio",
        "sms",
        b'{"id": "m-1"}',
        {
            "scheme": "twilio",
            "header": "X-Twilio-Signature",
            "format": "form",
            "id_field": "MessageSid",
            "state_field": "MessageStatus",
            "delivered_values": ("delivered",),
            "failed_values": ("failed", "undelivered"),
        },
        twilio,
    ),
    Provider("zalo", "zalo", b'{"error":0,"message":"Success","data":{"message_id":"m-1"}}', {}, zalo),
]
TELLS_FAILURE = [provider for provider in PROVIDERS if provider.name != "zalo"]  # Zalo tells only what arrived


class Switchboard:
    """The whole way of a message: core, engine, dispatcher, a provider's double, and the port for receipts."""

    def __init__(self, folder: Path, settings: NotifySettings) -> None:
        self.path = folder / "ancu.db"
        self.home = fleet(1)[0]
        register = register_of([self.home])
        db = self.open()
        db.execute("INSERT INTO wards VALUES ('ward-000', 'Phường', 'Tỉnh')")
        for officer, role in (("lan", "officer"), ("tinh", "province")):
            db.execute(
                "INSERT INTO officers (id, login, name, role, password_hash, created_ms)"
                " VALUES (?1, ?1, ?1, ?2, '', 0)",
                (officer, role),
            )
            for channel in settings.channels:
                address = "4242" if channel == "zalo" else f"+8490000{officer == 'lan':d}{channel == 'sms':d}"
                db.execute("INSERT INTO contact_points VALUES (?, ?, ?, 0)", (officer, channel, address))
        db.execute("INSERT INTO officer_wards VALUES ('lan', 'ward-000')")
        db.close()
        self.core = Core(
            open_store=lambda: Store(connect(self.path), b"k" * 32),
            roster=lambda store, held: None if held == register.version else register,
            project=project,
            memory=Memory(Bench(load_policy("default"))),
            clock=CLOCK,
            told=lambda told: None,
            listening=lambda: False,
        )
        engine = Engine(plan_of(settings), Writer(), lambda: 0.5)
        self.dispatcher = Dispatcher(engine, build_notifiers(settings, CLOCK), self.core.command, CLOCK)
        self.receipts = ReceiptDesk(build_receivers(settings), engine, self.core, CLOCK, self.dispatcher.wake)
        self.app = create_app(cast("Desk", None), Nobody(), WebSettings(), CLOCK)
        office.install(self.app, Office(self.path, self.core, CLOCK), self.receipts)
        self.url = ""

    def open(self) -> Any:
        connection = connect(self.path)
        migrate(connection)
        return connection

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Switchboard]:
        self.core.start()
        stopping, ready = asyncio.Event(), asyncio.Event()

        def listening(port: int) -> None:
            self.url = f"http://127.0.0.1:{port}/callbacks"
            ready.set()

        tasks = [
            asyncio.create_task(serve(self.app, "127.0.0.1", 0, stopping, listening=listening)),
            asyncio.create_task(self.dispatcher.run()),
        ]
        await ready.wait()
        try:
            yield self
        finally:
            stopping.set()
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.core.stop()

    def raise_alert(self) -> None:
        def tap(tx: Transaction) -> None:
            tx.records += tx.memory.feed(SosTapped(CLOCK.now(), self.home.bands[0].person))

        self.core.command(tap).result(30)
        self.dispatcher.wake()

    def states(self, officer: str = "lan") -> dict[str, str]:
        db = connect(self.path, read_only=True)
        rows = db.execute(
            "SELECT d.channel, d.state FROM notify_deliveries d JOIN notify_pages p ON p.id = d.page"
            " WHERE p.officer = ? ORDER BY d.rowid",
            (officer,),
        ).fetchall()
        db.close()
        return {row["channel"]: row["state"] for row in rows}

    async def until(self, channel: str, state: str, officer: str = "lan") -> None:
        end = time.monotonic() + 60
        while self.states(officer).get(channel) != state:
            assert time.monotonic() < end, self.states(officer)
            await asyncio.sleep(0.05)

    async def post(self, provider: Provider, headers: dict[str, str], body: bytes) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.post(f"{self.url}/{provider.channel}", headers=headers, content=body)

    async def tell(self, provider: Provider, reference: str = "m-1", *, delivered: bool) -> int:
        url = f"{self.url}/{provider.channel}"
        return (await self.post(provider, *provider.tell(url, reference, delivered))).status_code


def settings_of(
    provider: Provider, https: HttpDouble, certificates: Certificates, secret_file: SecretFile
) -> NotifySettings:
    ca, secret = certificates.ca_file, secret_file("secret", SECRET)
    if provider.channel == "zalo":
        tokens = {"refresh_token": "r0", "access_token": "a0", "expires_at": time.time() + 9999}
        channel: Any = ZaloSettings(
            app_id="77",
            secret_file=secret,
            token_file=secret_file("tokens.json", json.dumps(tokens)),
            webhook_secret_file=secret,
            api=https.url,
            oauth=https.url,
            ca_file=ca,
        )
    else:
        channel = ProviderSettings(
            url=f"{https.url}/send",
            ca_file=ca,
            fields={"to": "{to}", "text": "{text}"},
            id_field="id",
            receipts=ReceiptSettings(secret_file=secret, **provider.settings),
        )
    return NotifySettings(**{provider.channel: channel})


@pytest.fixture(params=PROVIDERS, ids=[provider.name for provider in PROVIDERS])
def provider(request: pytest.FixtureRequest) -> Provider:
    return cast("Provider", request.param)


@pytest.fixture
async def board(
    provider: Provider, tmp_path: Path, https: HttpDouble, certificates: Certificates, secret_file: SecretFile
) -> AsyncIterator[Switchboard]:
    count = iter(range(1, 1000))
    https.default = lambda request: Reply(body=provider.taken.replace(b"m-1", f"m-{next(count)}".encode()))
    async with Switchboard(tmp_path, settings_of(provider, https, certificates, secret_file)).run() as board:
        yield board


async def test_a_message_is_sent_until_its_receipt_says_delivered(board: Switchboard, provider: Provider):
    board.raise_alert()
    await board.until(provider.channel, "sent")
    assert await board.tell(provider, delivered=True) == 204
    await board.until(provider.channel, "delivered")
    assert await board.tell(provider, delivered=True) == 204
    assert await board.tell(provider, delivered=False) == 204  # what arrived is never taken back
    assert board.states()[provider.channel] == "delivered"


@pytest.mark.parametrize("provider", TELLS_FAILURE, ids=[one.name for one in TELLS_FAILURE], indirect=False)
async def test_a_message_that_was_lost_after_all_brings_the_next_level(board: Switchboard, provider: Provider):
    board.raise_alert()
    await board.until(provider.channel, "sent")
    assert "tinh" not in str(board.states("tinh"))
    assert await board.tell(provider, delivered=False) == 204
    await board.until(provider.channel, "dead")
    await board.until(provider.channel, "sent", officer="tinh")


async def test_what_is_not_signed_or_signed_for_something_else_is_not_believed(board: Switchboard, provider: Provider):
    board.raise_alert()
    await board.until(provider.channel, "sent")
    headers, body = provider.tell(f"{board.url}/{provider.channel}", "m-1", True)
    forged = {name: value[:-3] + "AAA" for name, value in headers.items() if name != "Content-Type"}
    kind = {"Content-Type": headers.get("Content-Type", "application/json")}
    for wrong_headers, wrong_body in (
        ({}, body),
        (forged, body),
        (headers, body.replace(b"m-1", b"m-2")),
        (headers, b""),
        (headers, b"\xff\x00"),
    ):
        answer = await board.post(provider, kind | wrong_headers, wrong_body)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_refused")
    assert board.states()[provider.channel] == "sent"
    assert board.receipts.counts[provider.channel, "unsigned"] == 5


async def test_a_receipt_of_an_unknown_message_is_taken_and_changes_nothing(board: Switchboard, provider: Provider):
    board.raise_alert()
    await board.until(provider.channel, "sent")
    assert await board.tell(provider, "m-77", delivered=True) == 204
    assert board.states()[provider.channel] == "sent"
    assert board.receipts.counts[provider.channel, "unknown"] == 1


async def test_a_receipt_that_comes_before_the_answer_counts(board: Switchboard, provider: Provider):
    assert await board.tell(provider, "m-1", delivered=True) == 204
    board.raise_alert()
    await board.until(provider.channel, "delivered")


@pytest.mark.parametrize("tell", [timed_hmac, zalo])
async def test_an_old_receipt_is_a_replay(
    tell: Callable[..., Any], tmp_path: Path, https: HttpDouble, certificates: Certificates, secret_file: SecretFile
):
    provider = next(one for one in PROVIDERS if one.tell is tell)
    at = int(time.time()) - 400
    board = Switchboard(tmp_path, settings_of(provider, https, certificates, secret_file))
    async with board.run():
        answer = await board.post(provider, *tell("", "m-1", True, str(at * 1000 if tell is zalo else at)))
        assert answer.status_code == 401


async def test_a_channel_without_receipts_has_no_port(board: Switchboard, provider: Provider):
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(f"{board.url}/email", content=b"{}")).status_code == 404


async def test_below_critical_the_channel_that_stood_back_is_called_again(
    tmp_path: Path, https: HttpDouble, certificates: Certificates, secret_file: SecretFile
):
    provider = PROVIDERS[0]
    https.default = lambda request: Reply(body=b'{"id": "m-1"}' if request.path == "/send" else b'{"id": "v-1"}')
    sms = settings_of(provider, https, certificates, secret_file).sms
    voice = ProviderSettings(url=f"{https.url}/call", ca_file=certificates.ca_file, fields={"to": "{to}"})
    async with Switchboard(tmp_path, NotifySettings(sms=sms, voice=voice)).run() as board:
        db = board.open()
        page, now = "page-1", int(time.time() * 1000)
        db.execute("INSERT INTO notify_pages VALUES (?, 'lan', 0, ?)", (page, now))
        db.execute(
            "INSERT INTO notify_notes (position, officer, alert, kind, severity, ward, level, at_ms, page)"
            " VALUES (1, 'lan', 'a1', 'out_of_range', 'H', 'ward-000', 0, ?, ?)",
            (now, page),
        )
        for channel, at in (("sms", now), ("voice", now + 600_000)):
            db.execute(
                "INSERT INTO notify_deliveries (id, page, channel, address, state, next_ms)"
                " VALUES (?1, ?2, ?1, '+849000', 'queued', ?3)",
                (channel, page, at),
            )
        db.close()
        board.dispatcher.wake()
        await board.until("sms", "sent")
        await board.until("voice", "withdrawn")
        assert await board.tell(provider, delivered=False) == 204
        await board.until("voice", "sent")


def test_secrets_are_long_and_schemes_fit(tmp_path: Path, secret_file: SecretFile):
    values = {"id_field": "a", "state_field": "b", "delivered_values": ("x",), "failed_values": ("y",)}
    short = ReceiptSettings(secret_file=secret_file("short", "short"), **values)
    channel = ProviderSettings(url="https://sms.example", fields={}, id_field="id", receipts=short)
    with pytest.raises(ConfigError):
        build_receivers(NotifySettings(sms=channel))
    for wrong in ({"scheme": "twilio"}, {"failed_values": ("x",)}, {"delivered_values": ()}):
        with pytest.raises(ValueError, match="receipts"):
            ReceiptSettings(secret_file=tmp_path / "x", **(values | wrong))
    with pytest.raises(ValueError, match="receipts"):
        ProviderSettings(url="https://sms.example", fields={}, receipts=short)
