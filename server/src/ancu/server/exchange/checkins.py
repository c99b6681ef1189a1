"""Random check-ins: at which moments a person is asked. Pure: a seed, an order and a local day give the moments.

The seed follows from the installation's master key, so that nobody under order can know a moment in advance and a
restart knows the same ones.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ancu.models.clock import to_ms
from ancu.server.cases.paging import is_quiet
from ancu.server.cases.policy import Policy
from ancu.server.people.records import OrderRecord

__all__ = ["Ask", "asks", "fitting", "moments"]

_DAY_S = 86_400
_BITS = 64


@dataclass(frozen=True, slots=True)
class Ask:
    """A person is to be asked. The id follows from the order and the moment: nobody is asked twice for one moment."""

    id: str
    order: str
    person: str
    ward: str
    at: datetime


def moments(seed: bytes, order: str, day: date, policy: Policy) -> tuple[datetime, ...]:
    """When a person is asked on a day that begins with the end of the quiet hours; in order.

    Uniform over what is left of the waking hours when the last answer's window must end inside them, and at least
    `apart_s` from one to the next. Fewer than `per_day` where the hours are too short for them.
    """
    zone = ZoneInfo(policy.paging.zone)
    count = fitting(policy)
    left_s = _awake_s(policy) - (count - 1) * policy.checkins.apart_s
    begins = datetime.combine(day, policy.paging.quiet_to, zone)
    drawn = sorted(_fraction(seed, order, day, turn) * left_s for turn in range(count))
    found = (
        begins + timedelta(seconds=round(offset) + turn * policy.checkins.apart_s) for turn, offset in enumerate(drawn)
    )
    window = timedelta(seconds=policy.rules.checkin_missed.opens_after_s)
    utc = (at.astimezone(tz=_UTC) for at in found)  # wall time: where clocks are moved an hour may be quiet after all
    return tuple(at for at in utc if not is_quiet(policy.paging, at) and not is_quiet(policy.paging, at + window))


def asks(seed: bytes, order: OrderRecord, now: datetime, policy: Policy) -> Iterator[Ask]:
    """The moments of an order that came up to now and are not too late yet, each with its whole window in force."""
    if not policy.checkins.per_day:
        return
    since = now - timedelta(seconds=policy.checkins.late_s)
    window = timedelta(seconds=policy.rules.checkin_missed.opens_after_s)
    zone = ZoneInfo(policy.paging.zone)
    local = since.astimezone(zone).date()
    for day in (local - timedelta(days=1), local, local + timedelta(days=1)):  # waking hours may span midnight
        for at in moments(seed, order.id, day, policy):
            if since < at <= now and order.in_force(at) and order.in_force(at + window):
                yield Ask(_id(order.id, at), order.id, order.person, order.ward, at)


def fitting(policy: Policy) -> int:
    """How many check-ins a day has room for, at most `per_day`."""
    awake_s, apart_s, wanted = _awake_s(policy), policy.checkins.apart_s, policy.checkins.per_day
    if awake_s <= 0:
        return 0
    return wanted if apart_s == 0 else min(wanted, (awake_s - 1) // apart_s + 1)


_UTC = ZoneInfo("UTC")


def _awake_s(policy: Policy) -> int:
    """Seconds of a day at which a check-in may be asked, so that its whole window lies outside of the quiet hours."""
    paging = policy.paging
    quiet_s = (_second(paging.quiet_to) - _second(paging.quiet_from)) % _DAY_S
    return _DAY_S - quiet_s - policy.rules.checkin_missed.opens_after_s - (60 if quiet_s else 0)


def _second(at: object) -> int:
    text = str(at).split(":")
    return int(text[0]) * 3600 + int(text[1]) * 60 + int(float(text[2]) if text[2:] else 0)


def _fraction(seed: bytes, order: str, day: date, turn: int) -> float:
    drawn = hmac.digest(seed, f"check-in|{order}|{day.isoformat()}|{turn}".encode(), "sha256")
    return int.from_bytes(drawn[: _BITS // 8], "big") / float(1 << _BITS)


def _id(order: str, at: datetime) -> str:
    return f"c-{hashlib.sha256(f'{order}|{to_ms(at)}'.encode()).hexdigest()[:16]}"
