"""The simulated world: homes with their air and adapters, bands with their wearers, and what is done to them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import assert_never

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ancu.firmware_sim import actions as act
from ancu.firmware_sim import attacker
from ancu.firmware_sim.bootloader import Bootloader
from ancu.firmware_sim.hci_server import HciServer
from ancu.firmware_sim.log import Flash
from ancu.firmware_sim.mcuboot import Image, Version
from ancu.firmware_sim.ordinary import OrdinaryBand
from ancu.firmware_sim.radio import Air, Fading, OnAir
from ancu.firmware_sim.scenarios import Scenario
from ancu.firmware_sim.truth import Truth
from ancu.firmware_sim.unit import Unit
from ancu.firmware_sim.wearer import Wearer
from ancu.models.address import parse_address, show_address
from ancu.models.clock import Clock, to_ms
from ancu.models.errors import UsageError
from ancu.models.keys import BandKeys

__all__ = ["BandSpec", "HomeSpec", "World"]

_OfWearer = act.CutStrap | act.TakeOff | act.PutOn | act.SetBattery | act.Charge | act.Fever
_OfBand = _OfWearer | act.PressSos | act.Silence | act.Speak | act.Reboot | act.SetClock | act.Touch
_SHIPPED = Image(Version(0, 1), 1, bytes(32), b"")  # what bands come with
_ATTACKER_M = 4.0  # behind the neighbour's wall, with a better antenna


@dataclass(frozen=True, slots=True)
class BandSpec:
    number: int
    keys: BandKeys
    flash: Flash
    bonds: Path | None = None  # file of the hosts that it is bonded with
    update_key: Ed25519PublicKey | None = None  # of whom it takes new firmware; from nobody without it


@dataclass(frozen=True, slots=True)
class HomeSpec:
    name: str
    bands: tuple[BandSpec, ...]
    hci_port: int = 0  # 0 takes a free one
    gatt: bool = False
    ordinary: tuple[int, ...] = ()  # heart-rate bands of the shop


@dataclass(slots=True)
class _Home:
    name: str
    server: HciServer
    units: list[Unit]
    ordinary: list[OrdinaryBand]


class World:
    """Everything of one simulation. Build it inside the event loop, `start` it, `do` things, `stop` it."""

    def __init__(
        self,
        homes: tuple[HomeSpec, ...],
        clock: Clock,
        truth: Truth,
        *,
        seed: int,
        interval_s: float = 2.0,
        loss: float = 0.08,
        crowding: bool = True,
        repeats_urgent: bool = True,
        link_kb_per_s: float = 0.0,
        extended_every: int = 0,
    ) -> None:
        self._clock, self._truth, self._seed = clock, truth, seed
        self._specs, self._interval_ms, self._loss = homes, round(interval_s * 1000), loss
        self._crowding, self._repeats_urgent, self._link_kb_per_s = crowding, repeats_urgent, link_kb_per_s
        self._extended_every = extended_every
        self._homes: list[_Home] = []
        self._units: dict[int, tuple[_Home, Unit]] = {}
        self._ordinary: dict[int, tuple[_Home, OrdinaryBand]] = {}
        self._rng = random.Random(f"{seed}/attacker")
        self._crossing: dict[int, asyncio.TimerHandle] = {}  # bands on their way to the door
        self._timers: set[asyncio.TimerHandle] = set()

    async def start(self) -> None:
        for index, spec in enumerate(self._specs):
            air = Air(
                random.Random(f"{self._seed}/air/{spec.name}"),
                loss=self._loss,
                crowding=self._crowding,
                link_kb_per_s=self._link_kb_per_s,
            )
            server = HciServer(
                air, home=spec.name, public_address=f"00:5A:10:00:{index >> 8 & 255:02X}:{index & 255:02X}"
            )
            units = [
                Unit(
                    band.number,
                    band.keys,
                    band.flash,
                    air=air,
                    clock=self._clock,
                    rng=random.Random(f"{self._seed}/band/{band.number}"),
                    interval_ms=self._interval_ms,
                    gatt=spec.gatt,
                    bonds=band.bonds,
                    bootloader=Bootloader(_SHIPPED, band.update_key) if band.update_key is not None else None,
                    repeats_urgent=self._repeats_urgent,
                    extended_every=self._extended_every,
                )
                for band in spec.bands
            ]
            ordinary = [
                OrdinaryBand(
                    number,
                    air=air,
                    clock=self._clock,
                    rng=random.Random(f"{self._seed}/ordinary/{number}"),
                    interval_s=self._interval_ms / 1000,
                )
                for number in spec.ordinary
            ]
            home = _Home(spec.name, server, units, ordinary)
            self._homes.append(home)
            self._units.update({unit.number: (home, unit) for unit in units})
            await server.start(spec.hci_port)
            self._ordinary.update({band.number: (home, band) for band in ordinary})
            for unit in units:
                await unit.start()
            for band in ordinary:
                await band.start()

    async def stop(self) -> None:
        for timer in (*self._timers, *self._crossing.values()):
            timer.cancel()
        for home in self._homes:
            for unit in home.units:
                unit.stop()
            for band in home.ordinary:
                band.stop()
            await home.server.stop()

    @property
    def bands(self) -> tuple[int, ...]:
        """Band numbers, home by home."""
        return tuple(self._units)

    @property
    def first_bands(self) -> tuple[int, ...]:
        """The first band of each home."""
        return tuple(home.units[0].number for home in self._homes if home.units)

    def unit(self, number: int) -> Unit:
        """A band's running unit."""
        return self._units[number][1]

    def ports(self) -> dict[str, int]:
        """The adapter's TCP port of each home."""
        return {home.name: home.server.port for home in self._homes}

    def status(self) -> dict[str, object]:
        """How everything is, for a person or a test."""
        return {
            "homes": [
                {
                    "name": home.name,
                    "hci_port": home.server.port,
                    "host": home.server.has_host,
                    "dropped": home.server.dropped,
                }
                for home in self._homes
            ],
            "bands": [_band_status(home, unit) for home, unit in self._units.values()],
            "ordinary": [_ordinary_status(home, band) for home, band in self._ordinary.values()],
        }

    def run(self, scenario: Scenario) -> None:
        """Start a script now."""
        for step in scenario.steps:
            self._later(step.at_s, partial(self.do, step.action))

    def do(self, action: act.Action) -> int:
        """Make one thing happen; returns its time, unix milliseconds. Raises UsageError for a band that is not here."""
        found = self._units.get(action.band)
        if action.band in self._ordinary and isinstance(action, _OfWearer):
            return self._treat_ordinary(action, *self._ordinary[action.band])
        if found is None:
            raise UsageError(f"no band {action.band} in this simulation")
        home, unit = found
        match action:
            case act.Leave() | act.Return():
                return self._walk(action, home, unit)
            case act.Replay() | act.Flip() | act.Forge() | act.Clone():
                return self._attack(action, home, unit)
            case act.Play():
                return self._play(action, home, unit)
            case _:
                return self._treat(action, home, unit)

    def _treat_ordinary(self, action: _OfWearer, home: _Home, band: OrdinaryBand) -> int:
        now = to_ms(self._clock.now())
        self._truth.write(now, home.name, band.number, _wear(action, band.wearer))
        return now

    def _treat(self, action: _OfBand, home: _Home, unit: Unit) -> int:
        match action:
            case act.PressSos():
                if unit.band is not None:
                    unit.band.press(unit.now_ms())
                event = "sos"
            case act.Touch():
                unit.touch()
                event = "touched"
            case act.Silence(for_s=for_s):
                unit.silent, event = True, "silenced"
                if for_s is not None:
                    self._later(for_s, partial(self.do, act.Speak(band=unit.number)))
            case act.Speak():
                unit.silent, event = False, "speaks"
            case act.Reboot(loses_clock=loses_clock):
                unit.reboot(loses_clock=loses_clock)
                event = "rebooted"
            case act.SetClock():
                if unit.band is not None:
                    unit.band.set_clock(unit.now_ms(), unit.now_ms())
                event = "clock_set"
            case _:
                event = _wear(action, unit.wearer)
        at_ms = unit.wake()
        self._truth.write(at_ms, home.name, unit.number, event)
        return at_ms

    def _walk(self, action: act.Leave | act.Return, home: _Home, unit: Unit) -> int:
        now = unit.now_ms()
        if (pending := self._crossing.pop(unit.number, None)) is not None:
            pending.cancel()
        leaves = isinstance(action, act.Leave)
        at_ms = unit.wearer.leave(now) if leaves else unit.wearer.come_back(now)
        event = "left" if leaves else "returned"

        def cross() -> None:
            self._crossing.pop(unit.number, None)
            self._truth.write(at_ms, home.name, unit.number, event)

        self._crossing[unit.number] = asyncio.get_running_loop().call_later((at_ms - now) / 1000, cross)
        if isinstance(action, act.Leave) and action.for_s is not None:
            self._later(action.for_s, partial(self.do, act.Return(band=unit.number)))
        return at_ms

    def _attack(self, action: act.Replay | act.Flip | act.Forge | act.Clone, home: _Home, unit: Unit) -> int:
        if not unit.recorded:
            raise UsageError(f"band {unit.number} has sent nothing yet that an attacker could use")
        now = unit.now_ms()
        for _ in range(1 if isinstance(action, act.Clone) else action.copies):
            match action:
                case act.Replay():
                    kind, pdu = "replay", attacker.replay(unit.recorded)
                case act.Flip():
                    kind, pdu = "flip", attacker.flip(unit.recorded, self._rng)
                case act.Forge():
                    kind, pdu = "forge", attacker.forge(unit.recorded, self._rng, now // 1000)
                case act.Clone():
                    kind, pdu = "clone", attacker.clone(unit.recorded, unit.keys.frame)
                case _:
                    assert_never(action)
            self._transmit(unit, pdu)
            self._truth.write(now, home.name, unit.number, "attack", kind=kind)
        return now

    def _play(self, action: act.Play, home: _Home, unit: Unit) -> int:
        try:
            pdu = OnAir(parse_address(action.address), bytes.fromhex(action.data))
            where = home if action.home is None else next(one for one in self._homes if one.name == action.home)
        except (ValueError, StopIteration):
            raise UsageError("play: no such home, address or data") from None
        where.server.air.transmit(pdu, _ATTACKER_M, Fading())
        now = unit.now_ms()
        self._truth.write(now, where.name, unit.number, "attack", kind="play")
        return now

    def _transmit(self, unit: Unit, pdu: OnAir) -> None:
        unit.air.transmit(pdu, _ATTACKER_M, Fading())

    def _later(self, seconds: float, what: Callable[[], object]) -> None:
        def now() -> None:
            self._timers.discard(timer)
            what()

        timer = asyncio.get_running_loop().call_later(seconds, now)
        self._timers.add(timer)


def _wear(action: _OfWearer, wearer: Wearer) -> str:
    """Let the wearer do it; returns the event's name."""
    match action:
        case act.CutStrap():
            wearer.cut_strap()
            return "strap_cut"
        case act.TakeOff():
            wearer.take_off()
            return "taken_off"
        case act.PutOn():
            wearer.put_on()
            return "put_on"
        case act.SetBattery(percent=percent):
            wearer.set_battery(percent)
            return "battery"
        case act.Charge(on=on):
            wearer.charge(on=on)
            return "charging" if on else "unplugged"
        case act.Fever(celsius=celsius):
            wearer.set_fever(celsius)
            return "fever"
        case _:
            assert_never(action)


def _band_status(home: _Home, unit: Unit) -> dict[str, object]:
    now = unit.now_ms()
    return {
        "number": unit.number,
        "home": home.name,
        "address": show_address(unit.band.address) if unit.band is not None else None,
        "sent": unit.sent,
        "silent": unit.silent,
        "strap_closed": unit.wearer.strap_closed,
        "worn": unit.wearer.worn,
        "battery_percent": unit.wearer.battery_percent,
        "distance_m": round(unit.wearer.distance_m(now), 1),
    }


def _ordinary_status(home: _Home, band: OrdinaryBand) -> dict[str, object]:
    return {
        "number": band.number,
        "home": home.name,
        "address": show_address(band.address),
        "sent": band.sent,
        "worn": band.wearer.worn,
    }
