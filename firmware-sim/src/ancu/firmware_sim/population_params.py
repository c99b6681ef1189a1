"""What a population is drawn from: one TOML of numbers, each with its source in docs/truth.md. Presets change some."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from ancu.models.config import Settings
from ancu.models.errors import ConfigError

__all__ = ["PRESETS", "Params", "load_params"]

PRESETS = ("city", "village", "site", "storm", "adversary")
Range = tuple[float, float]


class Layout(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    site: bool  # rooms of a quarantine site with cameras at its doors, instead of homes
    others_per_home: float  # quarantined people of a home beside the first, on average
    people_per_room: int  # of a site
    rooms_per_site: int
    homes_per_area: int  # that share a power line
    areas_per_gateway: int


class Routine(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    wake_h: float
    sleep_h: float
    spread_h: float
    room_median_min: float  # of a stay in one room
    toilet_per_day: float
    toilet_median_min: float
    shower_per_day: float
    shower_median_min: float
    turns_per_night_h: float
    visitors_per_day: float  # who crowd the room
    visit_median_min: float


class Spot(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    distance_m: Range
    walls: tuple[int, int]


class Radio(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    at_1_m_dbm: float
    db_a_decade: float
    wall_db: float
    door_wall_db: float
    floor_dbm: float
    fast_sigma_db: float
    slow_sigma_db: float
    slow_memory_s: float
    loss: float
    crowd_db: Range
    under_body_share: float  # of the postures of a night: the wrist lies under the sleeper
    under_body_db: Range
    calibrated_share: float  # of the homes whose rooms were walked on the first day until a box heard in each
    calibrated_db: float  # margin over the floor that the walk asks for
    walked_late_h: Range  # the others: when somebody came to do it
    bed: Spot
    living: Spot
    kitchen: Spot
    bath: Spot


class Wear(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    loose_share: float  # of the people can slip out of a closed strap
    shower_off_share: float  # of their showers
    comfort_off_per_day: float
    comfort_off_median_min: float
    contact_lost_share: float  # of their postures at night: no skin contact, and no motion
    contact_lost_deci_c: Range  # under a blanket, beside the skin
    room_deci_c: Range  # a band that lies in a room
    cooling_min: float  # until it is as cold as the room
    refit_share: float  # of the times that an officer hears of a loose strap, it is tightened
    refit_h: Range
    never_worn_share: float
    late_worn_share: float
    late_worn_h: Range


class Battery(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    days: float
    charge_min: float
    charge_at_percent: Range  # they think of it
    charge_after_h: float  # and do it so much later, on average
    forget_share: float  # of the charges: until it is dead
    off_wrist_share: float  # of those with a loose strap


class Breaches(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    walk_per_day: float
    walk_median_min: float
    walk_sigma: float
    near_share: float  # of the walks: to a neighbour, just outside
    near_m: Range
    near_walls: int  # of the neighbour's house; a gate has none
    far_m: float
    gate_per_day: float  # a step out, to the gate or for the rubbish
    gate_median_s: float
    gate_sigma: float
    left_behind_per_day: float  # of those with a loose strap
    scanned_share: float  # of the far walks: the person's code is read at a checkpoint
    cut_per_day: float
    sos_per_day: float
    replaced_h: Range  # a cut or broken band


class Absences(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With leave: to a test, a hospital."""

    per_day: float
    median_min: float


class Health(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fever_share: float
    fever_h: Range
    fever_deci_c: Range
    low_spo2_share: float  # of those with a fever
    low_spo2_percent: tuple[int, int]


class Checkins(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    per_day: float
    forget_share: float
    reminded_share: float  # of those who forget answer when they are reminded
    reminder_after_min: float
    answer_median_min: float
    late_after_min: float  # the window, a reminder and what follows it: an answer after that was missed


class Devices(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    band_fault_per_day: float
    unplugged_per_day: float  # of a home: by a cleaner, or for a charger
    unplugged_median_min: float
    unplugged_sigma: float
    hang_per_day: float
    hang_min: Range
    backup_min: Range  # a box's own battery
    camera_fault_per_day: float
    camera_fault_min: Range
    camera_detects: float  # of the crossings
    camera_false_per_day: float  # staff and visitors at a site's door, taken for a resident who leaves


class Outages(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    power_per_day: float  # of an area
    power_mean_min: float
    link_per_day: float  # of a home
    link_median_min: float
    link_sigma: float
    network_per_day: float  # of an area: the provider's
    network_mean_min: float
    gateway_per_day: float
    gateway_median_min: float
    router_boot_s: Range
    edge_boot_s: Range
    delay_s: Range  # one way, from a box to the server


class Officers(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    acknowledge_median_s: float  # what rang
    acknowledge_night_median_s: float
    list_median_min: float  # what only stands on the list; by night, from the morning on
    sigma: float
    resolve_median_min: float


class Cheats(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the walks, how they are hidden."""

    pouch_share: float
    jam_share: float
    clone_share: float
    relay_share: float


class Params(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    layout: Layout
    routine: Routine
    radio: Radio
    wear: Wear
    battery: Battery
    breaches: Breaches
    absences: Absences
    health: Health
    checkins: Checkins
    devices: Devices
    outages: Outages
    officers: Officers
    cheats: Cheats


def load_params(preset: str | Path) -> Params:
    """A preset by name, or a TOML file that changes some numbers of `city`. Raises ConfigError."""
    table = _table("city")
    if isinstance(preset, str) and preset in PRESETS:
        changes = {} if preset == "city" else _table(preset)
    else:
        changes = _read(Path(preset))
    try:
        return msgspec.convert(_merged(table, changes), Params)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{preset}: {error}") from None


def _table(preset: str) -> dict[str, Any]:
    return tomllib.loads((files("ancu.firmware_sim") / "presets" / f"{preset}.toml").read_text("utf-8"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        names = ", ".join(PRESETS)
        raise ConfigError(f"{path}: neither a preset ({names}) nor a file ({error.__class__.__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _merged(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(table)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
