import random
import statistics

import pytest

from ancu.firmware_sim.radio import Air, Fading, Listener, OnAir
from ancu.firmware_sim.wearer import DOOR_M

PDU = OnAir(bytes(6), b"advert")


class Ear(Listener):
    def __init__(self) -> None:
        self.rssi: list[int] = []

    def hear(self, pdu: OnAir, rssi_dbm: int) -> None:
        self.rssi.append(rssi_dbm)


class SparseAir(Air):
    """As if the adverts of a test were minutes apart, and not in one burst."""

    def _free(self) -> float:
        return 1.0


async def hear(distance_m: float, *, count: int = 2000, loss: float = 0.0) -> list[int]:
    air, ear = SparseAir(random.Random(1), loss=loss), Ear()
    air.attach(ear)
    fading = Fading()
    for _ in range(count):
        air.transmit(PDU, distance_m, fading)
    return ear.rssi


@pytest.mark.parametrize(("distance_m", "published_dbm"), [(1, -65.5), (5, -78.4)])
async def test_signals_are_as_loud_as_measured_indoors(distance_m: float, published_dbm: float):
    rssi = await hear(distance_m)
    assert abs(statistics.mean(rssi) - published_dbm) < 2.5
    assert 3 < statistics.stdev(rssi) < 6


async def test_outside_the_door_little_is_heard_and_down_the_street_nothing():
    assert len(await hear(DOOR_M - 1)) > 1900
    assert len(await hear(DOOR_M + 3)) < 600
    assert await hear(150) == []


async def test_the_air_swallows_its_share():
    assert 0.85 < len(await hear(2, loss=0.1)) / 2000 < 0.95


async def test_adverts_of_a_crowd_collide():
    air, ear = Air(random.Random(1), loss=0.0), Ear()
    air.attach(ear)
    fading = Fading()
    for _ in range(3000):
        air.transmit(PDU, 2, fading)  # all at once: far denser than any home
    assert len(ear.rssi) < 2600


async def test_who_has_left_the_air_hears_nothing():
    air, ear = Air(random.Random(1)), Ear()
    air.attach(ear)
    air.detach(ear)
    air.transmit(PDU, 2, Fading())
    assert ear.rssi == []
