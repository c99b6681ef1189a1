"""Vitals: rows 16 to 18 of the table, for the health worker and never for the police.

Only readings of a worn band count; what the band could not measure says nothing. Each run of odd readings is one
occurrence. Every number is to be signed off by a clinician.
"""

from __future__ import annotations

import msgspec

from ancu.models.clock import from_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, band_name
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.policy import Policy, Rules
from ancu.server.cases.verdict import Clear, Holds, Verdict

__all__ = ["Vitals", "heard_vitals", "vital_verdicts"]


class Vitals(msgspec.Struct, frozen=True):
    """Of one band while any run of odd readings goes on. `*_ms` of a run: since when; 0: there is none."""

    fever_ms: int = 0
    fever_n: int = 0  # readings that count: far enough apart
    fever_counted_ms: int = 0  # the last of these
    fever_last_ms: int = 0
    fever_deci_c: int = 0  # highest
    low_ms: int = 0
    low_n: int = 0  # in a row
    low_last_ms: int = 0
    critical_n: int = 0
    fine_n: int = 0  # in a row, after low ones
    lowest_percent: int = 0
    heart_ms: int = 0
    heart_last_ms: int = 0
    heart_bpm: int = 0  # the last that was out of bounds

    @property
    def is_over(self) -> bool:
        return not (self.fever_ms or self.low_ms or self.heart_ms)


def heard_vitals(vitals: Vitals | None, at_ms: int, reading: Reading, rules: Rules) -> Vitals | None:
    """The runs after one more live reading, newer than those before; None: all is well."""
    if not reading.status & Status.SKIN or (vitals is None and not _is_odd(reading, rules)):
        return vitals
    now = _fever(vitals or Vitals(), at_ms, reading, rules)
    if not reading.status & Status.MOTION:
        now = _heart(_saturation(now, at_ms, reading, rules), at_ms, reading, rules)
    return None if now.is_over else now


def vital_verdicts(
    vitals: Vitals | None, band: BandNumber, heard_ms: int, feverish_ms: int, policy: Policy
) -> list[Verdict]:
    """Rows 16 to 18. `feverish_ms`: when the person last said that he has a fever; 0: never."""
    now, rules = vitals or Vitals(), policy.rules
    if not heard_ms:
        return []
    name = band_name(band)
    fine = Sign(Say.VITALS_FINE, from_ms(heard_ms), {"band": name})
    found: list[Verdict] = []
    if not now.fever_ms:
        found.append(Clear(Kind.FEVER, heard_ms, fine))
    else:
        skin = {"band": name, "skin_c": now.fever_deci_c / 10}
        signs = [Sign(Say.FEVER_READING, from_ms(now.fever_last_ms), skin)]
        said = feverish_ms and abs(feverish_ms - now.fever_last_ms) <= rules.fever.report_within_s * 1000
        if said:
            signs.append(Sign(Say.FEVER_REPORTED, from_ms(feverish_ms)))
        if said or now.fever_n >= rules.fever.readings:
            found.append(Holds(Kind.FEVER, rules.fever.severity, now.fever_ms, tuple(signs)))
    if not now.low_ms:
        found.append(Clear(Kind.SPO2_LOW, heard_ms, fine))
    elif now.low_n >= rules.spo2_low.readings:
        worse = now.critical_n >= rules.spo2_low.readings
        severity = rules.spo2_low.critical_severity if worse else rules.spo2_low.severity
        lowest = {"band": name, "spo2_percent": now.lowest_percent}
        found.append(
            Holds(Kind.SPO2_LOW, severity, now.low_ms, (Sign(Say.SPO2_READING, from_ms(now.low_last_ms), lowest),))
        )
    if not now.heart_ms:
        found.append(Clear(Kind.HEART_RATE, heard_ms, fine))
    elif now.heart_last_ms - now.heart_ms >= rules.heart_rate.opens_after_s * 1000:
        heart = {"band": name, "heart_bpm": now.heart_bpm, "for_s": (now.heart_last_ms - now.heart_ms) // 1000}
        sign = Sign(Say.HEART_READING, from_ms(now.heart_last_ms), heart)
        found.append(Holds(Kind.HEART_RATE, rules.heart_rate.severity, now.heart_ms, (sign,)))
    return found


def _is_odd(reading: Reading, rules: Rules) -> bool:
    return (
        reading.skin_deci_c >= rules.fever.at_least_deci_c
        or 0 < reading.spo2_percent <= rules.spo2_low.at_most_percent
        or reading.heart_bpm > rules.heart_rate.over_bpm
        or 0 < reading.heart_bpm < rules.heart_rate.under_bpm
    )


def _fever(vitals: Vitals, at_ms: int, reading: Reading, rules: Rules) -> Vitals:
    """Row 16. A run lasts until no hot reading came for `within_s`: skin cools and warms again."""
    rule = rules.fever
    is_stale = vitals.fever_ms > 0 and at_ms - vitals.fever_last_ms > rule.within_s * 1000
    if reading.skin_deci_c < rule.at_least_deci_c:
        return _without_fever(vitals) if is_stale else vitals
    if not vitals.fever_ms or is_stale:
        return msgspec.structs.replace(
            vitals,
            fever_ms=at_ms,
            fever_n=1,
            fever_counted_ms=at_ms,
            fever_last_ms=at_ms,
            fever_deci_c=reading.skin_deci_c,
        )
    counts = at_ms - vitals.fever_counted_ms >= rule.apart_s * 1000
    return msgspec.structs.replace(
        vitals,
        fever_n=vitals.fever_n + counts,
        fever_counted_ms=at_ms if counts else vitals.fever_counted_ms,
        fever_last_ms=at_ms,
        fever_deci_c=max(vitals.fever_deci_c, reading.skin_deci_c),
    )


def _without_fever(vitals: Vitals) -> Vitals:
    return msgspec.structs.replace(vitals, fever_ms=0, fever_n=0, fever_counted_ms=0, fever_last_ms=0, fever_deci_c=0)


def _saturation(vitals: Vitals, at_ms: int, reading: Reading, rules: Rules) -> Vitals:
    """Row 17, of a reading without motion. As many good readings as bad ones end a run."""
    rule, percent = rules.spo2_low, reading.spo2_percent
    if percent == 0:
        return vitals
    if percent > rule.at_most_percent:
        fine_n = vitals.fine_n + 1
        if not vitals.low_ms or vitals.low_n < rule.readings or fine_n >= rule.readings:
            return msgspec.structs.replace(
                vitals, low_ms=0, low_n=0, low_last_ms=0, critical_n=0, fine_n=0, lowest_percent=0
            )
        return msgspec.structs.replace(vitals, fine_n=fine_n)
    new = not vitals.low_ms or (vitals.low_n < rule.readings and at_ms - vitals.low_last_ms > rule.within_s * 1000)
    is_critical = percent <= rule.critical_at_most_percent
    was_critical = vitals.critical_n >= rule.readings and not new
    critical_n = (0 if new else vitals.critical_n) + 1 if is_critical else 0
    return msgspec.structs.replace(
        vitals,
        low_ms=at_ms if new else vitals.low_ms,
        low_n=1 if new else vitals.low_n + 1,
        low_last_ms=at_ms,
        critical_n=max(critical_n, rule.readings) if was_critical else critical_n,
        fine_n=0,
        lowest_percent=percent if new else min(vitals.lowest_percent, percent),
    )


def _heart(vitals: Vitals, at_ms: int, reading: Reading, rules: Rules) -> Vitals:
    """Row 18, of a reading at rest. Readings too far apart do not show what was between them."""
    rule, bpm = rules.heart_rate, reading.heart_bpm
    if bpm == 0:
        return vitals
    if rule.under_bpm <= bpm <= rule.over_bpm:
        return msgspec.structs.replace(vitals, heart_ms=0, heart_last_ms=0, heart_bpm=0)
    over, was_over = bpm > rule.over_bpm, vitals.heart_bpm > rule.over_bpm
    gone_on = vitals.heart_ms and over == was_over and at_ms - vitals.heart_last_ms <= rule.gap_s * 1000
    return msgspec.structs.replace(
        vitals, heart_ms=vitals.heart_ms if gone_on else at_ms, heart_last_ms=at_ms, heart_bpm=bpm
    )
