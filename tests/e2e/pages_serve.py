"""Serve the pages over a desk in memory, to look at them: python tests/e2e/pages_serve.py [port].

Sign in as lan / nal (an officer) at /login, or as a person under order with the code na-p at /enter.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from ancu.server.ports import Severity, Signal
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings


def load_fakes() -> ModuleType:
    path = Path(__file__).parents[1] / "unit/server/web/fakes.py"
    spec = importlib.util.spec_from_file_location("web_fakes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["web_fakes"] = module
    spec.loader.exec_module(module)
    return module


async def main(port: int) -> None:
    fakes = load_fakes()
    desk = fakes.FakeDesk(fakes.FakeClock(datetime.now(UTC)))
    fakes.populate(desk)
    now = desk.clock.now()
    desk.raise_alert(
        "battery_low",
        Severity.LOW,
        why=Signal("battery_level", now, {"band": "wb-00000002", "battery_percent": 14}),
        person="p-hoa",
        label="Đặng Thị Hoa · Phường Bến Nghé",
        ago=5400,
    )
    desk.raise_alert(
        "edge_silent",
        Severity.MEDIUM,
        person=None,
        subject="edge-02",
        label="Bộ thu edge-02 · Phường Bến Nghé",
        why=Signal("edge_quiet", now, {"edge": "edge-02", "silent_s": 610, "people": 1}),
        ago=2400,
    )
    desk.raise_alert(ago=240)
    desk.raise_alert(
        "strap_cut",
        Severity.CRITICAL,
        why=Signal("strap_open", now, {"band": "wb-00000001", "edge": "edge-01"}),
        ago=30,
    )
    accounts = fakes.FakeAccounts()
    app = create_app(desk, accounts, WebSettings(), desk.clock)

    async def ticking() -> None:
        while True:
            await asyncio.sleep(1)
            desk.clock.at = datetime.now(UTC)

    clock = asyncio.create_task(ticking())

    def listening(at: int) -> None:
        sys.stdout.write(f"http://127.0.0.1:{at}/login\n")
        sys.stdout.flush()

    await serve(app, "127.0.0.1", port, asyncio.Event(), listening=listening)
    clock.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8099))
