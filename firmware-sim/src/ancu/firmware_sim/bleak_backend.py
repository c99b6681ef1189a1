"""A bleak backend on Bumble's host stack: any HCI transport is the adapter, such as `tcp-client:127.0.0.1:6402`.

Found by the entry point `ancu.bleak_backends: virtual`. A part that uses bleak needs nothing else of this package:

    backend = entry_points(group="ancu.bleak_backends", name="virtual")["virtual"].load()
    scanner = BleakScanner(heard, backend=backend.scanner, **backend.scanner_kwargs(adapter, on_lost=lost))
    client = BleakClient(device, backend=backend.client, **backend.client_kwargs(adapter))

`start()` raises BleakError when the adapter cannot be opened within 5 s. When the transport is lost while scanning,
`on_lost` is called once in the event loop; nothing more is heard, `stop()` is then harmless, and `start()` of the same
or a new scanner opens the adapter afresh. A device's address is the one that was advertised: private addresses are not
resolved here. `service_data` is keyed by 128-bit UUID strings, as everywhere in bleak.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner

from ancu.firmware_sim.advert import Advert, read_advert
from ancu.firmware_sim.bleak_client import VirtualClient
from ancu.firmware_sim.hci_host import HciHost
from ancu.firmware_sim.reports import SCAN_RESPONSE, Report
from ancu.models.address import show_address

__all__ = ["BACKEND", "Backend", "VirtualAdapter", "VirtualScanner"]

_SEEN_AT_MOST = 4096  # private addresses rotate for ever; what bleak remembers of them must not grow with time


class Backend(NamedTuple):
    """What an entry point of `ancu.bleak_backends` gives."""

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]
    adapter: type[BaseBleakAdapter]

    def scanner_kwargs(self, adapter: str, *, on_lost: Callable[[], None] | None = None) -> dict[str, Any]:
        """Keywords for BleakScanner; `on_lost` is called once when the adapter goes while scanning."""
        return {"bluez": {"adapter": adapter}, "on_lost": on_lost}

    def client_kwargs(self, adapter: str) -> dict[str, Any]:
        """Keywords for BleakClient."""
        return {"bluez": {"adapter": adapter}}


class VirtualScanner(BaseBleakScanner):
    """Reports each advert once. The name in a scan response is known from the next advert on."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"],
        *,
        bluez: dict[str, Any],
        on_lost: Callable[[], None] | None = None,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"
        self._spec = str(bluez.get("adapter", ""))
        self._on_lost = on_lost
        self._host: HciHost | None = None
        self._names: dict[bytes, str] = {}

    async def start(self) -> None:
        if self._host is not None:
            await self.stop()
        self.seen_devices.clear()
        self._names.clear()
        host = await HciHost.acquire(self._spec)
        self._host = host
        try:
            host.listen(self._on_report, self._lost)
            await host.scan(self, active=self._active)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            host.unlisten(self._on_report, self._lost)
            try:
                await host.unscan(self)
            finally:
                await host.release()

    def _lost(self) -> None:
        if self._on_lost is not None:
            self._on_lost()

    def _on_report(self, report: Report) -> None:
        advert = read_advert(report.data)
        if report.properties & SCAN_RESPONSE:
            if advert.name is not None and len(self._names) < _SEEN_AT_MOST:
                self._names[report.address] = advert.name
            return
        if self.is_allowed_uuid(advert.service_uuids):
            self._tell(report, advert)

    def _tell(self, report: Report, advert: Advert) -> None:
        address = show_address(report.address)
        name = advert.name or self._names.get(report.address)
        data = AdvertisementData(
            name,
            advert.manufacturer_data,
            advert.service_data,
            advert.service_uuids,
            advert.tx_power,
            report.rssi_dbm,
            (report,),
        )
        if address not in self.seen_devices and len(self.seen_devices) >= _SEEN_AT_MOST:
            del self.seen_devices[next(iter(self.seen_devices))]
        self.call_detection_callbacks(self.create_or_update_device(address, address, name, report.random, data), data)


class VirtualAdapter(BaseBleakAdapter):
    """The adapter as bleak sees it; it can name the devices that this process is connected to."""

    def __init__(self, spec: str) -> None:
        self._spec = spec

    @classmethod
    async def get(cls, **kwargs: Any) -> VirtualAdapter:
        return cls(str(kwargs.get("bluez", {}).get("adapter", "")))

    async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
        return [
            BLEDevice(client.address, client.name, None)
            for client in VirtualClient.connected(self._spec)
            if client.services is not None and any(service.uuid in service_uuids for service in client.services)
        ]


BACKEND = Backend(VirtualScanner, VirtualClient, VirtualAdapter)
