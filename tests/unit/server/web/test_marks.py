"""What is not known, or was known only later, says so wherever it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ancu.server.cases.codes import TROUBLE_SIGNS, Say
from ancu.server.ports import Signal
from ancu.server.ports.site import BandLog
from ancu.server.web.words import load_catalogues

VI = load_catalogues()["vi"]


def says(desk: Any, **latest: object) -> None:
    person = desk.persons["p-an"]
    desk.persons["p-an"] = replace(person, latest={**person.latest, **latest})


async def test_a_band_whose_clock_nobody_told_is_marked_on_the_persons_page(officer: Any, desk: Any):
    assert VI.t("fault.unsynced") not in (await officer.get("/people/p-an")).text
    says(desk, status=["skin", "unsynced"])
    assert VI.t("fault.unsynced") in (await officer.get("/people/p-an")).text


async def test_an_ordinary_band_is_marked_as_a_reduced_profile(officer: Any, desk: Any):
    assert VI.t("fleet.reduced") not in (await officer.get("/people/p-an")).text
    says(desk, reduced=True)
    assert VI.t("fleet.reduced") in (await officer.get("/people/p-an")).text
    band = next(row for row in desk.rows_of_devices if row.id == "wb-00000001")
    at = desk.rows_of_devices.index(band)
    desk.rows_of_devices[at] = replace(band, values={"reduced": True, "status": ["unsynced"]})
    listed = (await officer.get("/devices?kind=band")).text
    assert VI.t("fleet.reduced") in listed
    assert VI.t("fault.unsynced") in listed
    assert VI.t("fleet.reduced_more") in (await officer.get("/devices/band/wb-00000001")).text


async def test_what_came_late_is_marked_in_the_strip_and_the_table_and_is_no_presence(officer: Any, desk: Any):
    page = (await officer.get("/people/p-an")).text
    assert 'slot-late" x=' not in page
    here = page.count("slot-home")
    desk.points["wb-00000001"] = [
        replace(point, rssi_dbm=None, late=point.heard) if index < 36 else point  # three hours of a band's own log
        for index, point in enumerate(desk.points["wb-00000001"])
    ]
    page = (await officer.get("/people/p-an")).text
    assert 'slot-late" x=' in page
    assert page.count("slot-home") < here  # what it wrote down for itself does not say where it was
    assert VI.t("alert.late") in page


async def test_a_bands_page_shows_its_drift_its_undated_records_and_what_was_not_right(
    officer: Any, app: Any, clock: Any
):
    app.state.fleet.recorded["wb-00000001"] = BandLog(3, 12.5, [(clock.now(), 21, "missing")])
    page = (await officer.get("/devices/band/wb-00000001")).text
    assert VI.t("fleet.ppm", ppm="12,5") in page
    assert VI.n("fleet.undated_records", 3) in page
    assert VI.t("fleet.log_wrong_record", sequence=21, what=VI.t("sign.history_missing")) in page


@pytest.mark.parametrize("code", sorted({*TROUBLE_SIGNS.values(), Say.BODY_REFUSED}))
async def test_each_trouble_says_what_it_means_and_what_to_do(officer: Any, desk: Any, clock: Any, code: Say):
    alert = desk.raise_alert(kind="technical", person="p-an")
    sign = Signal(
        code, clock.now(), {"band": "wb-00000001", "edge": "edge-01", "reason": "x", "count": 1, "sequence": 21}
    )
    desk.incidents[alert.id].evidence.append(sign)
    page = (await officer.get(f"/alerts/{alert.id}")).text
    assert VI.t(f"hint.{code}") in page


@pytest.mark.parametrize(
    ("latest", "words"),
    [
        ({"battery_percent": 15}, ["charge.title"]),
        ({"box_mains": False}, ["charge.box"]),
        ({"battery_percent": 15, "status": ["charging"]}, []),
        ({"battery_percent": 40, "box_mains": True}, []),
        ({"battery_percent": None}, []),
    ],
)
async def test_the_person_is_told_to_plug_in(new_browser: Any, desk: Any, latest: dict[str, Any], words: list[str]):
    says(desk, **latest)
    browser = new_browser()
    await browser.enter("p-an")
    page = (await browser.get("/me")).text
    assert [key for key in words if VI.t(key) not in page] == []
    assert (VI.t("charge.title") in page) is bool(words)
