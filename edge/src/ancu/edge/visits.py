"""Which band to connect to next, and what for. Pure: time is an argument.

A connection costs a slot, of which an adapter has five, and the band's battery. So a band is visited for its history
and its clock every `every_s`, sooner when it comes back from where nobody heard it; and at once when the server asks it
something. Urgent visits come first, then the band whose history is oldest; history never takes the last slot.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ancu.models.commands import AskBand
from ancu.models.ids import BandNumber
from ancu.models.link import LinkKeys, is_link_address, link_keys

__all__ = ["Visit", "Visits"]

ADDRESSES = 1024  # cached, as strangers' too; bounds what a sprayer of addresses can make us keep
OFFER_S = 30.0  # an offer older than this is no longer there to be taken
AWAY_S = 120.0  # without an offer for so long, a band was away: it has something to tell
RETRY_S = 10.0  # after a visit that failed; doubled each time
ASKS = 4  # waiting for one band; the server does not ask faster than that


@dataclass(frozen=True, slots=True)
class Visit:
    """Connect to this device of a band."""

    band: BandNumber
    keys: LinkKeys | None  # None: an ordinary band, which has none
    device: object
    rssi_dbm: int | None
    asks: tuple[AskBand, ...]  # empty: for its history alone


@dataclass(slots=True)
class _Band:
    keys: LinkKeys | None
    every_s: float
    device: object | None = None
    rssi_dbm: int | None = None
    offered_s: float = float("-inf")
    due_s: float = 0.0
    visited_s: float = float("-inf")  # last visit that ended well
    failures: int = 0
    running: bool = False
    asks: deque[AskBand] = field(default_factory=deque)


class Visits:
    """The bands of one edge. One instance a process; not for several threads."""

    def __init__(
        self,
        identity_keys: Mapping[BandNumber, bytes],
        *,
        slots: int,
        every_s: float,
        ordinary: Mapping[bytes, BandNumber] | None = None,
        vitals_s: float = 60.0,
    ) -> None:
        """`ordinary`: bands of the reduced profile by their address, visited every `vitals_s`."""
        self._slots, self._every_s = slots, every_s
        self._ordinary = dict(ordinary or {})
        self._ordinaries = {number: _Band(None, vitals_s) for number in self._ordinary.values()}
        self._bands = {number: _Band(link_keys(key), every_s) for number, key in identity_keys.items()}
        self._bands |= self._ordinaries
        self._identities = dict(identity_keys)
        self._addresses: OrderedDict[bytes, BandNumber | None] = OrderedDict()

    def rekey(self, identity_keys: Mapping[BandNumber, bytes]) -> None:
        """Other bands from now on; what is known of those that stay, under the same key, stays."""
        self._bands = {
            number: self._bands[number] if self._identities.get(number) == key else _Band(link_keys(key), self._every_s)
            for number, key in identity_keys.items()
        }
        self._bands |= self._ordinaries
        self._identities = dict(identity_keys)
        self._addresses.clear()

    def offered(self, address: bytes, device: object, now_s: float, rssi_dbm: int | None = None) -> BandNumber | None:
        """A device can be connected to; which band of ours it is, if it is one."""
        number = self._resolve(address)
        if number is None:
            return None
        band = self._bands[number]
        if now_s - band.offered_s > AWAY_S and not band.running:
            band.due_s = now_s
        band.device, band.offered_s, band.rssi_dbm = device, now_s, rssi_dbm
        return number

    def ask(self, ask: AskBand) -> bool:
        """The server asks a band something; False for one that is not here."""
        band = self._bands.get(BandNumber(ask.band))
        if band is None or band.keys is None or len(band.asks) >= ASKS:
            return False
        band.asks.append(ask)
        return True

    def want(self, number: BandNumber, now_s: float) -> None:
        """Its history is wanted now."""
        if (band := self._bands.get(number)) is not None:
            band.due_s = now_s

    def next(self, now_s: float) -> Visit | None:
        """The next visit to begin, which then runs until `ended`; None while there is none, or no slot."""
        running = sum(band.running for band in self._bands.values())
        free = self._slots - running
        there = [
            (number, band)
            for number, band in self._bands.items()
            if not band.running and band.device is not None and now_s - band.offered_s <= OFFER_S
        ]
        asked = [pair for pair in there if pair[1].asks]
        if asked and free > 0:
            return self._begin(*min(asked, key=lambda pair: pair[1].asks[0].deadline_ms))
        due = [pair for pair in there if now_s >= pair[1].due_s]
        if due and free > (1 if self._slots > 1 else 0):
            return self._begin(*min(due, key=lambda pair: pair[1].visited_s))
        return None

    def ended(self, number: BandNumber, now_s: float, *, well: bool) -> None:
        """A visit is over."""
        band = self._bands.get(number)
        if band is None:
            return
        band.running = False
        if well:
            band.visited_s, band.failures = now_s, 0
            band.due_s = now_s + band.every_s
        else:
            band.due_s = now_s + min(band.every_s, RETRY_S * 2.0**band.failures)
            band.failures = min(band.failures + 1, 16)

    def overdue(self, now_ms: int) -> list[AskBand]:
        """Asks whose deadline passed while the band was not to be had; they are given up."""
        late: list[AskBand] = []
        for band in self._bands.values():
            while not band.running and band.asks and band.asks[0].deadline_ms <= now_ms:
                late.append(band.asks.popleft())
        return late

    def _begin(self, number: BandNumber, band: _Band) -> Visit:
        band.running = True
        asks = tuple(band.asks)
        band.asks.clear()
        return Visit(number, band.keys, band.device, band.rssi_dbm, asks)

    def _resolve(self, address: bytes) -> BandNumber | None:
        if address in self._addresses:
            self._addresses.move_to_end(address)
            return self._addresses[address]
        found = self._ordinary.get(address)
        if found is None:
            keyed = ((number, band.keys) for number, band in self._bands.items() if band.keys is not None)
            found = next((number for number, keys in keyed if is_link_address(keys, address)), None)
        self._addresses[address] = found
        if len(self._addresses) > ADDRESSES:
            self._addresses.popitem(last=False)
        return found
