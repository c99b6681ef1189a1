"""Keeps Bumble from writing log lines for nobody: it formats and colours every packet before it asks whether to.

That is more than half of what a packet costs. Nothing is changed while somebody does want Bumble's debug log.
"""

from __future__ import annotations

import logging
from types import ModuleType

from bumble import att, controller, device, gatt_client, gatt_server, hci, host, l2cap, ll, smp

__all__ = ["quieten"]

_MODULES: tuple[ModuleType, ...] = (att, controller, device, gatt_client, gatt_server, hci, host, l2cap, ll, smp)
_PACKETS = (hci.HCI_Packet, hci.HCI_Command, hci.HCI_Event, hci.HCI_AclDataPacket, att.ATT_PDU, l2cap.L2CAP_PDU)


def quieten() -> None:
    """Let packets be named by their class alone, without colours."""
    if logging.getLogger("bumble").isEnabledFor(logging.DEBUG):
        return
    for module in _MODULES:
        if hasattr(module, "color"):
            module.color = _plain  # type: ignore[attr-defined]
    for kind in _PACKETS:
        kind.__str__ = _name  # type: ignore[method-assign]


def _plain(text: str, *_: object, **__: object) -> str:
    return text


def _name(packet: object) -> str:
    return type(packet).__name__
