"""Policy: every number of the breach table, as data with a version. An alert keeps the policy it was raised under."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from ancu.models.config import Settings
from ancu.server.cases.codes import Desk, Kind
from ancu.server.ports import Severity

__all__ = ["Checkins", "Episodes", "NotInForce", "Paging", "Policy", "Presence", "Rule", "Rules", "rank"]

_WORST_FIRST = tuple(Severity)


def rank(severity: Severity) -> int:
    """0 is the worst."""
    return _WORST_FIRST.index(severity)


class Rule(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of the table."""

    severity: Severity
    opens_after_s: int = 0
    next_level_min: tuple[int, ...] = ()  # unacknowledged for so many minutes: the next level hears of it
    desk: Desk = Desk.WARD

    def levels(self, severity: Severity) -> tuple[int, ...]:  # noqa: ARG002 - some rows climb otherwise while in doubt
        """The ladder of this row for an alert of that severity, in minutes."""
        return self.next_level_min


class Agreeing(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row that a second, independent signal makes worse and, where `agreed_opens_after_s` is shorter, faster."""

    agreed_severity: Severity
    agreed_opens_after_s: int = 0


class OutOfRange(Agreeing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In doubt while the last word was of someone who lay still or only turned, for who leaves is in motion for longer,
    or while the home's radio was never proven by a walk. Doubt goes on the list, and grows into the row's severity.
    """

    rises_in_s: int  # to rise and reach the door takes longer
    still_opens_after_s: int
    unproven_opens_after_s: int
    doubt_severity: Severity
    doubt_ends_after_s: int
    doubt_next_level_min: tuple[int, ...]
    far_opens_after_s: int = 0  # heard by every box, and by each as faintly as from outside; 0: that says nothing
    far_takes_s: int = 220  # a box listens so long before it says far

    def levels(self, severity: Severity) -> tuple[int, ...]:
        return self.doubt_next_level_min if severity is self.doubt_severity else self.next_level_min


class Quiet(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A band that falls quiet; later for one whose last word was of someone who lay still."""

    still_opens_after_s: int


class Removed(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Grows worse with time. A band that is still as warm as a body has lost contact rather than its wearer, and one on
    its charger is where it should be: both wait longer.
    """

    later_severity: Severity
    later_after_s: int
    warm_deci_c: int  # from here on it may lie on a body
    warm_opens_after_s: int
    warm_later_after_s: int
    charging_opens_after_s: int


class Battery(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    at_most_percent: int
    clear_percent: int = 100  # back above this it is charged: the gap keeps it from flapping
    at_once_percent: int = 0  # so low it opens without waiting


class Neighbours(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Boxes of one neighbourhood that fall silent together."""

    at_least: int
    together_s: int


class Boxed(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A box that falls silent: sooner when its plug was pulled before."""

    unplugged_opens_after_s: int


class Held(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of momentary events: over when none came for `hold_s`."""

    hold_s: int


class Checkpoint(Held, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scans come from elsewhere: one that is older than `fresh_s` when it comes pages nobody."""

    fresh_s: int


class Missed(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reminded after `reminder_after_s`, missed after `opens_after_s`, both since it was asked."""

    reminder_after_s: int


class Tries(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tries: int  # the last of these is one too many


class Challenged(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many challenges in a row without an answer, of a band that was heard all the while; 0: not in force."""

    misses: int = 0


class Crowd(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    people_at_least: int


class Moved(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many scans in a row share less than `shared_percent` of the devices that a box knows; fewer than `at_least`
    devices say nothing.
    """

    scans: int
    at_least: int
    shared_percent: int
    relearn_scans: int  # after so many the new place is the place


class Symptoms(Held, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person declares so many symptoms that the declaration before did not have; 0: not in force. The alarming ones
    are worse.
    """

    new_at_least: int = 0
    alarming: tuple[str, ...] = ()
    alarming_severity: Severity = Severity.HIGH
    sign_off: str = ""  # who still has to sign


class Clinical(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row about health. Its numbers are not medicine until a clinician signed them."""

    sign_off: str  # who still has to sign


class Fever(Clinical, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many hot readings, each `apart_s` after the one before; one is enough beside a self-report."""

    at_least_deci_c: int
    readings: int
    apart_s: int
    within_s: int  # without a hot reading for so long it is over
    report_within_s: int


class Saturation(Clinical, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many readings in a row without motion; as many better ones end it."""

    at_most_percent: int
    critical_severity: Severity
    critical_at_most_percent: int
    readings: int
    within_s: int  # readings further apart are not in a row


class HeartRate(Clinical, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At rest, for `opens_after_s`, with a reading at least every `gap_s`."""

    over_bpm: int
    under_bpm: int
    gap_s: int


class Rules(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows that are in force. A field is named as its kind."""

    sos: Rule
    strap_cut: Rule
    checkpoint_scan: Checkpoint
    out_of_range: OutOfRange
    band_silent: Quiet
    band_removed: Removed
    battery_low: Battery
    battery_dead: Battery
    edge_silent: Boxed
    gateway_silent: Rule
    area_outage: Neighbours
    mains_lost: Rule
    edge_moved: Moved
    camera_exit: Held
    forbidden_zone: Rule
    gathering: Crowd
    camera_fault: Rule
    checkin_missed: Missed
    checkin_wrong: Tries
    fever: Fever
    spo2_low: Saturation
    heart_rate: HeartRate
    never_activated: Rule
    technical: Held
    band_still_worn: Rule
    # Rows that a policy of an earlier day does not have: not in force unless it says so.
    challenge_missed: Challenged = Challenged(severity=Severity.MEDIUM)
    symptom_change: Symptoms = Symptoms(severity=Severity.MEDIUM, hold_s=86_400, desk=Desk.HEALTH)

    def of(self, kind: Kind) -> Rule:
        rule = getattr(self, kind.value)
        assert isinstance(rule, Rule)  # noqa: S101 - a kind without a rule is our own mistake; a test holds them equal
        return rule


class NotInForce(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row that is decided but that nothing raises yet, because what it needs to know does not reach the judge."""

    row: int
    says: str
    severity: tuple[Severity, ...]
    numbers: dict[str, float] = msgspec.field(default_factory=dict)
    next_level_min: tuple[int, ...] = ()
    desk: Desk = Desk.WARD
    sign_off: str = ""  # who still has to sign


class Presence(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what was heard is still true. Unknown must show within 120 s of its cause, so neither may be longer."""

    heard_fresh_s: int
    edge_fresh_s: int

    def __post_init__(self) -> None:
        if not (0 < self.heard_fresh_s <= 110 and 0 < self.edge_fresh_s <= 110):
            raise ValueError("presence: both must be within 1..110 s, or unknown would show too late")


class Paging(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may be woken, and when."""

    quiet_from: time
    quiet_to: time
    zone: str
    quiet_mutes: tuple[Severity, ...]
    never_pages: tuple[Severity, ...]
    list_first: tuple[Severity, ...]  # stands on the list at first, and rings when its ladder steps
    ended_still_escalates: tuple[Severity, ...]  # unacknowledged though the condition cleared
    repage_s: int  # a repeat pages again at most so often, unless it is critical

    def __post_init__(self) -> None:
        if {Severity.CRITICAL, Severity.HIGH} & {*self.quiet_mutes, *self.never_pages, *self.list_first}:
            raise ValueError("paging: C and H are never muted")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"paging: no time zone {self.zone!r}") from None


class Episodes(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reopen_s: int  # a repeat so soon after the end is the same episode
    agree_s: int  # two signals so close to each other agree
    return_grace_s: int  # the way home after an authorised absence
    deaf_s: int  # the judge was told nothing for so long: no silence from before counts


class Testing(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a test result proposes; an officer decides. Days are local, the order's first is day 0."""

    release_from_day: int
    extend_days: int


class Checkins(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When people are asked at random; 0 a day: only when an officer asks."""

    per_day: int = 0
    apart_s: int = 14_400  # at least, between two of one day
    late_s: int = 600  # a moment at which nobody could be asked is let go after so long

    def __post_init__(self) -> None:
        if not (0 <= self.per_day <= 12 and 0 <= self.apart_s <= 86_400 and 60 <= self.late_s <= 3600):
            raise ValueError("checkins: per_day within 0..12, apart_s within 0..86400, late_s within 60..3600")


class Policy(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    version: str
    title: str
    signed_by: str
    signed_on: date
    presence: Presence
    paging: Paging
    episodes: Episodes
    testing: Testing
    rules: Rules
    checkins: Checkins = Checkins()
    not_in_force: dict[str, NotInForce] = msgspec.field(default_factory=dict)

    @property
    def label(self) -> str:
        """As alerts name it: 'default@1'."""
        return f"{self.name}@{self.version}"

    def thresholds(self, kind: Kind) -> dict[str, Any]:
        """The numbers in force for a kind, for a page and for the record."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.rules.of(kind)))
        return plain
