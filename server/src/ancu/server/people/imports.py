"""Reading a CSV of orders as spreadsheets write it: any usual encoding, separator and header; faults by row and field.

Pure: text in, orders and faults out. Excel writes UTF-8 with a byte order mark, UTF-16 with tabs ("Unicode text"), or
the machine's own code page, in Vietnam 1258, which spells tones as combining marks; it may put `sep=;` on the first
line, drops the zero that a telephone number begins with, and writes a long number as 9.01E+08.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ancu.models.errors import UsageError
from ancu.server.ports.orders import Guardian, NewOrder, OrderReason, RowFault, WardChoice

__all__ = ["COLUMNS", "MOST_ROWS", "ReadFile", "ReadRow", "decode", "fold", "read_day", "read_one", "read_orders"]

MOST_ROWS = 1000  # one transaction's worth; a ward has a few hundred people
_MOST_CHARS = 300  # of a field
_MOST_DAYS = 365
_ZONE = timezone(timedelta(hours=7))
_EXCEL_DAYS = 60_000  # a serial day of a spreadsheet, up to the year 2064
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - of the spreadsheet's serial days
COLUMNS: Mapping[str, tuple[str, ...]] = {  # field -> the headers that mean it, folded
    "name": ("ho ten", "ho va ten", "ten", "name", "full name"),
    "ward": ("phuong xa", "phuong", "xa", "ma phuong", "ma phuong xa", "ward", "ward code"),
    "phone": ("dien thoai", "so dien thoai", "sdt", "phone", "telephone"),
    "address": ("dia chi", "noi cach ly", "address"),
    "start": ("tu ngay", "ngay bat dau", "bat dau", "start", "from"),
    "until": ("den ngay", "ngay ket thuc", "ket thuc", "until", "end", "to"),
    "days": ("so ngay", "days"),
    "reason": ("ly do", "reason"),
    "guardian": ("nguoi giam ho", "giam ho", "guardian", "guardian name"),
    "guardian_phone": ("dien thoai giam ho", "sdt giam ho", "dien thoai nguoi giam ho", "guardian phone"),
    "edge": ("bo thu", "ma bo thu", "edge", "box"),
    "place": ("toa do", "vi tri", "vi tri nha", "place", "coordinates", "location"),
}
_FIELD_OF = {header: field for field, headers in COLUMNS.items() for header in headers}
_NEEDED = ("name", "start")
_REASONS = {
    "f0": OrderReason.POSITIVE,
    "duong tinh": OrderReason.POSITIVE,
    "positive": OrderReason.POSITIVE,
    "f1": OrderReason.CLOSE_CONTACT,
    "tiep xuc gan": OrderReason.CLOSE_CONTACT,
    "close contact": OrderReason.CLOSE_CONTACT,
    "close_contact": OrderReason.CLOSE_CONTACT,
    "nhap canh": OrderReason.ENTRY,
    "entry": OrderReason.ENTRY,
    "cach ly tai nha": OrderReason.HOME_QUARANTINE,
    "home_quarantine": OrderReason.HOME_QUARANTINE,
    "": OrderReason.HOME_QUARANTINE,
}
_DATES = (
    (re.compile(r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4}|\d{2})"), "day first, as in Vietnam"),
    (re.compile(r"(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})"), "ISO"),
)
_POINT = re.compile(r"\(?\s*(?P<lat>-?\d{1,2}(?:\.\d{1,9})?)\s*[,; ]\s*(?P<lon>-?\d{1,3}(?:\.\d{1,9})?)\s*\)?")
_SOUTH, _NORTH, _WEST, _EAST = 6.0, 24.0, 102.0, 118.0  # degrees: Vietnam with its islands
_TIME = re.compile(r"(?:[T ]\s*(?P<h>\d{1,2})[:hg](?P<min>\d{2})?(?::\d{2})?)?")


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A good row; `line` as a spreadsheet counts, the header being the first."""

    line: int
    order: NewOrder


@dataclass(frozen=True, slots=True)
class ReadFile:
    """`lines` holds every row as it stood, by line, so that the refused ones can be handed back."""

    rows: Sequence[ReadRow]
    faults: Sequence[RowFault]
    header: Sequence[str]
    lines: Mapping[int, Sequence[str]]

    def csv_of(self, wanted: set[int]) -> str:
        """These lines under their header, as a CSV that every spreadsheet reads."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.header)
        writer.writerows(self.lines[line] for line in sorted(wanted))
        return out.getvalue()


def decode(raw: bytes) -> str:
    """The text of a file, tones composed; raises UsageError for what is no text."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return _text(raw, name)
    if raw[:2] == b"PK" or raw[:4] == b"\xd0\xcf\x11\xe0":
        raise UsageError("this is a workbook: save it as CSV UTF-8")
    if b"\x00" in raw[:200]:
        return _text(raw, "utf-16-le" if raw[1:2] == b"\x00" else "utf-16-be")
    try:
        return _text(raw, "utf-8")
    except UsageError:
        return _text(raw, "cp1258")


def read_orders(raw: bytes, wards: Sequence[WardChoice]) -> ReadFile:
    """Rows of a file for a viewer who may write orders in these wards; with one ward the column may be left out.

    A ward is named by its code or its name.

    Raises UsageError for a file without a usable header, without rows, or with too many.
    """
    header, numbered = _table(decode(raw))
    fields = [_FIELD_OF.get(fold(name), "") for name in header]
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise UsageError(f"the first line must name the columns; missing: {', '.join(missing)}")
    if not numbered:
        raise UsageError("no rows under the header")
    if len(numbered) > MOST_ROWS:
        raise UsageError(f"more than {MOST_ROWS} rows: split the file")
    code_of = _codes_of(wards)
    rows, faults = list[ReadRow](), list[RowFault]()
    seen: dict[tuple[str, str, str], int] = {}
    for line, cells in numbered:
        values = {field: cell.strip() for field, cell in zip(fields, cells, strict=False) if field}
        found = _Row(values, code_of)
        order = found.read()
        if order is not None:
            who = (order.ward, fold(order.name), order.phone or "")
            if who in seen:
                found.fault("name", "twice")
            seen.setdefault(who, line)
        if found.faults:
            faults += [RowFault(line, field, fault) for field, fault in found.faults]
        elif order is not None:
            rows.append(ReadRow(line, order))
    return ReadFile(rows, faults, header, dict(numbered))


def read_one(said: Mapping[str, str], wards: Sequence[WardChoice]) -> tuple[NewOrder | None, dict[str, str]]:
    """One order from a form's fields, by the same rules as a row; faults by field."""
    found = _Row({field: value.strip() for field, value in said.items()}, _codes_of(wards))
    order = found.read()
    return (None if found.faults else order), dict(found.faults)


def read_day(text: str) -> datetime:
    """The beginning of a local day, day first; raises UsageError."""
    try:
        at, _ = _moment(text.strip())
    except _Fault:
        raise UsageError("not a day: 21/11/2026 is one") from None
    return at


def fold(text: str) -> str:
    """Lower case without tones: 'Họ và tên ' -> 'ho va ten'."""
    plain = unicodedata.normalize("NFD", text.strip().lower().replace("đ", "d"))
    letters = "".join(c if c.isalnum() or c == "_" else " " for c in plain if not unicodedata.combining(c))
    return " ".join(letters.split())


def _codes_of(wards: Sequence[WardChoice]) -> dict[str, str]:
    return {fold(name): ward.code for ward in wards for name in (ward.name, ward.code)}


class _Row:
    """One row on its way; every fault is noted, not only the first."""

    def __init__(self, values: Mapping[str, str], code_of: Mapping[str, str]) -> None:
        self._values, self._code_of = values, code_of
        self.faults: list[tuple[str, str]] = []

    def fault(self, field: str, code: str) -> None:
        self.faults.append((field, code))

    def read(self) -> NewOrder | None:
        name, ward = self._name(), self._ward()
        starts_at = self._take("start", _day)
        until = self._until(starts_at)
        phone, guardian = self._take("phone", _phone), self._guardian()
        place = self._take("place", _place)
        reason = _REASONS.get(fold(self._get("reason")))
        if reason is None:
            self.fault("reason", "unknown_reason")
        if self.faults or starts_at is None or until is None:
            return None
        return NewOrder(
            ward=ward,
            name=name,
            starts_at=starts_at,
            until=until,
            phone=phone,
            address=self._get("address") or None,
            guardian=guardian,
            edge=self._get("edge") or None,
            reason=reason or "",
            place=place,
        )

    def _get(self, field: str) -> str:
        text = self._values.get(field, "")
        if len(text) > _MOST_CHARS:
            self.fault(field, "too_long")
            return ""
        return text

    def _take(self, field: str, read: Callable[[str], object]) -> Any:
        text = self._get(field)
        try:
            value = read(text) if text else None
        except _Fault as fault:
            self.fault(field, fault.code)
            return None
        if value is None and field in _NEEDED and not any(f == field for f, _ in self.faults):
            self.fault(field, "missing")
        return value

    def _name(self) -> str:
        name = " ".join(self._get("name").split())
        if not name:
            self.fault("name", "missing")
        elif "?" in name or "\ufffd" in name:
            self.fault("name", "lost_letters")
        elif not any(c.isalpha() for c in name):
            self.fault("name", "no_name")
        return name

    def _ward(self) -> str:
        ward = self._get("ward")
        codes = set(self._code_of.values())
        if not ward and len(codes) == 1:
            return next(iter(codes))
        code = self._code_of.get(fold(ward), "")
        if not code:
            self.fault("ward", "unknown_ward" if ward else "missing")
        return code

    def _until(self, starts_at: datetime | None) -> datetime | None:
        days, until = self._get("days"), self._take("until", _last_day)
        if until is None and not days:
            if not any(field == "until" for field, _ in self.faults):
                self.fault("days", "missing")
            return None
        if until is None:
            number = days.removesuffix(".0").removesuffix(",0")
            if not (number.isascii() and number.isdigit() and 1 <= int(number) <= _MOST_DAYS):
                self.fault("days", "bad_days")
                return None
            return None if starts_at is None else starts_at + timedelta(days=int(number))
        if starts_at is not None and not starts_at < until <= starts_at + timedelta(days=_MOST_DAYS):
            self.fault("until", "ends_first" if until <= starts_at else "too_far")
        return until if isinstance(until, datetime) else None

    def _guardian(self) -> Guardian | None:
        name, phone = self._get("guardian"), self._take("guardian_phone", _phone)
        if phone and not name:
            self.fault("guardian", "missing")
        return Guardian(name, phone) if name else None


class _Fault(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _place(text: str) -> tuple[float, float]:
    """Latitude and longitude as a map on a telephone gives them: '10.7769, 106.7009'."""
    if (match := _POINT.fullmatch(text)) is None:
        raise _Fault("bad_place")
    lat, lon = float(match["lat"]), float(match["lon"])
    if not (_SOUTH <= lat <= _NORTH and _WEST <= lon <= _EAST):
        raise _Fault("bad_place")  # the two the wrong way round, mostly
    return lat, lon


def _phone(text: str) -> str:
    if re.fullmatch(r"[\d.,]+[eE]\+?\d+", text):
        raise _Fault("phone_as_number")
    digits = re.sub(r"[\s.()-]", "", text).removeprefix("'")
    if digits.startswith("+84"):
        digits = "0" + digits[3:]
    if not (digits.isascii() and digits.isdigit()):
        raise _Fault("bad_phone")
    if len(digits) == 9 and digits[0] != "0":  # a spreadsheet took it for a number
        digits = "0" + digits
    if not 10 <= len(digits) <= 11 or digits[0] != "0":
        raise _Fault("bad_phone")
    return f"{digits[:4]} {digits[4:7]} {digits[7:]}"


def _day(text: str) -> datetime:
    """The beginning of a local day, or the minute that stands behind it."""
    at, _ = _moment(text)
    return at


def _last_day(text: str) -> datetime:
    """The end of a local day, or the minute that stands behind it."""
    at, timed = _moment(text)
    return at if timed else at + timedelta(days=1)


def _moment(text: str) -> tuple[datetime, bool]:
    if text.isascii() and text.isdigit() and len(text) == 5 and int(text) < _EXCEL_DAYS:
        return (_EPOCH + timedelta(days=int(text))).replace(tzinfo=_ZONE), False
    for form, _ in _DATES:
        found = form.match(text)
        if found is None:
            continue
        clock = _TIME.fullmatch(text, found.end())
        if clock is None:
            break
        year = int(found["y"])
        try:
            at = datetime(
                year + 2000 if year < 100 else year,
                int(found["m"]),
                int(found["d"]),
                int(clock["h"] or 0),
                int(clock["min"] or 0),
                tzinfo=_ZONE,
            )
        except ValueError:
            break
        return at, clock["h"] is not None
    raise _Fault("bad_date")


def _text(raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise UsageError("not a text file: save it as CSV UTF-8") from None
    return unicodedata.normalize("NFC", text.removeprefix("\ufeff"))


def _table(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and rows with the lines on which they begin; empty rows are left out."""
    lines = text.splitlines(keepends=True)
    skipped = 0
    separator = ""
    while lines and (not lines[0].strip() or lines[0].lower().startswith("sep=")):
        if lines[0].lower().startswith("sep="):
            separator = lines[0].rstrip("\r\n")[4:5]
        lines, skipped = lines[1:], skipped + 1
    if not lines:
        raise UsageError("the file is empty")
    separator = separator or max(",;\t|", key=lines[0].count)
    reader = csv.reader(lines, delimiter=separator)
    rows, began = list[tuple[int, list[str]]](), skipped + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((began, cells))
            began = skipped + reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"line {began}: {error}") from None
    return rows[0][1], rows[1:]
