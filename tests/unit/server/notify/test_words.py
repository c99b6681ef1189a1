from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ancu.server.cases.codes import Kind
from ancu.server.notify.pacing import Note
from ancu.server.notify.words import Writer, plain
from ancu.server.ports import Severity

AT = datetime(2026, 3, 2, 5, tzinfo=UTC)
WARDS = {"w1": "Phường Hoa Sen"}


def note(number: int = 1, severity: Severity = Severity.HIGH, kind: Kind = Kind.OUT_OF_RANGE, level: int = 0) -> Note:
    return Note(number, number, "a", f"alert{number}", kind, severity, "w1", level, AT + timedelta(seconds=number))


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("severity", Severity)
def test_every_kind_and_severity_has_words_in_every_language(language: str, kind: Kind, severity: Severity):
    message = Writer(language, "https://ancu.example/").message("m", AT, [note(1, severity, kind)], WARDS, urgent=True)
    for text in (message.subject, message.text, message.speech):
        assert "{" not in text
        assert "kind." not in text
        assert "severity." not in text
    assert message.text.endswith("https://ancu.example/alerts/alert1")
    assert "Phường Hoa Sen" in message.text


def test_grouped_alerts_are_lines_worst_first_and_the_rest_is_counted():
    notes = [note(n, Severity.MEDIUM) for n in range(1, 11)] + [note(11, Severity.HIGH)]
    message = Writer("en", "https://ancu.example").message("m", AT, notes, WARDS, urgent=False)
    assert message.items[0].alert == "alert11"
    assert len(message.items) == 11
    assert "and 3 more" in message.text
    assert message.url == "https://ancu.example/alerts"


def test_an_alert_that_was_noted_twice_is_one_line():
    message = Writer("en").message("m", AT, [note(1), note(1, level=1)], WARDS, urgent=False)
    assert len(message.items) == 1
    assert message.text.startswith("Nobody has it yet.")


def test_no_link_is_configured_and_none_is_written():
    assert "http" not in Writer("vi").message("m", AT, [note()], WARDS, urgent=False).text


def test_vietnamese_goes_without_its_marks():
    assert plain("Đường Nguyễn Huệ, phường Bến Nghé · ổn") == "Duong Nguyen Hue, phuong Ben Nghe , on"
