"""Explanations in words: the pages' catalogues, and beside them the words that only explanations need."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

from ancu.server.review.explain import Explanation, Line
from ancu.server.web.words import DEFAULT, LANGUAGES, Words, load_catalogues

__all__ = ["Told", "ToldLine", "ToldSection", "as_text", "load_words", "tell", "tell_line"]


class ToldLine(BaseModel):
    text: str
    at: datetime | None
    late: bool


class ToldSection(BaseModel):
    code: str
    title: str
    lines: list[ToldLine]


class Told(BaseModel):
    """An explanation in one language."""

    alert: str
    lang: str
    sentence: str
    sections: list[ToldSection]


def load_words(lang: str) -> Words:
    """The words of a language (the first one's for one that we do not speak)."""
    lang = lang if lang in LANGUAGES else DEFAULT
    own = tomllib.loads(files("ancu.server.review.words").joinpath(f"{lang}.toml").read_text("utf-8"))
    words = load_catalogues()[lang]
    return replace(words, texts={**words.texts, **_flat(own)})


def tell(words: Words, explanation: Explanation) -> Told:
    """An explanation in words."""
    return Told(
        alert=explanation.alert,
        lang=words.lang,
        sentence=tell_line(words, explanation.sentence),
        sections=[
            ToldSection(
                code=section.code,
                title=words.t(f"explain.title.{section.code}"),
                lines=[ToldLine(text=tell_line(words, line), at=line.at, late=line.late) for line in section.lines],
            )
            for section in explanation.sections
        ],
    )


def tell_line(words: Words, line: Line) -> str:
    """One line; a line without a key is its only value, as its name says that it is shown."""
    if not line.key:
        ((name, value),) = line.values.items()
        return words.show(value, name)
    values = {name: _value(words, value) for name, value in line.values.items()}
    return (
        words.t(line.key, **values).replace(". .", ".").rstrip(" .")
        if line.key.startswith("step.")
        else (words.t(line.key, **values))
    )


def as_text(words: Words, told: Told) -> str:
    """The page as plain text."""
    lines = [told.sentence]
    for section in told.sections:
        lines += ["", section.title]
        for line in section.lines:
            at = f"{words.exact(line.at)}  " if line.at is not None else ""
            late = f" ({words.t('alert.late')})" if line.late else ""
            lines.append(f"- {at}{line.text}{late}")
    return "\n".join(lines) + "\n"


def _value(words: Words, value: Any) -> Any:
    if isinstance(value, Line):
        return tell_line(words, value)
    if isinstance(value, list) and value and all(isinstance(part, Line) for part in value):
        return ", ".join(tell_line(words, part) for part in value)
    return value


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in table.items():
        texts |= {prefix + key: value} if isinstance(value, str) else _flat(value, f"{prefix}{key}.")
    return texts
