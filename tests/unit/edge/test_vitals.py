"""Ordinary heart-rate bands: what their values mean, and when they are visited."""

from __future__ import annotations

from pathlib import Path

import pytest
from bumble.profiles.heart_rate_service import HeartRateService
from hypothesis import given
from hypothesis import strategies as st

from ancu.edge.config import read_edge
from ancu.edge.visits import Visits
from ancu.edge.vitals import read_heart, read_oxygen, read_temperature
from ancu.models.commands import AskBand
from ancu.models.errors import ConfigError
from ancu.models.ids import BandNumber

ADDRESS = bytes.fromhex("c00d00000385")
ORDINARY = {ADDRESS: BandNumber(901)}


@pytest.mark.parametrize(
    ("value", "means"),
    [
        ("0048", (72, None)),
        ("0648", (72, True)),
        ("0448", (72, False)),
        ("014801", (328, None)),
        ("1648e803", (72, True)),
        ("0600", (None, True)),
        ("06", None),
        ("0148", None),
        ("", None),
    ],
)
def test_a_heart_rate_measurement_is_read_as_the_standard_has_it(value: str, means: object):
    assert read_heart(bytes.fromhex(value)) == means


@given(st.integers(1, 255), st.booleans())
def test_what_another_stack_writes_is_read(bpm: int, contact: bool):
    written = HeartRateService.HeartRateMeasurement(heart_rate=bpm, sensor_contact_detected=contact)
    assert read_heart(bytes(written)) == (bpm, contact)


@pytest.mark.parametrize(
    ("value", "deci_c"),
    [("006e0100ff", 366), ("00cd0e00fe", 379), ("01dd0300ff", 372), ("00ffff7ffe", None), ("00", None)],
)
def test_a_temperature_is_read_in_both_scales(value: str, deci_c: int | None):
    assert read_temperature(bytes.fromhex(value)) == deci_c


@pytest.mark.parametrize(("value", "percent"), [("00610048f0", 97), ("00ff07ff07", None), ("00", None)])
def test_an_oxygen_saturation_is_read_where_it_is_known(value: str, percent: int | None):
    assert read_oxygen(bytes.fromhex(value)) == percent


@given(st.binary(max_size=24))
def test_noise_is_no_value_and_never_crashes(noise: bytes):
    read_heart(noise)
    read_temperature(noise)
    read_oxygen(noise)


def test_an_ordinary_band_is_known_by_its_address_visited_often_and_asked_nothing():
    visits = Visits({}, slots=2, every_s=600, ordinary=ORDINARY, vitals_s=30)
    assert visits.offered(ADDRESS[:-1] + b"\0", "another", 0) is None
    assert visits.offered(ADDRESS, "device", 0, -70) == 901
    visit = visits.next(0)
    assert visit is not None
    assert (visit.keys, visit.rssi_dbm, visit.device) == (None, -70, "device")
    visits.ended(visit.band, 1, well=True)
    visits.rekey({})
    visits.offered(ADDRESS, "device", 30)
    assert visits.next(30) is None
    assert visits.next(31) is not None
    assert not visits.ask(AskBand("c", 901, bytes(8), 99))


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ('[{ number = 901, address = "C0:0D:00:00:03:85" }]', ""),
        ('[{ number = 901, address = "C0:0D" }]', "not an address"),
        ('[{ number = 0, address = "C0:0D:00:00:03:85" }]', "out of range"),
        (
            '[{ number = 1, address = "C0:0D:00:00:03:85" }, { number = 1, address = "C0:0D:00:00:03:86" }]',
            "there twice",
        ),
    ],
)
def test_the_configuration_names_them(tmp_path: Path, said: str, refused: str):
    path = tmp_path / "edge.toml"
    path.write_text(
        'edge = "e-1"\nward = "w-1"\ndata = "d"\nkey_file = "k"\nbands_file = "b"\n'
        f"[radio]\nordinary = {said}\n"
        '[broker]\nhost = "h"\nport = 1\nca_file = "a"\ncert_file = "c"\nkey_file = "k"\n'
    )
    if refused:
        with pytest.raises(ConfigError, match=refused):
            read_edge(path)
    else:
        radio = read_edge(path).radio
        assert radio is not None
        assert radio.ordinary_bands == ORDINARY
