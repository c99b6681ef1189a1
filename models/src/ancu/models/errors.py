"""The error tree of the whole house.

AncuError
├── ConfigError        a configuration file that a person must mend
├── CardError         (cards.py) weights that are not what their card says
├── UsageError         a command that cannot be carried out as given
├── TopicError         a topic that is none of ours
├── FrameRefused       a band frame that is not believed, with a reason
└── WireRefused        a body that cannot be read, with a reason

An error carries a stable `code` and its data; `str()` is one line for a terminal. Words for pages live in catalogues.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "AncuError",
    "ConfigError",
    "FrameReason",
    "FrameRefused",
    "TopicError",
    "UsageError",
    "WireReason",
    "WireRefused",
]


class AncuError(Exception):
    """Root of every error that An Cư raises on purpose."""

    code = "error"


class ConfigError(AncuError):
    """A configuration file is wrong; the message names the file, the field and the fix."""

    code = "config"


class UsageError(AncuError):
    """A command cannot be carried out as given; the message says what to change."""

    code = "usage"


class TopicError(AncuError):
    """A topic that is none of ours."""

    code = "topic"

    def __init__(self, topic: str) -> None:
        super().__init__(f"not a topic of ours: {topic!r}")
        self.topic = topic


class FrameReason(StrEnum):
    """Why a band frame was refused; each is a counter of the server."""

    LENGTH = "length"
    VERSION = "version"
    CLEAR = "clear"  # not encrypted
    SEAL = "seal"  # the authentication tag does not fit: forged, flipped, or another key
    OBJECTS = "objects"  # opened, but not the objects of our profile
    UNKNOWN_BAND = "unknown_band"
    REPLAY = "replay"  # counter not strictly greater
    STALE = "stale"  # counter older than live presence allows
    FUTURE = "future"  # counter ahead of the receiver's clock
    CLONE = "clone"  # same counter, other content


class FrameRefused(AncuError):
    """A band frame that is not believed."""

    code = "frame_refused"

    def __init__(self, reason: FrameReason) -> None:
        super().__init__(f"frame refused: {reason}")
        self.reason = reason


class WireReason(StrEnum):
    """Why a body was refused; each is a counter of whoever refused it."""

    SHORT = "short"
    MAGIC = "magic"
    VERSION = "version"
    CRITICAL = "critical"  # an unknown flag that must be understood
    SEAL = "seal"
    REPLAY = "replay"  # a command that is not newer than the last one taken
    LAYOUT = "layout"
    UNKNOWN_EDGE = "unknown_edge"
    REVOKED = "revoked"
    TOPIC = "topic"  # the body and the topic disagree
    TOO_LARGE = "too_large"


class WireRefused(AncuError):
    """A body that cannot be read."""

    code = "wire_refused"

    def __init__(self, reason: WireReason, detail: str = "") -> None:
        super().__init__(f"body refused: {reason}" + (f" ({detail})" if detail else ""))
        self.reason = reason
