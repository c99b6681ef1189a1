"""A radio by public `bleak`: BlueZ, or a backend that an installed part offers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.uuids import normalize_uuid_16

from ancu.edge.ports import Advert, Radio, RadioLost
from ancu.edge.vitals import HEART_SERVICE
from ancu.models.address import parse_address
from ancu.models.errors import ConfigError
from ancu.models.frame import SERVICE_UUID16
from ancu.models.link import LINK_SERVICE

__all__ = ["PROXIES", "BleakRadio", "load_backend", "open_radio"]

log = logging.getLogger(__name__)
PROXIES = "proxies"  # the backend that is ESP32 boards
GROUP = "ancu.bleak_backends"
_UUID = normalize_uuid_16(SERVICE_UUID16)
_LINKS = frozenset((LINK_SERVICE, HEART_SERVICE))


class BleakRadio(Radio):
    """Scans actively: passive scanning on BlueZ reports a band only when its payload changes, and lost most changes."""

    def __init__(self, backend: str, adapter: str) -> None:
        """Raises ConfigError for a backend that is not installed."""
        self._adapter = adapter
        self._backend = None if backend == "bluez" else load_backend(backend)
        self._scanner: BleakScanner | None = None

    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        def detected(device: BLEDevice, data: AdvertisementData) -> None:
            self.adverts += 1
            body = data.service_data.get(_UUID)
            offers = not _LINKS.isdisjoint(data.service_uuids)
            if body is None and self.foreign is None and not offers:
                return
            try:
                address = parse_address(device.address)
            except ValueError:
                return  # a platform that hides addresses; nothing can be resolved there
            if body is not None:
                hear(Advert(address, data.rssi, bytes(body)))
                return
            if offers and self.offered is not None:
                self.offered(address, device, data.rssi)
            if self.foreign is not None and LINK_SERVICE not in data.service_uuids:
                self.foreign(address, data.rssi)

        try:
            # A scanner of its own for each start: what an adapter that went away left behind goes with it.
            scanner = BleakScanner(detected, scanning_mode="active", **self._options(lost))
            self._scanner = scanner
            await scanner.start()
        except Exception as error:  # backends raise what their transports do; none of it may end the agent
            raise RadioLost(f"{error.__class__.__name__}: {error}") from error

    def _options(self, lost: Callable[[], None]) -> dict[str, Any]:
        if self._backend is None:
            return {"bluez": {"adapter": self._adapter} if self._adapter else {}}
        return {"backend": self._backend.scanner, **self._backend.scanner_kwargs(self._adapter, on_lost=lost)}

    async def stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is None:
            return
        try:
            await scanner.stop()
        except Exception as error:  # noqa: BLE001 - as above, and what cannot be stopped is given up
            log.debug("scan did not stop", extra={"error": str(error)})


def open_radio(backend: str, adapter: str, proxy_key_file: Path | None = None) -> Radio:
    """The radio that a configuration names; raises ConfigError for a backend that is not installed."""
    if backend == PROXIES:
        try:
            from ancu.edge.adapters.proxy_radio import ProxyRadio  # noqa: PLC0415 - few boxes have it installed
        except ImportError as error:
            raise ConfigError(f"radio.backend 'proxies' needs ancu-edge[site] ({error})") from None
        return ProxyRadio(adapter, proxy_key_file)
    if backend != "bluez":
        return BleakRadio(backend, adapter)
    from ancu.edge.adapters.bluez_radio import BluezRadio  # noqa: PLC0415 - D-Bus is there on Linux alone

    return BluezRadio(adapter)


def load_backend(name: str) -> Any:
    """What an entry point of `ancu.bleak_backends` gives; raises ConfigError."""
    for point in entry_points(group=GROUP, name=name):
        try:
            return point.load()
        except ImportError as error:
            raise ConfigError(f"radio.backend {name!r}: cannot be loaded ({error})") from None
    known = sorted({point.name for point in entry_points(group=GROUP)} | {"bluez", PROXIES})
    raise ConfigError(f"radio.backend {name!r}: not installed; there is {', '.join(known)}")
