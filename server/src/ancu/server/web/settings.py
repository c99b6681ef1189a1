"""The pages' part of the server's configuration."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ancu.models.config import Settings
from ancu.server.web.oidc import OidcSettings

__all__ = ["WebSettings"]


class WebSettings(Settings, frozen=True, kw_only=True):
    """`[web]` in server.toml. Every key has a default that suits one machine."""

    origin: str = ""
    """The address that people type, like https://ancu.example.vn; empty: only loopback names, over plain http."""
    idle_s: int = 15 * 60  # an officer's session without a touch
    session_s: int = 12 * 3600  # an officer's session at most: one long shift
    citizen_session_s: int = 30 * 86_400  # a person's own page; never past the end of the order
    body_bytes: int = 512 * 1024  # of a request: a file of a thousand orders, in UTF-16
    streams: int = 256  # open event streams; each holds a socket and little else
    streams_each: int = 8  # of one person: tabs and a phone
    beat_s: float = 2.0  # between two signs of life on a stream: a page says within 5 s that they stopped
    oidc: OidcSettings | None = None
    """The province's identity provider, where it has one."""
    map: Path | None = None
    """A PMTiles file, version 3, vector or raster, for the ward's map; without it a ward is a list."""
    forwarded_by: tuple[str, ...] = ()
    """Addresses of proxies whose X-Forwarded-For is believed; else failed sign-ins count against the proxy itself."""

    @property
    def secure(self) -> bool:
        """Whether people come by https, if need be through a proxy that ends TLS."""
        return self.origin.startswith("https://")

    @property
    def idle(self) -> timedelta:
        return timedelta(seconds=self.idle_s)
