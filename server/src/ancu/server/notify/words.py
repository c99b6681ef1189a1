"""Words of what is sent: kind, severity, ward, the alert's id and a link, and nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files

from ancu.server.notify.pacing import Note
from ancu.server.notify.port import Item, Message
from ancu.server.ports import Severity
from ancu.server.web.words import load_catalogues

__all__ = ["Writer", "plain"]

_LINES = 8  # in one message; the console has the rest
_MARKS = str.maketrans("đĐ–·", "dD-,")


class Writer:
    """Writes messages in one language. `link` is the console's address, empty where there is none."""

    def __init__(self, language: str = "vi", link: str = "") -> None:
        self._pages = load_catalogues()[language]
        folder = files("ancu.server.notify").joinpath("locale")
        self._texts: Mapping[str, str] = tomllib.loads(folder.joinpath(f"{language}.toml").read_text("utf-8"))
        self._link = link.rstrip("/")

    def message(
        self, id_: str, made_at: datetime, notes: Sequence[Note], wards: Mapping[str, str], *, urgent: bool
    ) -> Message:
        """One alert or several as one message; an alert that was noted twice is one line."""
        latest: dict[str, Note] = {}
        for note in notes:
            known = latest.get(note.alert)
            if known is None or (_rank(note), -note.level) < (_rank(known), -known.level):
                latest[note.alert] = note
        items = tuple(
            Item(n.alert, n.kind, n.severity, n.ward, n.level, n.at, self._url(n.alert))
            for n in sorted(latest.values(), key=lambda n: (_rank(n), n.at, n.id))
        )
        lead = items[0]
        url = lead.url if len(items) == 1 else self._url("")
        said = self._said(lead, wards) | {"url": url, "count": len(items)}
        escalated = self._texts["escalated"] if any(item.level for item in items) else ""
        return Message(
            id=id_,
            made_at=made_at,
            urgent=urgent,
            subject=self._texts["subject" if len(items) == 1 else "subject_many"].format_map(said),
            text=escalated + (self._one(said) if len(items) == 1 else self._many(items, wards, said)),
            speech=self._texts["speech"].format_map(said),
            url=url,
            items=items,
        )

    def test(self, id_: str, made_at: datetime) -> Message:
        url = self._url("")
        text = self._texts["test"].format(url=url).rstrip()
        return Message(id_, made_at, False, self._texts["test_subject"], text, text, url, ())

    def checkin(self, id_: str, made_at: datetime, what: str, until: str) -> Message:
        """To a person under order: `what` is 'asked' or 'reminder', `until` the local time that is left."""
        said = {"until": until, "url": f"{self._link}/me" if self._link else ""}
        text = self._texts[f"checkin_{what}"].format_map(said).rstrip()
        speech = self._texts["checkin_speech"].format_map(said)
        return Message(id_, made_at, False, self._texts["checkin_subject"], text, speech, said["url"], ())

    def _one(self, said: Mapping[str, object]) -> str:
        return self._texts["one"].format_map(said).rstrip()

    def _many(self, items: Sequence[Item], wards: Mapping[str, str], said: Mapping[str, object]) -> str:
        lines = [self._texts["line"].format_map(self._said(item, wards)) for item in items[:_LINES]]
        if len(items) > _LINES:
            lines.append(self._texts["more"].format(count=len(items) - _LINES))
        return self._texts["many"].format_map({**said, "lines": "\n".join(lines)}).rstrip()

    def _said(self, item: Item, wards: Mapping[str, str]) -> dict[str, object]:
        return {
            "severity": self._pages.t(f"severity.{item.severity}"),
            "kind": self._pages.t(f"kind.{item.kind}"),
            "ward": wards.get(item.ward, item.ward),
            "alert": item.alert,
        }

    def _url(self, alert: str) -> str:
        if not self._link:
            return ""
        return f"{self._link}/alerts/{alert}" if alert else f"{self._link}/alerts"


def plain(text: str) -> str:
    """Vietnamese without its marks: an SMS of 160 characters instead of 70, and phones that know nothing else."""
    import unicodedata  # noqa: PLC0415 - only where a provider asks for it

    bare = unicodedata.normalize("NFD", text.translate(_MARKS))
    return "".join(c for c in bare if not unicodedata.combining(c)).encode("ascii", "replace").decode()


_WORST = tuple(Severity)


def _rank(note: Note) -> int:
    return _WORST.index(note.severity)
