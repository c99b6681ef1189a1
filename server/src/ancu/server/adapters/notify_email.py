"""E-mail by SMTP, in a thread of its own: the standard library's client waits."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime

from ancu.models.clock import Clock
from ancu.models.config import read_secret
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_http import tls
from ancu.server.notify.port import Message, Notifier, Receipt, Refused, Unreachable
from ancu.server.notify.settings import EmailSettings

__all__ = ["EmailNotifier"]

_AT_ONCE = 4
_GOOD_NAME = "ancu"  # in HELO: the machine's own name is nobody's business


class EmailNotifier(Notifier):
    """A connection a message: an alert is rare, and a connection that was kept is one more thing that is dead."""

    def __init__(self, settings: EmailSettings, clock: Clock) -> None:
        """Raises ConfigError."""
        self._settings, self._clock = settings, clock
        self._tls = tls(settings.ca_file)
        self._password = ""
        if settings.password_file is not None:
            secret = read_secret(settings.password_file)
            if not secret.isascii():
                raise ConfigError(f"{settings.password_file}: a mail password is ASCII")  # smtplib sends no other
            self._password = secret.decode("ascii").rstrip("\r\n")
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def send(self, message: Message, address: str) -> Receipt:
        if "@" not in address or any(c in address for c in "\r\n,;<> "):
            raise Refused("not an address")
        mail = self._compose(message, address)
        async with self._gate:
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    await _in_thread(lambda: self._deliver(mail, address))
            except TimeoutError:
                raise Unreachable("timeout") from None
        return Receipt()

    async def close(self) -> None:
        pass

    def _compose(self, message: Message, address: str) -> EmailMessage:
        domain = self._settings.sender.rpartition("@")[2].rstrip(">") or "localhost"
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self._settings.sender
        mail["To"] = address
        mail["Date"] = format_datetime(message.made_at)
        mail["Message-ID"] = f"<{message.id}@{domain}>"  # the same at every try: a repeat is one mail to most readers
        mail["Auto-Submitted"] = "auto-generated"
        if message.urgent:
            mail["Importance"] = "high"
        mail.set_content(message.text)
        return mail

    def _deliver(self, mail: EmailMessage, address: str) -> None:
        """Blocks. Raises Refused, Unreachable."""
        try:
            with self._connect() as client:
                if self._settings.security == "starttls":
                    client.starttls(context=self._tls)
                if self._settings.user:
                    client.login(self._settings.user, self._password)
                client.send_message(mail, to_addrs=[address])
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            raise _judge(code) from None
        except smtplib.SMTPResponseException as error:
            raise _judge(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise Unreachable("server lacks a feature") from None  # or someone on the way took it out
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise Unreachable("timeout" if isinstance(error, TimeoutError) else error.__class__.__name__) from None

    def _connect(self) -> smtplib.SMTP:
        host, port, wait = self._settings.host, self._settings.port, self._settings.timeout_s
        if self._settings.security == "tls":
            context: ssl.SSLContext = self._tls
            return smtplib.SMTP_SSL(host, port, _GOOD_NAME, timeout=wait, context=context)
        return smtplib.SMTP(host, port, _GOOD_NAME, timeout=wait)


def _judge(code: int) -> Refused | Unreachable:
    """5xx is for good, 4xx and silence (-1) are not."""
    return Refused(f"smtp {code}") if 500 <= code < 600 else Unreachable(f"smtp {code}")


async def _in_thread(work: Callable[[], None]) -> None:
    """Run in a daemon thread: a server that hangs must not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if not done.done():
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def run() -> None:
        failed: BaseException | None = None
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised on the loop
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(finish, failed)

    threading.Thread(target=run, name="mail", daemon=True).start()
    await done
