"""MQTT topics: the one place that spells and reads them.

ancu/v1/{ward}/{edge}/facts/{lane}    edge -> gateway
ancu/v1/{ward}/{edge}/status          edge, retained, last will
ancu/v1/{ward}/{edge}/confirm         server -> edge
ancu/v1/{ward}/{edge}/command         server -> edge
ancu/v1/up/{partition}/{gateway}      gateway -> server
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ancu.models.errors import TopicError
from ancu.models.ids import PARTITIONS, EdgeId, GatewayId, WardCode

__all__ = [
    "ALL_UPSTREAM",
    "Command",
    "Confirm",
    "Facts",
    "Lane",
    "StatusOf",
    "Topic",
    "Upstream",
    "command",
    "confirm",
    "edges_of_ward",
    "facts",
    "parse",
    "status",
    "upstream",
]

_UP = "up"  # not a ward code: wards named so are refused at import
ALL_UPSTREAM = "ancu/v1/up/#"


class Lane(IntEnum):
    """Lanes of a journal, most urgent first."""

    ALARM = 1
    STATE = 2
    BULK = 3


_LANES = {lane.name.lower(): lane for lane in Lane}


@dataclass(frozen=True, slots=True)
class Facts:
    ward: WardCode
    edge: EdgeId
    lane: Lane


@dataclass(frozen=True, slots=True)
class StatusOf:
    ward: WardCode
    edge: EdgeId


@dataclass(frozen=True, slots=True)
class Confirm:
    ward: WardCode
    edge: EdgeId


@dataclass(frozen=True, slots=True)
class Command:
    ward: WardCode
    edge: EdgeId


@dataclass(frozen=True, slots=True)
class Upstream:
    partition: int
    gateway: GatewayId


Topic = Facts | StatusOf | Confirm | Command | Upstream


def facts(ward: WardCode, edge: EdgeId, lane: Lane) -> str:
    return f"ancu/v1/{ward}/{edge}/facts/{lane.name.lower()}"


def status(ward: WardCode, edge: EdgeId) -> str:
    return f"ancu/v1/{ward}/{edge}/status"


def confirm(ward: WardCode, edge: EdgeId) -> str:
    return f"ancu/v1/{ward}/{edge}/confirm"


def command(ward: WardCode, edge: EdgeId) -> str:
    return f"ancu/v1/{ward}/{edge}/command"


def upstream(partition: int, gateway: GatewayId) -> str:
    return f"ancu/v1/up/{partition}/{gateway}"


def edges_of_ward(ward: WardCode, leaf: str) -> str:
    """A filter for one leaf ('facts/+', 'status', 'confirm', 'command') of every edge of a ward."""
    return f"ancu/v1/{ward}/+/{leaf}"


def parse(topic: str) -> Topic:
    """Read a topic; raises TopicError."""
    match topic.split("/"):
        case ["ancu", "v1", "up", partition, gateway] if gateway and _is_partition(partition):
            return Upstream(int(partition), GatewayId(gateway))
        case ["ancu", "v1", ward, edge, "facts", lane] if ward and edge and ward != _UP and lane in _LANES:
            return Facts(WardCode(ward), EdgeId(edge), _LANES[lane])
        case ["ancu", "v1", ward, edge, leaf] if ward and edge and ward != _UP:
            match leaf:
                case "status":
                    return StatusOf(WardCode(ward), EdgeId(edge))
                case "confirm":
                    return Confirm(WardCode(ward), EdgeId(edge))
                case "command":
                    return Command(WardCode(ward), EdgeId(edge))
    raise TopicError(topic)


def _is_partition(text: str) -> bool:
    # The length first: Python refuses to read numbers of thousands of digits, by an error of its own.
    return len(text) <= 2 and text.isascii() and text.isdigit() and str(int(text)) == text and int(text) < PARTITIONS
