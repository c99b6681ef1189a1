"""Changes handed on: one reading for all who may see it, whoever is slow, whenever they came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from ancu.server.changes import Changes, ChangeStore, Scope
from ancu.server.ports import AlertRow, AlertState, Change, Role, Severity, Signal, Viewer

AT = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
BEN_NGHE = Viewer("lan", Role.OFFICER, frozenset({"ben-nghe"}))
DA_KAO = Viewer("xuan", Role.OFFICER, frozenset({"da-kao"}))
HEALTH = Viewer("hoa", Role.HEALTH, frozenset({"ben-nghe"}))
PROVINCE = Viewer("tinh", Role.PROVINCE, None)
CITIZEN = Viewer("p-1", Role.CITIZEN, None, "p-1")


def row_of(alert: str, position: int, *, ward: str = "ben-nghe", person: str = "p-1", kind: str = "sos") -> AlertRow:
    return AlertRow(
        id=alert, kind=kind, severity=Severity.CRITICAL, state=AlertState.OPEN, ward=ward, subject=person,
        subject_label=person, person=person, opened_at=AT, updated_at=AT, ended_at=None, acknowledged_by=None,
        outcome=None, policy="default@2", why=Signal("sos", AT), position=position,
    )  # fmt: skip


class Table(ChangeStore):
    """The store: one row an alert, by the position of its last event."""

    def __init__(self) -> None:
        self.rows: dict[str, AlertRow] = {}
        self.reads: list[str] = []
        self.broken = False
        self.open = asyncio.Event()
        self.open.set()
        self._position = 0

    def change(self, alert: str, *, ward: str = "ben-nghe", person: str = "p-1", kind: str = "sos") -> AlertRow:
        self._position += 1
        self.rows[alert] = row_of(alert, self._position, ward=ward, person=person, kind=kind)
        return self.rows[alert]

    async def newest(self, after: int, most: int) -> Sequence[AlertRow]:
        self.reads.append("newest")
        await self.open.wait()
        if self.broken:
            raise OSError("disk")
        return self._since(after)[-most:]

    async def missed(self, viewer: Viewer, after: int, most: int) -> Sequence[AlertRow]:
        self.reads.append("missed")
        await asyncio.sleep(0)
        scope = Scope.of(viewer)
        return [row for row in self._since(after) if scope.has(row.ward, row.person, row.kind)][:most]

    def _since(self, after: int) -> list[AlertRow]:
        return sorted((row for row in self.rows.values() if row.position > after), key=lambda row: row.position)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def changes(table: Table) -> Changes:
    return Changes(table, keep=20)


async def take(stream: AsyncIterator[Change], count: int) -> list[str]:
    async with asyncio.timeout(5):
        return [(await anext(stream)).row.id for _ in range(count)]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_two_hundred_streams_cost_one_reading_of_a_change(table: Table, changes: Changes):
    heard: list[str] = []

    async def listen() -> None:
        heard.extend(await take(changes.follow(BEN_NGHE, None), 1))

    listening = [asyncio.create_task(listen()) for _ in range(200)]
    await settle()
    table.reads.clear()
    table.change("a-1")
    changes.told()
    await settle()
    assert heard == ["a-1"] * 200
    assert table.reads == ["newest"]
    await asyncio.gather(*listening)


async def test_streams_of_one_scope_are_handed_the_same_change(table: Table, changes: Changes):
    table.change("a-1")
    one, two = changes.follow(BEN_NGHE, 0), changes.follow(PROVINCE, 0)
    assert await anext(one) is await anext(two)


@pytest.mark.parametrize("after", [None, 0], ids=["live", "resumed"])
@pytest.mark.parametrize("keep", [2, 20], ids=["fallen behind", "held"])
async def test_a_stream_never_has_what_is_not_its_viewers(table: Table, after: int | None, keep: int):
    changes = Changes(table, keep=keep)
    streams = {viewer: changes.follow(viewer, after) for viewer in (BEN_NGHE, DA_KAO, HEALTH, PROVINCE, CITIZEN)}
    coming = {viewer: asyncio.ensure_future(take(stream, 1)) for viewer, stream in streams.items()}
    await settle()
    table.change("ours")
    table.change("theirs", ward="da-kao", person="p-2")
    table.change("fever", kind="fever")
    table.change("neighbour", person="p-3")
    changes.told()
    first = {viewer: await task for viewer, task in coming.items()}
    rest = {
        BEN_NGHE: ["ours", "neighbour"],
        DA_KAO: ["theirs"],
        HEALTH: ["ours", "fever", "neighbour"],
        PROVINCE: ["ours", "theirs", "fever", "neighbour"],
        CITIZEN: ["ours", "fever"],
    }
    for viewer, stream in streams.items():
        assert first[viewer] + await take(stream, len(rest[viewer]) - 1) == rest[viewer]
        nothing = asyncio.ensure_future(anext(stream))
        await settle()
        assert not nothing.done()
        nothing.cancel()


async def test_a_reader_that_stands_still_holds_up_nobody_and_misses_nothing(table: Table, changes: Changes):
    slow, quick = changes.follow(PROVINCE, None), changes.follow(PROVINCE, None)
    first = asyncio.ensure_future(take(slow, 1))
    eager = asyncio.ensure_future(take(quick, 300))
    await settle()
    for n in range(300):
        table.change(f"a-{n:03d}")
        changes.told()
        await settle()
    assert await eager == [f"a-{n:03d}" for n in range(300)]
    assert len(changes._held) == 20  # whatever the slow one has not read
    assert await first == ["a-000"]
    assert await take(slow, 299) == [f"a-{n:03d}" for n in range(1, 300)]


@pytest.mark.parametrize("missed", [3, 19, 20, 21, 250])
async def test_whoever_resumes_after_a_restart_has_what_he_missed_once_and_in_order(table: Table, missed: int):
    table.change("seen")
    for n in range(missed):
        table.change(f"a-{n:03d}")
    resumed = Changes(table, keep=20).follow(BEN_NGHE, 1)
    assert await take(resumed, missed) == [f"a-{n:03d}" for n in range(missed)]
    nothing = asyncio.ensure_future(anext(resumed))
    await settle()
    assert not nothing.done()
    nothing.cancel()


async def test_after_a_restart_many_streams_resume_out_of_one_reading(table: Table, changes: Changes):
    for n in range(10):
        table.change(f"a-{n}")
    streams = [changes.follow(BEN_NGHE, 4) for _ in range(50)]
    assert await asyncio.gather(*(take(stream, 6) for stream in streams)) == [[f"a-{n}" for n in range(4, 10)]] * 50
    assert table.reads == ["newest"]


async def test_whoever_comes_while_the_first_reading_is_under_way_is_not_told_all_again(table: Table, changes: Changes):
    for n in range(5):
        table.change(f"a-{n}")
    table.open.clear()
    coming = []
    for _ in range(2):
        coming.append(asyncio.ensure_future(take(changes.follow(BEN_NGHE, 5), 1)))
        await settle()
    table.open.set()
    await settle()
    table.change("new")
    changes.told()
    assert await asyncio.gather(*coming) == [["new"], ["new"]]


async def test_a_position_from_a_later_time_than_the_store_s_is_taken_as_now(table: Table, changes: Changes):
    table.change("a-1")
    stream = changes.follow(BEN_NGHE, 900)
    coming = asyncio.ensure_future(take(stream, 1))
    await settle()
    table.change("a-2")
    changes.told()
    assert await coming == ["a-2"]


async def test_what_is_followed_from_a_position_has_no_gap(table: Table, changes: Changes):
    table.change("a-1")
    at = await changes.position()
    table.change("a-2")  # before the stream is open
    changes.told()
    assert await take(changes.follow(BEN_NGHE, at), 1) == ["a-2"]


async def test_nothing_is_read_while_nobody_follows(table: Table, changes: Changes):
    table.change("a-1")
    changes.told()
    await settle()
    assert table.reads == []


async def test_a_ward_with_little_to_say_is_not_woken_by_the_others(table: Table, changes: Changes):
    quiet = changes.follow(DA_KAO, None)
    busy = changes.follow(PROVINCE, None)
    coming = asyncio.ensure_future(take(quiet, 1))
    watching = asyncio.ensure_future(take(busy, 60))
    await settle()
    for n in range(60):  # more than is held
        table.change(f"a-{n}")
        changes.told()
        await settle()
    assert len(await watching) == 60
    table.change("theirs", ward="da-kao")
    changes.told()
    assert await coming == ["theirs"]
    assert "missed" not in table.reads


async def test_a_store_that_cannot_be_read_ends_the_streams_and_they_resume_when_it_can(
    table: Table, changes: Changes, caplog: pytest.LogCaptureFixture
):
    stream = changes.follow(BEN_NGHE, None)
    coming = asyncio.ensure_future(take(stream, 1))
    await settle()
    table.broken = True
    table.change("a-1")
    changes.told()
    with pytest.raises(StopAsyncIteration):
        await coming
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    table.broken = False
    assert await take(changes.follow(BEN_NGHE, 0), 1) == ["a-1"]


async def test_closing_ends_every_stream(changes: Changes):
    coming = asyncio.ensure_future(take(changes.follow(BEN_NGHE, None), 1))
    await settle()
    changes.close()
    with pytest.raises(StopAsyncIteration):
        await coming


def test_an_alert_that_changed_its_ward_is_not_shown_to_the_old_one():
    row = row_of("a-1", 1)
    assert Scope.of(BEN_NGHE).has(row.ward, row.person, row.kind)
    assert not Scope.of(BEN_NGHE).has("da-kao", row.person, row.kind)
