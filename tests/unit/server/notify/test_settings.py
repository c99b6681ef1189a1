from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from ancu.models.config import load
from ancu.models.errors import ConfigError
from ancu.server.adapters.notify_channels import plan_of
from ancu.server.notify import settings as tables
from ancu.server.notify.settings import NotifySettings
from ancu.server.ports import Severity

DOCS = Path(__file__).parents[4] / "docs" / "notifiers.md"


def read(tmp_path: Path, text: str) -> NotifySettings:
    path = tmp_path / "notify.toml"
    path.write_text(text, "utf-8")
    return load(path, NotifySettings)


def test_channels_are_tried_in_the_order_that_is_configured(tmp_path: Path):
    settings = read(
        tmp_path,
        """
order = ["email", "sms"]
[email]
host = "mail.example"
sender = "a@b.example"
[sms]
url = "https://sms.example/send"
fields = { to = "{to}" }
severities = ["C", "H"]
[voice]
url = "https://voice.example/call"
fields = { to = "{to}" }
severities = ["C"]
""",
    )
    plan = plan_of(settings)
    assert plan.order == ("email", "sms", "voice")
    assert plan.routing.severities["voice"] == {Severity.CRITICAL}


@pytest.mark.parametrize(
    "text",
    [
        "unknown = 1",
        'order = ["fax"]',
        '[email]\nhost = "x"\nsender = "y"\nunknown = 1',
        '[email]\nhost = "mail.example"\nsender = "y"\nsecurity = "none"\nuser = "u"\npassword_file = "p"',
        '[email]\nhost = "x"\nsender = "y"\nuser = "u"',
        '[sms]\nurl = "http://sms.example"\nfields = {}',
        '[sms]\nurl = "https://user:secret@sms.example"\nfields = {}',
        '[sms]\nurl = "https://sms.example/?key=secret"\nfields = {}',
        '[sms]\nurl = "https://sms.example/"\nfields = {}\nok_field = "code"',
        '[sms]\nurl = "https://sms.example/"\nfields = {}\ntimeout_s = 0',
        '[[webhooks]]\nname = "a"\nurl = "ftp://x.example"\nsecret_file = "s"',
        '[[webhooks]]\nname = "a"\nurl = "https://x.example"\nsecret_file = "s"\n' * 2,
    ],
)
def test_what_a_person_must_mend_is_said_at_the_start(tmp_path: Path, text: str):
    with pytest.raises(ConfigError):
        read(tmp_path, text)


def test_every_key_is_in_the_docs():
    known = set(re.findall(r"`([a-z0-9_]+)`", DOCS.read_text("utf-8")))
    for name in tables.__all__:
        table = getattr(tables, name)
        if isinstance(table, type) and issubclass(table, msgspec.Struct):
            assert {field.name for field in msgspec.structs.fields(table)} <= known, name
