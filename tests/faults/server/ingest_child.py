"""A core and the edge that talks to it, in a process that will be killed: says each confirm on stdout."""

from __future__ import annotations

import queue
import sys
import time
from pathlib import Path

from ancu.models.clock import SystemClock
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import fleet, register_of, relay_of
from ancu.server.core import Core, Told
from ancu.server.memory import Memory
from ancu.server.policies import load_policy
from ancu.server.projection import project
from ancu.server.seating import Bench

KEY = b"k" * 32
SIZE = 5


def main(path: Path, began_s: int, confirmed: int) -> None:
    """Send from just before `confirmed` on, as an edge that lost some confirms; record i was heard at began_s + i."""
    home = fleet(1)[0]
    register = register_of([home])
    told: queue.Queue[Told] = queue.Queue()

    def open_store() -> Store:
        connection = connect(path)
        migrate(connection)
        return Store(connection, KEY)

    core = Core(
        open_store=open_store,
        roster=lambda store, held: None if held == register.version else register,
        project=project,
        memory=Memory(Bench(load_policy("demo"))),
        clock=SystemClock(),
        told=told.put,
    )
    core.start()
    core.wait_ready(10)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    first = max(1, confirmed - 2 * SIZE)
    while True:
        heard = [home.bands[0].heard((began_s + i) * 1000) for i in range(first, first + SIZE)]
        core.deliver(*relay_of([home.batch(heard, first=first)], home.gateway))
        for confirm in told.get(timeout=10).confirms:
            sys.stdout.write(f"{confirm.upto}\n")
            sys.stdout.flush()
        first += SIZE
        time.sleep(0.001)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
