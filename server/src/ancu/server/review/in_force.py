"""Which policies are in force since when: records of the journal's stream 'policy', hash-chained as the alerts are."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from ancu.server.adapters.store_journal import Record, Stored
from ancu.server.cases.policy import Policy
from ancu.server.core import Transaction
from ancu.server.review.book import Book, fingerprint

__all__ = ["STREAM", "note_policies"]

log = logging.getLogger(__name__)
STREAM = "policy"  # subject: the label, as alerts name it


def note_policies(tx: Transaction, book: Book) -> list[str]:
    """Journal every policy of a book that is not in the journal as it is now; returns their labels. Run by the core."""
    noted = []
    for policy in book.policies:
        body = _body(policy, book)
        before = _last(tx.store.records_after(0, STREAM, policy.label))
        if before is not None and before.record.body == body:
            continue
        if before is not None and _fingerprint(before.record.body) != fingerprint(policy):
            log.warning("numbers changed without a new version", extra={"policy": policy.label})
        tx.records.append(Record(tx.now_ms, STREAM, policy.label, body))
        noted.append(policy.label)
    return noted


def _last(records: Iterable[Stored]) -> Stored | None:
    last = None
    for last in records:  # noqa: B007 - the last is the answer
        pass
    return last


def _body(policy: Policy, book: Book) -> bytes:
    says: dict[str, Any] = {
        "policy": policy,
        "fingerprint": fingerprint(policy),
        "wards": sorted(ward for ward, each in book.of_wards.items() if each.label == policy.label),
        "provinces": sorted(name for name, each in book.of_provinces.items() if each.label == policy.label),
    }
    return msgspec.json.encode(says, order="deterministic")


def _fingerprint(body: bytes) -> str:
    return str(msgspec.json.decode(body)["fingerprint"])
