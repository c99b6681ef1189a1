"""server.toml: every key of the server process."""

from __future__ import annotations

from pathlib import Path

from ancu.models.config import Host, Port, Settings
from ancu.models.mqtt import BrokerSettings
from ancu.server.history.settings import ChallengeSettings
from ancu.server.notify.settings import NotifySettings
from ancu.server.web.settings import WebSettings

__all__ = ["ServerSettings"]


class ServerSettings(Settings, frozen=True, kw_only=True):
    """Relative paths are relative to the file's folder."""

    data: Path
    """The folder of the register, the inbox, the journals, the series and the master key."""
    host: Host = "127.0.0.1"
    port: Port = 8080
    policy: str = "default"
    """'default', 'demo', or the path of a policy file."""
    policy_overrides: tuple[Path, ...] = ()
    """Files that change numbers of the policy for some wards or provinces."""
    broker: BrokerSettings
    web: WebSettings = WebSettings()
    notify: NotifySettings = NotifySettings()
    challenges: ChallengeSettings = ChallengeSettings()
    log_level: str = "info"

    @property
    def database(self) -> Path:
        return self.data / "ancu.db"

    @property
    def series(self) -> Path:
        return self.data / "series.duckdb"
