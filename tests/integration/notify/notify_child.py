"""A core and a dispatcher with one webhook, in a process that will be killed. With 'sos' somebody calls for help."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ancu.models.clock import SystemClock
from ancu.models.process import run_until_stopped
from ancu.server.adapters.notify_channels import build_notifiers, plan_of
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import fleet, register_of
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Core, Transaction
from ancu.server.memory import Memory
from ancu.server.notify.dispatcher import Dispatcher
from ancu.server.notify.engine import Engine
from ancu.server.notify.settings import NotifySettings, WebhookSettings
from ancu.server.notify.words import Writer
from ancu.server.policies import load_policy
from ancu.server.projection import project
from ancu.server.seating import Bench

CLOCK = SystemClock()


async def main(folder: Path, url: str, what: str) -> None:
    home = fleet(1)[0]
    register = register_of([home])
    hook = WebhookSettings(
        name="desk", url=url, secret_file=folder / "secret", ca_file=folder / "ca.pem", timeout_s=20.0
    )
    settings = NotifySettings(webhooks=(hook,), retry_first_s=0.2, retry_cap_s=1.0)
    loop = asyncio.get_running_loop()

    def open_store() -> Store:
        connection = connect(folder / "ancu.db")
        migrate(connection)
        return Store(connection, b"k" * 32)

    core = Core(
        open_store=open_store,
        roster=lambda store, held: None if held == register.version else register,
        project=project,
        memory=Memory(Bench(load_policy("default"))),
        clock=CLOCK,
        told=lambda told: loop.call_soon_threadsafe(dispatcher.wake),
        listening=lambda: False,
    )
    engine = Engine(plan_of(settings), Writer(), lambda: 0.5)
    dispatcher = Dispatcher(engine, build_notifiers(settings, CLOCK), core.command, CLOCK)
    core.start()
    await asyncio.to_thread(core.wait_ready, 10)

    def tap(tx: Transaction) -> None:
        tx.records += tx.memory.feed(SosTapped(CLOCK.now(), home.bands[0].person))

    if what == "sos":
        await asyncio.wrap_future(core.command(tap))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        await dispatcher.run()
    finally:
        core.stop()


if __name__ == "__main__":
    run_until_stopped(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
