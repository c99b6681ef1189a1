"""Doubles that speak the real protocols over sockets: HTTPS and SMTP servers that can be told how to fail."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ancu.server.notify.port import Item, Message
from ancu.server.ports import Severity

AT = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Certificates:
    """One authority and one certificate for this machine."""

    ca_file: Path
    cert_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)

    def certificate(name: str, public: object, *, ca: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        )
        if not ca:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(ca_key, hashes.SHA256())

    pem = serialization.Encoding.PEM
    made = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    made.ca_file.write_bytes(certificate("test authority", ca_key.public_key(), ca=True).public_bytes(pem))
    made.cert_file.write_bytes(certificate("localhost", key.public_key(), ca=False).public_bytes(pem))
    made.key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return made


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """`fault`: 'reset' cuts the line, 'silent' never answers, 'slow' answers byte by byte, 'garbage' speaks no HTTP."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""


class HttpDouble:
    """An HTTP/1.1 server on a free port; `replies` are used up one by one, then `default` holds."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.default: Reply | Callable[[Request], Reply] = Reply()
        self.url = ""

    @contextlib.asynccontextmanager
    async def serve(self, tls: ssl.SSLContext | None) -> AsyncIterator[HttpDouble]:
        tasks: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                    while await self._one(reader, writer):
                        pass
            finally:
                tasks.discard(task)
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        try:
            yield self
        finally:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0.01)  # transports close on a later turn of the loop

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(method, path, headers, body)
        self.requests.append(request)
        reply = self.replies.pop(0) if self.replies else self.default
        if callable(reply):
            reply = reply(request)
        match reply.fault:
            case "reset":
                writer.transport.abort()
                return False
            case "silent":
                await asyncio.sleep(30)
            case "garbage":
                writer.write(b"\x00\x01 this is not HTTP\r\n\r\n")
                await writer.drain()
                return False
        lines = [f"HTTP/1.1 {reply.status} Status", f"content-length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        raw = "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body
        if reply.fault == "slow":
            for i in range(len(raw)):
                writer.write(raw[i : i + 1])
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.write(raw)
        await writer.drain()
        return True


@pytest.fixture
async def https(certificates: Certificates) -> AsyncIterator[HttpDouble]:
    async with HttpDouble().serve(certificates.server_context()) as double:
        yield double


class SmtpDouble:
    """A small SMTP server: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA. `answers` says what a verb gets instead."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.logins: list[str] = []
        self.answers: dict[str, str] = {}  # verb -> '550 no', or 'reset', 'silent'
        self.secured = 0
        self.port = 0

    @contextlib.asynccontextmanager
    async def serve(self, *, implicit_tls: bool = False) -> AsyncIterator[SmtpDouble]:
        tasks: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            line = writer.transport
            try:
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                    await self._talk(reader, writer)
            finally:
                tasks.discard(task)
                writer.close()
                line.abort()  # under TLS the writer's own transport is another one

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=self._tls if implicit_tls else None)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0.01)  # transports close on a later turn of the loop

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: C901, PLR0912 - one case a verb
        async def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        if (greeting := self.answers.get("GREETING", "220 double")) == "silent":
            await asyncio.sleep(30)
        await say(greeting)
        while line := (await reader.readline()).decode("latin-1").strip():
            verb = line.split(" ")[0].upper()
            answer = self.answers.get(verb, "")
            if answer == "reset":
                writer.transport.abort()
                return
            if answer == "silent":
                await asyncio.sleep(30)
            if answer:
                await say(answer)
                continue
            match verb:
                case "EHLO":
                    await say("250-double\r\n250-STARTTLS\r\n250 AUTH PLAIN")
                case "STARTTLS":
                    await say("220 go")
                    await writer.start_tls(self._tls)
                    self.secured += 1
                case "AUTH":
                    self.logins.append(line.split(" ")[-1])
                    await say("235 welcome")
                case "RCPT":
                    self.recipients.append(line)
                    await say("250 ok")
                case "DATA":
                    await say("354 go on")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append(body[:-5])
                    if self.answers.get("END") == "reset":  # taken, but nobody hears of it
                        writer.transport.abort()
                        return
                    await say(self.answers.get("END", "250 queued"))
                case "QUIT":
                    await say("221 bye")
                    return
                case _:
                    await say("250 ok")


@pytest.fixture
async def smtp(certificates: Certificates) -> AsyncIterator[SmtpDouble]:
    async with SmtpDouble(certificates.server_context()).serve() as double:
        yield double


@pytest.fixture
def secret_file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def message() -> Message:
    url = "https://ancu.example/alerts/abcd"
    item = Item("abcd", "sos", Severity.CRITICAL, "w1", 0, AT, url)
    text = f"An Cư [Khẩn cấp] Gọi giúp đỡ (SOS), Phường Hoa Sen. Mã abcd. {url}"
    return Message("msg-0001", AT, True, "An Cư [Khẩn cấp]", text, "Xin mở bảng trực.", url, (item,))
