"""Printed papers of an order: the notice with its entry code, the kit's QR label, and a day sheet to fill in by hand.

The sheet and the telephone number on it are the whole way of somebody without a smartphone. Drawing only: words come
from the caller's catalogue, `paper.*`. The PDF library costs tens of megabytes, so it waits for a first print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from ancu.server.ports.orders import Paper

if TYPE_CHECKING:
    from fpdf import FPDF

__all__ = ["Letter", "PaperWords", "print_papers"]

_LEFT, _WIDTH, _TOP = 18.0, 174.0, 14.0  # mm, of A4
_LEADING = 0.48  # mm of line height for a point of size
_LABEL_TOP = 232.0  # of the strip that is cut off and stuck to the box
_QR_MM = 38.0
_MOST_DAYS = 21  # rows of the day sheet on one page; a longer order prints another sheet
_SIGNS = ("fever", "cough", "sore_throat", "breathless", "tired")
_WIDTHS = (24.0, 17.0, 17.0, 16.0, 16.0, 18.0, 20.0, 16.0, 30.0)  # of its columns
_FACE = "BeVietnamPro"


class PaperWords(Protocol):
    @property
    def lang(self) -> str: ...
    def t(self, key: str, /, **values: Any) -> str: ...
    def day(self, at: datetime) -> str: ...
    def date(self, at: datetime) -> str: ...
    def time(self, at: datetime) -> str: ...


@dataclass(frozen=True, slots=True)
class Letter:
    """A paper with what opens the page: an address in the QR code, and a code that opens once."""

    paper: Paper
    address: str
    code: str


def print_papers(letters: Sequence[Letter], words: PaperWords, now: datetime, reason: Callable[[str], str]) -> bytes:
    """One PDF of two pages for each letter. Takes some 20 ms a letter: call it in a thread."""
    from fpdf import FPDF  # noqa: PLC0415 - see above

    sheet = _Sheet(FPDF(format="A4"), words, now)
    for letter in letters:
        _notice(sheet, letter, words, now, reason)
        _day_sheet(sheet, letter.paper, words)
    return bytes(sheet.pdf.output())


class _Sheet:
    """Writes lines down a page. Most of them stand on every paper, so where they break is worked out once."""

    def __init__(self, pdf: FPDF, words: PaperWords, now: datetime) -> None:
        self.pdf = pdf
        self._broken: dict[tuple[str, float, bool, float], list[tuple[str, float]]] = {}
        pdf.set_creation_date(now)
        pdf.set_title(words.t("paper.notice"))
        pdf.set_lang(words.lang)
        pdf.set_auto_page_break(auto=False)
        fonts = files("ancu.server.people").joinpath("fonts")
        for style, name in (("", "Regular"), ("B", "Bold")):
            pdf.add_font(_FACE, style, str(fonts.joinpath(f"{_FACE}-{name}.ttf")))
        self.y = _TOP

    def page(self) -> None:
        self.pdf.add_page()
        self.y = _TOP

    def line(
        self, text: str, size: float, *, bold: bool = False, centre: bool = False, gap: float = 0, left: float = _LEFT
    ) -> None:
        """A paragraph from `left` to the right margin, then a gap in mm."""
        width = _LEFT + _WIDTH - left
        height = size * _LEADING
        lines = self._lines(text, size, width, bold=bold)
        for part, wide in lines:
            self.pdf.text(left + (width - wide) / 2 if centre else left, self.y + height * 0.78, part)
            self.y += height
        self.y += gap

    def fact(self, name: str, value: str) -> None:
        top = self.y
        self.line(name, 11)
        self.y = top
        self.line(value, 11, bold=True, gap=1.2, left=_LEFT + 46)

    def row(self, cells: Sequence[str], widths: Sequence[float], height: float, size: float, *, bold: bool) -> None:
        """A row of a table, each cell's text in its middle, on as many lines as it needs."""
        x = _LEFT
        for cell, width in zip(cells, widths, strict=True):
            self.pdf.rect(x, self.y, width, height)
            lines = self._lines(cell, size, width - 2, bold=bold) if cell else []
            y = self.y + (height - len(lines) * size * _LEADING) / 2
            for n, (part, wide) in enumerate(lines):
                self.pdf.text(x + (width - wide) / 2, y + (n + 0.78) * size * _LEADING, part)
            x += width
        self.y += height

    def _lines(self, text: str, size: float, width: float, *, bold: bool) -> list[tuple[str, float]]:
        """The parts of a text with their widths, the font set for them."""
        self.pdf.set_font(_FACE, "B" if bold else "", size)
        key = (text, size, bold, width)
        if key not in self._broken:
            parts: Any = self.pdf.multi_cell(width, text=text, align="L", padding=0, dry_run=True, output="LINES")
            self._broken[key] = [(part, self.pdf.get_string_width(part)) for part in parts]
        return self._broken[key]


def _notice(sheet: _Sheet, letter: Letter, words: PaperWords, now: datetime, reason: Callable[[str], str]) -> None:
    t, paper = words.t, letter.paper
    sheet.page()
    sheet.line(t("paper.state"), 11, bold=True, centre=True)
    sheet.line(t("paper.motto"), 10.5, bold=True, centre=True)
    sheet.line(f"{paper.ward}, {paper.province}", 10.5, centre=True, gap=4)
    sheet.line(t("paper.notice").upper(), 17, bold=True, centre=True, gap=1)
    sheet.line(t("paper.number", order=paper.order), 10.5, centre=True, gap=5)
    for name, value in (
        ("paper.name", paper.name),
        ("paper.guardian", paper.guardian),
        ("paper.address", paper.address),
        ("paper.from", f"{words.time(paper.starts_at)}, {words.day(paper.starts_at)}"),
        ("paper.until", f"{words.time(paper.until)}, {words.day(paper.until)}"),
        ("paper.reason", reason(paper.reason)),
    ):
        if value:
            sheet.fact(t(name), value)
    sheet.y += 2
    sheet.line(t("paper.duties"), 11, gap=3)
    sheet.line(t("paper.open_title"), 13, bold=True, gap=1)
    sheet.line(t("paper.open_how"), 11, gap=2)
    _code(sheet, letter.code)
    sheet.line(t("paper.open_none"), 11, gap=3)
    sheet.line(t("paper.call_title"), 13, bold=True, gap=1)
    officer = " · ".join(part for part in (paper.officer_name, paper.officer_phone) if part)
    sheet.line(t("paper.call_who", officer=officer or t("paper.call_ward")), 11, gap=1)
    sheet.line(t("paper.call_115"), 11, gap=3)
    sheet.line(t("paper.rights"), 10, gap=2)
    sheet.line(t("paper.printed", at=f"{words.time(now)}, {words.date(now)}"), 9)
    _label(sheet, letter, words)


def _label(sheet: _Sheet, letter: Letter, words: PaperWords) -> None:
    """The strip for the box: whoever reads it lacks the code above, which stays with the person."""
    pdf = sheet.pdf
    pdf.set_line_width(0.2)
    pdf.set_dash_pattern(dash=2, gap=1.5)
    pdf.line(_LEFT, _LABEL_TOP, _LEFT + _WIDTH, _LABEL_TOP)
    pdf.set_dash_pattern()
    sheet.y = _LABEL_TOP + 6
    pdf.image(_qr(letter.address), _LEFT, sheet.y, _QR_MM, _QR_MM)
    left = _LEFT + _QR_MM + 8
    sheet.line(words.t("paper.label"), 13, bold=True, gap=1, left=left)
    sheet.line(words.t("paper.label_how"), 10.5, gap=2, left=left)
    devices = " · ".join(part for part in (letter.paper.band, letter.paper.edge, letter.paper.order) if part)
    sheet.line(devices, 10.5, left=left)


def _day_sheet(sheet: _Sheet, paper: Paper, words: PaperWords) -> None:
    days = max(1, -(-(paper.until - paper.starts_at) // timedelta(days=1)))
    heads = [words.t("paper.col_day"), words.t("paper.col_morning"), words.t("paper.col_evening")]
    heads += [words.t(f"symptom.{sign}") for sign in _SIGNS] + [words.t("paper.col_other")]
    for first in range(0, days, _MOST_DAYS):
        sheet.page()
        sheet.line(words.t("paper.sheet").upper(), 15, bold=True, centre=True, gap=1)
        sheet.line(f"{paper.name} · {paper.order}", 11, centre=True, gap=3)
        sheet.line(words.t("paper.sheet_how"), 10.5, gap=2)
        sheet.pdf.set_line_width(0.2)
        sheet.row(heads, _WIDTHS, 10, 8.5, bold=True)
        for number in range(first, min(days, first + _MOST_DAYS)):
            day = words.date(paper.starts_at + timedelta(days=number))
            sheet.row([day, *[""] * (len(heads) - 1)], _WIDTHS, 8.6, 9.5, bold=False)
        sheet.y += 4
        phone = paper.officer_phone or words.t("paper.call_ward")
        sheet.line(words.t("paper.sheet_call", phone=phone), 11, bold=True, gap=1)
        sheet.line(words.t("paper.sheet_sos"), 10.5)


def _code(sheet: _Sheet, code: str) -> None:
    sheet.pdf.set_line_width(0.5)
    sheet.row([code], (70,), 15, 24, bold=True)
    sheet.y += 3


def _qr(text: str) -> BytesIO:
    """A PNG of whole pixels a module, so that it stays sharp in print."""
    import segno  # noqa: PLC0415 - see above

    out = BytesIO()
    segno.make_qr(text, error="m").save(out, kind="png", scale=10, border=0)
    out.seek(0)
    return out
