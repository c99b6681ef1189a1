"""Codes: every word that a decision can say, and the values that go with it. Texts live in the pages' catalogues.

Values whose name ends in `_at` are aware times, in `_s` whole seconds, in `_percent` whole percent.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["CONCERN_OF", "SIGN_VALUES", "STEP_VALUES", "TROUBLE_SIGNS", "Concern", "Desk", "Kind", "Say", "SubjectKind"]


class Kind(StrEnum):
    """Kinds of breach that are built: a row of the policy table each, in the order of the table."""

    SOS = "sos"
    STRAP_CUT = "strap_cut"
    CHECKPOINT_SCAN = "checkpoint_scan"
    OUT_OF_RANGE = "out_of_range"
    BAND_SILENT = "band_silent"
    BAND_REMOVED = "band_removed"
    BATTERY_LOW = "battery_low"
    BATTERY_DEAD = "battery_dead"
    EDGE_SILENT = "edge_silent"
    GATEWAY_SILENT = "gateway_silent"
    AREA_OUTAGE = "area_outage"
    MAINS_LOST = "mains_lost"
    EDGE_MOVED = "edge_moved"
    CAMERA_EXIT = "camera_exit"
    FORBIDDEN_ZONE = "forbidden_zone"
    GATHERING = "gathering"
    CAMERA_FAULT = "camera_fault"
    CHECKIN_MISSED = "checkin_missed"
    CHECKIN_WRONG = "checkin_wrong"
    CHALLENGE_MISSED = "challenge_missed"
    FEVER = "fever"
    SPO2_LOW = "spo2_low"
    HEART_RATE = "heart_rate"
    SYMPTOM_CHANGE = "symptom_change"
    NEVER_ACTIVATED = "never_activated"
    TECHNICAL = "technical"
    BAND_STILL_WORN = "band_still_worn"


class Concern(StrEnum):
    """What an incident is about: a subject has at most one open incident of each.

    Help is never folded into whereabouts: someone who calls for help must not become evidence of a breach. Nor is
    health: it is the health worker's business, never the police's.
    """

    HELP = "help"
    HEALTH = "health"
    WHEREABOUTS = "whereabouts"
    UPKEEP = "upkeep"  # of a band: battery, activation, return
    LINK = "link"  # of an edge, a gateway, an area: power and contact
    CAMERA = "camera"
    TRUST = "trust"  # of what was received: forged, replayed, cloned, missing


CONCERN_OF: Mapping[Kind, Concern] = {
    Kind.SOS: Concern.HELP,
    Kind.STRAP_CUT: Concern.WHEREABOUTS,
    Kind.CHECKPOINT_SCAN: Concern.WHEREABOUTS,
    Kind.OUT_OF_RANGE: Concern.WHEREABOUTS,
    Kind.BAND_SILENT: Concern.WHEREABOUTS,
    Kind.BAND_REMOVED: Concern.WHEREABOUTS,
    Kind.BATTERY_LOW: Concern.UPKEEP,
    Kind.BATTERY_DEAD: Concern.UPKEEP,
    Kind.EDGE_SILENT: Concern.LINK,
    Kind.GATEWAY_SILENT: Concern.LINK,
    Kind.AREA_OUTAGE: Concern.LINK,
    Kind.MAINS_LOST: Concern.LINK,
    Kind.EDGE_MOVED: Concern.WHEREABOUTS,
    Kind.CAMERA_EXIT: Concern.WHEREABOUTS,
    Kind.FORBIDDEN_ZONE: Concern.WHEREABOUTS,
    Kind.GATHERING: Concern.WHEREABOUTS,
    Kind.CAMERA_FAULT: Concern.CAMERA,
    Kind.CHECKIN_MISSED: Concern.WHEREABOUTS,
    Kind.CHECKIN_WRONG: Concern.WHEREABOUTS,
    Kind.CHALLENGE_MISSED: Concern.WHEREABOUTS,
    Kind.FEVER: Concern.HEALTH,
    Kind.SPO2_LOW: Concern.HEALTH,
    Kind.HEART_RATE: Concern.HEALTH,
    Kind.SYMPTOM_CHANGE: Concern.HEALTH,
    Kind.NEVER_ACTIVATED: Concern.UPKEEP,
    Kind.TECHNICAL: Concern.TRUST,
    Kind.BAND_STILL_WORN: Concern.UPKEEP,
}


class SubjectKind(StrEnum):
    """What an alert's `subject` is the id of."""

    PERSON = "person"
    EDGE = "edge"
    GATEWAY = "gateway"
    CAMERA = "camera"  # 'edge/camera'
    AREA = "area"


class Desk(StrEnum):
    """Whose alert it is."""

    WARD = "ward"
    TECHNICAL = "technical"
    HEALTH = "health"  # the health worker, not the police


class Say(StrEnum):
    """Sign codes: one piece of evidence each. `SIGN_VALUES` names the values."""

    SOS_BUTTON = "sos_button"
    SOS_PAGE = "sos_page"
    STRAP_OPEN = "strap_open"
    CASE_TAMPERED = "case_tampered"
    STRAP_CLOSED = "strap_closed"
    UNSEEN_RESCANNED = "unseen_rescanned"
    LAST_STILL = "last_still"
    RADIO_UNPROVEN = "radio_unproven"
    HEARD_FAINTLY = "heard_faintly"
    HEARD_AGAIN = "heard_again"
    EDGE_ALIVE = "edge_alive"
    BAND_QUIET = "band_quiet"
    BATTERY_FINE = "battery_fine"
    BATTERY_LEVEL = "battery_level"
    NOT_WORN = "not_worn"
    WORN_AGAIN = "worn_again"
    DOOR_OUT = "door_out"
    DOOR_IN = "door_in"
    PERSON_MISSING = "person_missing"
    EDGE_QUIET = "edge_quiet"
    EDGE_BACK = "edge_back"
    GATEWAY_ALIVE = "gateway_alive"
    GATEWAY_QUIET = "gateway_quiet"
    GATEWAY_BACK = "gateway_back"
    AREA_QUIET = "area_quiet"
    AREA_BACK = "area_back"
    MAINS_OFF = "mains_off"
    MAINS_ON = "mains_on"
    CAMERA_STATE = "camera_state"
    NEVER_HEARD = "never_heard"
    FIRST_HEARD = "first_heard"
    FORGED = "forged"
    REPLAYED = "replayed"
    CLONED = "cloned"
    CLOCK_JUMPED = "clock_jumped"
    RECORDS_MISSING = "records_missing"
    BODY_REFUSED = "body_refused"
    HISTORY_MISSING = "history_missing"
    HISTORY_EDITED = "history_edited"
    HISTORY_ORDER = "history_order"
    HISTORY_FORKED = "history_forked"
    HISTORY_HEAD = "history_head"
    HISTORY_CLOCK = "history_clock"
    CHALLENGE_FORGED = "challenge_forged"
    QUIET_AGAIN = "quiet_again"
    ORDER_OVER = "order_over"
    RETURNED = "returned"
    CHECKPOINT_PASSED = "checkpoint_passed"
    ABSENCE_RUNS = "absence_runs"
    ABSENCE_OVER = "absence_over"
    ABSENCE_ELSEWHERE = "absence_elsewhere"
    CHECKIN_UNANSWERED = "checkin_unanswered"
    CHECKIN_ANSWERED = "checkin_answered"
    CHECKIN_WRONG_FACE = "checkin_wrong_face"
    CHECKIN_WRONG_PLACE = "checkin_wrong_place"
    CHALLENGE_UNANSWERED = "challenge_unanswered"
    CHALLENGE_ANSWERED = "challenge_answered"
    FEVER_READING = "fever_reading"
    FEVER_REPORTED = "fever_reported"
    SPO2_READING = "spo2_reading"
    HEART_READING = "heart_reading"
    VITALS_FINE = "vitals_fine"
    SYMPTOMS_NEW = "symptoms_new"
    SYMPTOMS_GONE = "symptoms_gone"
    ZONE_HELD = "zone_held"
    ZONE_CLEAR = "zone_clear"
    SURROUNDINGS_OTHER = "surroundings_other"
    SURROUNDINGS_SAME = "surroundings_same"


_BAND = ("band", "edge")
_LAST = ("band", "edge", "last_heard_at", "unheard_s")
_ABSENCE = ("absence", "from_at", "until_at")
_TROUBLE = ("edge", "band", "reason", "count")
_LOG = (*_TROUBLE, "sequence")

SIGN_VALUES: Mapping[Say, tuple[str, ...]] = {
    Say.SOS_BUTTON: _BAND,
    Say.SOS_PAGE: (),
    Say.STRAP_OPEN: _BAND,
    Say.CASE_TAMPERED: _BAND,
    Say.STRAP_CLOSED: _BAND,
    Say.UNSEEN_RESCANNED: _LAST,  # the edge restarted its scan and still does not hear the band
    Say.LAST_STILL: ("band", "edge"),  # the last word was of somebody who lay still
    Say.RADIO_UNPROVEN: ("edge",),  # no walk through the rooms has shown that the edge hears them all
    Say.HEARD_FAINTLY: ("band", "boxes", "far_since_at", "far_s"),  # by every box of the home, so faint as from outside
    Say.HEARD_AGAIN: _BAND,
    Say.EDGE_ALIVE: ("edge", "last_alive_at"),
    Say.BAND_QUIET: _LAST,  # no frame, and the edge says nothing of it
    Say.BATTERY_FINE: ("battery_percent",),
    Say.BATTERY_LEVEL: ("band", "battery_percent"),
    Say.NOT_WORN: ("band", "edge", "off_since_at", "off_s"),
    Say.WORN_AGAIN: _BAND,
    Say.DOOR_OUT: ("edge", "camera", "door", "track", "confidence"),
    Say.DOOR_IN: ("edge", "camera", "door", "track", "confidence"),
    Say.PERSON_MISSING: ("person",),  # whose band the same door's crossing explains
    Say.EDGE_QUIET: ("edge", "last_alive_at", "silent_s", "people"),
    Say.EDGE_BACK: ("edge",),
    Say.GATEWAY_ALIVE: ("gateway", "last_alive_at"),
    Say.GATEWAY_QUIET: ("gateway", "last_alive_at", "silent_s", "edges", "people"),
    Say.GATEWAY_BACK: ("gateway",),
    Say.AREA_QUIET: ("area", "edges", "people", "first_at", "last_at"),
    Say.AREA_BACK: ("area", "still_silent"),
    Say.MAINS_OFF: ("edge",),
    Say.MAINS_ON: ("edge",),
    Say.CAMERA_STATE: ("edge", "camera", "state"),  # ok, covered, moved, defocused, frozen, dead
    Say.NEVER_HEARD: ("band", "order_from_at"),
    Say.FIRST_HEARD: _BAND,
    Say.FORGED: _TROUBLE,
    Say.REPLAYED: _TROUBLE,
    Say.CLONED: _TROUBLE,
    Say.CLOCK_JUMPED: _TROUBLE,
    Say.RECORDS_MISSING: _TROUBLE,
    Say.BODY_REFUSED: _TROUBLE,
    Say.HISTORY_MISSING: _LOG,  # of what a band recorded: `sequence` is the first record that is not right
    Say.HISTORY_EDITED: _LOG,
    Say.HISTORY_ORDER: _LOG,
    Say.HISTORY_FORKED: _LOG,
    Say.HISTORY_HEAD: _LOG,
    Say.HISTORY_CLOCK: _LOG,
    Say.CHALLENGE_FORGED: _TROUBLE,
    Say.QUIET_AGAIN: ("quiet_s",),
    Say.ORDER_OVER: ("order", "ended_at"),
    Say.RETURNED: ("band",),
    Say.CHECKPOINT_PASSED: ("checkpoint", "scan"),
    Say.ABSENCE_RUNS: _ABSENCE,
    Say.ABSENCE_OVER: _ABSENCE,
    Say.ABSENCE_ELSEWHERE: (*_ABSENCE, "checkpoint"),
    Say.CHECKIN_UNANSWERED: ("asked_at", "waited_s"),
    Say.CHECKIN_ANSWERED: (),
    Say.CHECKIN_WRONG_FACE: ("tries",),
    Say.CHECKIN_WRONG_PLACE: ("tries",),
    Say.CHALLENGE_UNANSWERED: ("band", "asked_at", "misses"),  # heard all the while
    Say.CHALLENGE_ANSWERED: ("band",),
    Say.FEVER_READING: ("band", "skin_c"),
    Say.FEVER_REPORTED: (),
    Say.SPO2_READING: ("band", "spo2_percent"),
    Say.HEART_READING: ("band", "heart_bpm", "for_s"),
    Say.VITALS_FINE: ("band",),
    Say.SYMPTOMS_NEW: ("symptoms",),
    Say.SYMPTOMS_GONE: (),
    Say.ZONE_HELD: ("edge", "camera", "zone", "people"),
    Say.ZONE_CLEAR: ("edge", "camera", "zone"),
    Say.SURROUNDINGS_OTHER: ("edge", "shared", "known", "scans"),
    Say.SURROUNDINGS_SAME: ("edge", "shared", "known"),
}

TROUBLE_SIGNS: Mapping[str, Say] = {
    # By the reason of a FrameTrouble; any other is a refused body. After 'history_*' stands '_' and a sequence.
    "seal": Say.FORGED,
    "replay": Say.REPLAYED,
    "clone": Say.CLONED,
    "future": Say.CLOCK_JUMPED,
    "gap": Say.RECORDS_MISSING,
    "history_missing": Say.HISTORY_MISSING,
    "history_edited": Say.HISTORY_EDITED,
    "history_order": Say.HISTORY_ORDER,
    "history_forked": Say.HISTORY_FORKED,
    "history_head": Say.HISTORY_HEAD,
    "history_clock": Say.HISTORY_CLOCK,
    "challenge_forged": Say.CHALLENGE_FORGED,
}

STEP_VALUES: Mapping[str, tuple[str, ...]] = {  # by the code of a timeline's step
    "raised": ("kind", "severity", "paged", "late"),
    "evidence": ("kind", "sign", "paged"),
    "cleared": ("kind", "sign"),
    "severity": ("kind", "severity", "paged"),
    "ended": (),
    "reopened": ("kind", "severity", "paged"),
    "escalated": ("level", "paged"),  # level 0: the page that quiet hours held back
    "notified": ("channel",),
    "acknowledged": (),
    "released": (),
    "snoozed": ("until_at",),
    "woken": ("until_at",),
    "contacted": ("how",),
    "dispatched": ("unit",),
    "resolved": ("outcome", "note"),
}
