"""The spool and its store: bodies survive a restart, refused ones are kept aside, a bad disk is stood in for."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from ancu.gateway.relay import Item, Key
from ancu.gateway.spool import ASIDE_BYTES, Aside, Spool
from ancu.gateway.store import Store
from ancu.models.ids import EdgeId, WardCode
from ancu.models.topics import Lane


def item(first: int, count: int = 1) -> Item:
    return Item(Key(EdgeId("edge-1"), Lane.STATE, 9, first), WardCode("ward-1"), count, 4, 1000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def test_bodies_are_there_after_a_restart_in_order_and_gone_ones_are_not(path: Path):
    spool = Spool(path, refused=3)
    spool.write([(item(n), b"b%03d" % n) for n in (3, 1, 2)])
    spool.write([], gone=[item(2).key])
    again = Spool(path, refused=3)
    assert again.items() == [item(1), item(3)]
    assert again.read([item(3).key, item(2).key]) == [b"b003", None]
    spool.close()
    again.close()


def test_a_longer_body_takes_the_place_of_the_one_held(path: Path):
    spool = Spool(path, refused=3)
    spool.write([(item(1), b"old ")])
    spool.write([(item(1, count=2), b"new!")])
    assert spool.items() == [item(1, count=2)]
    assert spool.read([item(1).key]) == [b"new!"]
    spool.close()


def test_of_refused_bodies_the_newest_heads_are_kept(path: Path):
    spool = Spool(path, refused=3)
    for n in range(10):
        spool.write([], aside=[Aside(n, "t", "magic", bytes([n]) * 5000)])
    assert spool.refused() == [Aside(n, "t", "magic", bytes([n]) * ASIDE_BYTES) for n in (7, 8, 9)]
    spool.close()


def test_a_file_that_is_no_spool_is_put_aside(path: Path):
    path.write_bytes(b"\x00garbage" * 1000)
    spool = Spool(path, refused=3)
    assert spool.items() == []
    spool.close()


class FullDisk(Spool):
    full = True

    def write(
        self, bodies: Sequence[tuple[Item, bytes]], gone: Collection[Key] = (), aside: Sequence[Aside] = ()
    ) -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        super().write(bodies, gone, aside)


async def test_memory_stands_in_for_a_full_disk_and_what_was_confirmed_leaves_it_later(path: Path):
    spool = FullDisk(path, refused=3)
    kept: list[Item] = []
    store = Store(spool, kept.extend)
    task = asyncio.create_task(store.run())
    store.put(item(1), b"body")
    async with asyncio.timeout(5):
        while not kept:  # noqa: ASYNC110 - told by a callback
            await asyncio.sleep(0.01)
    assert await store.read([item(1).key]) == [b"body"]
    store.forget([item(1).key])
    assert await store.read([item(1).key]) == [None]
    spool.full = False
    store.put(item(2), b"more")
    async with asyncio.timeout(5):
        while len(kept) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await store.load() == [item(2)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    store.close()
