"""A QR code as one path of an SVG picture: crisp on paper, and nothing that a page must not load."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Code", "qr_path"]

_QUIET = 2  # modules around it


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    side: int
    path: str


def qr_path(text: str) -> Code:
    import segno  # noqa: PLC0415 - a page of a hundred needs it

    rows = segno.make_qr(text, error="m").matrix
    path = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    return Code(text, len(rows) + 2 * _QUIET, path)
