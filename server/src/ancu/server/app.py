"""The server process: builds its parts and runs them together. The only place that constructs adapters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterator

from ancu.models.clock import Clock
from ancu.models.errors import AncuError
from ancu.models.wire import Confirmation, encode_confirm
from ancu.server.adapters.mqtt import ServerLink
from ancu.server.adapters.notify_channels import build_notifiers, plan_of
from ancu.server.adapters.notify_receipts import build_receivers
from ancu.server.adapters.notify_webpush import load_key, public_text
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import audit_key
from ancu.server.collector import tune_collector
from ancu.server.commanding import Commander
from ancu.server.config import ServerSettings
from ancu.server.core import Core, CoreStopped, Told
from ancu.server.desk.fleet import FleetDesk
from ancu.server.desk.site import SiteDesk
from ancu.server.desk.site_base import Grounds
from ancu.server.desk.store import StoreDesk
from ancu.server.exchange.asking import Asking
from ancu.server.history.challenger import Challenger
from ancu.server.history.receipts import Receipts
from ancu.server.memory import Memory
from ancu.server.notify.desk import ReceiptDesk
from ancu.server.notify.dispatcher import Dispatcher
from ancu.server.notify.engine import Engine
from ancu.server.notify.office import Office
from ancu.server.notify.words import Writer
from ancu.server.people.records import Snapshot
from ancu.server.people.sites_seen import note_taken
from ancu.server.people.snapshot import read_snapshot, read_version
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.projection import project
from ancu.server.review.book import load_book
from ancu.server.review.in_force import note_policies
from ancu.server.seating import Bench
from ancu.server.steady import SteadyClock
from ancu.server.web import compose
from ancu.server.web import office as web_office
from ancu.server.web import site as web_site

__all__ = ["Server"]

log = logging.getLogger(__name__)
_READY_S = 30.0


class Server:
    """One server over one data folder."""

    def __init__(self, settings: ServerSettings, clock: Clock | None = None) -> None:
        """Open the vault and the database; raises ConfigError."""
        self._settings = settings
        self._clock = SteadyClock(clock)
        self._vault = Vault.open(settings.data / MASTER_KEY_FILE)
        self._book = load_book(settings.policy, settings.policy_overrides)
        self._memory = Memory(Bench(self._book))
        self._migrate()
        self._series = Series(settings.series, settings.database)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._core = Core(
            open_store=self._open_store,
            roster=self._roster,
            project=project,
            note=note_taken,
            memory=self._memory,
            clock=self._clock,
            told=self._told,
            listening=lambda: self._link.connected,
            steady=self._clock,
        )
        self._link = ServerLink(settings.broker, settings.data, deliver=self._core.deliver, seal=self._seal)
        self._commander = Commander(
            self._core.command, lambda sealed: self._link.command(sealed.ward, sealed.edge, sealed.body)
        )
        self._receipts = Receipts(self._commander.tell)
        self._challenger = Challenger(settings.challenges, self._core.command, self._commander.tell)
        writer = Writer(settings.notify.language, settings.notify.link)
        engine = Engine(plan_of(settings.notify), writer, random.random)
        self._dispatcher = Dispatcher(
            engine,
            build_notifiers(settings.notify, self._clock),
            self._core.command,
            self._clock,
        )
        self._desk = StoreDesk(
            settings.database,
            core=self._core,
            memory=self._memory,
            series=self._series,
            clock=self._clock,
            linked=lambda: self._link.connected,
            link_counts=lambda: self._link.counts,
            more_counts=lambda: (
                self._dispatcher.counts() | self._receipt_desk.metrics() | {"clock_off_seconds": self._clock.off_s}
            ),
        )

        self._asking = Asking(
            bytes.fromhex(self._vault.hash("ancu/v1/check-ins")),
            lambda: self._memory.roster,
            self._memory.judging.policy,
            self._core.command,
            self._clock,
            asked=self._dispatcher.wake,
        )
        self._grounds = Grounds(settings.database, self._core, self._memory, self._clock)
        push = settings.notify.push
        self._office = Office(
            settings.database,
            self._core,
            self._clock,
            push.hosts if push else (),
            public_text(load_key(push.key_file)) if push else None,
        )

        self._receipt_desk = ReceiptDesk(
            build_receivers(settings.notify), engine, self._core, self._clock, self._dispatcher.wake
        )

    async def run(self, listening: Callable[[int], None] | None = None) -> None:
        """Run until cancelled; raises ConfigError."""
        self._loop = asyncio.get_running_loop()
        app = compose.build(self._desk, self._settings.data, self._settings.web, self._clock)
        web_office.install(app, self._office, self._receipt_desk)
        web_site.install(app, FleetDesk(self._grounds), SiteDesk(self._grounds, self._commander))
        stopping = asyncio.Event()
        self._core.start()
        self._series.start()
        self._series.wake()
        try:
            with _plain_errors():
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._link_when_ready())
                    group.create_task(
                        compose.serve(app, self._settings.host, self._settings.port, stopping, listening=listening)
                    )
                    group.create_task(self._watch())
                    group.create_task(self._dispatcher.run())
                    group.create_task(self._commander.run())
                    group.create_task(self._receipts.run())
                    group.create_task(self._challenger.run())
                    group.create_task(self._asking.run())
        finally:
            stopping.set()
            await asyncio.shield(asyncio.to_thread(self._stop))
            log.info("stopped")

    def _stop(self) -> None:
        self._core.stop(2.5)
        self._series.stop(1.0)
        self._desk.close()
        self._grounds.close()

    async def _link_when_ready(self) -> None:
        """Relays before memory is back would only wait."""
        while not await asyncio.to_thread(self._core.wait_ready, 0.5):
            pass
        with contextlib.suppress(CoreStopped):  # the next start notes them
            await asyncio.wrap_future(self._core.command(lambda tx: note_policies(tx, self._book)))
        tune_collector()
        await self._link.run()

    async def _watch(self) -> None:
        """A core that ended takes the process with it: whoever started it starts it again."""
        while self._core.is_alive():  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(1)
        raise AncuError("the core ended; see the log")

    def _migrate(self) -> None:
        connection = connect(self._settings.database)
        try:
            taken = migrate(connection)
        finally:
            connection.close()
        if taken:
            log.info("schema brought up to date", extra={"steps": taken})

    # --- called on the core's thread ---

    def _open_store(self) -> Store:
        return Store(connect(self._settings.database), audit_key(self._vault))

    def _roster(self, store: Store, held: int | None) -> Snapshot | None:
        if held is not None and read_version(store.connection) == held:
            return None
        return read_snapshot(store.connection, self._vault)

    def _told(self, told: Told) -> None:
        if told.rows > self._series.upto:
            self._series.wake()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                self._loop.call_soon_threadsafe(self._tell, told)

    # --- on the loop ---

    def _tell(self, told: Told) -> None:
        self._link.confirm(told.confirms)
        self._receipts.note(told.receipts)
        if told.records:
            self._desk.told(told.records[-1].position)
            self._dispatcher.wake()

    def _seal(self, confirmation: Confirmation) -> bytes | None:
        edge = self._memory.keyring.edges.get(confirmation.edge)
        return None if edge is None or edge.revoked else encode_confirm(confirmation, edge.keys.down)


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """An error of ours out of a task group is the error itself: a person reads it."""
    try:
        yield
    except BaseExceptionGroup as group:
        ours = group.subgroup(AncuError)
        if ours is None:
            raise
        error: BaseException = ours
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
