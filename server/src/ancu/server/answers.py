"""Answers by key: what was asked once with an idempotency key is carried out once, and answered alike ever after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ancu.models.errors import AncuError
from ancu.server.core import Transaction

__all__ = ["KeyReused", "once"]


class KeyReused(AncuError):
    """An idempotency key came again with another question."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for something else")


def once(tx: Transaction, asker: str, key: str, asked: str, run: Callable[[Transaction], str]) -> str:
    """Carry something out in a transaction, once for a key of an asker; the same key has the same answer.

    Raises KeyReused, and whatever `run` raises: then the key is free again, and what `run` wrote is undone.
    """
    fingerprint = hashlib.sha256(asked.encode()).digest()
    db = tx.store.connection
    row = db.execute("SELECT asked, answer FROM answers WHERE key = ? AND asker = ?", (key, asker)).fetchone()
    if row is not None:
        if row["asked"] != fingerprint:
            raise KeyReused
        return str(row["answer"])
    db.execute("SAVEPOINT once")
    try:
        answer = run(tx)
    except AncuError:
        db.execute("ROLLBACK TO once")  # other works share the transaction: what is refused leaves nothing of it
        raise
    finally:
        db.execute("RELEASE once")
    db.execute(
        "INSERT INTO answers (key, asker, asked, answer, at_ms) VALUES (?, ?, ?, ?, ?)",
        (key, asker, fingerprint, answer, tx.now_ms),
    )
    return answer
