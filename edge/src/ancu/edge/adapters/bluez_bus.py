"""The system bus, as far as An Cư talks to BlueZ beside bleak: which adapters there are, and who may pair."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant, unpack_variants
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError, DBusFastError
from dbus_fast.service import ServiceInterface

from ancu.edge.ports import RadioLost

__all__ = ["ADAPTER", "BLUEZ", "BluezBus", "BluezRefused", "adapter_concerned"]

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
_DBUS = "org.freedesktop.DBus"
_BUSY = "org.bluez.Error.Busy"
_TRIES, _TRY_EVERY_S = 40, 0.25
_BUS = "/org/freedesktop/DBus"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES = "org.freedesktop.DBus.Properties"


class BluezRefused(RadioLost):
    """BlueZ answered with an error; `name` is the one of D-Bus, such as org.bluez.Error.NotReady."""

    code = "bluez_refused"

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class BluezBus:
    """One connection to the system bus; every call raises RadioLost when BlueZ is not there."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    @classmethod
    async def connect(cls) -> BluezBus:
        try:
            return cls(await MessageBus(bus_type=BusType.SYSTEM).connect())
        except (OSError, DBusFastError, EOFError) as error:
            raise RadioLost(f"no system bus: {error}") from error

    @property
    def connected(self) -> bool:
        return bool(self._bus.connected)

    def close(self) -> None:
        self._bus.disconnect()

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", body: Sequence[Any] = ()
    ) -> list[Any]:
        """The reply's body, variants unpacked; raises BluezRefused when the answer is an error."""
        return await self._send(
            Message(
                destination=BLUEZ, path=path, interface=interface, member=member, signature=signature, body=list(body)
            )
        )

    async def adapters(self) -> dict[str, dict[str, Any]]:
        """Properties of every adapter, by its name (hci0)."""
        (objects,) = await self.call("/", _OBJECTS, "GetManagedObjects")
        return {
            path.rpartition("/")[2]: interfaces[ADAPTER]
            for path, interfaces in objects.items()
            if ADAPTER in interfaces
        }

    async def power_on(self, adapter: str) -> None:
        """Switch an adapter on and wait for it; raises BluezRefused, as when a switch of the box blocks it."""
        body = [ADAPTER, "Powered", Variant("b", True)]
        for _ in range(_TRIES):
            try:
                await self.call(f"/org/bluez/{adapter}", _PROPERTIES, "Set", "ssv", body)
            except BluezRefused as error:
                if error.name != _BUSY:
                    raise
            else:
                return
            await asyncio.sleep(_TRY_EVERY_S)  # BlueZ is at it by itself, as it does with one just plugged in
        raise BluezRefused(_BUSY, f"{adapter} does not come up")

    async def watch_adapters(self, changed: Callable[[str], None]) -> None:
        """Call `changed` with the name of an adapter that came, went or was switched off; '' when BlueZ itself did."""

        def on_message(message: Message) -> None:
            name = adapter_concerned(message)
            if name is not None:
                changed(name)

        self._bus.add_message_handler(on_message)
        for rule in (
            f"type='signal',sender='{BLUEZ}',interface='{_OBJECTS}'",
            f"type='signal',sender='{BLUEZ}',interface='{_PROPERTIES}',arg0='{ADAPTER}'",
            f"type='signal',sender='{_DBUS}',interface='{_DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
        ):
            await self._send(
                Message(destination=_DBUS, path=_BUS, interface=_DBUS, member="AddMatch", signature="s", body=[rule])
            )

    def export(self, path: str, interface: ServiceInterface) -> None:
        """Let others call `interface` at `path`."""
        self._bus.export(path, interface)

    async def _send(self, message: Message) -> list[Any]:
        try:
            reply = await self._bus.call(message)
        except (OSError, DBusError, EOFError) as error:
            raise RadioLost(f"{message.member}: {error}") from error
        if reply is None or reply.message_type is MessageType.ERROR:
            name = (reply.error_name if reply else None) or "no reply"
            raise BluezRefused(name, str(reply.body[0]) if reply and reply.body else message.member or "")
        body_read: list[Any] = unpack_variants(reply.body)
        return body_read


def adapter_concerned(message: Message) -> str | None:
    """The adapter that a signal says came, went or lost its power; '' for all of them."""
    match message.member, message.body:
        case "InterfacesAdded", [str(path), dict(interfaces)] if ADAPTER in interfaces:
            return path.rpartition("/")[2]
        case "InterfacesRemoved", [str(path), list(interfaces)] if ADAPTER in interfaces:
            return path.rpartition("/")[2]
        case "PropertiesChanged", [str(interface), dict(values), *_] if interface == ADAPTER:
            powered = values.get("Powered")
            if powered is not None and not powered.value and message.path is not None:
                return message.path.rpartition("/")[2]
        case "NameOwnerChanged", _:
            return ""
    return None
