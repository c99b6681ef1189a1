"""Cameras and doors: rows 11 and 13 of the table."""

from __future__ import annotations

import msgspec

from ancu.models.clock import from_ms, to_ms
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.inputs import DoorCrossed
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = ["CameraState", "Crossing", "DoorState", "camera_exit", "camera_fault", "camera_id", "crossing_of"]


class Crossing(msgspec.Struct, frozen=True):
    """Someone went through a door."""

    at_ms: int
    edge: str
    camera: str
    door: str
    track: int
    confidence: float

    def sign(self, code: Say, *, late: bool = False) -> Sign:
        values = {
            "edge": self.edge,
            "camera": self.camera,
            "door": self.door,
            "track": self.track,
            "confidence": round(self.confidence, 3),
        }
        return Sign(code, from_ms(self.at_ms), values, late)


class DoorState(msgspec.Struct):
    """Of a place: who last went out, and in."""

    out: Crossing | None = None
    back: Crossing | None = None

    def crossed(self, crossing: Crossing, *, out: bool) -> None:
        last = self.out if out else self.back
        if last is None or crossing.at_ms > last.at_ms:
            if out:
                self.out = crossing
            else:
                self.back = crossing

    def out_near(self, at_ms: int, within_s: int) -> Crossing | None:
        """The crossing out, not followed by one in, that is close enough to `at_ms` to agree with it."""
        out = self.out
        if out is None or abs(out.at_ms - at_ms) > within_s * 1000:
            return None
        return out if self.back is None or self.back.at_ms < out.at_ms else None


class CameraState(msgspec.Struct):
    state: str = "ok"
    since_ms: int = 0  # 0: never told

    def changed(self, at_ms: int, state: str) -> None:
        if at_ms > self.since_ms and (state != self.state or self.since_ms == 0):
            self.state, self.since_ms = state, at_ms


def camera_id(edge: str, camera: str) -> str:
    """A camera as an alert's subject."""
    return f"{edge}/{camera}"


def crossing_of(crossed: DoorCrossed) -> Crossing:
    return Crossing(to_ms(crossed.at), crossed.edge, crossed.camera, crossed.door, crossed.track, crossed.confidence)


def camera_exit(crossing: Crossing, policy: Policy) -> Holds:
    """Row 11. Where the band disagrees too, row 4 makes it worse."""
    return Holds(Kind.CAMERA_EXIT, policy.rules.camera_exit.severity, crossing.at_ms, (crossing.sign(Say.DOOR_OUT),))


def camera_fault(edge: str, camera: str, state: CameraState, at_ms: int, policy: Policy) -> Verdict:
    """Row 13."""
    if state.since_ms == 0:
        return None
    values = {"edge": edge, "camera": camera, "state": state.state}
    sign = Sign(Say.CAMERA_STATE, from_ms(state.since_ms), values)
    if state.state == "ok":
        return Clear(Kind.CAMERA_FAULT, state.since_ms, sign)
    rule = policy.rules.camera_fault
    due = state.since_ms + rule.opens_after_s * 1000
    return Holds(Kind.CAMERA_FAULT, rule.severity, state.since_ms, (sign,)) if at_ms >= due else Wait(due)
