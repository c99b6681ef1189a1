"""The agent: builds the parts of an edge and runs them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ancu.edge.adapters.host import LinuxHost
from ancu.edge.adapters.mqtt import MqttUplink
from ancu.edge.bands import Action, Bands, Moment, Rescan
from ancu.edge.calibration_file import Walked, read_walk
from ancu.edge.camera_facts import Camera, Emit, open_camera, watch_camera
from ancu.edge.commanded import COMMANDED_FILE, Commanded, bands_toml
from ancu.edge.config import BandsWatch, EdgeSettings, read_edge_keys
from ancu.edge.fingerprint import Fingerprint
from ancu.edge.journal import Journal
from ancu.edge.link_ports import Links
from ancu.edge.ports import Advert, Host, Radio, Uplink
from ancu.edge.presence_home import HomeNearness
from ancu.edge.progress import PROGRESS_FILE, Progress
from ancu.edge.recorder import Recorder
from ancu.edge.scan import Scan
from ancu.edge.sender import Sender
from ancu.edge.updating import Updates, read_firmware
from ancu.edge.visitor import Visitor
from ancu.models.clock import Clock, SystemClock, to_ms
from ancu.models.commands import BANDS, AskBand, HistoryHeld, SetBands, SetZones, TakeStill, bands_mark, zones_of
from ancu.models.config import write_secret
from ancu.models.errors import ConfigError
from ancu.models.frame_extended import is_extended
from ancu.models.topics import Lane
from ancu.models.wire import (
    EdgeHeartbeat,
    EdgeStarted,
    Fact,
    Heard,
    JournalHealth,
    LastHeard,
    MainsChanged,
    RadioHealth,
    pack_record,
)

__all__ = ["Agent", "build"]

log = logging.getLogger(__name__)

TICK_S = 1.0
VERSION = version("ancu-edge")


class Agent:
    """One edge. Adapters come in; `run` ends only by being cancelled or by a fault of our own."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        bands: BandsWatch | None,
        recorder: Recorder,
        sender: Sender,
        uplink: Uplink,
        radio: Radio | None,
        host: Host,
        clock: Clock,
        camera: Callable[[Emit], Camera] | None = None,
        fingerprint: Fingerprint | None = None,
        commanded: Commanded | None = None,
        links: Links | None = None,
        walked: Walked | None = None,
        updates: Updates | None = None,
    ) -> None:
        self._settings = settings
        self._recorder = recorder
        self._sender = sender
        self._uplink = uplink
        self._host = host
        self._clock = clock
        self._began_s = clock.monotonic()
        self._bands_watch = bands
        self._bands: Bands | None = None
        self._scan: Scan | None = None
        self._fingerprint: Fingerprint | None = None
        self._adverts_told = 0
        self._extended = settings.radio is not None and settings.radio.extended
        self._mains: bool | None = None
        self._camera = camera(self.say) if camera is not None else None
        if radio is not None and settings.radio is not None:
            config = settings.radio
            keys = bands.bands if bands else {}
            self._bands = Bands(keys, self._now(), report_s=config.report_s, unseen_s=config.unseen_s)
            self._fingerprint = fingerprint
            if fingerprint is not None:
                radio.foreign = self._hear_foreign
            self._scan = Scan(radio, clock, stall_s=config.stall_s)
        self._walked = walked
        self._nearness: HomeNearness | None = None
        if walked is not None and walked.thresholds is not None:
            self._nearness = HomeNearness(walked.thresholds, bands.bands if bands else {}, self._began_s)
        self._visitor: Visitor | None = None
        if radio is not None and settings.radio is not None and links is not None and settings.radio.visit_s > 0:
            self._visitor = Visitor(
                links,
                bands.bands if bands else {},
                Progress(settings.data / PROGRESS_FILE),
                clock=clock,
                host=host,
                say=self.say,
                flushed=recorder.flushed,
                slots=settings.radio.slots,
                every_s=settings.radio.visit_s,
                ordinary=settings.radio.ordinary_bands,
                vitals_s=settings.radio.vitals_s,
                updates=updates,
            )
            radio.offered = self._visitor.offered
        self._commanded = commanded
        self._applied: dict[str, int] = {}
        if commanded is not None:
            uplink.commanded = self._take_command
            self._obey(commanded)

    async def run(self) -> None:
        """Run until cancelled."""
        self.say(Lane.STATE, EdgeStarted(self._now().at_ms, VERSION))
        try:
            async with asyncio.TaskGroup() as group:
                for part in self._parts():
                    group.create_task(part)
        finally:
            await self._recorder.close()

    def say(self, lane: Lane, record: Heard | Fact) -> None:
        """Put a record into a lane of the journal."""
        self._recorder.append(lane, pack_record(record))

    def _parts(self) -> list[Coroutine[Any, Any, None]]:
        parts = [self._recorder.run(), self._uplink.run(self._sender.converse), self._beat()]
        if self._scan is not None:
            parts += [self._scan.run(self._hear, self._scan_changed), self._watch()]
        if self._visitor is not None:
            parts.append(self._visitor.run())
        if self._camera is not None and self._settings.camera is not None:
            parts.append(watch_camera(self._camera, self._camera_name, self._clock, self.say))
        return parts

    def _hear(self, advert: Advert) -> None:
        if self._bands is not None:
            number = self._bands.number_of(advert.address) if self._nearness is not None else None
            if self._nearness is not None and number is not None:
                self._nearness.heard(number, advert.rssi_dbm, self._clock.monotonic())
            if self._extended and is_extended(advert.body):
                self._act(self._bands.heard_extended(advert.address, advert.body, self._now()))
                return
            self._act(self._bands.heard(advert.address, advert.body, advert.rssi_dbm, self._now()))

    def _hear_foreign(self, address: bytes, rssi_dbm: int) -> None:
        if self._fingerprint is not None:
            self._fingerprint.heard(address, rssi_dbm, self._clock.monotonic())

    def _scan_changed(self, runs: bool) -> None:
        if self._nearness is not None:
            (self._nearness.listening if runs else self._nearness.deaf)(self._clock.monotonic())
        if self._bands is not None:
            if runs:
                self._bands.scanning(self._now())
            else:
                self._bands.deaf()

    async def _watch(self) -> None:
        while self._bands is not None:
            await asyncio.sleep(TICK_S)
            if self._nearness is not None:
                self._nearness.tick(self._clock.monotonic())
            self._act(self._bands.tick(self._now()))
            self._say_neighbours()

    def _say_neighbours(self) -> None:
        now = self._now()
        neighbours = None if self._fingerprint is None else self._fingerprint.tick(now.at_ms, now.mono_s)
        if neighbours is not None:
            self.say(Lane.BULK, neighbours)

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Rescan):
                if self._scan is not None:
                    self._scan.again()
            else:
                self.say(action.lane, action.record)

    async def _beat(self) -> None:
        while True:
            self._say_mains()
            self._look_at_bands()
            self.say(Lane.STATE, self._heartbeat())
            await asyncio.sleep(self._settings.heartbeat_s)

    def _obey(self, commanded: Commanded) -> None:
        if self._bands is not None:
            commanded.on(SetBands, self._set_bands)
        if self._visitor is not None:
            commanded.on(HistoryHeld, self._visitor.held)
            commanded.on(AskBand, self._visitor.ask)
        if self._camera is not None:
            commanded.on(SetZones, self._set_zones)
            commanded.on(TakeStill, self._take_still)
            self._applied[zones_of(self._camera_name)] = 0
            drawing = commanded.drawing(self._camera_name)
            if drawing is not None:
                try:
                    self._set_zones(drawing)
                except ConfigError as error:
                    log.warning("the drawing cannot be used; the file's serves", extra={"error": str(error)})

    def _take_command(self, body: bytes) -> None:
        if self._commanded is not None and self._commanded.take(body):
            self.say(Lane.STATE, self._heartbeat())  # whoever waits for the change sees it now

    def _set_bands(self, command: SetBands) -> None:
        if self._settings.bands_file is not None:
            write_secret(self._settings.bands_file, bands_toml(command))
            self._look_at_bands()

    def _set_zones(self, command: SetZones) -> None:
        if self._camera is None or command.camera != self._camera_name:
            raise ConfigError(f"no camera {command.camera!r} here")
        self._camera.redraw(command)
        self._applied[zones_of(command.camera)] = command.version

    def _take_still(self, command: TakeStill) -> None:
        if self._camera is None or command.camera != self._camera_name:
            raise ConfigError(f"no camera {command.camera!r} here")
        self._camera.ask_still(command.ask)

    @property
    def _camera_name(self) -> str:
        return str((self._settings.camera or {}).get("id", "camera"))

    def _look_at_bands(self) -> None:
        if self._bands is None or self._bands_watch is None:
            return
        try:
            if self._bands_watch.changed():
                self._bands.rekey(self._bands_watch.bands, self._now())
                if self._visitor is not None:
                    self._visitor.rekey(self._bands_watch.bands)
                if self._nearness is not None:
                    self._nearness.rekey(self._bands_watch.bands, self._clock.monotonic())
                log.info("bands changed", extra={"bands": len(self._bands_watch.bands)})
        except ConfigError as error:
            log.warning("the bands file cannot be read; the last one stays", extra={"error": str(error)})

    def _say_mains(self) -> None:
        mains = self._host.mains()
        if self._mains is not None and mains is not self._mains:
            self.say(Lane.STATE, MainsChanged(self._now().at_ms, mains))
        self._mains = mains

    def _heartbeat(self) -> EdgeHeartbeat:
        now = self._now()
        held = self._recorder.journal.held
        alarm, state, bulk = (held[lane].next - held[lane].base for lane in Lane)
        dropped = sum(self._recorder.journal.dropped.values()) + self._recorder.shed
        adverts = self._scan.adverts if self._scan else 0
        heard, self._adverts_told = adverts - self._adverts_told, adverts
        return EdgeHeartbeat(
            at_ms=now.at_ms,
            period_s=max(1, round(self._settings.heartbeat_s)),
            uptime_s=int(now.mono_s - self._began_s),
            mains=bool(self._mains),
            clock_synced=self._host.clock_synced(),
            radio=RadioHealth(bool(self._scan and self._scan.ok), heard, self._scan.rescans if self._scan else 0),
            journal=JournalHealth(alarm, state, bulk, dropped),
            bands=self._last_heard(),
            version=VERSION,
            applied=self._applied | ({BANDS: bands_mark(self._bands_watch.bands)} if self._bands_watch else {}),
            walked=self._walked is not None and self._walked.proven,
        )

    def _last_heard(self) -> tuple[LastHeard, ...]:
        heard = self._bands.last_heard() if self._bands else ()
        if self._nearness is None:
            return heard
        return tuple(LastHeard(one.band, one.at_ms, self._nearness.near(one.band)) for one in heard)

    def _now(self) -> Moment:
        return Moment(to_ms(self._clock.now()), self._clock.monotonic())


def build(settings: EdgeSettings, folder: Path) -> Agent:
    """The agent that a configuration in `folder` asks for; raises ConfigError."""
    clock = SystemClock()
    keys = read_edge_keys(settings.key_file)
    radio: Radio | None = None
    bands: BandsWatch | None = None
    links: Links | None = None
    updates: Updates | None = None
    if settings.radio is not None and settings.bands_file is not None:
        # A camera-only edge has no Bluetooth, and a box need not load what it has not.
        from ancu.edge.adapters.bleak_radio import open_radio  # noqa: PLC0415

        radio = open_radio(settings.radio.backend, settings.radio.adapter, settings.radio.proxy_key_file)
        bands = BandsWatch(settings.bands_file)
        if settings.radio.visit_s > 0:
            from ancu.edge.adapters.bleak_links import open_links  # noqa: PLC0415

            links = open_links(settings.radio.backend, settings.radio.adapter)
        if settings.radio.update_file is not None:
            updates = Updates(read_firmware(settings.radio.update_file), clock)
    camera: Callable[[Emit], Camera] | None = None
    if settings.camera is not None:
        camera = partial(open_camera, settings.camera, folder, clock)
    recorder = Recorder(Journal(settings.data / "journal.db", cap_records=settings.journal.cap_records))
    return Agent(
        settings,
        bands=bands,
        recorder=recorder,
        sender=Sender(settings.edge_id, keys, recorder, clock),
        uplink=MqttUplink(settings.broker, settings.ward_code, settings.edge_id, settings.data, VERSION),
        radio=radio,
        host=LinuxHost(),
        clock=clock,
        camera=camera,
        fingerprint=Fingerprint(keys.up, clock.monotonic()) if radio is not None else None,
        commanded=Commanded(settings.edge_id, keys, settings.data / COMMANDED_FILE),
        links=links,
        walked=_walk_of(settings) if radio is not None else None,
        updates=updates,
    )


def _walk_of(settings: EdgeSettings) -> Walked | None:
    try:
        return read_walk(settings.data)
    except ConfigError as error:
        # A box that cannot tell near from far still hears: it must not stay off for that.
        log.warning("the walk cannot be read; nothing is told near or far", extra={"error": str(error)})
        return None
