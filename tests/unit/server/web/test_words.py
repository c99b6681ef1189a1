"""The catalogues: complete, used, and read well."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from ancu.models.errors import FrameReason, WireReason
from ancu.server import web
from ancu.server.cases import codes
from ancu.server.policies import load_policy
from ancu.server.ports import AlertState, Outcome, Severity
from ancu.server.web.words import LANGUAGES, load_catalogues

HERE = Path(web.__file__).parent
ROOT = Path(__file__).parents[4]
SCRIPTS = ROOT / "server/web/src"
WORDS = load_catalogues()
STEMS = ("title_", "what_", "revoke_")
TYPED = ("relation.",)  # other people's words: how a contact is related, as they typed it
NAMES = {"Tiếng Việt", "English", "wb-00000042"}  # the same in every language
PLURALS = (".one", ".other")
BY_CODE = (  # parts of the catalogue whose keys are codes of other parts, or ids that others choose
    "kind.", "signal.", "sign.", "step.", "do.", "hint.", "reason.", "severity.", "state.", "outcome.", "relation.",
    "known.", "threshold.", "value.", "desk.", "presence.", "health.", "device.", "problem.", "login.", "enter.",
    "fault.", "sort.", "link_quality.", "devfact.", "devlog.", "swap_reason.", "given_no.",
    "site_no.", "draw_no.", "still.", "bed_state.", "way.",
    "absence_reason", "absence_state.", "checkin_state.", "contacted.", "unit.", "condition.", "visit_kind.", "watch.",
    "replay_refused.",
    "symptom.", "leave_reason", "dispute_about", "order_reason.", "order_state.", "order_fault.", "order_field.",
    "end_reason.", "erased.", "stored.", "looked.", "role.", "paper.", "ask_fault.", "tests.", "ask.",
)  # fmt: skip


def base(key: str) -> str:
    return key.rsplit(".", 1)[0] if key.endswith(PLURALS) else key


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def used_keys() -> set[str]:
    sources = chain(HERE.glob("templates/*.html"), HERE.rglob("*.py"))
    return set(chain.from_iterable(re.findall(r'["\']([a-z_]+\.[A-Za-z_0-9]+)["\']', p.read_text()) for p in sources))


def sources() -> list[Path]:
    """What may say a code: the parts' Python and SQL, templates and scripts; tests may not."""
    parts = [ROOT / part / "src" for part in ("models", "edge", "gateway", "server")]
    found = chain.from_iterable(part.rglob(kind) for part in parts for kind in ("*.py", "*.sql", "*.html"))
    return [*found, *SCRIPTS.rglob("*.ts")]


def _without_stem(key: str) -> set[str]:
    """'ask.title_food' is made of the code 'food', and 'devlog.revoke_edge' of 'edge'."""
    last = key.rsplit(".", 1)[-1]
    return {last.removeprefix(stem) for stem in STEMS if last.startswith(stem)}


def spoken(template: str) -> list[str]:
    """Words that a template says by itself."""
    text = re.sub(r"{% block (shape|body) %}.*?{% endblock %}|{% macro path.*?{% endmacro %}", "", template)
    text = re.sub(r"{{.*?}}|{%.*?%}|{#.*?#}", "", text, flags=re.DOTALL)
    aloud = re.findall(r'(?:title|alt|aria-label|placeholder)="([^"]*)"', text)
    plain = re.sub(r"<(?:style|script).*?</(?:style|script)>|<[^>]*>", "\n", text, flags=re.DOTALL)
    words = [re.sub(r"^[^\w]+|[^\w]+$", "", piece) for piece in (*plain.split("\n"), *aloud)]
    return [word for word in words if re.search(r"[^\W\d_]{2}", word) and word not in NAMES]


def sentences(script: str) -> list[str]:
    """Strings that a reader would see."""
    code = re.sub(r"^\s*//.*$|(?<=[;{}])\s*//.*$|/\*.*?\*/", "", script, flags=re.MULTILINE | re.DOTALL)
    strings = re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)
    return [text for text in strings if re.search(r"[À-ỹ]|^[A-Z][a-z]+ [a-z]+", text)]


def test_both_languages_have_the_same_keys():
    vi, en = [{base(key) for key in WORDS[lang].texts} for lang in LANGUAGES]
    assert vi == en


def test_both_languages_fill_in_the_same_values():
    for key, text in WORDS["vi"].texts.items():
        if not key.endswith(PLURALS):
            assert fields(text) == fields(WORDS["en"].texts[key]), key


def test_no_text_is_empty():
    assert [key for lang in LANGUAGES for key, text in WORDS[lang].texts.items() if not text.strip()] == []


def test_every_key_that_a_template_uses_has_words():
    parts = {key.split(".")[0] for key in WORDS["vi"].texts}
    known = {base(key) for key in WORDS["vi"].texts}
    wanted = {
        key for key in used_keys() if key.split(".")[0] in parts and not key.endswith((".html", ".toml", ".css", ".js"))
    }
    assert wanted - known == set()


def test_no_words_lie_unused():
    used = used_keys()
    keys = {base(key) for key in WORDS["vi"].texts}
    assert {key for key in keys if key not in used and not key.startswith(BY_CODE)} == set()


def test_no_code_has_words_that_nothing_says_any_more():
    """A key that is made of a code at run time: the code stands somewhere in the sources."""
    said = set(chain.from_iterable(re.findall(r"[A-Za-z_0-9]+", path.read_text()) for path in sources()))
    keys = {base(key) for key in WORDS["vi"].texts} - used_keys()
    gone = {key for key in keys if not {key.rsplit(".", 1)[-1], *_without_stem(key)} & said}
    assert {key for key in gone if not key.startswith(TYPED)} == set()


def test_no_sentence_stands_outside_the_catalogues():
    """Of templates: text and what is read aloud; of scripts: any string that has letters of Vietnamese, or words."""
    found = [
        f"{path.name}: {text}" for path in sorted(HERE.glob("templates/*.html")) for text in spoken(path.read_text())
    ]
    for path in sorted(SCRIPTS.rglob("*.ts")):
        found += [f"{path.name}: {text}" for text in sentences(path.read_text())]
    assert found == []


def test_what_is_spoken_outside_the_catalogues_is_found():
    assert spoken('<p>{{ t("x.y") }} · Xin chào</p><b title="Hello">1</b><a aria-label="{{ x }}">×</a>') == [
        "Xin chào", "Hello",
    ]  # fmt: skip
    assert sentences('say("Không có mạng"); tell("Try again"); post("/a/b", "two-part"); // "A note"') == [
        "Không có mạng", "Try again",
    ]  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_of_the_judge_has_words(lang: str):
    has = WORDS[lang].texts
    wanted = [f"{part}.{code.value}" for part in ("kind", "do") for code in codes.Kind]
    wanted += [f"{part}.{code.value}" for part in ("signal", "sign") for code in codes.Say]
    wanted += [f"hint.{code.value}" for code in (*codes.TROUBLE_SIGNS.values(), codes.Say.BODY_REFUSED)]
    wanted += [f"step.{code}" for code in codes.STEP_VALUES]
    wanted += [f"reason.{reason.value}" for reason in (*FrameReason, *WireReason)] + ["reason.gap"]
    wanted += [f"severity.{code}" for code in Severity] + [f"state.{code}" for code in AlertState]
    wanted += [f"outcome.{code}" for code in Outcome] + [f"desk.{code}" for code in codes.Desk]
    assert [key for key in wanted if key not in has] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_of_the_policy_has_a_name(lang: str):
    rules = load_policy("default").rules
    names = {name for kind in codes.Kind for name in rules.of(kind).__struct_fields__}
    assert [name for name in names if f"threshold.{name}" not in WORDS[lang].texts] == []


def test_sentences_use_only_the_values_that_the_judge_gives():
    for code, values in codes.SIGN_VALUES.items():
        assert fields(WORDS["vi"].texts[f"signal.{code}"]) <= set(values), code
    for step, values in codes.STEP_VALUES.items():
        assert fields(WORDS["vi"].texts[f"step.{step}"]) <= {*values, "by"}, step


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_words_of_the_domain_are_spelt_one_way(lang: str):
    if lang == "vi":
        text = re.sub(r"{[a-z_]+}", "", " ".join(WORDS["vi"].texts.values()))
        assert "người bị cách ly" not in text
        assert "gateway" not in text.lower()


def test_times_and_spans_are_local_and_readable():
    vi, en = WORDS["vi"], WORDS["en"]
    at = datetime(2026, 11, 21, 7, 30, 5, tzinfo=UTC)
    assert vi.exact(at) == "14:30:05 21/11/2026"
    assert en.exact(at) == "21 Nov 2026, 14:30:05"
    assert vi.day(at) == "Thứ Bảy, 21/11/2026"
    assert vi.ago(at - timedelta(minutes=5), at) == "5 phút trước"
    assert en.ago(at - timedelta(hours=2), at) == "2 hours ago"
    assert vi.ago(at + timedelta(minutes=1), at) == "vừa xong"
    assert vi.span(95) == "95 giây"
    assert en.show([3, 10], "next_level_min") == "3 minutes, 10 minutes"
    assert vi.show("2026-11-21T07:30:05+00:00", "last_heard_at") == "14:30:05 21/11/2026"
    assert vi.show(None) == vi.show("") == "–"
    assert vi.number(34.1) == "34,1"
    assert vi.span(0) == "ngay lập tức"
    assert vi.when(at, at) == "14:30"
    assert vi.when(at, at + timedelta(days=1)) == "14:30 21/11"


def test_plurals_follow_the_language():
    assert WORDS["en"].n("days.left", 1) == "1 day left"
    assert WORDS["en"].n("days.left", 2) == "2 days left"
    assert WORDS["vi"].n("days.left", 2) == "còn 2 ngày"


def test_a_missing_value_is_a_dash_not_a_fault():
    assert WORDS["vi"].t("signal.battery_fine") == "Pin vẫn còn –%"
