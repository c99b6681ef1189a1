"""Evidence bundles: one alert as a ZIP file that proves itself. Pure: bytes in, bytes out.

The manifest holds the SHA-256 of every other file and is signed (Ed25519) with the installation's export key. Each
event carries its journal record, the hash that chains it, and its Merkle path (RFC 9162, leaves are the record hashes)
to the root that the manifest names. The archive has one form only, so that no byte of it can differ unseen.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ancu.models.errors import AncuError
from ancu.server.adapters.store_journal import Record, link_of
from ancu.server.alerts.alert import fold
from ancu.server.alerts.events import AlertEvent, Raised, unpack
from ancu.server.review.merkle import verify

__all__ = ["FORMAT", "BundleRefused", "Proven", "Verified", "make_bundle", "public_key", "verify_bundle"]

FORMAT = "ancu-evidence/1"
_NAMES = ("README.txt", "alert.json", "events.json", "explanation.en.txt", "explanation.vi.txt", "policy.json")
_MAX_BYTES = 64 * 1024 * 1024  # a bundle is read whole
_README = """An evidence bundle of An Cu: one alert.

alert.json         the incident as its events came to
events.json        every event: as text, and as the journal's record with its hash and its path to the root
policy.json        the policy in force, as the journal's record; null if the journal has none
readings.csv       what the server had received around it
explanation.*.txt  why the alert was raised
manifest.json      SHA-256 of every file above, the journal's size, head and Merkle root; signed in manifest.sig

Check it with:  ancu export verify FILE.zip   (and --key with the installation's public key, got another way)
By hand: hash = SHA-256(prev | msgpack [position, at_ms, stream, subject, body]); leaf = hash, index = position - 1,
RFC 9162 path to journal.root; manifest.sig = Ed25519 over the bytes of manifest.json with the key named in it.
"""


class BundleRefused(AncuError):
    """A bundle that is not what was exported; the message says where."""

    code = "bundle_refused"


@dataclass(frozen=True, slots=True)
class Proven:
    """A record of the journal with what proves it."""

    position: int
    record: Record
    prev: bytes
    hash: bytes
    path: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a sound bundle says."""

    alert: str
    kind: str
    policy: str
    events: int
    journal: int  # records, when it was exported
    made_at: str
    key: str  # public key, hex
    has_policy: bool


def public_key(seed: bytes) -> str:
    """The public half of an export key, as it is published: 64 hexadecimal digits."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


def make_bundle(
    *,
    seed: bytes,
    made_at: str,
    events: Sequence[Proven],
    policy: Proven | None,
    journal: Mapping[str, Any],
    readings: str,
    explanations: Mapping[str, str],
) -> bytes:
    """The bundle of an alert; `journal` has its size, head and root."""
    alert = fold(_event(proven.record) for proven in events)
    if alert is None:
        raise BundleRefused("no alert begins with these events")
    files = {
        "README.txt": _README.encode(),
        "alert.json": _json(_plain(alert)),
        "events.json": _json([{**_entry(proven), "says": _plain(_event(proven.record))} for proven in events]),
        "policy.json": _json(None if policy is None else _entry(policy) | {"says": _policy(policy.record)}),
        "readings.csv": readings.encode(),
        **{f"explanation.{lang}.txt": text.encode() for lang, text in explanations.items()},
    }
    manifest = _json(
        {
            "format": FORMAT,
            "alert": alert.id,
            "made_at": made_at,
            "journal": journal,
            "key": public_key(seed),
            "files": {name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())},
        }
    )
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(manifest).hex().encode() + b"\n"
    return _zip({**dict(sorted(files.items())), "manifest.json": manifest, "manifest.sig": signature})


def verify_bundle(raw: bytes, key: str | None = None) -> Verified:
    """Check every byte; with `key`, that it was made by that installation. Raises BundleRefused."""
    files = _unzip(raw)
    manifest = _manifest(files)
    try:
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest["key"]))
        signer.verify(bytes.fromhex(files["manifest.sig"].decode().strip()), files["manifest.json"])
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise BundleRefused("manifest.sig: does not fit manifest.json") from None
    if key is not None and key.lower() != manifest["key"]:
        raise BundleRefused(f"signed with the key {manifest['key']}, which is another installation's")
    if _zip(files) != raw:
        raise BundleRefused("the archive was written anew or changed")
    for name, digest in manifest["files"].items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise BundleRefused(f"{name}: was changed")
    try:
        return _content(manifest, files)
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
        raise BundleRefused(f"cannot be read: {error.__class__.__name__} {error}") from None


def _content(manifest: dict[str, Any], files: Mapping[str, bytes]) -> Verified:
    journal = manifest["journal"]
    events = [_proven(entry, f"events.json[{i}]", journal) for i, entry in enumerate(_read(files["events.json"]))]
    said = [entry["says"] for entry in _read(files["events.json"])]
    decoded = [_event(proven.record) for proven in events]
    if [p.position for p in events] != sorted({p.position for p in events}):
        raise BundleRefused("events.json: not in the order of the journal")
    if said != [_plain(event) for event in decoded]:
        raise BundleRefused("events.json: the text is not what the records say")
    alert, first = fold(decoded), decoded[0]
    if alert is None or not isinstance(first, Raised) or {e.alert for e in decoded} != {manifest["alert"]}:
        raise BundleRefused("events.json: not the events of one alert")
    if _read(files["alert.json"]) != _plain(alert):
        raise BundleRefused("alert.json: not what the events came to")
    policy = _read(files["policy.json"])
    if policy is not None:
        record = _proven(policy, "policy.json", journal).record
        if policy["says"] != _policy(record) or record.subject != first.policy:
            raise BundleRefused("policy.json: not the policy that the alert was raised under")
        if policy["says"]["policy"]["rules"][str(first.kind)] != _plain(first)["thresholds"]:
            raise BundleRefused("policy.json: other thresholds than the alert's")
    return Verified(
        alert=alert.id,
        kind=str(alert.kind),
        policy=first.policy,
        events=len(events),
        journal=journal["size"],
        made_at=manifest["made_at"],
        key=manifest["key"],
        has_policy=policy is not None,
    )


def _proven(entry: Mapping[str, Any], where: str, journal: Mapping[str, Any]) -> Proven:
    record = Record(entry["at_ms"], entry["stream"], entry["subject"], bytes.fromhex(entry["body"]))
    proven = Proven(
        entry["position"],
        record,
        bytes.fromhex(entry["prev"]),
        bytes.fromhex(entry["hash"]),
        [bytes.fromhex(part) for part in entry["path"]],
    )
    if link_of(proven.prev, proven.position, record) != proven.hash:
        raise BundleRefused(f"{where}: the record is not what was hashed")
    root = bytes.fromhex(journal["root"])
    if not verify(proven.hash, proven.position - 1, journal["size"], proven.path, root):
        raise BundleRefused(f"{where}: not in the journal")
    return proven


def _entry(proven: Proven) -> dict[str, Any]:
    record = proven.record
    return {
        "position": proven.position,
        "at_ms": record.at_ms,
        "stream": record.stream,
        "subject": record.subject,
        "body": record.body.hex(),
        "prev": proven.prev.hex(),
        "hash": proven.hash.hex(),
        "path": [part.hex() for part in proven.path],
    }


def _event(record: Record) -> AlertEvent:
    return unpack(record.body)


def _policy(record: Record) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(record.body)
    return plain


def _plain(value: object) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))
    return plain


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1) + b"\n"


def _read(raw: bytes) -> Any:
    return msgspec.json.decode(raw)


def _manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        manifest = msgspec.json.decode(files["manifest.json"], type=dict[str, Any])
        listed = set(manifest["files"])
    except (KeyError, TypeError, msgspec.MsgspecError):
        raise BundleRefused("manifest.json: missing or cannot be read") from None
    if manifest.get("format") != FORMAT:
        raise BundleRefused(f"manifest.json: not of the format {FORMAT}")
    if listed != set(files) - {"manifest.json", "manifest.sig"} or not listed.issuperset(_NAMES):
        raise BundleRefused("manifest.json: names other files than there are")
    return manifest


def _zip(files: Mapping[str, bytes]) -> bytes:
    """The one form: stored, in the given order, of no particular time."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o600 << 16
            archive.writestr(entry, body)
    return raw.getvalue()


def _unzip(raw: bytes) -> dict[str, bytes]:
    if len(raw) > _MAX_BYTES:
        raise BundleRefused("too large for a bundle")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
                entries = []  # not our one form: nothing of it is unpacked
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, struct.error) as error:
        raise BundleRefused(f"not a bundle: {error}") from None
    if not files:
        raise BundleRefused("the archive was written anew or changed")
    return files
