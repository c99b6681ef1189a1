"""Which foreign devices a fixed box hears for long: a fingerprint of its place, without anybody's identity. Pure.

Addresses leave only as hashes under the box's own key, so nobody else can tell or compare them. Phones change their
address every quarter of an hour; only what is heard longer than that counts.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass

from ancu.models.wire import Neighbours

__all__ = ["Fingerprint"]

SCAN_S = 900.0  # between two statements
STAYS_S = 1800.0  # an address that is heard for so long does not rotate
STALE_S = 600.0  # unheard for so long, it is not here
STRONGEST = 12  # stated at once
DEVICES = 512  # followed at once; bounds what a sprayer of addresses can fill
HASH_BYTES = 8


@dataclass(slots=True)
class _Device:
    first_s: float
    last_s: float
    rssi_dbm: float


class Fingerprint:
    def __init__(self, key: bytes, mono_s: float) -> None:
        """`key`: of the box, kept there."""
        self._key = hmac.digest(key, b"ancu/v1/neighbours", "sha256")
        self._devices: OrderedDict[bytes, _Device] = OrderedDict()
        self._stated_s = mono_s

    def heard(self, address: bytes, rssi_dbm: int, mono_s: float) -> None:
        """An advert of a device that is no band."""
        device = self._devices.get(address)
        if device is None or mono_s - device.last_s > STALE_S:
            self._devices[address] = _Device(mono_s, mono_s, rssi_dbm)
        else:
            device.last_s = mono_s
            device.rssi_dbm += (rssi_dbm - device.rssi_dbm) / 16
        self._devices.move_to_end(address)
        while len(self._devices) > DEVICES:
            self._devices.popitem(last=False)

    def tick(self, at_ms: int, mono_s: float) -> Neighbours | None:
        """Time passed; what is stated, once in a while."""
        if mono_s - self._stated_s < SCAN_S:
            return None
        self._stated_s = mono_s
        for address in [a for a, device in self._devices.items() if mono_s - device.last_s > STALE_S]:
            del self._devices[address]
        staying = [(d.rssi_dbm, a) for a, d in self._devices.items() if d.last_s - d.first_s >= STAYS_S]
        strongest = sorted(staying, reverse=True)[:STRONGEST]
        if not strongest:
            return None
        return Neighbours(at_ms, tuple((self._hash(address), round(rssi)) for rssi, address in strongest))

    def _hash(self, address: bytes) -> bytes:
        return hmac.digest(self._key, address, "sha256")[:HASH_BYTES]
