"""Days left: the law and the person count local days."""

from __future__ import annotations

from datetime import datetime

from ancu.server.ports import PersonDetail
from ancu.server.web.words import VIETNAM

__all__ = ["days_left", "is_over"]


def days_left(person: PersonDetail, now: datetime) -> int:
    """Local days from today to the order's last day; 0 on the last day and after the end."""
    if is_over(person, now):
        return 0
    return max(0, (person.order_until.astimezone(VIETNAM).date() - now.astimezone(VIETNAM).date()).days)


def is_over(person: PersonDetail, now: datetime) -> bool:
    return now >= person.order_until or (person.ended_at is not None and now >= person.ended_at)
