"""Orders over the real register: a form, a file of two hundred, extend, end, transfer, and what is printed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ancu.server.people.errors import OrderRefused
from ancu.server.people.ledger import Ledger
from ancu.server.people.templates import Letter, print_papers
from ancu.server.ports import NotFound
from ancu.server.ports.exchange import Refused
from ancu.server.ports.orders import Guardian, NewOrder
from ancu.server.web.words import load_catalogues

from .house import House, open_house
from .rows import rows_of


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await open_house(tmp_path)
    yield made
    await made.close()


@pytest.mark.timeout(60)  # two hundred orders beside other tests
async def test_of_two_hundred_rows_the_good_are_kept_and_the_bad_are_told_by_row_and_column(house: House):
    lan = house.viewer("lan")
    report = await house.desk.import_orders(lan, rows_of(200), key="k")
    assert len(report.orders) == 197
    assert [(f.line, f.field, f.fault) for f in report.faults] == [
        (199, "start", "bad_date"),
        (200, "phone", "phone_as_number"),
        (201, "name", "under_order"),
    ]
    assert report.bad_rows.splitlines()[1:] == rows_of(200).decode("utf-8-sig").split("\r\n")[-3:]
    again = await house.desk.import_orders(lan, rows_of(200), key="k")
    assert again == report
    other_key = await house.desk.import_orders(lan, rows_of(200), key="k2")
    assert (len(other_key.orders), len({f.line for f in other_key.faults})) == (0, 200)
    assert house.rows("SELECT count(*) FROM orders") == [(200,)]
    assert Ledger(house.register().connection, "test").verify() is None
    await house.turn()
    (last,) = (await house.desk.people(lan, limit=1)).items
    assert last.ward == "ben-nghe"


async def test_a_row_with_a_box_of_nowhere_is_undone_alone(house: House):
    head = "Name,From,Days,Box"
    rows = "An Một,21/11/2026,14,home-1\nAn Hai,21/11/2026,14,home-9\nAn Ba,21/11/2026,14,home-2\nAn Bốn,1/11/2026,7,"
    report = await house.desk.import_orders(house.viewer("lan"), f"{head}\n{rows}".encode(), key="k")
    assert [(f.line, f.field, f.fault) for f in report.faults] == [
        (3, "edge", "unknown_edge"),
        (4, "edge", "other_ward"),
        (5, "until", "over"),
    ]
    assert house.rows("SELECT name FROM person_private WHERE name LIKE 'An %'") == [("An Một",)]


async def test_an_order_of_a_form_is_one_order_and_only_of_ones_own_ward(house: House):
    lan = house.viewer("lan")
    new = NewOrder(
        ward="ben-nghe",
        name="Lê Thị Mới",
        starts_at=house.clock.now(),
        until=house.clock.now() + timedelta(days=14),
        guardian=Guardian("Lê Văn Cha", "0912 000 111"),
        reason="positive",
    )
    first = await house.desk.create_order(lan, new, key="k")
    assert await house.desk.create_order(lan, new, key="k") == first
    assert (first.label, first.state) == ("Lê Thị Mới · Phường Bến Nghé", "running")
    for who in ("minh", "p-an"):
        with pytest.raises(NotFound):
            await house.desk.create_order(house.viewer(who), new, key="k")
        with pytest.raises(NotFound):
            await house.desk.order(house.viewer(who), first.id)


async def test_an_order_is_extended_and_ended_and_then_left_alone(house: House):
    lan, desk = house.viewer("lan"), house.desk
    until = house.clock.now() + timedelta(days=9)
    assert (await desk.extend_order(lan, "o-1", until, key="1")).until == until
    with pytest.raises(OrderRefused):
        await desk.extend_order(lan, "o-1", house.clock.now() - timedelta(days=1), key="2")
    assert (await desk.end_order(lan, "o-1", "completed", key="3")).state == "over"
    with pytest.raises(Refused):
        await desk.end_order(lan, "o-1", "completed", key="4")
    with pytest.raises(NotFound):
        await desk.end_order(lan, "o-3", "completed", key="5")


async def test_a_transferred_person_belongs_to_the_other_ward_at_once(house: House):
    lan, minh, desk = house.viewer("lan"), house.viewer("minh"), house.desk
    moved = await desk.transfer_order(lan, "o-1", ward="da-kao", edge="home-2", address="9 Đinh Tiên Hoàng", key="1")
    assert (moved.ward, moved.edge, moved.label) == ("da-kao", "home-2", "Nguyễn Văn An · Phường Đa Kao")
    await house.turn()
    with pytest.raises(NotFound):
        await desk.person(lan, "p-an")
    assert (await desk.person(minh, "p-an")).address == "9 Đinh Tiên Hoàng"
    with pytest.raises(OrderRefused):
        await desk.transfer_order(lan, "o-2", ward="da-kao", edge="home-1", address=None, key="2")
    assert (await desk.order(lan, "o-2")).ward == "ben-nghe"


async def test_a_transfer_to_no_ward_names_the_ward_and_changes_nothing(house: House):
    lan = house.viewer("lan")
    with pytest.raises(Refused, match="ward"):
        await house.desk.transfer_order(lan, "o-1", ward="nowhere", edge=None, address=None, key="1")
    assert (await house.desk.order(lan, "o-1")).ward == "ben-nghe"


async def test_where_a_home_is_shows_in_its_own_ward_and_is_forgotten_with_a_transfer(house: House):
    lan, desk = house.viewer("lan"), house.desk
    now = house.clock.now()
    new = NewOrder("ben-nghe", "Lê Thị Mới", now, now + timedelta(days=14), edge="home-1", place=(10.7769, 106.7009))
    row = await desk.create_order(lan, new, key="k")
    await house.turn()
    assert [who.place for who in await desk.whereabouts(lan, "ben-nghe") if who.place] == [(10.7769, 106.7009)]
    with pytest.raises(NotFound):
        await desk.whereabouts(house.viewer("minh"), "ben-nghe")
    await desk.transfer_order(lan, row.id, ward="da-kao", edge="home-2", address=None, key="m")
    await house.turn()
    assert [who.place for who in await desk.whereabouts(house.viewer("minh"), "da-kao") if who.place] == []


async def test_papers_carry_the_kits_address_and_the_code_in_vietnamese_letters(house: House):
    lan = house.viewer("lan")
    papers = await house.desk.papers(lan, ["o-2", "o-1"])
    assert [(paper.name, paper.guardian) for paper in papers] == [
        ("Nguyễn Thị Bé", "Trần Thị Bình"),
        ("Nguyễn Văn An", ""),
    ]
    with pytest.raises(NotFound):
        await house.desk.papers(lan, ["o-1", "o-3"])
    words = load_catalogues()["vi"]
    letters = [Letter(paper, "https://ancu.example.vn/k/abc", "1234 5678") for paper in papers]
    pdf = print_papers(letters, words, house.clock.now(), lambda code: code)
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 4
    spelled = {chr(int(code, 16)) for code in _letters_of(pdf)}
    assert set("ĐộclậpTựdoHạnhphúcNguyễnBéTrầnThịBình") <= spelled
    assert [row.what for row in await house.desk.accesses(house.viewer("p-be"))] == ["paper"]


def _letters_of(pdf: bytes) -> list[str]:
    """Code points that the embedded fonts can be copied out as."""
    blocks = re.findall(rb"beginbfchar(.*?)endbfchar", pdf, re.DOTALL)
    pairs = (re.findall(rb"<[0-9A-Fa-f]+>\s*<([0-9A-Fa-f]{4})>", block) for block in blocks)
    return [code.decode() for found in pairs for code in found]
