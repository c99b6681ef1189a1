"""The simulation's configuration: sim.toml, and the secret file of its bands."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ancu.firmware_sim.flash import FlashFile, MemoryFlash
from ancu.firmware_sim.log import Flash
from ancu.firmware_sim.scenarios import Scenario, demo, load_scenario
from ancu.firmware_sim.world import BandSpec, HomeSpec
from ancu.models.config import Port, Settings, read_secret
from ancu.models.errors import ConfigError
from ancu.models.ids import OrderId
from ancu.models.keys import BAND_KEY_BYTES, derive_band_keys

__all__ = ["BandSecret", "HomeSettings", "Script", "SimSettings", "homes_of", "read_bands", "scenario_of"]


class HomeSettings(Settings, frozen=True):
    name: str
    hci_port: Port = 0  # of the home's adapter on 127.0.0.1; 0 takes a free one
    bands: tuple[int, ...] = ()  # numbers of the bands file
    gatt: bool = False  # bands can be connected to; costs a host stack each
    ordinary: tuple[int, ...] = ()  # numbers of heart-rate bands of the shop beside them


class Script(Settings, frozen=True):
    """What happens by itself."""

    name: Literal["demo"] | None = None
    file: Path | None = None  # a script of one's own, instead
    start_s: float = 20.0  # after the process started
    away_s: float = 40.0  # of the demo: how long home 3 stays out


class SimSettings(Settings, frozen=True):
    bands_file: Path  # 0600: [[bands]] number, key, order
    homes: tuple[HomeSettings, ...]
    seed: int = 1
    interval_s: float = 2.0  # between adverts of a band
    loss: float = 0.08  # share of adverts that the air swallows in range
    extended_every: int = 0  # frames to an advert of the extended profile; 0: none
    repeats_urgent: bool = True  # false: an alarm is sent once, to see that a benchmark tells
    link_kb_per_s: float = 0.0  # what all connections of a home carry together; 0: as much as they can
    crowding: bool = True  # adverts that start at the same time destroy each other
    truth_file: Path | None = None  # what really happened, JSON lines
    flash_file: Path | None = None  # the bands' flash; without it a restart forgets counters used in the last seconds
    update_key: Path | None = None  # Ed25519 public key, PEM, of whom bands take new firmware; from nobody without it
    control_port: Port | None = None  # loopback; 0 takes a free one
    control_file: Path | None = None  # port and token, 0600; given together with control_port
    script: Script | None = None


class BandSecret(Settings, frozen=True):
    number: int
    key: str  # hex, 16 bytes
    order: str
    home: str = ""


class _BandsFile(Settings, frozen=True):
    bands: tuple[BandSecret, ...]


def read_bands(path: Path) -> tuple[BandSecret, ...]:
    """Read the secret file of bands; raises ConfigError, which quotes no secret."""
    try:
        table = tomllib.loads(read_secret(path).decode("utf-8"))
        bands = msgspec.convert(table, _BandsFile).bands
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigError(f"{path}: not TOML") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from None
    for band in bands:
        if not _is_key(band.key):
            raise ConfigError(f"{path}: band {band.number}: key: expected {2 * BAND_KEY_BYTES} hex digits")
    return bands


def homes_of(settings: SimSettings, flash: FlashFile | None) -> tuple[HomeSpec, ...]:
    """The homes and their bands, with keys; raises ConfigError."""
    secrets = {band.number: band for band in read_bands(settings.bands_file)}
    update_key = None if settings.update_key is None else _read_update_key(settings.update_key)
    homes: list[HomeSpec] = []
    taken: set[int] = set()
    for home in settings.homes:
        bands: list[BandSpec] = []
        for number in home.bands:
            secret = secrets.get(number)
            if secret is None:
                raise ConfigError(f"home {home.name!r}: band {number} is not in {settings.bands_file}")
            if number in taken:
                raise ConfigError(f"home {home.name!r}: band {number} is in another home already")
            taken.add(number)
            page: Flash = MemoryFlash() if flash is None else flash.page(number)
            keys = derive_band_keys(bytes.fromhex(secret.key), OrderId(secret.order))
            bonds = None if flash is None else flash.bonds(number)
            bands.append(BandSpec(number, keys, page, bonds, update_key))
        homes.append(HomeSpec(home.name, tuple(bands), home.hci_port, home.gatt, home.ordinary))
    return tuple(homes)


def scenario_of(script: Script, first_bands: tuple[int, ...]) -> Scenario:
    """The script's steps, from the start of the process on; raises ConfigError."""
    if (script.name is None) == (script.file is None):
        raise ConfigError("script: give either name or file")
    if script.file is not None:
        return load_scenario(script.file).after(script.start_s)
    return demo(first_bands, start_s=script.start_s, away_s=script.away_s)


def _read_update_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not a public key ({error.__class__.__name__})") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path}: not an Ed25519 key")
    return key


def _is_key(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == BAND_KEY_BYTES
    except ValueError:
        return False
