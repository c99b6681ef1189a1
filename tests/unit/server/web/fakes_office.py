"""An office in memory: a calendar, colleagues, and handovers that two sign."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ancu.server.ports import AlertState, NotFound, Viewer
from ancu.server.ports.office import Colleague, HandoverItem, HandoverRow, OfficePort, Taken, WatchRow

NAMES = {"u-lan": "Lê Thị Lan", "u-dung": "Hoàng Dũng", "u-mai": "Ngô Thị Mai"}


class FakeOffice(OfficePort):
    push_key = None

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.held: dict[str, HandoverRow] = {}

    async def watches(
        self, viewer: Viewer, start: datetime, end: datetime, *, ward: str | None = None
    ) -> Sequence[WatchRow]:
        now = self.desk.clock.now()
        lines = (
            ("u-lan", "shift", -3, 5),
            ("u-dung", "shift", 5, 13),
            ("u-mai", "on_call", -3, 13),
            ("u-mai", "absent", 30, 54),
        )
        return [
            WatchRow(who, NAMES[who], what, now + timedelta(hours=begin), now + timedelta(hours=over))
            for who, what, begin, over in lines
        ]

    async def colleagues(self, viewer: Viewer, ward: str) -> Sequence[Colleague]:
        return [
            Colleague("u-dung", NAMES["u-dung"], "officer", "shift", absent=False),
            Colleague("u-mai", NAMES["u-mai"], "health", None, absent=True),
        ]

    async def draw_handover(self, viewer: Viewer, ward: str, taker: str, *, key: str) -> HandoverRow:
        rows = [i.row for i in self.desk.incidents.values() if i.row.state is not AlertState.RESOLVED]
        items = [
            HandoverItem(r.id, r.kind, r.severity.value, r.state.value, r.opened_at, r.acknowledged_by) for r in rows
        ]
        id_ = f"h-{len(self.held)}"
        self.held[id_] = HandoverRow(
            id=id_,
            ward=ward,
            giver=viewer.id,
            giver_name=NAMES.get(viewer.id, viewer.id),
            taker=taker,
            taker_name=NAMES[taker],
            drawn_at=self.desk.clock.now(),
            hash=hashlib.sha256(id_.encode()).hexdigest(),
            items=items,
            giver_signed_at=None,
            taker_signed_at=None,
            whole=False,
            waits_for_me=True,
        )
        return self.held[id_]

    async def sign_handover(self, viewer: Viewer, handover: str, hash_: str, *, key: str) -> HandoverRow:
        held = await self.handover(viewer, handover)
        assert hash_ == held.hash
        now = self.desk.clock.now()
        side = {"giver_signed_at": now} if viewer.id == held.giver else {"taker_signed_at": now}
        held = replace(held, waits_for_me=False, **side)  # type: ignore[arg-type]
        whole = held.giver_signed_at is not None and held.taker_signed_at is not None
        self.held[handover] = replace(held, whole=whole)
        return self.held[handover]

    async def handover(self, viewer: Viewer, handover: str) -> HandoverRow:
        if handover not in self.held:
            raise NotFound
        return self.held[handover]

    async def handovers(self, viewer: Viewer) -> Sequence[HandoverRow]:
        return list(reversed(self.held.values()))

    async def subscribe(self, viewer: Viewer, subscription: str, *, key: str) -> None:
        pass

    async def unsubscribe(self, viewer: Viewer, endpoint: str, *, key: str) -> None:
        pass

    async def shown(self, viewer: Viewer, message: str, *, key: str) -> None:
        pass

    async def take(self, viewer: Viewer, message: str, *, key: str) -> Sequence[Taken]:
        return []
