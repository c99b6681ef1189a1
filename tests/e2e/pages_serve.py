"""Serve the pages over a desk in memory, to look at them: python -m tests.e2e.pages_serve [port].

Sign in as lan / nal (an officer) at /login, or as a person under order with the code na-p at /enter.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ancu.server.ports import Severity, Signal
from ancu.server.ports.console import Condition, VisitKind, VisitRow
from ancu.server.ports.exchange import AbsenceRow, CheckinRow
from ancu.server.web import office
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings
from tests.unit.server.web import fakes, fakes_office


def furnish(desk: Any) -> None:
    """An afternoon in a ward: a few alerts, and what was agreed with and seen of a person."""
    now = desk.clock.now()
    first = desk.persons["p-an"]
    names = (
        "Phạm Thị Cúc",
        "Lý Văn Dần",
        "Hồ Thị Én",
        "Bùi Văn Giang",
        "Đỗ Thị Hà",
        "Vũ Minh Khôi",
        "Trịnh Thị Lệ",
        "Mai Văn Nam",
    )
    for number, name in enumerate(names, 11):
        presence = ("home", "home", "home", "unknown")[number % 4]
        label = f"{name} · Phường Bến Nghé"
        desk.persons[f"p-{number}"] = replace(first, id=f"p-{number}", label=label, band=None, presence=presence)
    desk.away += [
        AbsenceRow(
            "a-1",
            "p-an",
            now + timedelta(hours=16),
            now + timedelta(hours=19),
            "test",
            (),
            "u-lan",
            now,
            None,
            "coming",
        ),
        AbsenceRow(
            "a-2",
            "p-an",
            now - timedelta(hours=30),
            now - timedelta(hours=27),
            "hospital",
            (),
            "u-lan",
            now,
            None,
            "over",
        ),
    ]
    desk.asked += [
        CheckinRow("c-2", "p-an", now - timedelta(hours=2), "answered", now - timedelta(hours=1, minutes=56)),
        CheckinRow("c-1", "p-an", now - timedelta(hours=26), "missed", None),
    ]
    desk.kept += [
        VisitRow(
            "v-1",
            "p-an",
            VisitKind.VISIT,
            now - timedelta(hours=22),
            now - timedelta(hours=21),
            "u-lan",
            True,
            Condition.WELL,
            "Đã đổi dây vòng tay. Gia đình cần thêm gạo.",
        ),
        VisitRow(
            "v-2",
            "p-an",
            VisitKind.CALL,
            now - timedelta(hours=4),
            now - timedelta(hours=4),
            "u-lan",
            True,
            Condition.WELL,
            "",
        ),
    ]
    desk.raise_alert(
        "battery_low",
        Severity.LOW,
        why=Signal("battery_level", now, {"band": "wb-00000002", "battery_percent": 14}),
        person="p-hoa",
        label="Đặng Thị Hoa · Phường Bến Nghé",
        ago=5400,
    )
    silent = desk.raise_alert(
        "edge_silent",
        Severity.MEDIUM,
        person=None,
        subject="edge-02",
        label="Bộ thu edge-02 · Phường Bến Nghé",
        why=Signal("edge_quiet", now, {"edge": "edge-02", "silent_s": 610, "people": 1}),
        ago=2400,
    )
    desk.incidents[silent.id].row = replace(desk.incidents[silent.id].row, level=1)
    desk.raise_alert(ago=240)
    desk.raise_alert(
        "strap_cut",
        Severity.CRITICAL,
        why=Signal("strap_open", now, {"band": "wb-00000001", "edge": "edge-01"}),
        ago=30,
    )


async def main(port: int) -> None:
    desk = fakes.FakeDesk(fakes.FakeClock(datetime.now(UTC)))
    fakes.populate(desk)
    furnish(desk)
    accounts = fakes.FakeAccounts()
    app = create_app(desk, accounts, WebSettings(), desk.clock)
    office.install(app, fakes_office.FakeOffice(desk))

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
