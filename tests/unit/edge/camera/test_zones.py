"""Counts of people in a zone: steady ones only, and none that outlives the picture."""

from datetime import UTC, datetime, timedelta

import pytest

from ancu.edge.camera.config import CameraConfig, WatchZone
from ancu.edge.camera.tracks import Place, Track
from ancu.edge.camera.zones import Zones

START = datetime(2026, 1, 1, tzinfo=UTC)
LEFT = WatchZone("left", "forbidden", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
ALL = WatchZone("hall", "gathering", ((0, 0), (1, 0), (1, 1), (0, 1)))


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def person(x: float, *, id_: int = 1, confirmed: bool = True) -> Track:
    place = Place(START, x - 0.05, 0.3, x + 0.05, 0.8)
    return Track(id_, (place,), (place,), 3, 0.9, confirmed)


def told(zones: Zones, *looks: tuple[float, list[Track]]) -> list[tuple[str, int, float, float]]:
    return [
        (fact.zone, fact.people, (fact.at - START).total_seconds(), (fact.since - START).total_seconds())
        for seconds, tracks in looks
        for fact in zones.look(after(seconds), tracks)
    ]


def test_who_stays_a_second_is_stated_once_with_the_time_since_which() -> None:
    here = [person(0.2)]
    facts = told(Zones("c", [LEFT]), (0, []), (1, here), (1.5, here), (2, here), (9, here), (10, []), (11, []))
    assert facts == [("left", 1, 2, 1), ("left", 0, 11, 10)]


def test_who_only_passes_or_stands_elsewhere_or_is_no_sure_find_is_not_stated() -> None:
    zones = Zones("c", [LEFT])
    assert told(zones, (0, [person(0.2)]), (0.8, [person(0.7)]), (1.2, [person(0.2)]), (2, [])) == []
    assert told(zones, (3, [person(0.9)]), (9, [person(0.9)]), (10, [person(0.2, confirmed=False)]), (12, [])) == []


def test_each_zone_counts_for_itself() -> None:
    three = [person(0.2, id_=1), person(0.6, id_=2), person(0.9, id_=3)]
    facts = told(Zones("c", [LEFT, ALL]), (0, three), (1, three))
    assert facts == [("left", 1, 1, 0), ("hall", 3, 1, 0)]


def test_when_the_picture_ends_nobody_is_known_to_be_there() -> None:
    zones = Zones("c", [LEFT])
    told(zones, (0, [person(0.2)]), (1, [person(0.2)]))
    (fact,) = zones.end(after(5))
    assert (fact.people, fact.since) == (0, after(5))
    assert list(zones.end(after(6))) == []


def test_a_zone_needs_an_area_and_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="three points"):
        WatchZone("z", "forbidden", ((0, 0), (1, 1)))
    with pytest.raises(ValueError, match="in 0"):
        WatchZone("z", "forbidden", ((0, 0), (1, 1), (2, 0)))
    with pytest.raises(ValueError, match="two zones"):
        CameraConfig(id="c", source="x", zones=(LEFT, LEFT))
