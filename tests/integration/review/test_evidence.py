"""Evidence out of a recorded journal: it proves itself, and no byte of it can differ."""

from __future__ import annotations

import random
import zipfile
from io import BytesIO
from typing import Any

import msgspec
import pytest

from ancu.models.errors import UsageError
from ancu.server.review.book import Book
from ancu.server.review.bundle import BundleRefused, make_bundle, public_key, verify_bundle
from ancu.server.review.evidence import export
from ancu.server.review.in_force import note_policies

SEED = b"e" * 32


@pytest.fixture
def bundle(record: Any) -> tuple[Any, str, bytes]:
    r = record(homes=2)
    book = Book.plain(r.policy)
    r.command(lambda tx: note_policies(tx, book))
    r.command(lambda tx: note_policies(tx, book))
    r.run(40)
    r.cut(0)
    r.sos("p-000002")
    r.run(30)
    (alert,) = r.open_alerts("strap_cut")
    return r, alert, export(r.store.connection, alert, seed=SEED, now=r.clock.now())


def files_of(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_bundle_verifies_alone_and_says_what_it_holds(bundle: Any):
    r, alert, raw = bundle
    found = verify_bundle(raw, public_key(SEED))
    assert (found.alert, found.kind, found.policy, found.has_policy) == (alert, "strap_cut", "table@2", True)
    files = files_of(raw)
    assert "dây đã hở" in files["explanation.vi.txt"].decode()
    assert "wb-00000001" in files["readings.csv"].decode()
    assert "p-000002" not in b"".join(files.values()).decode()
    assert "heart" not in files["readings.csv"].decode()
    policies = list(r.store.records_after(0, "policy"))
    assert len(policies) == 1


def test_any_flipped_byte_is_found(bundle: Any):
    _, _, raw = bundle
    dice = random.Random(3)
    places = {0, 1, len(raw) - 1, *(dice.randrange(len(raw)) for _ in range(400))}
    for place in places:
        flipped = raw[:place] + bytes([raw[place] ^ (1 << dice.randrange(8))]) + raw[place + 1 :]
        with pytest.raises(BundleRefused):
            verify_bundle(flipped)


@pytest.mark.parametrize("change", [lambda raw: raw + b"x", lambda raw: raw[:-1], lambda raw: b"", lambda raw: b"PK"])
def test_what_is_added_or_cut_is_found(bundle: Any, change: Any):
    with pytest.raises(BundleRefused):
        verify_bundle(change(bundle[2]))


def test_another_installation_cannot_sign_for_this_one(bundle: Any):
    r, alert, _ = bundle
    other = export(r.store.connection, alert, seed=b"x" * 32, now=r.clock.now())
    verify_bundle(other)
    with pytest.raises(BundleRefused, match="another installation"):
        verify_bundle(other, public_key(SEED))


def test_events_that_were_never_in_the_journal_do_not_verify_even_when_signed_again(bundle: Any, monkeypatch: Any):
    _, _, raw = bundle
    entries = msgspec.json.decode(files_of(raw)["events.json"])
    from ancu.server.adapters.store_journal import Record, link_of  # noqa: PLC0415
    from ancu.server.alerts.events import pack, unpack  # noqa: PLC0415
    from ancu.server.review.bundle import Proven  # noqa: PLC0415

    entry = entries[0]
    event = msgspec.structs.replace(unpack(bytes.fromhex(entry["body"])), severity="L")
    record = Record(entry["at_ms"], entry["stream"], entry["subject"], pack(event))
    prev = bytes.fromhex(entry["prev"])
    forged = Proven(
        entry["position"],
        record,
        prev,
        link_of(prev, entry["position"], record),
        [bytes.fromhex(part) for part in entry["path"]],
    )
    manifest = msgspec.json.decode(files_of(raw)["manifest.json"])
    made = make_bundle(
        seed=SEED,
        made_at="2026-03-02T12:00:00+00:00",
        events=[forged],
        policy=None,
        journal=manifest["journal"],
        readings="",
        explanations={"vi": "", "en": ""},
    )
    with pytest.raises(BundleRefused, match="not in the journal"):
        verify_bundle(made)


def test_an_absent_alert_is_one_clear_line(bundle: Any):
    r, _, _ = bundle
    with pytest.raises(UsageError, match="no alert 'nobody'"):
        export(r.store.connection, "nobody", seed=SEED, now=r.clock.now())
