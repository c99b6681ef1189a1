"""What can be done to bands and their wearers: lines of a script, and requests at the control port."""

from __future__ import annotations

import msgspec

__all__ = [
    "Action",
    "Charge",
    "Clone",
    "CutStrap",
    "Fever",
    "Flip",
    "Forge",
    "Leave",
    "Play",
    "PressSos",
    "PutOn",
    "Reboot",
    "Replay",
    "Return",
    "SetBattery",
    "SetClock",
    "Silence",
    "Speak",
    "TakeOff",
    "Touch",
]


class _Do(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    band: int  # its number


class CutStrap(_Do, frozen=True, tag="cut_strap"):
    """Cut through the strap and drop the band."""


class TakeOff(_Do, frozen=True, tag="take_off"):
    """Slip out of the band with its strap whole."""


class PutOn(_Do, frozen=True, tag="put_on"):
    """Wear it again, with a whole strap."""


class PressSos(_Do, frozen=True, tag="press_sos"):
    """Hold the SOS button."""


class Touch(_Do, frozen=True, tag="touch"):
    """Touch the band, as it asks its wearer to when the server wants to know that somebody is there."""


class Leave(_Do, frozen=True, tag="leave"):
    """Walk out of the home; come back after `for_s`, or not."""

    for_s: float | None = None


class Return(_Do, frozen=True, tag="return"):
    """Come home."""


class SetBattery(_Do, frozen=True, tag="battery"):
    """Set the charge. At 0 the band dies, and comes back charged with its clock lost."""

    percent: float


class Charge(_Do, frozen=True, tag="charge"):
    """Put the band on its charger, or take it off."""

    on: bool = True


class Fever(_Do, frozen=True, tag="fever"):
    """Run a temperature; 0 ends it."""

    celsius: float


class Silence(_Do, frozen=True, tag="silence"):
    """Stop the band's radio, for good or `for_s`, while it lies where it is."""

    for_s: float | None = None


class Speak(_Do, frozen=True, tag="speak"):
    """End a silence."""


class Reboot(_Do, frozen=True, tag="reboot"):
    """Reset the band. Its clock survives, unless it `loses_clock` as after an empty battery."""

    loses_clock: bool = False


class SetClock(_Do, frozen=True, tag="set_clock"):
    """Tell the band the time of day, as the depot does."""


class Replay(_Do, frozen=True, tag="replay"):
    """An attacker sends a recorded advert again, from the address that it came from."""

    copies: int = 1


class Play(_Do, frozen=True, tag="play"):
    """An attacker sends an advert that he recorded elsewhere or long ago, in the band's home or in another one."""

    address: str
    data: str  # hex, the advertising data
    home: str | None = None


class Flip(_Do, frozen=True, tag="flip"):
    """An attacker sends the newest advert with one sealed bit turned over."""

    copies: int = 1


class Forge(_Do, frozen=True, tag="forge"):
    """An attacker sends noise from the band's address, marked urgent and freshly counted."""

    copies: int = 1


class Clone(_Do, frozen=True, tag="clone"):
    """A second device with the band's stolen key says something else under the newest counter."""


Action = (
    CutStrap
    | TakeOff
    | PutOn
    | PressSos
    | Touch
    | Leave
    | Return
    | SetBattery
    | Charge
    | Fever
    | Silence
    | Speak
    | Reboot
    | SetClock
    | Replay
    | Play
    | Flip
    | Forge
    | Clone
)
