"""An attacker in the air of a home: nothing is believed, all of it is counted, and the honest band stays heard."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from typing import Any
from urllib.request import urlopen

import pytest

from ancu.server.demo.chain import Chain
from ancu.server.demo.officer import Officer

from .conftest import Maker, alerts, complaints, until, verify_audit
from .evidence import readings

COPIES = 5
CLONE_SAYS = (99, 365, 70, 98)  # battery, skin, heart and oxygen in an attacker's frame
REPEAT_S = 31  # a frame so young may come again from an edge that was restarted


def refused(chain: Chain) -> Counter[str]:
    """Frames refused by reason, as /metrics has them."""
    with urlopen(f"{chain.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own server
        text = answer.read().decode()
    lines = re.findall(r'^ancu_frames_refused_total\{of="(\w+)"\} ([\d.]+)', text, re.MULTILINE)
    return Counter({reason: int(float(count)) for reason, count in lines})


def said(row: Any) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in ("battery_percent", "skin_deci_c", "heart_bpm", "spo2_percent"))


async def heard_last(chain: Chain, officer: Officer, band: int) -> str | None:
    items = (await officer.get("/api/v1/devices?kind=band&limit=200"))["items"]
    return next(item["last_seen_at"] for item in items if item["id"] == f"wb-{band:08d}")


@pytest.mark.timeout(300)
async def test_nothing_of_an_attacker_is_believed_and_the_honest_band_stays_heard(installation: Maker):
    made = installation(homes=2, report_s=0.1, loss=0.0)  # every frame reaches the server
    async with Chain(made) as chain:
        officer = await chain.province()
        await chain.first_readings(officer, 60)
        began = time.monotonic()
        assert refused(chain) == Counter()
        assert await alerts(chain, officer) == Counter()

        await chain.air.do("flip", 1, copies=COPIES)
        await chain.air.do("forge", 1, copies=COPIES)
        await until(lambda: refused(chain)["seal"] >= COPIES + 1, 40, "forged frames were not counted")
        await until(lambda: alerts(chain, officer), 20, "no alert")
        await chain.air.do("clone", 1)
        await until(lambda: refused(chain)["clone"] == 1, 40, "the clone was not counted")

        # A frame that comes again at once is an echo; a recording is one that comes again later.
        await asyncio.sleep(max(0.0, began + REPEAT_S + 5 - time.monotonic()))
        await chain.air.do("replay", 1, copies=COPIES)
        await until(lambda: refused(chain)["replay"] + refused(chain)["stale"] >= 1, 40, "the replay was not counted")

        before = await heard_last(chain, officer, 1)
        await until(lambda: _changed(chain, officer, before), 40, "the honest band is not heard any more")
        assert await alerts(chain, officer) == Counter({("technical", 1): 1})
        (alert,) = (await officer.get("/api/v1/alerts"))["items"]
        detail = await officer.get(f"/api/v1/alerts/{alert['id']}")
        assert alert["severity"] == "H"
        assert {signal["values"]["reason"] for signal in detail["evidence"]} >= {"seal", "clone"}
        only = refused(chain)
    assert set(only) <= {"seal", "clone", "replay", "stale"}
    rows = readings(made.root)
    assert not [row for row in rows if said(row) == CLONE_SAYS]
    assert len({(row["band"], row["counter"]) for row in rows}) == len(rows)
    assert len([row for row in rows if row["band"] == 1]) >= 20
    assert verify_audit(made)["ok"] is True
    assert complaints(made, disturbed=True) == []


async def _changed(chain: Chain, officer: Officer, before: str | None) -> bool:
    return await heard_last(chain, officer, 1) != before
