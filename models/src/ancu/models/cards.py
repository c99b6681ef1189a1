"""Model cards: where a network's weights came from, what they may be used for, how they are fed, what was measured.

A card is a TOML file beside its weights. Unknown keys are refused, and weights that are not the card's are not run.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from ancu.models.config import Settings
from ancu.models.errors import AncuError

__all__ = ["Card", "CardError", "Input", "Measured", "Source", "load_card", "verified_weights"]


class CardError(AncuError):
    """A model card or its weights cannot be used; the message names the file and what is wrong."""

    code = "card"


class Source(Settings, frozen=True):
    """The registry package that the weights were converted from."""

    registry: str
    package: str
    version: str
    licence: str  # SPDX, of the weights
    authors: list[str]
    convert: str  # the command that makes the file anew


class Input(Settings, frozen=True):
    """What the network is fed: `layout` of a float tensor, from which `mean` per channel was taken."""

    name: str
    side: int  # pixels of the longer edge
    layout: str
    colour: str
    mean: tuple[float, float, float]


class Measured(Settings, frozen=True):
    """One figure, and how to get it again."""

    on: str
    figures: dict[str, float]
    command: str


class Card(Settings, frozen=True):
    """One model card."""

    task: str
    weights: str  # file beside the card
    sha256: str
    classes: list[str]
    output: str
    source: Source
    input: Input
    measured: tuple[Measured, ...] = ()
    limits: str = ""


def load_card(path: Path) -> Card:
    """Read a card; `CardError` when it is absent, is no card, or holds an unknown key."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Card)
    except FileNotFoundError:
        raise CardError(f"no model card at {path}: is the camera part installed?") from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CardError(f"{path}: {error}") from error


def verified_weights(path: Path) -> tuple[Card, bytes]:
    """The card at `path` and its weights; `CardError` when the bytes are not those that the card was written for."""
    card = load_card(path)
    file = path.parent / card.weights
    if file.parent != path.parent:
        raise CardError(f"{path}: weights lie outside of the card's folder: {card.weights}")
    try:
        weights = file.read_bytes()
    except OSError as error:
        raise CardError(f"{path}: no weights: {error}") from error
    found = hashlib.sha256(weights).hexdigest()
    if found != card.sha256:
        raise CardError(f"{file}: sha256 {found}, but its card says {card.sha256}: fetch the file again")
    return card, weights
