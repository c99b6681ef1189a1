"""Plays the script on a chain, and collects the alerts as an officer receives them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ancu.models.clock import Clock, to_ms
from ancu.server.demo.chain import Chain
from ancu.server.demo.officer import Officer
from ancu.server.demo.script import Raised, Scene

__all__ = ["Play"]

_CAUSES = {"out_of_range": "leave", "band_silent": "leave", "strap_cut": "cut_strap"}


@dataclass
class Play:
    """One run of the script. `began` is None until the first scene's clock runs."""

    chain: Chain
    scenes: Sequence[Scene]
    clock: Clock
    tell: Callable[[str], None]
    began: datetime | None = None
    raised: list[Raised] = field(default_factory=list)
    _truth_ms: dict[tuple[str, int | None], int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Play every scene at its time; returns after the last."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.began = self.clock.now()
        for scene in self.scenes:
            await asyncio.sleep(max(0.0, start + scene.at_s - loop.time()))
            self.tell(scene.says)
            self._truth_ms[scene.do, scene.home] = await self._do(scene)

    async def watch(self, officer: Officer) -> None:
        """Collect alerts as they reach the officer, until cancelled."""
        async for arrived, alert in officer.alerts(lambda: self.clock.now().timestamp()):
            if alert["id"] in self._seen:
                continue
            self._seen.add(alert["id"])
            home = self.chain.home_of(alert)
            latency_s = self._latency(arrived, alert, home)
            self.raised.append(Raised(alert["kind"], home, latency_s))
            after = "" if latency_s is None else f" after {latency_s:.1f} s"
            where = "the camera's site" if home is None else f"home {home}"
            self.tell(f"ALERT {alert['severity']} {alert['kind']}, {where}{after}")

    def next_scene(self) -> tuple[Scene, float] | None:
        """The scene that comes next, and in how many seconds."""
        if self.began is None:
            return None
        since = (self.clock.now() - self.began).total_seconds()
        return next(((scene, scene.at_s - since) for scene in self.scenes if scene.at_s > since), None)

    async def _do(self, scene: Scene) -> int:
        if scene.do == "camera":
            self.chain.start_camera()
            return to_ms(self.clock.now())
        assert scene.home is not None  # noqa: S101 - every other scene has one
        return await self.chain.air.do(scene.do, self.chain.made.citizens[scene.home - 1].band)

    def _latency(self, arrived: float, alert: Any, home: int | None) -> float | None:
        if alert["kind"] == "camera_exit":
            return arrived - datetime.fromisoformat(alert["why"]["at"]).timestamp()
        truth_ms = self._truth_ms.get((_CAUSES.get(alert["kind"], ""), home))
        return None if truth_ms is None else arrived - truth_ms / 1000
