"""Printed papers of an order: the notice with its entry code, the kit's QR label, and a day sheet to fill in by hand.

The sheet and the telephone number on it are the whole way of somebody without a smartphone. Drawing only: words come
from the caller's catalogue, `paper.*`. The PDF library costs tens of megabytes, so it waits for a first print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

from ancu.server.ports_orders import Paper

if TYPE_CHECKING:
    from fpdf import FPDF

__all__ = ["Letter", "PaperWords", "print_papers"]

_LEFT, _WIDTH = 18.0, 174.0  # mm, of A4
_LABEL_TOP = 232.0  # of the strip that is cut off and stuck to the box
_QR_MM = 38.0
_MOST_DAYS = 21  # rows of the day sheet on one page; a longer order prints another sheet
_SIGNS = ("fever", "cough", "sore_throat", "breathless", "tired")
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
    """One PDF of two pages for each letter. Takes about 30 ms a letter: call it in a thread."""
    pdf = _new(words, now)
    for letter in letters:
        _notice(pdf, letter, words, now, reason)
        _day_sheet(pdf, letter.paper, words)
    return bytes(pdf.output())


def _new(words: PaperWords, now: datetime) -> FPDF:
    from fpdf import FPDF  # noqa: PLC0415 - see above

    pdf = FPDF(format="A4")
    pdf.set_creation_date(now)
    pdf.set_title(words.t("paper.notice"))
    pdf.set_lang(words.lang)
    pdf.set_margins(_LEFT, 14, _LEFT)
    pdf.set_auto_page_break(auto=False)
    fonts = files("ancu.server.people").joinpath("fonts")
    for style, name in (("", "Regular"), ("B", "Bold")):
        pdf.add_font(_FACE, style, str(fonts.joinpath(f"{_FACE}-{name}.ttf")))
    return pdf


def _notice(pdf: FPDF, letter: Letter, words: PaperWords, now: datetime, reason: Callable[[str], str]) -> None:
    t, paper = words.t, letter.paper
    pdf.add_page()
    _line(pdf, t("paper.state"), 11, bold=True, align="C")
    _line(pdf, t("paper.motto"), 10.5, bold=True, align="C")
    _line(pdf, f"{paper.ward}, {paper.province}", 10.5, align="C", gap=4)
    _line(pdf, t("paper.notice").upper(), 17, bold=True, align="C", gap=1)
    _line(pdf, t("paper.number", order=paper.order), 10.5, align="C", gap=5)
    for name, value in (
        ("paper.name", paper.name),
        ("paper.guardian", paper.guardian),
        ("paper.address", paper.address),
        ("paper.from", f"{words.time(paper.starts_at)}, {words.day(paper.starts_at)}"),
        ("paper.until", f"{words.time(paper.until)}, {words.day(paper.until)}"),
        ("paper.reason", reason(paper.reason)),
    ):
        if value:
            _fact(pdf, t(name), value)
    pdf.ln(2)
    _line(pdf, t("paper.duties"), 11, gap=3)
    _line(pdf, t("paper.open_title"), 13, bold=True, gap=1)
    _line(pdf, t("paper.open_how"), 11, gap=2)
    _code(pdf, letter.code)
    _line(pdf, t("paper.open_none"), 11, gap=3)
    _line(pdf, t("paper.call_title"), 13, bold=True, gap=1)
    officer = " · ".join(part for part in (paper.officer_name, paper.officer_phone) if part)
    _line(pdf, t("paper.call_who", officer=officer or t("paper.call_ward")), 11, gap=1)
    _line(pdf, t("paper.call_115"), 11, gap=3)
    _line(pdf, t("paper.rights"), 10, gap=2)
    _line(pdf, t("paper.printed", at=f"{words.time(now)}, {words.date(now)}"), 9)
    _label(pdf, letter, words)


def _label(pdf: FPDF, letter: Letter, words: PaperWords) -> None:
    """The strip for the box: whoever reads it lacks the code above, which stays with the person."""
    pdf.set_dash_pattern(dash=2, gap=1.5)
    pdf.set_line_width(0.2)
    pdf.line(_LEFT, _LABEL_TOP, _LEFT + _WIDTH, _LABEL_TOP)
    pdf.set_dash_pattern()
    top = _LABEL_TOP + 6
    _qr(pdf, letter.address, _LEFT, top, _QR_MM)
    pdf.set_xy(_LEFT + _QR_MM + 8, top)
    pdf.set_left_margin(_LEFT + _QR_MM + 8)
    _line(pdf, words.t("paper.label"), 13, bold=True, gap=1)
    _line(pdf, words.t("paper.label_how"), 10.5, gap=2)
    devices = " · ".join(part for part in (letter.paper.band, letter.paper.edge, letter.paper.order) if part)
    _line(pdf, devices, 10.5)
    pdf.set_left_margin(_LEFT)


def _day_sheet(pdf: FPDF, paper: Paper, words: PaperWords) -> None:
    days = max(1, -(-(paper.until - paper.starts_at) // timedelta(days=1)))
    for first in range(0, days, _MOST_DAYS):
        pdf.add_page()
        _line(pdf, words.t("paper.sheet").upper(), 15, bold=True, align="C", gap=1)
        _line(pdf, f"{paper.name} · {paper.order}", 11, align="C", gap=3)
        _line(pdf, words.t("paper.sheet_how"), 10.5, gap=2)
        _grid(pdf, paper, words, range(first, min(days, first + _MOST_DAYS)))
        pdf.ln(3)
        phone = paper.officer_phone or words.t("paper.call_ward")
        _line(pdf, words.t("paper.sheet_call", phone=phone), 11, bold=True, gap=1)
        _line(pdf, words.t("paper.sheet_sos"), 10.5)


def _grid(pdf: FPDF, paper: Paper, words: PaperWords, days: range) -> None:
    from fpdf.fonts import FontFace  # noqa: PLC0415 - see above

    pdf.set_font(_FACE, "", 9.5)
    pdf.set_line_width(0.2)
    heads = [words.t(f"paper.col_{name}") for name in ("day", "morning", "evening")]
    heads += [words.t(f"symptom.{sign}") for sign in _SIGNS] + [words.t("paper.col_other")]
    widths = (24, 17, 17, 16, 16, 18, 20, 16, 30)
    with pdf.table(
        col_widths=widths, line_height=8.2, text_align="C", headings_style=FontFace(emphasis="B", size_pt=8.5)
    ) as table:
        table.row(heads)
        for number in days:
            table.row([words.date(paper.starts_at + timedelta(days=number)), *[""] * (len(heads) - 1)])


def _line(pdf: FPDF, text: str, size: float, *, bold: bool = False, align: str = "L", gap: float = 0) -> None:
    pdf.set_font(_FACE, "B" if bold else "", size)
    pdf.multi_cell(0, size * 0.48, text, align=align, new_x="LMARGIN", new_y="NEXT")
    if gap:
        pdf.ln(gap)


def _fact(pdf: FPDF, name: str, value: str) -> None:
    pdf.set_font(_FACE, "", 11)
    top = pdf.get_y()
    pdf.cell(46, 6.4, name)
    pdf.set_font(_FACE, "B", 11)
    pdf.set_xy(_LEFT + 46, top)
    pdf.multi_cell(_WIDTH - 46, 6.4, value, align="L", new_x="LMARGIN", new_y="NEXT")


def _code(pdf: FPDF, code: str) -> None:
    pdf.set_font(_FACE, "B", 24)
    pdf.set_line_width(0.5)
    pdf.cell(70, 15, code, border=1, align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)


def _qr(pdf: FPDF, text: str, left: float, top: float, size: float) -> None:
    """Runs of dark modules as filled boxes, so that it stays sharp in print."""
    import segno  # noqa: PLC0415 - see above

    matrix = segno.make_qr(text, error="m").matrix
    module = size / len(matrix)
    pdf.set_fill_color(0, 0, 0)
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            run = next((n for n, dark in enumerate(row[x:]) if not dark), len(row) - x)
            if run:
                pdf.rect(left + x * module, top + y * module, run * module, module, style="F")
            x += run + 1
