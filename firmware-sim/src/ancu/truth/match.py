"""Alerts against truth, table-driven: a row a kind. The rules are strict, and written down in docs/truth.md.

An alert is true if something that its kind stands for was so for its own subject at some time between the beginning
that it names (less `before_s`) and the moment it was raised. What ought to have raised it is a need: a happening that
lasted long enough and began soon enough before the end of the world; it is met by an alert, or a sign attached to one,
of an accepted kind, raised while it lasted or at most `within_s` after its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ancu.firmware_sim.population_types import Happening, World
from ancu.models.clock import to_ms
from ancu.server.alerts.events import Attached, Ended, Escalated, Raised, Reopened, SeverityRaised, Subject
from ancu.server.cases.codes import SubjectKind
from ancu.truth.run import Entry

__all__ = ["NEEDS", "TRUE_OF", "Matched", "Met", "Need", "Sign", "Told", "match"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What makes an alert of a kind true."""

    happenings: tuple[str, ...]
    causes: tuple[str, ...] = ()  # only these; none: any
    before_s: int = 60  # clocks, report intervals and rotations blur beginnings so much


@dataclass(frozen=True, slots=True)
class Need:
    """What has to raise an alert, and of which kinds."""

    name: str
    happening: str
    kinds: tuple[str, ...]
    causes: tuple[str, ...] = ()
    at_least_s: int = 0
    within_s: int = 60
    breach: bool = False  # counts for the recall over all kinds


TRUE_OF: Mapping[str, Claim] = {
    "sos": Claim(("sos",)),
    "strap_cut": Claim(("cut",)),
    "out_of_range": Claim(("out",)),
    "band_silent": Claim(("out", "band_fault")),
    # Taken off for a shower, a charge or a broken night is not what the row is for, though the strap says the same.
    "band_removed": Claim(("off",), ("left_behind", "comfort")),
    "battery_low": Claim(("battery_low",), before_s=900),
    "battery_dead": Claim(("battery_dead",), before_s=900),
    "edge_silent": Claim(("box_down", "link_down")),
    "gateway_silent": Claim(("gateway_down",)),
    "area_outage": Claim(("power", "network"), before_s=180),
    "mains_lost": Claim(("mains",)),
    "camera_exit": Claim(("out", "left_behind")),
    "camera_fault": Claim(("camera_fault",)),
    "never_activated": Claim(("never_worn",)),
    "technical": Claim(("replayed",)),
    "fever": Claim(("fever",), before_s=1800),
    "spo2_low": Claim(("low_spo2",), before_s=1800),
    "heart_rate": Claim(("heart_rate",), before_s=1800),
    "checkin_missed": Claim(("checkin_missed",)),
    "checkpoint_scan": Claim(("out",)),
    # A world has none of these yet: whatever raises one is wrong.
    "checkin_wrong": Claim(("checkin_wrong",)),
    "challenge_missed": Claim(("relayed",)),
    "symptom_change": Claim(("symptoms",)),
    "edge_moved": Claim(("edge_moved",)),
    "forbidden_zone": Claim(("forbidden_zone",)),
    "gathering": Claim(("gathering",)),
    "band_still_worn": Claim(("order_over",)),
}

_REPEAT_MS = 1_800_000  # the policy's reopen_s
_EXITS = ("out_of_range", "checkpoint_scan", "band_silent", "camera_exit", "band_removed", "strap_cut")
NEEDS: tuple[Need, ...] = (
    Need("sos", "sos", ("sos",), breach=True),
    Need("strap_cut", "cut", ("strap_cut",), breach=True),
    Need("out_of_range", "out", _EXITS, ("walk", "near", "pouch", "jam", "clone", "relay"), 180, breach=True),
    Need("band_removed", "left_behind", _EXITS, at_least_s=660, breach=True),
    Need("band_silent", "band_fault", ("band_silent", "out_of_range"), at_least_s=360),
    Need("battery_low", "battery_low", ("battery_low", "battery_dead"), at_least_s=133_200),
    Need("battery_dead", "battery_dead", ("battery_dead", "out_of_range", "band_silent"), at_least_s=420),
    Need("edge_silent", "box_down", ("edge_silent", "area_outage", "gateway_silent"), ("unplugged",), 660),
    Need("edge_silent", "box_down", ("edge_silent", "area_outage", "gateway_silent"), ("hang",), 1860),
    Need("edge_silent", "link_down", ("edge_silent", "area_outage", "gateway_silent"), ("link",), 1860),
    Need("gateway_silent", "gateway_down", ("gateway_silent",), at_least_s=660),
    Need("area_outage", "power", ("area_outage", "gateway_silent"), at_least_s=780),
    Need("area_outage", "network", ("area_outage", "gateway_silent"), at_least_s=780),
    Need("mains_lost", "mains", ("mains_lost",), ("unplugged",)),
    Need("camera_fault", "camera_fault", ("camera_fault",), at_least_s=45),
    Need("never_activated", "never_worn", ("never_activated",), at_least_s=7260),
    Need("technical", "replayed", ("technical",), at_least_s=180),
    Need("fever", "fever", ("fever",), at_least_s=3600),
    Need("spo2_low", "low_spo2", ("spo2_low",), at_least_s=3600),
    Need("checkpoint_scan", "scanned", ("checkpoint_scan",)),
    Need("checkin_missed", "checkin_missed", ("checkin_missed",)),
)


@dataclass(frozen=True, slots=True)
class Sign:
    """A kind of breach was said to be so."""

    at_ms: int
    kind: str
    paged: bool


@dataclass(slots=True)
class Told:
    """One alert, as it was raised."""

    id: str
    kind: str
    subject: Subject
    since_ms: int
    at_ms: int
    true: bool
    cause: str  # of what made it true, or of what really was
    pages: int = 0
    ladder: int = 0
    reopened: int = 0
    ended_ms: int = 0  # the last time; 0: not yet
    signs: list[Sign] = field(default_factory=list)  # what was said of it, with kinds, in order


@dataclass(frozen=True, slots=True)
class Met:
    """A need, and after how many ms it was told and rang; None: never while it mattered."""

    happening: Happening
    told_ms: int | None
    paged_ms: int | None


@dataclass(slots=True)
class Matched:
    alerts: list[Told]
    needs: dict[str, list[Met]]
    double: list[tuple[str, Happening]]  # episodes of one person that became more than one incident


def match(world: World, journal: Iterable[Entry]) -> Matched:
    """Match what was decided with what was so."""
    by_who: dict[str, list[Happening]] = defaultdict(list)
    for happening in world.happenings:
        by_who[happening.who].append(happening)
    homes = {home.edge: home for home in world.homes}
    alerts = _alerts(world, journal, by_who)
    told: dict[str, list[tuple[Sign, Told]]] = defaultdict(list)
    for alert in alerts:
        for who in _subjects(world, alert.subject):
            told[who] += [(sign, alert) for sign in alert.signs]
    needs: dict[str, list[Met]] = {}
    double: list[tuple[str, Happening]] = []
    for need in NEEDS:
        rows = needs.setdefault(need.name, [])
        for happening in world.happenings:
            if not _is_needed(need, happening, world.end_ms):
                continue
            home = homes.get(happening.who)
            begins, ends = happening.start_ms - 1000, happening.end_ms + need.within_s * 1000
            hits = [
                (sign, alert)
                for who in (happening.who, *((home.area, home.gateway) if home is not None else ()))
                for sign, alert in told[who]
                if sign.kind in need.kinds and begins <= sign.at_ms <= ends
            ]
            first = min((sign.at_ms for sign, _ in hits), default=None)
            rang = min((sign.at_ms for sign, _ in hits if sign.paged), default=None)
            rows.append(Met(happening, _after(happening, first), _after(happening, rang)))
            if need.breach and _is_double([alert for _, alert in hits]):
                double.append((need.name, happening))
    return Matched(alerts, needs, double)


def _is_double(alerts: Iterable[Told]) -> bool:
    """Whether one episode became two incidents of a person although it was not over for the policy's half hour."""
    ours = {alert.id: alert for alert in alerts if alert.subject.kind is SubjectKind.PERSON}
    order = sorted(ours.values(), key=lambda alert: (alert.at_ms, alert.id))
    return any(
        not before.ended_ms or after.since_ms - before.ended_ms <= _REPEAT_MS for before, after in pairwise(order)
    )


def _after(happening: Happening, at_ms: int | None) -> int | None:
    return None if at_ms is None else at_ms - happening.start_ms


def _is_needed(need: Need, happening: Happening, end_ms: int) -> bool:
    if happening.kind != need.happening or (need.causes and happening.cause not in need.causes):
        return False
    return min(happening.end_ms, end_ms) - happening.start_ms >= need.at_least_s * 1000


def _alerts(world: World, journal: Iterable[Entry], by_who: Mapping[str, list[Happening]]) -> list[Told]:
    alerts: dict[str, Told] = {}
    for entry in journal:
        event = entry.event
        if isinstance(event, Raised):
            told = Told(event.alert, event.kind, event.subject, to_ms(event.since), entry.at_ms, False, "")
            told.true, told.cause = _truth(world, told, by_who)
            alerts[event.alert] = told
        told_ = alerts.get(event.alert)
        if told_ is None:
            continue
        if isinstance(event, Raised | Attached | Reopened | SeverityRaised):
            told_.signs.append(Sign(entry.at_ms, event.kind, event.paged))
        if isinstance(event, Reopened):
            told_.reopened += 1
        if isinstance(event, Ended):
            told_.ended_ms = entry.at_ms
        if isinstance(event, Escalated) and event.level > 0:
            told_.ladder += event.paged
        elif isinstance(event, Raised | Reopened | Attached | SeverityRaised | Escalated):
            told_.pages += event.paged
    return list(alerts.values())


def _truth(world: World, told: Told, by_who: Mapping[str, list[Happening]]) -> tuple[bool, str]:
    """Whether it was so, and the cause that best explains the alert."""
    claim = TRUE_OF.get(told.kind, Claim(()))
    begins = told.since_ms - claim.before_s * 1000
    around = [
        h
        for who in _subjects(world, told.subject)
        for h in by_who.get(who, ())
        if h.start_ms <= told.at_ms and h.end_ms >= begins
    ]
    for h in around:
        if h.kind in claim.happenings and (not claim.causes or h.cause in claim.causes):
            return True, h.cause
    gap = _gap_cause(world, told)
    if gap:
        return False, gap
    if told.subject.kind is SubjectKind.PERSON:
        edge = world.homes[world.people[int(told.subject.id[2:]) - 1].home].edge if world.homes else ""
        down = [h for h in by_who.get(edge, ()) if h.kind in ("box_down", "link_down") and h.end_ms >= begins]
        around += [h for h in down if h.start_ms <= told.at_ms]
    near = [h.cause for h in around if h.kind in _EXPLAINS.get(told.kind, ())]
    return False, near[0] if near else "none"


_EXPLAINS: Mapping[str, tuple[str, ...]] = {  # of an alert that is not true: what it mistook
    "band_removed": ("off", "contact_lost", "cut"),
    "band_silent": ("box_down", "link_down"),
    "out_of_range": ("box_down", "link_down"),
    "edge_silent": ("gateway_down", "power", "network"),
    "camera_exit": ("camera_fault",),
    "battery_low": ("off",),
}


def _gap_cause(world: World, told: Told) -> str:
    if told.subject.kind is not SubjectKind.PERSON or told.kind not in ("out_of_range", "band_silent"):
        return ""
    person = world.people[int(told.subject.id[2:]) - 1]
    for gap in person.gaps:
        if gap.start_ms <= told.at_ms and gap.end_ms >= told.since_ms - 15_000:
            return gap.cause
    return ""


def _subjects(world: World, subject: Subject) -> tuple[str, ...]:
    """Whose happenings an alert may be about."""
    if subject.kind is SubjectKind.CAMERA:
        edge = subject.id.partition("/")[0]
        home = next(home for home in world.homes if home.edge == edge)
        people = [f"p-{n:05d}" for other in world.homes if other.place == home.place for n in other.people]
        return (edge, *people)
    return (subject.id,)
