"""How much fits into one ATT packet, on BlueZ too."""

from __future__ import annotations

from bleak import BleakClient

__all__ = ["att_mtu"]

_HEADER_BYTES = 3  # of a write without response
_LEAST = 23


def att_mtu(client: BleakClient) -> int:
    """The negotiated ATT MTU of a connected client.

    On BlueZ `client.mtu_size` is a guess of 23, with a warning, until a private method is called; what BlueZ says of
    each characteristic is the truth.
    """
    sizes = [one.max_write_without_response_size for one in client.services.characteristics.values()]
    return max([*(size + _HEADER_BYTES for size in sizes), _LEAST])
