"""Files of orders as spreadsheets write them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ancu.models.errors import UsageError
from ancu.server.people.imports import MOST_ROWS, decode, read_one, read_orders
from ancu.server.ports.orders import OrderReason, WardChoice

WARDS = [WardChoice("ben-nghe", "Phường Bến Nghé")]
TWO = [*WARDS, WardChoice("da-kao", "Phường Đa Kao")]
HEAD = "Họ và tên,Điện thoại,Từ ngày,Số ngày,Lý do"
ROW = "Nguyễn Thị Phượng Ệ,0901 234 567,21/11/2026,14,F1"
TONES = "\u0300\u0301\u0303\u0309\u0323"


def cp1258(text: str) -> bytes:
    """As Windows in Vietnam writes: letters composed, tones behind them."""
    out = ""
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        tones = "".join(part for part in parts if part in TONES)
        base = unicodedata.normalize("NFC", "".join(part for part in parts if part not in TONES))
        out += base + tones
    return out.encode("cp1258")


def utf16(text: str) -> bytes:
    return text.replace(",", "\t").encode("utf-16")


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        utf16,
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        cp1258,
        lambda text: unicodedata.normalize("NFD", text).encode(),
        lambda text: text.replace(",", ";").encode(),
        lambda text: ("sep=;\r\n" + text.replace(",", ";")).encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: ("\n" + text + "\n,,,,\n\n").encode(),
        lambda text: text.replace("Nguyễn Thị Phượng Ệ", '"Nguyễn Thị\nPhượng  Ệ"').encode(),
    ],
)
def test_the_same_order_comes_out_of_every_way_to_write_it(write: Callable[[str], bytes]):
    read = read_orders(write(f"{HEAD}\n{ROW}\n"), WARDS)
    assert read.faults == []
    (row,) = read.rows
    assert row.order.name == "Nguyễn Thị Phượng Ệ"
    assert (row.order.ward, row.order.phone, row.order.reason) == ("ben-nghe", "0901 234 567", "close_contact")
    assert row.order.starts_at == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert row.order.until == datetime(2026, 12, 4, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "field", "fault"),
    [
        (",0901234567,21/11/2026,14,", "name", "missing"),
        ("Nguy?n V?n An,,21/11/2026,14,", "name", "lost_letters"),
        ("123,,21/11/2026,14,", "name", "no_name"),
        ("An,12,21/11/2026,14,", "phone", "bad_phone"),
        ("An,9.01E+08,21/11/2026,14,", "phone", "phone_as_number"),
        ("An,,31/02/2026,14,", "start", "bad_date"),
        ("An,,,14,", "start", "missing"),
        ("An,,21/11/2026,,", "days", "missing"),
        ("An,,21/11/2026,0,", "days", "bad_days"),
        ("An,,21/11/2026,mười,", "days", "bad_days"),
        ("An,,21/11/2026,14,chán", "reason", "unknown_reason"),
        ("A" * 301 + ",,21/11/2026,14,", "name", "too_long"),
    ],
)
def test_a_fault_names_its_line_and_column_and_good_rows_stay(row: str, field: str, fault: str):
    read = read_orders(f"{HEAD}\n{ROW}\n{row}\nTrần Văn Tốt,,21/11/2026,7,\n".encode(), WARDS)
    assert (3, field, fault) in {(f.line, f.field, f.fault) for f in read.faults}
    assert [r.order.name for r in read.rows] == ["Nguyễn Thị Phượng Ệ", "Trần Văn Tốt"]
    assert read.csv_of({3}).splitlines() == [HEAD, row]


def test_every_fault_of_a_row_is_told_at_once():
    read = read_orders(f"{HEAD}\n,12,x,y,z\n".encode(), WARDS)
    assert {f.field for f in read.faults} == {"name", "phone", "start", "days", "reason"}


def test_a_spreadsheets_lost_zero_and_serial_day_are_mended():
    read = read_orders(f"{HEAD}\nAn,901234567,46347,14.0,\n".encode(), WARDS)
    (row,) = read.rows
    assert (row.order.phone, row.order.starts_at) == ("0901 234 567", datetime(2026, 11, 20, 17, tzinfo=UTC))
    assert row.order.reason is OrderReason.HOME_QUARANTINE


@pytest.mark.parametrize("said", ["21/11/2026", "21-11-2026", "21.11.26", "2026-11-21"])
def test_days_are_read_day_first_as_in_vietnam(said: str):
    (row,) = read_orders(f"{HEAD}\nAn,,{said},14,\n".encode(), WARDS).rows
    assert row.order.starts_at == datetime(2026, 11, 20, 17, tzinfo=UTC)


def test_an_order_with_a_last_day_lasts_to_its_end_and_with_a_minute_to_that():
    head = "Name,From,Until"
    rows = read_orders(f"{head}\nAn,21/11/2026 08:30,4/12/2026\nBa,2026-11-21,2026-12-04 12:00\n".encode(), WARDS).rows
    assert [row.order.until for row in rows] == [
        datetime(2026, 12, 4, 17, tzinfo=UTC),
        datetime(2026, 12, 4, 5, tzinfo=UTC),
    ]
    assert rows[0].order.starts_at == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


def test_a_ward_is_named_by_code_or_by_name_and_must_be_ones_own():
    head = "Name,Ward,From,Days"
    rows = "An,da-kao,21/11/2026,14\nBa,phường đa kao,21/11/2026,14\nCa,Phường 9,21/11/2026,14\nDa,,21/11/2026,14\n"
    read = read_orders(f"{head}\n{rows}".encode(), TWO)
    assert [row.order.ward for row in read.rows] == ["da-kao", "da-kao"]
    assert [(f.line, f.fault) for f in read.faults] == [(4, "unknown_ward"), (5, "missing")]


def test_the_same_person_twice_is_one_order():
    read = read_orders(f"{HEAD}\n{ROW}\n{ROW.replace('Phượng', 'phượng')}\n".encode(), WARDS)
    assert len(read.rows) == 1
    assert [(f.line, f.fault) for f in read.faults] == [(3, "twice")]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"PK\x03\x04workbook",
        b"\xd0\xcf\x11\xe0workbook",
        HEAD.encode(),
        b"a,b,c\n1,2,3\n",
        (HEAD + "\n" + (ROW + "\n") * (MOST_ROWS + 1)).encode(),
        HEAD.encode() + b'\n"An\x00,,,\n',
    ],
)
def test_what_is_no_file_of_orders_is_refused_as_a_whole(raw: bytes):
    with pytest.raises(UsageError):
        read_orders(raw, WARDS)


@given(st.binary(max_size=400))
def test_noise_is_refused_and_never_crashes(raw: bytes):
    try:
        read_orders(HEAD.encode() + b"\n" + raw, WARDS)
        decode(raw)
    except UsageError:
        pass


def test_a_form_is_read_by_the_same_rules():
    said = {"name": "An", "start": "2026-11-21", "days": "14", "ward": "", "phone": "12", "reason": "positive"}
    assert read_one(said, WARDS) == (None, {"phone": "bad_phone"})
    order, faults = read_one(said | {"phone": "+84 901 234 567"}, WARDS)
    assert (order is not None, faults) == (True, {})
    assert order is not None
    assert (order.phone, order.reason) == ("0901 234 567", OrderReason.POSITIVE)


@pytest.mark.parametrize("text", ["10.7769, 106.7009", "10.7769,106.7009", "(10.7769; 106.7009)", "10.7769 106.7009"])
def test_coordinates_are_read_as_a_telephone_gives_them(text: str):
    said = {"name": "An", "start": "21/11/2026", "days": "14", "place": text}
    order, faults = read_one(said, WARDS)
    assert faults == {}
    assert order is not None
    assert order.place == (10.7769, 106.7009)


@pytest.mark.parametrize("text", ["106.7009, 10.7769", "48.85, 2.35", "10.7769", "nhà bà Tư", "10,7769, 106,7009"])
def test_coordinates_that_are_none_or_lie_elsewhere_are_refused(text: str):
    order, faults = read_one({"name": "An", "start": "21/11/2026", "days": "14", "place": text}, WARDS)
    assert order is None
    assert faults == {"place": "bad_place"}
