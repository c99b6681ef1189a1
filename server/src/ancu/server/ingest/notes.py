"""Notes: what the server was told of persons by its own API, as rows of the inbox, so that a restart is told it again.

A note is a row of lane 0 without an edge. Its kinds are tagged; a kind that this version does not know is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    ChallengeSettled,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    PersonInput,
    SelfReported,
)

__all__ = ["pack_note", "unpack_notes"]

_KINDS: Mapping[str, type[Any]] = {
    "scan": CheckpointScanned,
    "absence": AbsenceGranted,
    "absence_ended": AbsenceEnded,
    "checkin": CheckinAsked,
    "answer": CheckinAnswered,
    "report": SelfReported,
    "challenge": ChallengeSettled,
}
_TAGS = {kind: tag for tag, kind in _KINDS.items()}
_encoder = msgspec.msgpack.Encoder()
_outer = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_decoders: dict[str, Callable[[msgspec.Raw], PersonInput]] = {
    tag: msgspec.msgpack.Decoder(kind).decode for tag, kind in _KINDS.items()
}


def pack_note(told: PersonInput) -> bytes:
    return _encoder.encode((_TAGS[type(told)], told))


def unpack_notes(blobs: Iterable[bytes]) -> list[PersonInput]:
    """Read what `pack_note` wrote, in order."""
    found = []
    for blob in blobs:
        tag, body = _outer.decode(blob)
        if tag in _decoders:
            found.append(_decoders[tag](body))
    return found
