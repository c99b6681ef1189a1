"""`/api/v1/cameras`: a site's camera with the doors and zones that are drawn on its picture."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from ancu.models.commands import Door, Zone
from ancu.server.ports.site import CameraView, Still
from ancu.server.web.api.common import KEYED, NUMBER, PROBLEMS, Share, scoped
from ancu.server.web.api.sites import CameraRow, Version
from ancu.server.web.auth import Key, Officer
from ancu.server.web.site import Sites

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/cameras/{edge}/{camera}", tags=["sites"], responses=PROBLEMS)
_Point = tuple[Share, Share]
_Name = Annotated[str, Field(min_length=1, max_length=40)]
_JPEG: dict[int | str, dict[str, Any]] = {200: {"description": "The newest picture", "content": {"image/jpeg": {}}}}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DoorDrawn(_Body):
    """Two points are a line, with a place on its inner side; three or more an area. Shares of the picture's sides."""

    name: _Name
    area: Annotated[list[_Point], Field(min_length=2, max_length=24)]
    camera_side: Literal["inside", "outside"] = "inside"
    inside: _Point | None = None


class ZoneDrawn(_Body):
    name: _Name
    watch: Literal["forbidden", "gathering"]
    area: Annotated[list[_Point], Field(min_length=3, max_length=24)]


class Drawn(_Body):
    """`after`: the version that it was drawn over (0: there was none); another one meanwhile is refused."""

    after: Annotated[int, Field(ge=0, le=1_000_000), NUMBER]
    doors: Annotated[list[DoorDrawn], Field(max_length=24)]
    zones: Annotated[list[ZoneDrawn], Field(max_length=24)]


class CameraShown(BaseModel):
    """`in_use`: the version that the edge says it uses; 0: its own file's; null: it does not say."""

    camera: CameraRow
    site: str
    version: int
    drawn_at: datetime | None
    drawn_by: str | None
    doors: list[DoorDrawn]
    zones: list[ZoneDrawn]
    in_use: int | None
    still: Still

    @classmethod
    def of(cls, view: CameraView) -> CameraShown:
        return cls(
            camera=CameraRow.of(view.row),
            site=view.site.id,
            version=view.version,
            drawn_at=view.drawn_at,
            drawn_by=view.drawn_by,
            doors=[
                DoorDrawn(name=door.name, area=list(door.area), camera_side=door.camera_side, inside=door.inside)
                for door in view.doors
            ],
            zones=[ZoneDrawn(name=zone.name, watch=zone.watch, area=list(zone.area)) for zone in view.zones],
            in_use=view.in_use,
            still=view.still,
        )


@router.get("")
async def one_camera(edge: str, camera: str, session: Officer, desk: Sites) -> CameraShown:
    return CameraShown.of(await desk.camera(session.viewer, edge, camera))


@router.post(":draw", openapi_extra=KEYED)
async def draw_doors(edge: str, camera: str, body: Drawn, *, session: Officer, key: Key, desk: Sites) -> Version:
    """Save the drawing's next version; it goes to the edge by itself."""
    doors = [Door(door.name, tuple(door.area), door.camera_side, door.inside) for door in body.doors]
    zones = [Zone(zone.name, zone.watch, tuple(zone.area)) for zone in body.zones]
    key = scoped(session.viewer, key)
    saved = await desk.save_drawing(session.viewer, edge, camera, doors, zones, after=body.after, key=key)
    return Version(version=saved)


@router.post(":ask-still", status_code=202, openapi_extra=KEYED)
async def ask_still(edge: str, camera: str, session: Officer, key: Key, desk: Sites) -> None:
    """Ask for one picture, if the site's own settings let any leave it."""
    await desk.ask_still(session.viewer, edge, camera, key=scoped(session.viewer, key))


@router.get("/still", response_class=Response, responses=_JPEG)
async def still(edge: str, camera: str, session: Officer, desk: Sites) -> Response:
    """The newest picture that was asked for; kept nowhere on the way."""
    picture = await desk.still(session.viewer, edge, camera)
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})
