"""The edge's configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ancu.models.address import parse_address
from ancu.models.config import Settings, load, read_secret
from ancu.models.errors import ConfigError, UsageError
from ancu.models.ids import BandNumber, EdgeId, WardCode, check_id
from ancu.models.keys import EDGE_KEY_BYTES, EdgeKeys, derive_edge_keys
from ancu.models.mqtt import BrokerSettings

__all__ = [
    "BandsWatch",
    "EdgeSettings",
    "JournalSettings",
    "OrdinaryBand",
    "RadioSettings",
    "read_bands",
    "read_edge",
    "read_edge_keys",
]

IDENTITY_KEY_BYTES = 16


class OrdinaryBand(Settings, frozen=True):
    """A heart-rate band of the shop, as a reduced profile: no key, no tamper, no history."""

    number: int
    address: str  # public or static; one that rotates cannot be told again


class RadioSettings(Settings, frozen=True):
    """The Bluetooth adapter, and when to speak."""

    backend: str = "bluez"  # or the name of an entry point of the group ancu.bleak_backends
    adapter: str = ""  # hci0 and the like; virtual: where its controller listens; proxies: hosts, spaces between
    proxy_key_file: Path | None = None  # proxies: ESPHome's API key (base64), mode 0600
    report_s: float = 10.0  # one frame of each band is forwarded in so long; urgent ones at once
    unseen_s: float = 16.0  # without a new frame, the scan is restarted, and the absence stated
    stall_s: float = 30.0  # without an advert of any device, the scan is restarted
    visit_s: float = 600.0  # a band is connected to for its history and clock so often; 0: never
    extended: bool = True  # pass on what bands say in extended adverts, where the adapter hears such (BlueZ 5.76)
    update_file: Path | None = None  # signed firmware that this home's bands are to run
    slots: int = 3  # connections at once; Linux adapters have five
    ordinary: tuple[OrdinaryBand, ...] = ()  # ordinary heart-rate bands of this home
    vitals_s: float = 60.0  # an ordinary band is connected to and listened to so often

    @property
    def ordinary_bands(self) -> dict[bytes, BandNumber]:
        """By address, once `read_edge` has checked them."""
        return {parse_address(band.address): BandNumber(band.number) for band in self.ordinary}


class JournalSettings(Settings, frozen=True):
    """What is kept while the server cannot be reached."""

    cap_records: int = 200_000  # 20 MiB; about eleven days of one band


class EdgeSettings(Settings, frozen=True):
    """edge.toml"""

    edge: str
    ward: str
    data: Path  # folder for the journal and the client id
    key_file: Path  # the edge's own key in hex, mode 0600
    broker: BrokerSettings
    bands_file: Path | None = None  # identity keys of the home's bands, mode 0600; read again when it changes
    radio: RadioSettings | None = None
    camera: dict[str, Any] | None = None  # see the camera's own settings; needs ancu-edge[camera]
    journal: JournalSettings = JournalSettings()
    heartbeat_s: float = 10.0

    @property
    def edge_id(self) -> EdgeId:
        return EdgeId(self.edge)

    @property
    def ward_code(self) -> WardCode:
        return WardCode(self.ward)


class _Band(Settings, frozen=True):
    number: int
    identity_key: str


class _BandsFile(Settings, frozen=True):
    bands: tuple[_Band, ...] = ()


def read_edge(path: Path) -> EdgeSettings:
    """Read and check edge.toml; raises ConfigError."""
    settings = load(path, EdgeSettings)
    try:
        check_id("edge", settings.edge)
        check_id("ward", settings.ward)
    except UsageError as error:
        raise ConfigError(f"{path}: {error}") from None
    if settings.radio is None and settings.camera is None:
        raise ConfigError(f"{path}: an edge needs a [radio], a [camera] or both")
    if settings.radio is not None and settings.bands_file is None:
        raise ConfigError(f"{path}: a [radio] needs a bands_file")
    numbers = {"heartbeat_s": settings.heartbeat_s, "journal.cap_records": settings.journal.cap_records}
    if settings.radio is not None:
        radio = settings.radio
        numbers |= {"radio.report_s": radio.report_s, "radio.unseen_s": radio.unseen_s, "radio.stall_s": radio.stall_s}
        numbers |= {"radio.slots": radio.slots, "radio.vitals_s": radio.vitals_s}
        _check_ordinary(path, radio)
        if radio.backend == "proxies" and radio.visit_s > 0:
            raise ConfigError(f"{path}: radio.visit_s must be 0 with proxies: no connections are made through them")
    for name, number in numbers.items():
        if not number > 0:
            raise ConfigError(f"{path}: {name} must be greater than 0")
    return settings


def _check_ordinary(path: Path, radio: RadioSettings) -> None:
    try:
        known = radio.ordinary_bands
    except ValueError:
        raise ConfigError(f"{path}: radio.ordinary: not an address") from None
    if len(known) != len(radio.ordinary) or len(set(known.values())) != len(known):
        raise ConfigError(f"{path}: radio.ordinary: a band is there twice")
    if known and radio.visit_s <= 0:
        raise ConfigError(f"{path}: radio.ordinary needs radio.visit_s greater than 0")
    if not all(0 < number < 2**32 for number in known.values()):
        raise ConfigError(f"{path}: radio.ordinary: a number is out of range")


def read_edge_keys(path: Path) -> EdgeKeys:
    """The edge's keys from its key file; raises ConfigError."""
    return derive_edge_keys(_hex(path, "the edge's key", read_secret(path).decode("ascii", "replace"), EDGE_KEY_BYTES))


class BandsWatch:
    """A bands file that may change while the edge runs: an order ends, a band is handed on."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError if it cannot be read now."""
        self._path = path
        self._stamp = self._look()
        self.bands = read_bands(path)

    def changed(self) -> bool:
        """Whether `bands` is new; raises ConfigError, once, for a change that cannot be read."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.bands = read_bands(self._path)
        return True

    def _look(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino


def read_bands(path: Path) -> dict[BandNumber, bytes]:
    """Identity keys by band number; raises ConfigError."""
    read_secret(path)
    bands: dict[BandNumber, bytes] = {}
    for band in load(path, _BandsFile).bands:
        if not 1 <= band.number < 2**32 or band.number in bands:
            raise ConfigError(f"{path}: band number {band.number} is out of range or there twice")
        bands[BandNumber(band.number)] = _hex(path, f"band {band.number}", band.identity_key, IDENTITY_KEY_BYTES)
    return bands


def _hex(path: Path, what: str, text: str, length: int) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != length:
        raise ConfigError(f"{path}: {what}: expected {length} bytes in hex")
    return key
