"""`/api/v1/sites`: quarantine sites with their roster, the plan of rooms and beds, and head counts. No names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ancu.server.people.sites_plan import HEIGHT, WIDTH, Bed, Room, Saved
from ancu.server.ports.site import BedRow, Board, FleetRow, Passing, Resident, SiteRow
from ancu.server.web.api.common import KEYED, NUMBER, PROBLEMS, scoped
from ancu.server.web.api.exchange import Items
from ancu.server.web.auth import Key, Officer
from ancu.server.web.site import Sites

__all__ = ["CameraRow", "router"]

router = APIRouter(prefix="/api/v1/sites", tags=["sites"], responses=PROBLEMS)
_Id = Annotated[str, Field(pattern="^[a-z0-9]{1,16}$")]
_Name = Annotated[str, Field(min_length=1, max_length=24)]
_X = Annotated[int, Field(ge=0, le=WIDTH), NUMBER]
_Y = Annotated[int, Field(ge=0, le=HEIGHT), NUMBER]
_Limit = Annotated[int, Query(ge=1, le=500)]
_After = Annotated[str | None, Query(max_length=64, description="`next_cursor` of the last page")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BedDrawn(_Body):
    id: _Id
    name: _Name
    x: _X
    y: _Y


class RoomDrawn(_Body):
    """On a grid of 120 by 80 steps; beds lie inside their room."""

    id: _Id
    name: _Name
    x: _X
    y: _Y
    width: Annotated[int, Field(ge=4, le=WIDTH), NUMBER]
    height: Annotated[int, Field(ge=4, le=HEIGHT), NUMBER]
    beds: list[BedDrawn] = Field(default_factory=list)


class PlanDrawn(_Body):
    """`after`: the version that it was drawn over (0: there was none); another one meanwhile is refused."""

    after: Annotated[int, Field(ge=0, le=1_000_000), NUMBER]
    rooms: list[RoomDrawn]


class PlanShown(BaseModel):
    version: int
    rooms: list[RoomDrawn]

    @classmethod
    def of(cls, plan: Saved) -> PlanShown:
        return cls(version=plan.version, rooms=[_room(room) for room in plan.rooms])


class Version(BaseModel):
    version: int


class CameraRow(BaseModel):
    """`id` is edge/camera; `faults`, worst first."""

    id: str
    label: str | None
    state: str
    faults: list[str]
    last_seen_at: datetime | None

    @classmethod
    def of(cls, row: FleetRow) -> CameraRow:
        device = row.device
        return cls(
            id=device.id,
            label=row.label,
            state=device.state,
            faults=list(row.faults),
            last_seen_at=device.last_seen_at,
        )


class BoardShown(BaseModel):
    """The roster by presence against what cameras make of the last head count; null: nobody counted by hand yet."""

    id: str
    label: str
    ward: str
    roster: int
    presence: Mapping[str, int]
    absent: int
    counted: int | None
    count_at: datetime | None
    entries: int
    exits: int
    plan: PlanShown
    beds: Sequence[BedRow]
    passings: Sequence[Passing]
    cameras: list[CameraRow]
    alerts: Mapping[str, int]

    @classmethod
    def of(cls, board: Board) -> BoardShown:
        same = ("presence", "absent", "counted", "count_at", "entries", "exits", "passings", "alerts")
        return cls(
            id=board.site.id,
            label=board.site.label,
            ward=board.site.ward,
            roster=board.site.roster,
            plan=PlanShown.of(board.plan),
            beds=list(board.beds.values()),
            cameras=[CameraRow.of(row) for row in board.cameras],
            **{name: getattr(board, name) for name in same},
        )


class ResidentShown(BaseModel):
    """Somebody whose order is served at the site. Without a name: that is the register's, and on the pages."""

    person: str
    band: str | None
    bed: str | None
    presence: str
    presence_since: datetime | None
    absent_until: datetime | None
    order_until: datetime

    @classmethod
    def of(cls, row: Resident) -> ResidentShown:
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class Place(_Body):
    """`bed` null: out of the bed that he has."""

    person: Annotated[str, Field(min_length=1, max_length=40)]
    bed: _Id | None = None


class HeadCount(_Body):
    people: Annotated[int, Field(ge=0, le=10_000), NUMBER]


@router.get("")
async def list_sites(session: Officer, desk: Sites, limit: _Limit = 100, cursor: _After = None) -> Items[SiteRow]:
    """Sites of the asker's wards."""
    rows = sorted(await desk.sites(session.viewer), key=lambda row: row.id)
    return _page(rows, [row.id for row in rows], limit, cursor)


@router.get("/{site}")
async def one_site(site: str, session: Officer, desk: Sites) -> BoardShown:
    """A site as its wall shows it: counts, beds, cameras, who went through the doors."""
    return BoardShown.of(await desk.board(session.viewer, site))


@router.get("/{site}/residents")
async def residents(
    site: str, session: Officer, desk: Sites, limit: _Limit = 100, cursor: _After = None
) -> Items[ResidentShown]:
    """Who should be there, and where each is."""
    rows = sorted(await desk.residents(session.viewer, site), key=lambda row: row.person)
    return _page([ResidentShown.of(row) for row in rows], [row.person for row in rows], limit, cursor)


@router.post("/{site}:draw", openapi_extra=KEYED)
async def draw_plan(site: str, body: PlanDrawn, session: Officer, key: Key, desk: Sites) -> Version:
    """Save the plan's next version. A bed that somebody has must stay."""
    rooms = [Room(**(room.model_dump() | {"beds": tuple(_bed(bed) for bed in room.beds)})) for room in body.rooms]
    key = scoped(session.viewer, key)
    return Version(version=await desk.save_plan(session.viewer, site, rooms, after=body.after, key=key))


@router.post("/{site}:assign-bed", status_code=204, openapi_extra=KEYED)
async def assign_bed(site: str, body: Place, session: Officer, key: Key, desk: Sites) -> None:
    """Give somebody a free bed, or another one; one that a colleague gave away meanwhile is refused."""
    await desk.assign_bed(session.viewer, site, body.person, body.bed, key=scoped(session.viewer, key))


@router.post("/{site}:count", status_code=204, openapi_extra=KEYED)
async def count_heads(site: str, body: HeadCount, session: Officer, key: Key, desk: Sites) -> None:
    """So many were counted by hand just now; cameras count on from there."""
    await desk.count(session.viewer, site, body.people, key=scoped(session.viewer, key))


def _page(rows: Sequence[Any], ids: Sequence[str], limit: int, cursor: str | None) -> Items[Any]:
    """After the id that a cursor names; rows are in the order of their ids."""
    first = sum(cursor is not None and id_ <= cursor for id_ in ids)
    more = len(rows) > first + limit
    return Items(items=list(rows[first : first + limit]), next_cursor=ids[first + limit - 1] if more else None)


def _bed(bed: BedDrawn) -> Bed:
    return Bed(bed.id, bed.name, bed.x, bed.y)


def _room(room: Room) -> RoomDrawn:
    beds = [BedDrawn(id=bed.id, name=bed.name, x=bed.x, y=bed.y) for bed in room.beds]
    return RoomDrawn(id=room.id, name=room.name, x=room.x, y=room.y, width=room.width, height=room.height, beds=beds)
