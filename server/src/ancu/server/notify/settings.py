"""`[notify]` in server.toml: which channels exist and how they are spoken. Secrets are files of mode 0600."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from ancu.models.config import Settings
from ancu.server.ports import Severity

__all__ = [
    "EmailSettings",
    "NotifySettings",
    "ProviderSettings",
    "PushSettings",
    "ReceiptSettings",
    "WebhookSettings",
    "ZaloSettings",
    "is_loopback",
]

_ALL = tuple(Severity)
_PUSH_HOSTS = (  # a subscription comes from a browser: without a list it could name any machine inside the house
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "notify.windows.com",
    "push.apple.com",
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Channel(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of every channel."""

    severities: tuple[Severity, ...] = _ALL
    """What it carries."""
    timeout_s: float = 10.0
    """Of one try, from connecting to the last byte of the answer."""
    ca_file: Path | None = None
    """Certificates to believe in place of the system's."""

    def __post_init__(self) -> None:
        if not 0 < self.timeout_s <= 120:
            raise ValueError("timeout_s: within 0..120 s")


class PushSettings(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Web push to the browsers of officers who allowed it."""

    key_file: Path
    """The VAPID key, PEM, mode 0600; `ancu notify key` makes one."""
    subject: str
    """Whom a push service may write to: mailto:... or https://..."""
    hosts: tuple[str, ...] = _PUSH_HOSTS
    """Push services that a subscription may name; their subdomains too. Others are refused."""
    ttl_s: int = 3600
    """How long a push service keeps a message for a browser that is away."""


class EmailSettings(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str
    user: str = ""
    password_file: Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.user and self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("email: a password never travels without TLS")
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("email: user and password_file come together")


class ReceiptSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Receipts that a provider posts to /callbacks/sms or /callbacks/voice. What is not signed is not believed."""

    secret_file: Path
    """At least 16 bytes; shared with the provider."""
    scheme: Literal["hmac", "standard", "twilio"] = "hmac"
    """hmac: HMAC-SHA-256 of the body in `header`, as hex or base64, perhaps after 'sha256='; standard: Standard
    Webhooks; twilio: X-Twilio-Signature."""
    header: str = "x-signature"
    timestamp_header: str = ""
    """With hmac: unix seconds that are signed before the body, '<seconds>.<body>'; five minutes old is too old."""
    format: Literal["json", "form"] = "json"
    items_field: str = ""
    """Where a JSON body holds a list of receipts; empty: it is one."""
    id_field: str
    """What `id_field` of the channel called the message."""
    state_field: str
    delivered_values: tuple[str, ...]
    failed_values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.delivered_values or set(self.delivered_values) & set(self.failed_values):
            raise ValueError("receipts: delivered_values and failed_values name different states")
        if self.scheme == "twilio" and (self.format != "form" or self.header.lower() != "x-twilio-signature"):
            raise ValueError("receipts: twilio signs forms, in the header X-Twilio-Signature")


class ProviderSettings(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider of SMS or voice calls over HTTP. Values of `headers` and `fields` may hold placeholders:

    {to} the number, {text} the words, {id} the delivery's id, {secret} and {secret64} what `secret_file` holds.
    """

    url: str
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    secret_file: Path | None = None
    format: Literal["json", "form"] = "json"
    fields: dict[str, Any]
    """The body; tables and lists inside are kept in JSON."""
    plain: bool = False
    """Vietnamese without its marks."""
    text_max: int = 480
    """Characters; what is longer is cut."""
    ok_field: str = ""
    """Where a JSON answer says how it went, like 'data.status'; empty: the HTTP status alone says it."""
    ok_values: tuple[str, ...] = ()
    retry_values: tuple[str, ...] = ()
    """Values of `ok_field` that mean 'not now'; any other refuses the message."""
    id_field: str = ""
    """Where the answer holds the provider's own id."""
    receipts: ReceiptSettings | None = None
    """How the provider tells later what became of a message."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_url(self.url)
        if bool(self.ok_field) != bool(self.ok_values):
            raise ValueError("ok_field and ok_values come together")
        if self.receipts is not None and not self.id_field:
            raise ValueError("receipts need id_field: how would a receipt name its message?")


class ZaloSettings(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Zalo official account. Its refresh token serves once, so the token file is written anew at each refresh."""

    app_id: str
    secret_file: Path
    """The application's secret key."""
    token_file: Path
    """JSON, mode 0600: {"refresh_token": "..."} to begin with."""
    webhook_secret_file: Path | None = None
    """The secret of the official account's webhook, at /callbacks/zalo; without it receipts are not taken."""
    api: str = "https://openapi.zalo.me"
    oauth: str = "https://oauth.zaloapp.com"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_url(self.api)
        _check_url(self.oauth)


class WebhookSettings(Channel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another system that hears of every page, signed."""

    name: str
    url: str
    secret_file: Path
    """At least 24 bytes; shared with the receiver."""
    wards: tuple[str, ...] = ()
    """Empty: all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_url(self.url)


class NotifySettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel exists when its table does."""

    link: str = ""
    """The console's address in messages, like https://ancu.example.vn."""
    language: Literal["vi", "en"] = "vi"
    pause_s: int = 600
    """Between two pages under C to one officer; what comes meanwhile is in the next one."""
    patience_s: int = 60
    """With one channel, for what is under C, before the next one is tried too."""
    order: tuple[str, ...] = ("push", "zalo", "sms", "email", "voice")
    """In which channels are tried for what is under C."""
    persons: tuple[Literal["sms", "voice"], ...] = ("sms",)
    """Channels that tell people under order of a check-in, at their own telephone; only those that are configured."""
    retry_first_s: float = 2.0
    retry_cap_s: float = 60.0
    give_up_s: float = 4 * 3600.0
    push: PushSettings | None = None
    email: EmailSettings | None = None
    sms: ProviderSettings | None = None
    voice: ProviderSettings | None = None
    zalo: ZaloSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.order) - {"push", "zalo", "sms", "email", "voice"}
        if unknown:
            raise ValueError(f"notify.order: no channel {', '.join(sorted(unknown))}")
        names = [hook.name for hook in self.webhooks]
        if len(set(names)) != len(names):
            raise ValueError("notify.webhooks: a name stands twice")

    @property
    def channels(self) -> dict[str, Channel]:
        """Those that reach officers, in the order in which they are tried."""
        tables: dict[str, Channel | None] = {
            "push": self.push, "zalo": self.zalo, "sms": self.sms, "email": self.email, "voice": self.voice,
        }  # fmt: skip
        names = [*self.order, *(name for name in tables if name not in self.order)]
        return {name: table for name in names if (table := tables[name]) is not None}


def is_loopback(host: str | None) -> bool:
    return host in _LOOPBACK


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query:
        raise ValueError("a URL holds no user, password or query: secrets go into headers or the body")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError(f"{parts.scheme}://{parts.hostname}: use https")
