"""What the engine is told to do, and what it answers: the plan, a step, the outcomes of tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from ancu.server.notify.port import Due, Receipt, Refused, Unreachable
from ancu.server.notify.retry import Backoff
from ancu.server.notify.routing import RoutingPolicy
from ancu.server.ports import Severity

__all__ = ["ALL", "Outcome", "Plan", "Step", "Webhook"]

ALL = frozenset(Severity)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A machine that hears of every call of its wards (None: of all)."""

    name: str
    severities: frozenset[Severity] = ALL
    wards: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is configured. `order`: channels as they are tried for what is not critical."""

    order: tuple[str, ...]
    routing: RoutingPolicy = field(default_factory=RoutingPolicy)
    patience: timedelta = timedelta(seconds=60)  # with one channel, before the next one is tried too
    backoff: Backoff = field(default_factory=Backoff)
    webhooks: tuple[Webhook, ...] = ()
    persons: tuple[str, ...] = ()  # channels that reach people under order

    @property
    def channels(self) -> frozenset[str]:
        return frozenset(self.order)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try came to."""

    delivery: str
    result: Receipt | Refused | Unreachable


@dataclass(frozen=True, slots=True)
class Step:
    """What a step found. `next_ms`: when there is something to do again without anything new; None: never."""

    due: Sequence[Due]
    next_ms: int | None
