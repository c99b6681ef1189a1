"""Ports: the fleet of devices, and quarantine sites with their rooms, cameras and wall screens.

As in `ports.py`, every call takes a `Viewer`; a foreign id and an absent id both raise `NotFound`. What the state of
things does not allow raises `Refused` with a code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from ancu.models.commands import Door, Zone
from ancu.server.people.sites_plan import Room, Saved
from ancu.server.ports import DeviceRow, Viewer

__all__ = [
    "BandLog",
    "BedRow",
    "Board",
    "CameraView",
    "DeviceDetail",
    "FleetPage",
    "FleetPort",
    "FleetRow",
    "Kit",
    "LogLine",
    "Passing",
    "Resident",
    "SitePort",
    "SiteRow",
    "Still",
    "SwapReason",
    "SwapState",
    "WallRow",
    "Worn",
]

SwapReason = Literal["battery", "broken", "strap", "lost"]


# --- the fleet -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A device with what is wrong with it, worst first; `label`: whom or what it serves, in an officer's words."""

    device: DeviceRow
    faults: Sequence[str]
    label: str | None


@dataclass(frozen=True, slots=True)
class FleetPage:
    """`kinds` and `faults` count what the other filters leave; `total` is of all pages."""

    rows: Sequence[FleetRow]
    total: int
    kinds: Mapping[str, int]
    faults: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    by: str
    action: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BandLog:
    """What came of the log that a band keeps by itself, and how well its clock goes."""

    undated: int  # records of a time that nobody knows yet
    drift_ppm: float | None  # against the edges' clocks; None: too little is known
    wrong: Sequence[tuple[datetime, int, str]]  # newest first: when it was brought, the record's number, and a code


@dataclass(frozen=True, slots=True)
class DeviceDetail:
    """`behind`: devices that belong to it: a gateway's edges, an edge's cameras and bands."""

    row: FleetRow
    log: Sequence[LogLine]
    behind: Sequence[FleetRow]
    told: bool | None  # an edge uses what the register wants of it; None: it does not say
    recorded: BandLog | None = None  # of a band


@dataclass(frozen=True, slots=True)
class Worn:
    """A band and who wears it."""

    band: str
    person: str
    label: str
    order: str
    edge: str | None
    battery_percent: int | None
    last_heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class SwapState:
    """How far a person's new band is: the box knows it, and it was heard since."""

    person: str
    label: str
    band: str
    edge: str | None
    since: datetime
    box_knows: bool | None  # None: there is no box, or it does not say
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kit:
    """What a kit's label says: a box and the band beside it. `near`: who is served at the box already."""

    edge: str
    band: str | None
    site: str | None = None
    near: Sequence[str] = ()


class FleetPort(Protocol):
    """Bands, edges, gateways and cameras."""

    async def fleet(
        self,
        viewer: Viewer,
        *,
        kind: str | None = None,
        fault: str | None = None,
        text: str = "",
        sort: str = "faults",
        offset: int = 0,
        limit: int = 100,
    ) -> FleetPage:
        """`sort`: 'faults', 'battery', 'link', 'seen', 'name'; worst first."""
        ...

    async def device(self, viewer: Viewer, kind: str, device: str) -> DeviceDetail: ...
    async def worn(self, viewer: Viewer, band: str) -> Worn:
        """Who wears a band; raises NotFound also for one that nobody wears."""
        ...

    async def spare(self, viewer: Viewer, band: str) -> str:
        """The printed name of a band that may be given to somebody; raises NotFound, Refused."""
        ...

    async def swap(self, viewer: Viewer, old: str, new: str, reason: SwapReason, *, key: str) -> SwapState:
        """Give a person another band: its keys follow his order. A lost one is believed no longer."""
        ...

    async def swap_state(self, viewer: Viewer, person: str) -> SwapState: ...
    async def kit(self, viewer: Viewer, text: str) -> Kit:
        """What a scanned or typed kit's label names, if both are free; raises NotFound, Refused, UsageError."""
        ...

    async def hand_over(self, viewer: Viewer, person: str, kit: Kit, *, key: str) -> SwapState:
        """Give a person under order a kit: his order is served at its box, with its band."""
        ...

    async def revoke(self, viewer: Viewer, kind: str, device: str, reason: str, *, key: str) -> None:
        """Shut a device out, for good: an operator's or the province's to do."""


# --- sites -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody whose order is served at the site."""

    person: str
    label: str
    band: str | None
    bed: str | None
    presence: str
    presence_since: datetime | None
    absent_until: datetime | None  # an absence that was granted runs
    order_until: datetime


@dataclass(frozen=True, slots=True)
class BedRow:
    """A bed as a wall may show it: no name."""

    bed: str
    taken: bool
    presence: str | None
    absent: bool


@dataclass(frozen=True, slots=True)
class Passing:
    at: datetime
    camera: str
    door: str
    direction: str
    late: bool


@dataclass(frozen=True, slots=True)
class SiteRow:
    id: str
    label: str
    ward: str
    roster: int
    cameras: int
    cameras_ok: int


@dataclass(frozen=True, slots=True)
class Board:
    """A site at a moment. `counted` is what cameras make of the last head count; None: nobody counted by hand yet."""

    site: SiteRow
    plan: Saved
    beds: Mapping[str, BedRow]
    presence: Mapping[str, int]  # of the roster
    absent: int
    counted: int | None
    count_at: datetime | None
    entries: int  # today, local time
    exits: int
    passings: Sequence[Passing]  # newest first
    cameras: Sequence[FleetRow]
    alerts: Mapping[str, int]  # open ones by severity


@dataclass(frozen=True, slots=True)
class Still:
    """`state`: 'none', 'asked', 'here', or why none comes: 'policy', 'camera', 'soon'."""

    state: str
    at: datetime | None
    ask: str | None


@dataclass(frozen=True, slots=True)
class CameraView:
    site: SiteRow
    row: FleetRow
    version: int
    drawn_at: datetime | None
    drawn_by: str | None
    doors: Sequence[Door]
    zones: Sequence[Zone]
    in_use: int | None  # the version that the edge says it uses; 0: its own file's; None: it does not say
    still: Still


@dataclass(frozen=True, slots=True)
class WallRow:
    id: str
    label: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime | None


class SitePort(Protocol):
    """Quarantine sites."""

    async def sites(self, viewer: Viewer) -> Sequence[SiteRow]: ...
    async def board(self, viewer: Viewer, site: str) -> Board: ...
    async def residents(self, viewer: Viewer, site: str) -> Sequence[Resident]: ...
    async def save_plan(self, viewer: Viewer, site: str, rooms: Sequence[Room], *, after: int, key: str) -> int:
        """The next version of the plan, drawn over version `after`; raises PlanRefused, PlanChanged."""
        ...

    async def assign_bed(self, viewer: Viewer, site: str, person: str, bed: str | None, *, key: str) -> None:
        """Give somebody a free bed, another one, or (None) none; raises Refused."""

    async def count(self, viewer: Viewer, site: str, people: int, *, key: str) -> None:
        """So many were counted by hand just now."""

    async def camera(self, viewer: Viewer, edge: str, camera: str) -> CameraView: ...
    async def save_drawing(
        self,
        viewer: Viewer,
        edge: str,
        camera: str,
        doors: Sequence[Door],
        zones: Sequence[Zone],
        *,
        after: int,
        key: str,
    ) -> int:
        """The next version of what is drawn; it goes to the edge by itself. Raises DrawingRefused, DrawingChanged."""
        ...

    async def ask_still(self, viewer: Viewer, edge: str, camera: str, *, key: str) -> None: ...
    async def still(self, viewer: Viewer, edge: str, camera: str) -> bytes:
        """The newest picture as JPEG; raises NotFound."""
        ...

    async def hang_wall(self, viewer: Viewer, site: str, label: str) -> str:
        """Let a screen in; returns its secret, which is kept nowhere else."""
        ...

    async def walls(self, viewer: Viewer, site: str) -> Sequence[WallRow]: ...
    async def take_down_wall(self, viewer: Viewer, site: str, wall: str, *, key: str) -> None: ...
    async def wall(self, secret: str) -> tuple[WallRow, Board]:
        """The board that a screen may show, without names; raises NotFound."""
        ...
