"""One HCI controller as this process's host sees it, shared by its scanners and clients, closed after the last."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar
from weakref import WeakKeyDictionary

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from bumble.transport.common import Transport, TransportSpecError

from ancu.firmware_sim.bonds import Bonds
from ancu.firmware_sim.quiet import quieten
from ancu.firmware_sim.reports import Report, decode_reports
from ancu.models.address import show_address

__all__ = ["HciHost", "read_spec"]

_OPEN_S = 5.0  # a controller answers its reset in milliseconds; one that does not is not there


class HciHost:
    """A powered-on Bumble host. Get one by `acquire`, give it back by `release`."""

    _pools: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, HciHost]]] = WeakKeyDictionary()

    def __init__(self, spec: str) -> None:
        self.lost = False
        self.connecting = asyncio.Lock()  # a controller initiates one connection at a time
        self._spec = spec
        self._users = 0
        self._gate = asyncio.Lock()
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._scanners: set[object] = set()
        self._on_report: list[Callable[[Report], None]] = []
        self._on_lost: list[Callable[[], None]] = []

    @classmethod
    async def acquire(cls, spec: str) -> HciHost:
        """The open controller of a transport spec; raises BleakError when it cannot be opened."""
        quieten()
        pool = cls._pools.setdefault(asyncio.get_running_loop(), {})
        host = pool.get(spec)
        if host is None or host.lost:
            host = pool[spec] = cls(spec)
        host._users += 1
        try:
            async with host._gate:
                if host._device is None:
                    await host._open()
        except BaseException:
            await host.release()
            raise
        return host

    @property
    def device(self) -> Device:
        if self._device is None or self.lost:
            raise BleakError("the adapter is lost")
        return self._device

    async def release(self) -> None:
        """Give the controller back; the last user closes it."""
        self._users -= 1
        if self._users > 0:
            return
        pool = self._pools.get(asyncio.get_running_loop(), {})
        if pool.get(self._spec) is self:
            del pool[self._spec]
        transport, self._transport, self._device = self._transport, None, None
        if transport is not None:
            await transport.close()
            await asyncio.sleep(0)  # lets the closed socket go before a caller ends the loop

    async def knows(self, link: Connection) -> bool:
        """Whether there is a bond with the peer of a connection."""
        keystore = self.device.keystore
        return keystore is not None and await keystore.get(str(link.peer_address)) is not None

    def listen(self, on_report: Callable[[Report], None], on_lost: Callable[[], None]) -> None:
        self._on_report.append(on_report)
        self._on_lost.append(on_lost)

    def unlisten(self, on_report: Callable[[Report], None], on_lost: Callable[[], None]) -> None:
        if on_report in self._on_report:
            self._on_report.remove(on_report)
        if on_lost in self._on_lost:
            self._on_lost.remove(on_lost)

    async def scan(self, scanner: object, *, active: bool) -> None:
        """Scan while at least one scanner wants it; the first one says how."""
        self._scanners.add(scanner)
        if len(self._scanners) == 1:
            async with _answered():
                await self.device.start_scanning(active=active, filter_duplicates=False)

    async def unscan(self, scanner: object) -> None:
        self._scanners.discard(scanner)
        if not self._scanners and not self.lost and self._device is not None:
            async with _answered():
                await self._device.stop_scanning()

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(_OPEN_S):
                where, more = read_spec(self._spec)
                bonds = more.get("bonds")
                self._transport = transport = await open_transport(where)
                settings = DeviceConfiguration(name="", address=_own_address(where))
                device = Device.from_config_with_hci(settings, transport.source, transport.sink)
                device.keystore = Bonds(Path(bonds) if bonds else None)
                device.pairing_config_factory = lambda _: PairingConfig(
                    sc=True,
                    mitm=False,
                    bonding=True,
                    delegate=PairingDelegate(PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT),
                    identity_address_type=PairingConfig.AddressType.RANDOM,
                )
                transport.source.set_packet_sink(_Tap(self, device.host))
                await device.power_on()
        except (OSError, TimeoutError, TransportSpecError, BaseBumbleError, hci.HCI_Error) as error:
            raise BleakBluetoothNotAvailableError(
                f"adapter {self._spec!r} cannot be opened: {error.__class__.__name__}",
                BleakBluetoothNotAvailableReason.POWERED_OFF,
            ) from error
        if self.lost:
            raise BleakBluetoothNotAvailableError(
                f"adapter {self._spec!r} went while it was opened", BleakBluetoothNotAvailableReason.POWERED_OFF
            )
        self._device = device

    def _hear(self, reports: list[Report]) -> None:
        for report in reports:
            for listener in tuple(self._on_report):
                listener(report)

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            for listener in tuple(self._on_lost):
                listener()


def read_spec(spec: str) -> tuple[str, dict[str, str]]:
    """An adapter's transport, and what is said beside it: `bonds=FILE` keeps bonds, `mtu=N` bounds a packet."""
    where, *more = spec.split(" ")
    return where, dict(each.split("=", 1) for each in more if "=" in each)


def _own_address(where: str) -> hci.Address:
    """The adapter's static address: the same at each start, or bonds with it would be worth nothing."""
    raw = hashlib.sha256(where.encode()).digest()[:6]
    return hci.Address(show_address(bytes((raw[0] | 0xC0,)) + raw[1:]), hci.Address.RANDOM_DEVICE_ADDRESS)


@asynccontextmanager
async def _answered() -> AsyncIterator[None]:
    """A command's time to be answered; what goes wrong in it is a BleakError."""
    try:
        async with asyncio.timeout(_OPEN_S):
            yield
    except TimeoutError as error:
        raise BleakError("the adapter does not answer") from error
    except (BaseBumbleError, hci.HCI_Error) as error:
        raise BleakError(f"the adapter refused: {error.__class__.__name__}") from error


class _Tap:
    """Stands between transport and Bumble: adverts are read here at a tenth of the cost, the rest is Bumble's."""

    def __init__(self, owner: HciHost, host: Host) -> None:
        self._owner, self._host = owner, host

    def on_packet(self, packet: bytes) -> None:
        reports = decode_reports(packet)
        if reports is None:
            self._host.on_packet(packet)
        else:
            self._owner._hear(reports)  # noqa: SLF001 - one unit in two classes

    def on_transport_lost(self) -> None:
        self._owner._lose()  # noqa: SLF001
        self._host.on_transport_lost()  # type: ignore[no-untyped-call]
