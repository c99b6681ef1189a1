"""People with homes, routines, bodies and faults, and the truth about each. Pure and seeded: same seed, same world.

A world is drawn at once, from numbers alone (`population_params`): nobody in it reacts to an alert. What a radio could
hear is a list of `Gap`s, what a band would say a list of `Look`s, what boxes and lines do are spans of `Down`; and what
was so is a list of `Happening`s, the yardstick that alerts are matched against.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime

from ancu.firmware_sim.population_params import Params
from ancu.firmware_sim.population_person import Draft, live
from ancu.firmware_sim.population_types import Down, Happening, Home, World, lognormal

__all__ = ["START_MS", "draw_world"]

START_MS = round(datetime(2026, 3, 2, 1, 0, tzinfo=UTC).timestamp() * 1000)  # eight in the morning in Vietnam
_DAY_MS = 86_400_000
Minutes = Callable[[random.Random], float]


def draw_world(params: Params, *, seed: int, people: int, days: float) -> World:
    """A world of so many people under order for so many days."""
    start, end = START_MS, START_MS + round(days * _DAY_MS)
    homes = _homes(params, random.Random(f"{seed}:homes"), people)
    world = World(start, end, homes, [], [], {}, {}, {})
    _draw_lines(params, seed, world)
    for home in homes:
        _draw_home(params, random.Random(f"{seed}:home:{home.number}"), world, home)
    for home in homes:
        for number in home.people:
            rng = random.Random(f"{seed}:person:{number}")
            draft = Draft(params, rng, world, home, number)
            world.people.append(live(draft))
    _jam_others(world)
    world.people.sort(key=lambda person: person.number)
    world.happenings.sort(key=lambda h: (h.start_ms, h.kind, h.who))
    return world


def _homes(params: Params, rng: random.Random, people: int) -> list[Home]:
    layout = params.layout
    homes: list[Home] = []
    number = 1
    while number <= people:
        size = layout.people_per_room if layout.site else 1 + _poisson(rng, layout.others_per_home)
        size = min(size, people - number + 1)
        index = len(homes)
        place = index // layout.rooms_per_site if layout.site else index
        area = index // layout.homes_per_area
        gateway = area // layout.areas_per_gateway
        homes.append(
            Home(
                number=index,
                edge=f"box-{index:05d}",
                place=f"place-{place:05d}",
                area=f"area-{area:04d}",
                gateway=f"gw-{gateway:03d}",
                people=tuple(range(number, number + size)),
                camera=layout.site and index % layout.rooms_per_site == 0,
            )
        )
        number += size
    return homes


def _draw_lines(params: Params, seed: int, world: World) -> None:
    """Power, providers and gateways."""
    outages = params.outages
    for area in sorted({home.area for home in world.homes}):
        rng = random.Random(f"{seed}:{area}")
        power = _spans(rng, world, outages.power_per_day, lambda r: r.expovariate(1 / outages.power_mean_min))
        network = _spans(rng, world, outages.network_per_day, lambda r: r.expovariate(1 / outages.network_mean_min))
        world.power[area] = power
        world.network[area] = network
        world.happenings += [Happening("power", area, s, e, "power") for s, e in power]
        world.happenings += [Happening("network", area, s, e, "network") for s, e in network]
    for gateway in sorted({home.gateway for home in world.homes}):
        rng = random.Random(f"{seed}:{gateway}")
        down = _spans(rng, world, outages.gateway_per_day, lambda r: lognormal(r, outages.gateway_median_min, 1.2))
        world.gateways[gateway] = down
        world.happenings += [Happening("gateway_down", gateway, s, e, "gateway") for s, e in down]


def _draw_home(params: Params, rng: random.Random, world: World, home: Home) -> None:
    """When the box has no power or hangs, and when its link is down."""
    outages, devices = params.outages, params.devices
    if rng.random() >= params.radio.calibrated_share:
        home.walked_ms = world.start_ms + round(rng.uniform(*params.radio.walked_late_h) * 3_600_000)
    for start, end in _spans(
        rng,
        world,
        devices.unplugged_per_day,
        lambda r: lognormal(r, devices.unplugged_median_min, devices.unplugged_sigma),
    ):
        backup = round(rng.uniform(*devices.backup_min) * 60_000)
        home.mains_off.append((start, end))
        world.happenings.append(Happening("mains", home.edge, start, end, "unplugged"))
        if end - start > backup:
            home.box_down.append(Down(start + backup, end + _boot(params, rng), "unplugged"))
    for start, end in _spans(rng, world, devices.hang_per_day, lambda r: r.uniform(*devices.hang_min)):
        home.box_down.append(Down(start, end + _boot(params, rng), "hang"))
    for start, end in _spans(
        rng, world, outages.link_per_day, lambda r: lognormal(r, outages.link_median_min, outages.link_sigma)
    ):
        home.link_down.append(Down(start, end, "link"))
    for start, end in world.network[home.area]:
        home.link_down.append(Down(start, end + round(rng.uniform(0, 20_000)), "network"))
    for start, end in world.power[home.area]:
        home.mains_off.append((start, end))
        world.happenings.append(Happening("mains", home.edge, start, end, "power"))
        router = round(rng.uniform(*outages.router_boot_s) * 1000)
        home.link_down.append(Down(start, end + router, "power"))
        backup = round(rng.uniform(*devices.backup_min) * 60_000)
        if end - start > backup:
            home.box_down.append(Down(start + backup, end + _boot(params, rng), "power"))
    _draw_camera(params, rng, world, home)
    home.box_down[:] = _merged(home.box_down, world.end_ms)
    home.link_down[:] = _merged(home.link_down, world.end_ms)
    home.mains_off[:] = _union(home.mains_off)
    world.happenings += [Happening("box_down", home.edge, d.start_ms, d.end_ms, d.cause) for d in home.box_down]
    world.happenings += [Happening("link_down", home.edge, d.start_ms, d.end_ms, d.cause) for d in home.link_down]


def _draw_camera(params: Params, rng: random.Random, world: World, home: Home) -> None:
    """Faults of a camera at the door, and crossings of people who are not under order."""
    devices = params.devices
    if not home.camera:
        return
    for start, end in _spans(rng, world, devices.camera_fault_per_day, lambda r: r.uniform(*devices.camera_fault_min)):
        home.camera_faults.append((start, end))
        world.happenings.append(Happening("camera_fault", home.edge, start, end, "camera"))
    for start, _ in _spans(rng, world, devices.camera_false_per_day, lambda _: 1.0):
        home.crossings.append((start, "out"))
        home.crossings.append((start + round(rng.uniform(30, 600) * 1000), "in"))


def _jam_others(world: World) -> None:
    """A jammer at home silences everybody there."""
    jams = [(h, h.who) for h in world.happenings if h.kind == "jam"]
    people = {person.number: person for person in world.people}
    for jam, edge in jams:
        home = next(home for home in world.homes if home.edge == edge)
        for number in home.people:
            people[number].add_gap(jam.start_ms, jam.end_ms, "jam")


def _boot(params: Params, rng: random.Random) -> int:
    return round(rng.uniform(*params.outages.edge_boot_s) * 1000)


def _spans(rng: random.Random, world: World, per_day: float, minutes: Minutes) -> list[tuple[int, int]]:
    """Spans that begin at random, do not overlap, and last so many minutes each."""
    spans = []
    at = float(world.start_ms + 600_000)
    while per_day > 0:
        at += rng.expovariate(per_day) * _DAY_MS
        if at >= world.end_ms:
            break
        end = at + max(5_000.0, minutes(rng) * 60_000)
        spans.append((round(at), round(end)))
        at = end + 60_000
    return spans


def _merged(downs: list[Down], end_ms: int) -> list[Down]:
    merged: list[Down] = []
    for down in sorted(downs, key=lambda d: (d.start_ms, d.end_ms, d.cause)):
        if merged and down.start_ms <= merged[-1].end_ms + 5_000:
            last = merged[-1]
            merged[-1] = Down(last.start_ms, max(last.end_ms, down.end_ms), last.cause)
        elif down.start_ms < end_ms:
            merged.append(down)
    return merged


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + 5_000:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _poisson(rng: random.Random, mean: float) -> int:
    count, left = 0, math.exp(-mean)
    product = rng.random()
    while product > left:
        count += 1
        product *= rng.random()
    return count
