"""Explanations: one sentence, one page, and what the person's copy leaves out."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ancu.server import review
from ancu.server.cases.codes import SIGN_VALUES, Kind, Say
from ancu.server.ports import AlertDetail, AlertRow, AlertState, CallCard, Severity, Signal, Step
from ancu.server.review.explain import Explanation, Reader, explain
from ancu.server.review.words import as_text, load_words, tell
from ancu.server.web.words import LANGUAGES

AT = datetime(2026, 3, 2, 7, 5, 9, tzinfo=UTC)
AWAY = Signal(
    "unseen_rescanned",
    AT,
    {"band": "wb-00000042", "edge": "edge-1", "last_heard_at": AT - timedelta(seconds=95), "unheard_s": 95},
)
DOOR = Signal("door_out", AT, {"edge": "edge-1", "camera": "gate", "door": "main", "track": 4, "confidence": 0.91})
WORDS = load_words("vi")
NAME = "Nguyễn Văn An · P. Bến Nghé"
KNOWN = f"{WORDS.t('known.presence')}: {WORDS.show('away', 'presence')}"
FORGED = Signal("forged", AT, {"edge": "edge-1", "band": "wb-00000042", "reason": "seal", "count": 3})


def detail(*evidence: Signal, kind: str = "out_of_range") -> AlertDetail:
    signals = evidence or (AWAY,)
    return AlertDetail(
        row=AlertRow(
            "abcdefgh12345678", kind, Severity.HIGH, AlertState.RESOLVED, "w1", "p-1", NAME, "p-1",
            AT, AT, None, "o-lan", None, "default@1", signals[0], 7,
        ),
        evidence=list(signals),
        timeline=[
            Step(5, AT, "raised", None, {"kind": kind, "severity": "H", "paged": True, "late": False}),
            Step(6, AT, "acknowledged", "o-lan"),
            Step(7, AT, "resolved", "o-lan", {"outcome": "true_exit", "note": "hàng xóm Trần Thị C kể"}),
        ],
        ruled_out=[
            Signal("edge_alive", AT, {"edge": "edge-1", "last_alive_at": AT}),
            Signal("battery_fine", AT, {"battery_percent": 80}),
        ],
        calls=[CallCard("Trần Thị Mẹ", "0901234567", "mother")],
        last_known={"presence": "away", "battery_percent": 80},
        thresholds={"severity": "H", "opens_after_s": 90, "next_level_min": [3, 10, 20]},
        excuses=[],
    )  # fmt: skip


def page(reader: Reader, *evidence: Signal, lang: str = "vi", kind: str = "out_of_range") -> str:
    words = load_words(lang)
    found = explain(detail(*evidence, kind=kind), reader, {"o-lan": "Chị Lan"})
    return as_text(words, tell(words, found))


def test_one_sentence_says_when_what_how_bad_and_why():
    sentence = page(Reader.OFFICER).splitlines()[0]
    assert sentence.startswith("Lúc 14:05:09 2/3/2026, hệ thống mở cảnh báo “Vòng tay ngoài vùng phủ sóng”, mức Cao: ")
    assert "95 giây" in sentence
    assert sentence.count("\n") == 0


def test_a_second_signal_is_in_the_sentence():
    assert "thêm vào đó: camera thấy người đi ra" in page(Reader.OFFICER, AWAY, DOOR).splitlines()[0]


def test_late_data_says_that_nobody_was_alarmed():
    late = replace(AWAY, late=True)
    assert "không báo động" in page(Reader.OFFICER, late).splitlines()[0]


def test_the_page_has_signals_rules_ruled_out_and_what_to_do():
    text = page(Reader.OFFICER)
    for part in (
        "Mở sau: 90 giây", "Chính sách default@1", "Không phải do hết pin", "Pin vẫn còn 80%",
        "Không phải do mất điện", "vắng mặt được phép", "đề nghị đến gần bộ thu", "Chị Lan đã nhận",
        "Nguyễn Văn An", KNOWN, "hàng xóm Trần Thị C kể",
    ):  # fmt: skip
        assert part in text, part


def test_absences_are_compared_or_nothing_is_said_of_them():
    times = {"from_at": AT - timedelta(hours=3), "until_at": AT - timedelta(hours=1)}
    over = Signal("absence_over", AT - timedelta(hours=1), {"absence": "a-1", **times})

    def ruled_out(excuses: list[Signal] | None) -> list[str]:
        told = explain(replace(detail(), excuses=excuses), Reader.SUBJECT)
        return [line.key for section in told.sections if section.code == "ruled_out" for line in section.lines]

    assert ruled_out([])[-1] == "explain.no_absence"
    assert ruled_out([over])[-1] == "signal.absence_over"
    assert not [key for key in ruled_out(None) if "absence" in key]


def test_the_persons_copy_leaves_out_officers_notes_others_and_keys():
    text = page(Reader.SUBJECT, AWAY, FORGED, DOOR)
    for part in ("Lan", "o-lan", "Trần Thị", "0901234567", "sai chữ ký", "0,91", "Nguyễn Văn An"):
        assert part not in text, part
    for part in (
        "Cán bộ đã nhận",
        "Không hiển thị",
        "abcdefgh12345678",
        "95 giây",
        "Mở sau: 90 giây",
        "dữ liệu kỹ thuật",
    ):
        assert part in text, part


def test_both_copies_tell_the_same_signals_and_thresholds():
    officer, subject = (explain(detail(AWAY, DOOR), reader) for reader in Reader)
    assert officer.sentence.key == subject.sentence.key
    mine = {section.code: section for section in subject.sections}
    theirs = {section.code: section for section in officer.sections}
    assert mine["rules"] == theirs["rules"]
    assert [line.key for line in mine["signals"].lines] == [line.key for line in theirs["signals"].lines[1:]]
    assert set(theirs) - set(mine) == {"known", "do"}


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_can_be_told_in_every_language(kind: str, lang: str):
    for reader in Reader:
        text = page(reader, lang=lang, kind=kind)
        assert not re.search(r"\b(explain|signal|step|kind|do|threshold)\.[a-z_]+", text), text
        assert "{" not in text


@pytest.mark.parametrize("code", [code.value for code in Say])
def test_every_sign_can_be_told(code: str):
    values = dict.fromkeys(SIGN_VALUES[Say(code)], 1)
    for reader in Reader:
        assert f"signal.{code}" not in page(reader, Signal(code, AT, values))


def test_both_languages_have_the_same_words_with_the_same_values():
    vi, en = (
        {key: text for key, text in load_words(lang).texts.items() if key.startswith("explain.")} for lang in LANGUAGES
    )
    assert set(vi) == set(en)
    names = {lang: {key: {n for _, n, _, _ in string.Formatter().parse(text) if n} for key, text in texts.items()}
             for lang, texts in (("vi", vi), ("en", en))}  # fmt: skip
    assert names["vi"] == names["en"]


def test_no_words_lie_unused():
    source = "".join(path.read_text("utf-8") for path in Path(review.__file__).parent.rglob("*.py"))
    keys = [key for key in load_words("vi").texts if key.startswith("explain.")]
    parts = {key.split(".")[-1] for key in keys}
    assert [part for part in parts if f"{part}" not in source] == []


def test_an_explanation_is_pure_data():
    assert isinstance(explain(detail(), Reader.SUBJECT), Explanation)
