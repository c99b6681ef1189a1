"""What can be known of the BlueZ adapters without a bus; the rest is `make bluez`."""

from __future__ import annotations

from typing import Any

import pytest
from dbus_fast import Message, Variant
from dbus_fast.constants import MessageType
from dbus_fast.errors import DBusError

from ancu.edge.adapters.bluez_agent import PairingAgent, _Answers
from ancu.edge.adapters.bluez_bus import ADAPTER, adapter_concerned
from ancu.edge.adapters.bluez_radio import BluezRadio

DEVICE = "/org/bluez/hci0/dev_C4_5A_10_00_00_01"


class AgentWithoutBus(PairingAgent):
    async def _register(self) -> None:
        """There is nobody to register with."""


async def test_only_the_device_that_is_being_paired_is_agreed_to():
    agent = AgentWithoutBus()
    answers = _Answers(agent)
    for question in (answers.request_authorization, lambda path: answers.request_confirmation(path, 123456)):
        with pytest.raises(DBusError):
            question(DEVICE)
    async with agent.expecting("c4:5a:10:00:00:01"):
        answers.request_authorization(DEVICE)
        answers.request_confirmation(DEVICE, 123456)
        with pytest.raises(DBusError):
            answers.request_authorization(DEVICE[:-1] + "2")
    with pytest.raises(DBusError):
        answers.authorize_service(DEVICE, "0000180d-0000-1000-8000-00805f9b34fb")
    assert agent.refused == 4


async def test_a_device_that_is_paired_twice_at_once_is_expected_until_both_are_done():
    agent = AgentWithoutBus()
    async with agent.expecting("C4:5A:10:00:00:01"):
        async with agent.expecting("C4:5A:10:00:00:01"):
            pass
        assert agent.expects(DEVICE)
    assert not agent.expects(DEVICE)


async def test_what_would_need_a_screen_or_keys_is_refused():
    agent = AgentWithoutBus()
    answers = _Answers(agent)
    async with agent.expecting("C4:5A:10:00:00:01"):
        for question in (answers.request_pin_code, answers.request_passkey):
            with pytest.raises(DBusError):
                question(DEVICE)


def signal(member: str, body: list[Any], path: str = "/") -> Message:
    return Message(message_type=MessageType.SIGNAL, interface="org.example", member=member, path=path, body=body)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (signal("InterfacesAdded", ["/org/bluez/hci1", {ADAPTER: {}}]), "hci1"),
        (signal("InterfacesRemoved", ["/org/bluez/hci0", ["org.bluez.Media1", ADAPTER]]), "hci0"),
        (signal("InterfacesAdded", [DEVICE, {"org.bluez.Device1": {}}]), None),
        (signal("PropertiesChanged", [ADAPTER, {"Powered": Variant("b", False)}, []], "/org/bluez/hci0"), "hci0"),
        (signal("PropertiesChanged", [ADAPTER, {"Powered": Variant("b", True)}, []], "/org/bluez/hci0"), None),
        (signal("PropertiesChanged", [ADAPTER, {"Discovering": Variant("b", False)}, []], "/org/bluez/hci0"), None),
        (signal("NameOwnerChanged", ["org.bluez", ":1.2", ""]), ""),
        (signal("Other", []), None),
    ],
)
def test_an_adapter_that_came_went_or_was_switched_off_is_noticed(message: Message, name: str | None):
    assert adapter_concerned(message) == name


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("", ["hci0"]),
        ("hci1", ["hci1"]),
        ("hci0, hci2", ["hci0", "hci2"]),
        ("*", ["hci0", "hci1", "hci2"]),
        ("hci7", []),
    ],
)
def test_adapters_are_chosen_by_name_all_or_the_first(wanted: str, chosen: list[str]):
    assert BluezRadio(wanted).choose(["hci0", "hci1", "hci2"]) == chosen
