"""A fleet of homes that speaks for itself: real keys, real sealed frames, real batches, no radio and no broker.

Benchmarks and tests say with it what edges would say. Deterministic in its seed, but for the nonces of batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ancu.models.clock import SystemClock
from ancu.models.frame import Reading, Status, frame_cipher, seal_frame
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode, partition_of
from ancu.models.keys import BandKeys, EdgeKeys, derive_band_keys, derive_edge_keys
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import BatchHeader, Fact, Heard, Relay, Relayed, encode_relay, pack_record, seal_batch
from ancu.server.people.records import (
    BandRecord,
    CameraRecord,
    EdgeRecord,
    GatewayRecord,
    OrderRecord,
    PersonRecord,
    Snapshot,
    WardRecord,
)

__all__ = ["FINE", "Band", "Home", "fleet", "register_of", "relay_of"]

FINE = Reading(80, tamper=False, skin_deci_c=358, heart_bpm=71, spo2_percent=98, status=Status.SKIN, history_head=7)


@dataclass
class Band:
    """A band that seals what it is told to say."""

    number: BandNumber
    order: OrderId
    person: str
    keys: BandKeys
    address: bytes

    def __post_init__(self) -> None:
        self._cipher = frame_cipher(self.keys.frame)

    def heard(self, at_ms: int, reading: Reading = FINE, *, counter: int | None = None, urgent: bool = False) -> Heard:
        """A frame as an edge heard it at a time; the counter is that time's second unless given."""
        count = at_ms // 1000 if counter is None else counter
        body = seal_frame(reading, self._cipher, self.address, count, urgent=urgent)
        return Heard(at_ms, self.number, self.address, -60, 1, body)


@dataclass
class Home:
    """An edge and its journal's numbers."""

    edge: EdgeId
    ward: WardCode
    gateway: GatewayId
    keys: EdgeKeys
    bands: list[Band]
    epoch: int
    sent: dict[Lane, int] = field(default_factory=dict)  # records so far, by lane

    def batch(
        self,
        records: Sequence[Heard | Fact],
        *,
        lane: Lane = Lane.STATE,
        sent_ms: int = 0,
        first: int | None = None,
        base: int = 1,
        epoch: int | None = None,
    ) -> Relayed:
        """Seal records as the next batch of a lane, or as the one that begins at `first`."""
        begin = self.sent.get(lane, 0) + 1 if first is None else first
        if first is None:
            self.sent[lane] = begin + len(records) - 1
        header = BatchHeader(
            self.edge, lane, self.epoch if epoch is None else epoch, base, begin, len(records), sent_ms
        )
        body = seal_batch(header, [pack_record(record) for record in records], self.keys.up)
        return Relayed(self.ward, self.edge, lane, sent_ms, body)


def fleet(homes: int, bands: int = 1, *, seed: int = 1, wards: int = 1, gateways: int = 1) -> list[Home]:
    """Homes with their bands, spread over wards and gateways."""
    return [_home(i, bands, seed, wards, gateways) for i in range(homes)]


def relay_of(items: Sequence[Relayed], gateway: GatewayId, sent_ms: int = 0) -> tuple[Upstream, bytes]:
    """What a gateway publishes for batches of one partition."""
    partition = partition_of(items[0].edge) if items else 0
    return Upstream(partition, gateway), encode_relay(Relay(gateway, sent_ms, tuple(items)))


def register_of(homes: Iterable[Home], version: int = 1, *, now: datetime | None = None) -> Snapshot:
    """The register that knows these homes; every order began a day ago and lasts two weeks."""
    homes = list(homes)
    start = (now or SystemClock().now()) - timedelta(days=1)
    served = [(home, band) for home in homes for band in home.bands]
    wards = sorted({home.ward for home in homes})
    return Snapshot(
        version=version,
        wards={ward: WardRecord(ward, f"Ward {ward}", "Province") for ward in wards},
        gateways={
            home.gateway: GatewayRecord(
                home.gateway, frozenset(h.ward for h in homes if h.gateway == home.gateway), revoked=False
            )
            for home in homes
        },
        edges={h.edge: EdgeRecord(h.edge, h.ward, h.gateway, None, h.keys, revoked=False) for h in homes},
        cameras=dict[tuple[EdgeId, str], CameraRecord](),
        persons={band.person: PersonRecord(band.person, home.ward) for home, band in served},
        orders={
            band.order: OrderRecord(
                band.order, band.person, home.ward, home.edge, start, start + timedelta(days=14), None
            )
            for home, band in served
        },
        bands={band.number: BandRecord(band.number, band.order, band.keys, revoked=False) for _, band in served},
    )


def _home(i: int, bands: int, seed: int, wards: int, gateways: int) -> Home:
    edge = EdgeId(f"edge-{i:05d}")
    return Home(
        edge=edge,
        ward=WardCode(f"ward-{i % wards:03d}"),
        gateway=GatewayId(f"gw-{i % gateways:03d}"),
        keys=derive_edge_keys(_bytes(seed, edge, 32)),
        bands=[_band(i * bands + j + 1, seed) for j in range(bands)],
        epoch=int.from_bytes(_bytes(seed, f"epoch {edge}", 8), "big") >> 1,
    )


def _band(number: int, seed: int) -> Band:
    order = OrderId(f"o-{number:06d}")
    keys = derive_band_keys(_bytes(seed, f"band {number}", 16), order)
    return Band(BandNumber(number), order, f"p-{number:06d}", keys, _bytes(seed, f"address {number}", 6))


def _bytes(seed: int, what: str, size: int) -> bytes:
    return hashlib.sha256(f"{seed} {what}".encode()).digest()[:size]
