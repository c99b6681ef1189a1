"""What was last said of every band, edge, gateway and camera: for the desk's lists, not for decisions. No I/O."""

from __future__ import annotations

import msgspec

from ancu.models.band_facts import ReducedVitals
from ancu.models.frame import Status
from ancu.models.wire import CameraCrossing, CameraHealth, EdgeHeartbeat, EdgeStarted, Fact, MainsChanged, Relay
from ancu.server.ingest.columns import Flag, reading_tuples
from ancu.server.ingest.rows import Row, facts_of, sane_ms

__all__ = ["BandLatest", "CameraLatest", "EdgeLatest", "GatewayLatest", "Latest"]

_RISE_PERCENT = 3  # of a battery: it was charged; a gauge trembles by less
_SMOOTH = 0.05  # of each new reading goes into the mean: half a minute of one at 2 s, some minutes of forwarded ones
_LATELY_MS = 600_000  # a gateway serves an edge that it relayed for in this time


class BandLatest(msgspec.Struct, array_like=True):
    """The newest reading of a band, and where and how well it was heard."""

    counter: int = 0
    heard_ms: int = 0
    received_ms: int = 0
    edge: str = ""
    rssi_dbm: int = 0
    battery_percent: int = 0
    skin_deci_c: int = 0
    heart_bpm: int = 0
    spo2_percent: int = 0
    status: int = 0
    tamper: bool = False
    top_percent: int = 0  # of the battery, when it was charged last
    top_ms: int = 0
    rssi_mean_dbm: float = 0.0  # of some minutes
    reduced: bool = False  # an ordinary band: what its box read of it, unsigned and without tamper


class EdgeLatest(msgspec.Struct, array_like=True):
    seen_ms: int = 0  # server's clock: anything authentic from it
    beat_ms: int = 0  # its own clock, of the newest heartbeat
    period_s: int = 0
    mains: bool = True
    radio_ok: bool = True
    clock_synced: bool = True
    waiting: int = 0  # records in its journal
    dropped: int = 0
    uptime_s: int = 0
    version: str = ""
    gateway: str = ""
    applied: dict[str, int] = msgspec.field(default_factory=dict)  # of its newest heartbeat


class GatewayLatest(msgspec.Struct, array_like=True):
    seen_ms: int = 0
    spooled: int = 0
    dropped: int = 0
    uptime_s: int = 0
    version: str = ""
    edges: dict[str, int] = msgspec.field(default_factory=dict)  # edge -> server's time of its last relayed batch


class CameraLatest(msgspec.Struct, array_like=True):
    at_ms: int = 0
    state: str = "ok"


class _Tables(msgspec.Struct):
    bands: dict[int, BandLatest] = msgspec.field(default_factory=dict)
    edges: dict[str, EdgeLatest] = msgspec.field(default_factory=dict)
    gateways: dict[str, GatewayLatest] = msgspec.field(default_factory=dict)
    cameras: dict[str, CameraLatest] = msgspec.field(default_factory=dict)  # 'edge/camera'


class Latest:
    """Never moves backwards: stored data that arrives late does not change what is newer."""

    def __init__(self) -> None:
        self._tables = _Tables()

    def band(self, number: int) -> BandLatest | None:
        return self._tables.bands.get(number)

    def edge(self, edge: str) -> EdgeLatest | None:
        return self._tables.edges.get(edge)

    def gateway(self, gateway: str) -> GatewayLatest | None:
        return self._tables.gateways.get(gateway)

    def camera(self, edge: str, camera: str) -> CameraLatest | None:
        return self._tables.cameras.get(f"{edge}/{camera}")

    def take(self, row: Row) -> None:
        """Take a row of the inbox."""
        newest: dict[int, tuple[int, ...]] = {}
        for reading in reading_tuples(row.readings):
            if reading[-1] & Flag.HISTORY:
                continue
            held = newest.get(reading[1])
            if held is None or reading[2] > held[2]:
                newest[reading[1]] = reading
        for reading in newest.values():
            self._reading(row, reading)
        edge = self._tables.edges.setdefault(row.edge, EdgeLatest())
        if row.lane:  # not a note of trouble
            edge.seen_ms = max(edge.seen_ms, row.received_ms)
            edge.gateway = row.gateway
        for _, fact in facts_of(row)[0]:
            self._fact(row.edge, edge, fact, sane_ms(fact.at_ms, row.received_ms))

    def relayed(self, relay: Relay, now_ms: int) -> frozenset[str]:
        """Take a gateway's sign of life; returns the edges that it relayed for lately."""
        gateway = self._tables.gateways.setdefault(relay.gateway, GatewayLatest())
        gateway.seen_ms = now_ms
        for item in relay.items:
            gateway.edges[item.edge] = now_ms
        if relay.health is not None:
            gateway.spooled, gateway.dropped = relay.health.spooled, relay.health.dropped
            gateway.uptime_s, gateway.version = relay.health.uptime_s, relay.health.version
        gateway.edges = {edge: at for edge, at in gateway.edges.items() if now_ms - at < _LATELY_MS}
        return frozenset(gateway.edges)

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self._tables)

    def restore(self, snapshot: bytes) -> None:
        """Raises msgspec.DecodeError for what `snapshot` did not write."""
        self._tables = msgspec.msgpack.decode(snapshot, type=_Tables)

    def _reading(self, row: Row, reading: tuple[int, ...]) -> None:
        heard_ms, number, counter, _, _, _, skin, rssi, _, battery, heart, spo2, status, flags = reading
        newest = self._tables.bands.get(number)
        if newest is None or newest.reduced or counter > newest.counter:
            tamper = bool(flags & Flag.TAMPER)
            fresh = BandLatest(
                counter, heard_ms, row.received_ms, row.edge, rssi, battery, skin, heart, spo2, status, tamper
            )
            self._carry_on(fresh, newest)
            self._tables.bands[number] = fresh

    def _reduced(self, edge: str, said: ReducedVitals, at_ms: int) -> None:
        """Of a band that signs what it says, an unsigned word is not taken."""
        held = self._tables.bands.get(said.band)
        if held is not None and (not held.reduced or at_ms <= held.heard_ms):
            return
        self._tables.bands[said.band] = BandLatest(
            heard_ms=at_ms,
            received_ms=at_ms,
            edge=edge,
            rssi_dbm=said.rssi_dbm or 0,
            battery_percent=said.battery_percent or 0,
            skin_deci_c=said.skin_deci_c or 0,
            heart_bpm=said.heart_bpm or 0,
            spo2_percent=said.spo2_percent or 0,
            status=int(Status.SKIN) if said.contact else 0,
            rssi_mean_dbm=said.rssi_dbm or 0,
            reduced=True,
        )

    @staticmethod
    def _carry_on(fresh: BandLatest, before: BandLatest | None) -> None:
        """Since when the battery falls, and how well the band is heard on the whole."""
        top = 0 if before is None else before.top_percent
        if before is None or not top or fresh.battery_percent >= min(top, before.battery_percent + _RISE_PERCENT):
            fresh.top_percent, fresh.top_ms, fresh.rssi_mean_dbm = fresh.battery_percent, fresh.heard_ms, fresh.rssi_dbm
        else:
            fresh.top_percent, fresh.top_ms = top, before.top_ms
        if before is not None and before.rssi_mean_dbm:
            fresh.rssi_mean_dbm = before.rssi_mean_dbm + _SMOOTH * (fresh.rssi_dbm - before.rssi_mean_dbm)

    def _fact(self, edge: str, latest: EdgeLatest, fact: Fact, at_ms: int) -> None:
        match fact:
            case EdgeHeartbeat() if at_ms >= latest.beat_ms:
                latest.beat_ms, latest.period_s, latest.uptime_s = at_ms, fact.period_s, fact.uptime_s
                latest.mains, latest.radio_ok, latest.clock_synced = fact.mains, fact.radio.ok, fact.clock_synced
                latest.waiting = fact.journal.alarm + fact.journal.state + fact.journal.bulk
                latest.dropped, latest.version = fact.journal.dropped, fact.version
                latest.applied = dict(fact.applied)
            case EdgeStarted():
                latest.version = fact.version
            case MainsChanged() if at_ms >= latest.beat_ms:
                latest.mains = fact.on
            case ReducedVitals():
                self._reduced(edge, fact, at_ms)
            case CameraHealth() | CameraCrossing():
                camera = self._tables.cameras.setdefault(f"{edge}/{fact.camera}", CameraLatest())
                if at_ms >= camera.at_ms:
                    camera.at_ms = at_ms
                    if isinstance(fact, CameraHealth):
                        camera.state = fact.state
