"""Every channel against a double that speaks its protocol over a socket, well and badly."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ancu.models.clock import SystemClock
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_email import EmailNotifier
from ancu.server.adapters.notify_provider import ProviderNotifier
from ancu.server.adapters.notify_webhook import WebhookNotifier, verify
from ancu.server.adapters.notify_webpush import WebPushNotifier, make_key, open_sealed, public_text, unb64
from ancu.server.adapters.notify_zalo import ZaloNotifier
from ancu.server.notify.port import Message, Notifier, Receipt, Refused, State, Unreachable
from ancu.server.notify.settings import (
    EmailSettings,
    ProviderSettings,
    PushSettings,
    WebhookSettings,
    ZaloSettings,
)

from .conftest import Certificates, HttpDouble, Reply, Request, SmtpDouble

SecretFile = Callable[[str, str], Path]
CLOCK = SystemClock()
SECRET = "s" * 32
Try = Callable[[], object]


class Browser:
    """An officer's browser: its keys, and a push service that knows it."""

    def __init__(self, service: HttpDouble) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"
        self.endpoint = f"{service.url}/push/1234"

    @property
    def subscription(self) -> str:
        public = public_text(self.key)
        auth = base64.urlsafe_b64encode(self.auth).rstrip(b"=").decode()
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": {"p256dh": public, "auth": auth}})


class Channel:
    """A notifier over an HTTPS double, and an address that it takes."""

    def __init__(self, notifier: Notifier, address: str) -> None:
        self.notifier, self.address = notifier, address

    async def send(self, message: Message) -> Receipt:
        return await self.notifier.send(message, self.address)


def push_settings(certificates: Certificates, secret_file: SecretFile, **changes: object) -> PushSettings:
    values = {
        "key_file": secret_file("vapid.pem", make_key().decode()), "subject": "mailto:ops@ancu.example",
        "hosts": ("127.0.0.1",), "ca_file": certificates.ca_file, "timeout_s": 2.0,
    }  # fmt: skip
    return PushSettings(**(values | changes))


def sms_settings(https: HttpDouble, certificates: Certificates, secret_file: SecretFile, **changes: object):
    values = {
        "url": f"{https.url}/sms", "ca_file": certificates.ca_file, "timeout_s": 2.0,
        "secret_file": secret_file("sms", SECRET), "headers": {"Authorization": "Basic {secret64}"},
        "fields": {"to": "{to}", "content": "{text}", "ref": {"id": "{id}"}},
    }  # fmt: skip
    return ProviderSettings(**(values | changes))


@pytest.fixture(params=["push", "sms", "webhook", "zalo"])
async def channel(
    request: pytest.FixtureRequest, https: HttpDouble, certificates: Certificates, secret_file: SecretFile
) -> AsyncIterator[Channel]:
    ca = certificates.ca_file
    match request.param:
        case "push":
            made = Channel(
                WebPushNotifier(push_settings(certificates, secret_file), CLOCK), Browser(https).subscription
            )
        case "sms":
            made = Channel(ProviderNotifier(sms_settings(https, certificates, secret_file), CLOCK), "0900 000 001")
        case "webhook":
            hook = WebhookSettings(
                name="desk", url=f"{https.url}/hook", secret_file=secret_file("h", SECRET), ca_file=ca, timeout_s=2.0
            )
            made = Channel(WebhookNotifier((hook,), CLOCK), "desk")
        case _:
            tokens = {"refresh_token": "r0", "access_token": "a0", "expires_at": time.time() + 9999}
            made = Channel(ZaloNotifier(zalo_settings(https, certificates, secret_file, tokens), CLOCK), "4242")
            https.default = Reply(body=b'{"error":0,"message":"Success","data":{"message_id":"m1"}}')
    yield made
    await made.notifier.close()


def zalo_settings(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, tokens: dict[str, object]
) -> ZaloSettings:
    return ZaloSettings(
        app_id="77", secret_file=secret_file("zalo", SECRET), token_file=secret_file("tokens.json", json.dumps(tokens)),
        api=https.url, oauth=https.url, ca_file=certificates.ca_file, timeout_s=2.0,
    )  # fmt: skip


# --- what every HTTP channel does with every answer ---


async def test_what_is_taken_is_sent(channel: Channel, message: Message):
    assert (await channel.send(message)).state in (State.SENT, State.DELIVERED)


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429])
async def test_what_may_pass_is_retried(channel: Channel, https: HttpDouble, message: Message, status: int):
    https.replies = [Reply(status)]
    with pytest.raises(Unreachable):
        await channel.send(message)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 301])
async def test_what_will_not_pass_is_dead_at_once(channel: Channel, https: HttpDouble, message: Message, status: int):
    https.replies = [Reply(status, headers={"location": "https://elsewhere.example/"})]
    with pytest.raises(Refused):
        await channel.send(message)
    assert len(https.requests) == 1


async def test_too_many_says_when_to_come_again(channel: Channel, https: HttpDouble, message: Message):
    https.replies = [Reply(429, headers={"retry-after": "17"})]
    with pytest.raises(Unreachable) as trouble:
        await channel.send(message)
    assert trouble.value.retry_after_s == 17


async def test_when_to_come_again_may_be_a_date(channel: Channel, https: HttpDouble, message: Message):
    at = datetime.now(UTC) + timedelta(seconds=90)
    https.replies = [Reply(503, headers={"retry-after": format_datetime(at, usegmt=True)})]
    with pytest.raises(Unreachable) as trouble:
        await channel.send(message)
    assert trouble.value.retry_after_s == pytest.approx(90, abs=3)


@pytest.mark.parametrize("fault", ["reset", "silent", "slow", "garbage"])
async def test_a_line_that_breaks_is_tried_again(channel: Channel, https: HttpDouble, message: Message, fault: str):
    https.replies = [Reply(fault=fault, body=b"x" * 4000), Reply(fault=fault, body=b"x" * 4000)]
    began = time.monotonic()
    with pytest.raises(Unreachable):
        await channel.send(message)
    assert time.monotonic() - began < 12  # and not for ever


async def test_nobody_at_home_is_tried_again(channel: Channel, https: HttpDouble, message: Message):
    https.default = Reply(fault="reset")
    with pytest.raises(Unreachable):
        await channel.send(message)


async def test_nothing_of_a_message_is_in_an_error(channel: Channel, https: HttpDouble, message: Message):
    https.replies = [Reply(400, body=message.text.encode())]
    with pytest.raises(Refused) as trouble:
        await channel.send(message)
    assert "Hoa Sen" not in str(trouble.value)
    assert channel.address not in str(trouble.value)


async def test_a_server_that_nobody_vouches_for_gets_nothing(https: HttpDouble, message: Message, tmp_path: Path):
    secret = tmp_path / "h"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    hook = WebhookSettings(name="desk", url=https.url, secret_file=secret, timeout_s=2.0)
    notifier = WebhookNotifier((hook,), CLOCK)
    with pytest.raises(Unreachable):
        await notifier.send(message, "desk")
    assert https.requests == []
    await notifier.close()


# --- web push ---


async def test_a_push_opens_in_the_browser_and_its_word_is_signed(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    https.default = Reply(201, headers={"location": "https://push.example/m/1"})
    settings = push_settings(certificates, secret_file)
    notifier, browser = WebPushNotifier(settings, CLOCK), Browser(https)
    receipt = await notifier.send(message, browser.subscription)
    await notifier.close()
    request = https.requests[0]
    shown = json.loads(open_sealed(request.body, browser.key, browser.auth))
    assert shown["id"] == message.id
    assert shown["body"] == message.text
    assert receipt == Receipt(State.SENT, "https://push.example/m/1")
    assert (request.headers["ttl"], request.headers["urgency"]) == ("3600", "high")
    claims = check_vapid(request.headers["authorization"])
    assert claims["aud"] == https.url
    assert claims["sub"] == "mailto:ops@ancu.example"
    assert time.time() < claims["exp"] <= time.time() + 86_400


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_was_taken_back_is_gone(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message, status: int
):
    https.default = Reply(status)
    notifier = WebPushNotifier(push_settings(certificates, secret_file), CLOCK)
    with pytest.raises(Refused) as trouble:
        await notifier.send(message, Browser(https).subscription)
    assert trouble.value.gone
    await notifier.close()


async def test_a_subscription_cannot_name_a_machine_of_ours(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    settings = push_settings(certificates, secret_file, hosts=("push.apple.com",))
    notifier = WebPushNotifier(settings, CLOCK)
    with pytest.raises(Refused):
        await notifier.send(message, Browser(https).subscription)
    assert https.requests == []


def check_vapid(header: str) -> dict[str, object]:
    scheme, _, rest = header.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = parts["t"].split(".")
    raw = unb64(signature)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    assert scheme == "vapid"
    assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
    return json.loads(unb64(claims))


# --- SMS and voice ---


async def test_a_provider_is_asked_as_the_configuration_says(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    settings = sms_settings(
        https, certificates, secret_file, ok_field="code", ok_values=("100",), retry_values=("99",),
        id_field="data.sms", plain=True,
    )  # fmt: skip
    notifier = ProviderNotifier(settings, CLOCK)
    https.replies = [Reply(body=b'{"code":"100","data":{"sms":"x-1"}}')]
    assert await notifier.send(message, "+84 90 000-0001") == Receipt(State.SENT, "x-1")
    request = https.requests[0]
    said = json.loads(request.body)
    assert said["to"] == "+84900000001"
    assert said["content"].startswith("An Cu [Khan cap] Goi giup do (SOS), Phuong Hoa Sen.")
    assert said["ref"] == {"id": message.id}
    assert request.headers["authorization"] == "Basic " + base64.b64encode(SECRET.encode()).decode()
    assert request.headers["idempotency-key"] == message.id
    https.replies = [Reply(body=b'{"code":"99"}')]
    with pytest.raises(Unreachable):
        await notifier.send(message, "0900000001")
    https.replies = [Reply(body=b'{"code":"104"}')]
    with pytest.raises(Refused):
        await notifier.send(message, "0900000001")
    https.replies = [Reply(body=b"<html>sorry")]
    with pytest.raises(Unreachable):
        await notifier.send(message, "0900000001")
    await notifier.close()


async def test_a_provider_may_want_a_form_and_voice_reads_aloud(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    settings = sms_settings(
        https, certificates, secret_file, format="form", fields={"phone": "{to}", "say": "{text}", "key": "{secret}"}
    )
    notifier = ProviderNotifier(settings, CLOCK, "speech")
    await notifier.send(message, "0900000001")
    await notifier.close()
    assert parse_qs(https.requests[0].body.decode()) == {
        "phone": ["0900000001"], "say": ["Xin mở bảng trực."], "key": [SECRET],
    }  # fmt: skip


@pytest.mark.parametrize("address", ["lan", "0900000001\r\nX: y", "{secret}", ""])
async def test_what_is_no_number_is_refused(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message, address: str
):
    notifier = ProviderNotifier(sms_settings(https, certificates, secret_file), CLOCK)
    with pytest.raises(Refused):
        await notifier.send(message, address)
    assert https.requests == []


# --- webhook ---


async def test_a_webhook_is_signed_and_cannot_be_replayed_or_changed(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    hook = WebhookSettings(
        name="desk", url=https.url, secret_file=secret_file("h", SECRET), ca_file=certificates.ca_file
    )
    notifier = WebhookNotifier((hook,), CLOCK)
    assert (await notifier.send(message, "desk")).state is State.DELIVERED
    await notifier.send(message, "desk")
    await notifier.close()
    first, second = https.requests
    now = time.time()
    assert verify(SECRET.encode(), first.headers, first.body, now)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == message.id
    assert not verify(SECRET.encode(), first.headers, first.body, now + 301)
    assert not verify(SECRET.encode(), first.headers, first.body + b" ", now)
    assert not verify(SECRET.encode(), first.headers | {"webhook-id": "other"}, first.body, now)
    assert not verify(b"t" * 32, first.headers, first.body, now)
    said = json.loads(first.body)
    assert said["type"] == "alert.page"
    assert said["alerts"][0] == {
        "alert": "abcd", "kind": "sos", "severity": "C", "ward": "w1", "level": 0, "at": "2026-03-02T05:00:00Z",
        "url": "https://ancu.example/alerts/abcd",
    }  # fmt: skip


# --- Zalo ---


def zalo_double(double: HttpDouble) -> dict[str, str]:
    """Zalo as far as we use it: one live access token, refresh tokens that serve once."""
    live = {"access": "a0", "refresh": "r0"}
    ok = {"error": 0, "message": "Success", "data": {"message_id": "m-9", "user_id": "4242"}}

    def answer(request: Request) -> Reply:
        if request.path == "/v4/oa/access_token":
            form = parse_qs(request.body.decode())
            if request.headers["secret_key"] != SECRET or form["refresh_token"] != [live["refresh"]]:
                return Reply(body=b'{"error":-14014,"error_name":"Invalid refresh token"}')
            live["refresh"] += "x"
            live["access"] += "x"
            said = {"access_token": live["access"], "refresh_token": live["refresh"], "expires_in": "90000"}
            return Reply(body=json.dumps(said).encode())
        assert request.path == "/v3.0/oa/message/cs"
        if request.headers["access_token"] != live["access"]:
            return Reply(body=b'{"error":-216,"message":"Access token is invalid"}')
        if json.loads(request.body)["recipient"] != {"user_id": "4242"}:
            return Reply(body=b'{"error":-213,"message":"User has not followed"}')
        return Reply(body=json.dumps(ok).encode())

    double.default = answer
    return live


async def test_zalo_renews_its_token_and_keeps_the_new_one(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    live = zalo_double(https)
    settings = zalo_settings(https, certificates, secret_file, {"refresh_token": "r0"})
    notifier = ZaloNotifier(settings, CLOCK)
    assert await notifier.send(message, "4242") == Receipt(State.SENT, "m-9")
    kept = json.loads(settings.token_file.read_text())
    assert (kept["access_token"], kept["refresh_token"]) == (live["access"], live["refresh"])
    assert settings.token_file.stat().st_mode & 0o777 == 0o600
    live["access"] = "revoked elsewhere"
    assert (await notifier.send(message, "4242")).reference == "m-9"
    with pytest.raises(Refused):
        await notifier.send(message, "999")
    await notifier.close()
    again = ZaloNotifier(settings, CLOCK)
    assert (await again.send(message, "4242")).reference == "m-9"
    await again.close()


async def test_zalo_without_a_good_refresh_token_is_refused_and_the_file_stays(
    https: HttpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    zalo_double(https)
    settings = zalo_settings(https, certificates, secret_file, {"refresh_token": "stale"})
    notifier = ZaloNotifier(settings, CLOCK)
    with pytest.raises(Refused):
        await notifier.send(message, "4242")
    assert json.loads(settings.token_file.read_text()) == {"refresh_token": "stale"}
    await notifier.close()


# --- e-mail ---


def email_settings(smtp: SmtpDouble, certificates: Certificates, **changes: object) -> EmailSettings:
    values = {
        "host": "127.0.0.1", "port": smtp.port, "sender": "An Cư <ancu@ancu.example>", "timeout_s": 2.0,
        "ca_file": certificates.ca_file,
    }  # fmt: skip
    return EmailSettings(**(values | changes))


async def test_a_mail_arrives_over_tls_with_a_stable_id(
    smtp: SmtpDouble, certificates: Certificates, secret_file: SecretFile, message: Message
):
    settings = email_settings(smtp, certificates, user="ancu", password_file=secret_file("mail", "password\n"))
    await EmailNotifier(settings, CLOCK).send(message, "lan@ancu.example")
    mail = email.message_from_bytes(smtp.mails[0], policy=email.policy.default)
    assert smtp.secured == 1
    assert mail["message-id"] == "<msg-0001@ancu.example>"
    assert mail["to"] == "lan@ancu.example"
    assert mail["subject"] == message.subject
    assert mail.get_content().strip() == message.text
    assert base64.b64decode(smtp.logins[0]).decode() == "\0ancu\0password"


async def test_a_mail_server_may_begin_with_tls(certificates: Certificates, message: Message):
    async with SmtpDouble(certificates.server_context()).serve(implicit_tls=True) as smtp:
        await EmailNotifier(email_settings(smtp, certificates, security="tls"), CLOCK).send(message, "l@ancu.example")
        assert len(smtp.mails) == 1


@pytest.mark.parametrize(
    ("verb", "answer", "trouble"),
    [
        ("RCPT", "550 no such user", Refused),
        ("RCPT", "451 greylisted", Unreachable),
        ("MAIL", "552 too much", Refused),
        ("MAIL", "421 shutting down", Unreachable),
        ("END", "554 spam", Refused),
        ("END", "452 full", Unreachable),
        ("END", "reset", Unreachable),
        ("DATA", "reset", Unreachable),
        ("STARTTLS", "454 not now", Unreachable),
        ("GREETING", "554 go away", Refused),
        ("GREETING", "silent", Unreachable),
        ("RCPT", "silent", Unreachable),
        ("EHLO", "garbage", Unreachable),
    ],
)
async def test_a_mail_server_that_says_no(  # noqa: PLR0917
    smtp: SmtpDouble, certificates: Certificates, message: Message, verb: str, answer: str, trouble: type[Exception]
):
    smtp.answers[verb] = answer
    began = time.monotonic()
    with pytest.raises(trouble):
        await EmailNotifier(email_settings(smtp, certificates), CLOCK).send(message, "lan@ancu.example")
    assert time.monotonic() - began < 12  # and not for ever


async def test_a_mail_server_without_a_known_certificate_gets_nothing(smtp: SmtpDouble, message: Message):
    settings = EmailSettings(host="127.0.0.1", port=smtp.port, sender="ancu@ancu.example", timeout_s=2.0)
    with pytest.raises(Unreachable):
        await EmailNotifier(settings, CLOCK).send(message, "lan@ancu.example")
    assert smtp.mails == []


@pytest.mark.parametrize("address", ["lan", "a@b.c, d@e.f", "a@b.c\r\nRCPT TO:<x@y.z>"])
async def test_what_is_no_mail_address_is_refused(
    smtp: SmtpDouble, certificates: Certificates, message: Message, address: str
):
    with pytest.raises(Refused):
        await EmailNotifier(email_settings(smtp, certificates), CLOCK).send(message, address)
    assert smtp.recipients == []


async def test_nobody_listens(certificates: Certificates, message: Message):
    async with SmtpDouble(certificates.server_context()).serve() as smtp:
        settings = email_settings(smtp, certificates)
    with pytest.raises(Unreachable):
        await EmailNotifier(settings, CLOCK).send(message, "lan@ancu.example")


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path):
    secret = tmp_path / "h"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    with pytest.raises(ConfigError):
        WebhookNotifier((WebhookSettings(name="d", url="https://x.example/", secret_file=secret),), CLOCK)
