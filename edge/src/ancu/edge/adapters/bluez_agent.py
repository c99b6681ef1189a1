"""Our own pairing agent: BlueZ pairs with nobody until some program answers its questions, and bleak brings none.

It says yes only to a band that this edge is pairing with at this moment: an agent that says yes to all would let any
neighbour bond with the box.
"""

# Annotations are D-Bus signatures here, read when the class is made: they must not be put off as text.

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method

from ancu.edge.adapters.bluez_bus import BluezBus, BluezRefused

__all__ = ["PairingAgent"]

_PATH = "/vn/ancu/edge/agent"
_MANAGER = "org.bluez.AgentManager1"
_REJECTED = "org.bluez.Error.Rejected"
_THERE_ALREADY = "org.bluez.Error.AlreadyExists"
_CAPABILITY = "NoInputNoOutput"  # neither band nor box has a screen: LE Secure Connections, just works


class PairingAgent:
    """One for the process; registered when it is first needed, and again when BlueZ was restarted."""

    def __init__(self) -> None:
        self.refused = 0  # questions about devices that nobody here pairs with
        self._bus: BluezBus | None = None
        self._expected: dict[str, int] = {}

    @asynccontextmanager
    async def expecting(self, address: str) -> AsyncIterator[None]:
        """While this lasts, a pairing with the device of this address is agreed to. Raises RadioLost."""
        await self._register()
        self._expected[address.upper()] = self._expected.get(address.upper(), 0) + 1
        try:
            yield
        finally:
            self._expected[address.upper()] -= 1
            if not self._expected[address.upper()]:
                del self._expected[address.upper()]

    def close(self) -> None:
        """Leave the bus, and with it BlueZ's list of agents."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()

    def expects(self, device_path: str) -> bool:
        """Whether we pair with the device of a path such as /org/bluez/hci0/dev_C4_5A_10_00_00_01 now."""
        address = device_path.rpartition("/dev_")[2].replace("_", ":").upper()
        if address in self._expected:
            return True
        self.refused += 1
        return False

    async def _register(self) -> None:
        if self._bus is None or not self._bus.connected:
            self._bus = await BluezBus.connect()
            self._bus.export(_PATH, _Answers(self))
        try:
            await self._bus.call("/org/bluez", _MANAGER, "RegisterAgent", "os", [_PATH, _CAPABILITY])
        except BluezRefused as error:
            if error.name != _THERE_ALREADY:
                raise
        await self._bus.call("/org/bluez", _MANAGER, "RequestDefaultAgent", "o", [_PATH])


class _Answers(ServiceInterface):
    """org.bluez.Agent1, as BlueZ calls it. What needs a screen or keys is refused: no band asks for it."""

    def __init__(self, agent: PairingAgent) -> None:
        super().__init__("org.bluez.Agent1")
        self._agent = agent

    @dbus_method(name="Release")
    def release(self) -> None:
        """BlueZ dropped us; the next pairing registers anew."""

    @dbus_method(name="Cancel")
    def cancel(self) -> None:
        """BlueZ took its question back."""

    @dbus_method(name="RequestAuthorization")
    def request_authorization(self, device: DBusObjectPath) -> None:
        self._agree(device)

    @dbus_method(name="RequestConfirmation")
    def request_confirmation(self, device: DBusObjectPath, _passkey: DBusUInt32) -> None:
        self._agree(device)

    @dbus_method(name="AuthorizeService")
    def authorize_service(self, device: DBusObjectPath, _uuid: DBusStr) -> None:
        self._agree(device)

    @dbus_method(name="RequestPinCode")
    def request_pin_code(self, _device: DBusObjectPath) -> DBusStr:
        raise DBusError(_REJECTED, "there is no one to ask")

    @dbus_method(name="RequestPasskey")
    def request_passkey(self, _device: DBusObjectPath) -> DBusUInt32:
        raise DBusError(_REJECTED, "there is no one to ask")

    @dbus_method(name="DisplayPasskey")
    def display_passkey(self, _device: DBusObjectPath, _passkey: DBusUInt32, _entered: DBusUInt16) -> None:
        """There is nothing to show it on."""

    @dbus_method(name="DisplayPinCode")
    def display_pin_code(self, _device: DBusObjectPath, _pin: DBusStr) -> None:
        raise DBusError(_REJECTED, "there is nothing to show it on")

    def _agree(self, device: str) -> None:
        if not self._agent.expects(device):
            raise DBusError(_REJECTED, "not a band that is being paired")
