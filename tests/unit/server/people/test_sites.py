"""What may be drawn: doors and zones on a picture, rooms and beds on a plan."""

from __future__ import annotations

import pytest

from ancu.models.commands import Door, Zone
from ancu.server.people.sites_drawing import DrawingRefused, check_drawing
from ancu.server.people.sites_plan import Bed, PlanRefused, Room, check_plan

SQUARE = ((0.1, 0.1), (0.4, 0.1), (0.4, 0.4), (0.1, 0.4))
LINE = Door("gate", ((0.1, 0.5), (0.6, 0.5)), inside=(0.3, 0.8))


def test_doors_and_zones_that_can_be_meant_are_taken():
    check_drawing([], [])
    check_drawing([LINE, Door("hall", SQUARE, "outside")], [Zone("yard", "gathering", SQUARE)])


@pytest.mark.parametrize(
    ("why", "doors", "zones"),
    [
        ("name", [Door(" ", SQUARE)], []),
        ("name", [Door("x" * 41, SQUARE)], []),
        ("name", [Door("a\nb", SQUARE)], []),
        ("twice", [LINE], [Zone("gate", "forbidden", SQUARE)]),
        ("points", [Door("a", ((0.1, 0.1),))], []),
        ("points", [Door("a", ((0.1, 0.1), (1.2, 0.1)), inside=(0.5, 0.5))], []),
        ("points", [], [Zone("a", "forbidden", ((0.1, 0.1), (0.9, 0.9)))]),
        ("small", [Door("a", ((0.5, 0.5), (0.501, 0.5)), inside=(0.5, 0.9))], []),
        ("inside", [Door("a", ((0.1, 0.5), (0.6, 0.5)))], []),
        ("inside", [Door("a", ((0.1, 0.5), (0.6, 0.5)), inside=(0.3, 0.5))], []),
        ("inside", [Door("a", SQUARE, inside=(0.2, 0.2))], []),
        ("crosses", [Door("a", ((0.1, 0.1), (0.4, 0.4), (0.4, 0.1), (0.1, 0.4)))], []),
        ("too_many", [Door(f"d{n}", SQUARE) for n in range(25)], []),
    ],
)
def test_what_cannot_serve_is_refused_by_name(why: str, doors: list[Door], zones: list[Zone]):
    with pytest.raises(DrawingRefused) as refused:
        check_drawing(doors, zones)
    assert refused.value.why == why


def room(name: str = "A", beds: tuple[Bed, ...] = (), **more: int) -> Room:
    return Room("r1", name, **{"x": 2, "y": 2, "width": 20, "height": 10, **more}, beds=beds)


def test_rooms_with_beds_are_taken_and_somebodys_bed_stays():
    check_plan([room(beds=(Bed("b1", "1", 4, 4),))], ["b1"])


@pytest.mark.parametrize(
    ("why", "rooms", "taken"),
    [
        ("name", [room("")], []),
        ("small", [room(width=3)], []),
        ("outside", [room(x=110)], []),
        ("outside", [room(y=-1)], []),
        ("bed_outside", [room(beds=(Bed("b1", "1", 50, 4),))], []),
        ("twice", [room(beds=(Bed("b1", "1", 4, 4), Bed("b2", "1", 9, 4)))], []),
        ("ids", [room(), room("B")], []),
        ("ids", [room(beds=(Bed("B 1", "1", 4, 4),))], []),
        ("bed_taken", [room()], ["b1"]),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_name(why: str, rooms: list[Room], taken: list[str]):
    with pytest.raises(PlanRefused) as refused:
        check_plan(rooms, taken)
    assert refused.value.why == why
