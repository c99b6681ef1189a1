"""The script of a demo: what happens when, and which alerts must follow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Expected", "Raised", "Scene", "Verdict", "expected", "judge", "scenes"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that will happen, `at_s` after the script starts."""

    at_s: float
    says: str  # for the screen
    do: str  # 'leave', 'return', 'cut_strap', 'camera'
    home: int | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that must be raised, once."""

    kind: str
    home: int | None  # None: the camera's site
    cause: str  # the scene whose true moment the latency is counted from
    wait_s: float  # what the policy waits before it may say so


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that the officer's page received."""

    kind: str
    home: int | None
    latency_s: float | None  # from the true moment to the page; None where no cause was found


@dataclass(frozen=True, slots=True)
class Verdict:
    missing: tuple[Expected, ...]
    unexpected: tuple[Raised, ...]
    slow: tuple[Raised, ...]

    @property
    def good(self) -> bool:
        return not (self.missing or self.unexpected or self.slow)


def scenes(homes: int, *, camera: bool) -> list[Scene]:
    """Home 1 stays, home 2 cuts the strap, home 3 walks out and comes back, the camera sees one exit."""
    played = [
        Scene(3, "home 3 walks out", "leave", 3),
        Scene(12, "home 2 cuts the strap", "cut_strap", 2),
        Scene(16, "the camera watches the door: one person leaves", "camera"),
        Scene(32, "home 3 comes back", "return", 3),
    ]
    return [
        scene for scene in played if (scene.home is None or scene.home <= homes) and (camera or scene.do != "camera")
    ]


def expected(played: Sequence[Scene], out_of_range_s: float, until_s: float, slack_s: float) -> list[Expected]:
    """The alerts that the scenes must lead to, if their time comes before the end of the run."""
    table = {
        "leave": ("out_of_range", out_of_range_s),
        "cut_strap": ("strap_cut", 0.0),
        "camera": ("camera_exit", 0.0),
    }
    due = []
    for scene in played:
        if scene.do in table:
            kind, wait_s = table[scene.do]
            if scene.at_s + wait_s + slack_s <= until_s:
                due.append(Expected(kind, scene.home, scene.do, wait_s))
    return due


def judge(due: Sequence[Expected], raised: Sequence[Raised], slack_s: float) -> Verdict:
    """Hold what was raised against what was due; an alert more than `slack_s` after its wait is slow."""
    left = list(due)
    unexpected, slow = [], []
    for alert in raised:
        match = next((want for want in left if (want.kind, want.home) == (alert.kind, alert.home)), None)
        if match is None:
            unexpected.append(alert)
            continue
        left.remove(match)
        if alert.latency_s is None or alert.latency_s > match.wait_s + slack_s:
            slow.append(alert)
    return Verdict(tuple(left), tuple(unexpected), tuple(slow))
