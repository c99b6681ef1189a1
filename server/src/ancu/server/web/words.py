"""Words: catalogues of keys, Vietnamese first. Codes come from the parts; sentences live only here.

A language is a folder of TOML files, one for each area of the pages; a key is its path ('inbox.title') and stands
in one file. A plural is a table with CLDR names ('one', 'other').
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal

__all__ = ["DEFAULT", "LANGUAGES", "VIETNAM", "Catalogues", "Words", "load_catalogues"]

LANGUAGES = ("vi", "en")
DEFAULT = "vi"
VIETNAM = timezone(timedelta(hours=7), "ICT")  # no summer time since 1975, so no time zone data is needed
_UNKNOWN = "–"
_SECONDS_MATTER = 120
_MEANS = {  # a value's name -> the part of the catalogue that has words for it
    "kind": "kind",
    "severity": "severity",
    "agreed_severity": "severity",
    "later_severity": "severity",
    "sign": "sign",
    "outcome": "outcome",
    "reason": "reason",
    "desk": "desk",
    "presence": "presence",
    "symptoms": "symptom",
    "alarming": "symptom",
    "alarming_severity": "severity",
}


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    lang: str
    texts: Mapping[str, str]
    locale: Locale

    def has(self, key: str) -> bool:
        return key in self.texts

    def t(self, key: str, /, **values: Any) -> str:
        """The text of a key with its values filled in; a key without words shows itself, which a test forbids."""
        text = self.texts.get(key, key)
        return text.format_map(_Shown(self, values)) if values or "{" in text else text

    def n(self, key: str, count: int, /, **values: Any) -> str:
        """The plural form of a key for a count."""
        form = f"{key}.{self.locale.plural_form(count)}"
        return self.t(form if form in self.texts else f"{key}.other", count=count, **values)

    def time(self, at: datetime) -> str:
        return format_time(at.astimezone(VIETNAM), "HH:mm", locale=self.locale)

    def moment(self, at: datetime) -> str:
        """Day and minute: '21/11, 14:05'."""
        return format_datetime(
            at.astimezone(VIETNAM), "HH:mm d/M" if self.lang == "vi" else "d MMM, HH:mm", locale=self.locale
        )

    def when(self, at: datetime, now: datetime) -> str:
        """The minute, with its day where that is not today."""
        today = at.astimezone(VIETNAM).date() == now.astimezone(VIETNAM).date()
        return self.time(at) if today else self.moment(at)

    def exact(self, at: datetime) -> str:
        """For evidence: to the second."""
        return format_datetime(
            at.astimezone(VIETNAM), "HH:mm:ss d/M/y" if self.lang == "vi" else "d MMM y, HH:mm:ss", locale=self.locale
        )

    def day(self, at: datetime | date) -> str:
        local = at.astimezone(VIETNAM).date() if isinstance(at, datetime) else at
        return format_date(local, "EEEE, d/M/y" if self.lang == "vi" else "EEEE d MMMM y", locale=self.locale)

    def date(self, at: datetime) -> str:
        """A day where several stand together: '21/11/2026'."""
        form = "d/M/y" if self.lang == "vi" else "d MMM y"
        return format_date(at.astimezone(VIETNAM).date(), form, locale=self.locale)

    def ago(self, at: datetime, now: datetime) -> str:
        """How long since, coarsely: '5 phút trước'."""
        gap = max(now - at, timedelta(0))
        if gap < timedelta(minutes=1):
            return self.t("time.moments")
        return format_timedelta(-gap, granularity="minute", threshold=1.5, add_direction=True, locale=self.locale)

    def number(self, value: float) -> str:
        return format_decimal(value, "#,##0.#", locale=self.locale)

    def span(self, seconds: float) -> str:
        """A length of time: '15 giây', '5 phút'."""
        if not seconds:
            return self.t("time.at_once")
        gap = timedelta(seconds=seconds)
        if seconds < _SECONDS_MATTER:
            return format_timedelta(gap, granularity="second", threshold=2, locale=self.locale)
        return format_timedelta(gap, granularity="minute", threshold=1.5, locale=self.locale)

    def show(self, value: Any, name: str = "") -> str:
        """A value of evidence as a reader sees it; its name says what it is, as `cases/codes.py` promises."""
        match value:
            case None | "":
                text = _UNKNOWN
            case list() | tuple():
                text = ", ".join(self.show(part, name) for part in value)
            case bool():
                text = self.t("value.yes" if value else "value.no")
            case datetime():
                text = self.exact(value)
            case int() | float():
                text = self._measure(value, name)
            case _ if name.endswith("_at"):
                text = self._read(str(value))
            case _:
                text = self.texts.get(f"{_MEANS.get(name, 'value')}.{value}", str(value))
        return text

    def _measure(self, value: float, name: str) -> str:
        if name.endswith("_s"):
            return self.span(value)
        return self.span(value * 60) if name.endswith("_min") else self.number(value)

    def _read(self, text: str) -> str:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return text
        return self.exact(at) if at.tzinfo else text


class Catalogues:
    """Every language."""

    def __init__(self, words: Mapping[str, Words]) -> None:
        self._words = words

    def __getitem__(self, lang: str) -> Words:
        return self._words.get(lang, self._words[DEFAULT])


def load_catalogues() -> Catalogues:
    """Read the catalogues that are installed with this part."""
    return Catalogues({lang: Words(lang, _read_folder(lang), Locale(lang)) for lang in LANGUAGES})


class _Shown(dict[str, Any]):
    def __init__(self, words: Words, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._words = words

    def __getitem__(self, key: str) -> str:
        return self._words.show(self.get(key), key)


def _read_folder(lang: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in sorted(files("ancu.server.web").joinpath("locale", lang).iterdir(), key=lambda entry: entry.name):
        more = _flat(tomllib.loads(file.read_text("utf-8")))
        if twice := texts.keys() & more.keys():
            msg = f"{lang}/{file.name}: {', '.join(sorted(twice))} stands in another file too"
            raise ValueError(msg)
        texts |= more
    return texts


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, str):
            texts[prefix + key] = value
        else:
            texts |= _flat(value, f"{prefix}{key}.")
    return texts
