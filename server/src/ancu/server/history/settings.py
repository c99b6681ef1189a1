"""server.toml: the table [challenges]."""

from __future__ import annotations

from ancu.models.config import Settings

__all__ = ["ChallengeSettings"]


class ChallengeSettings(Settings, frozen=True):
    """How often bands are asked whether they are there and worn."""

    every_h: float = 0.0  # on average, each band; 0: never
    within_s: float = 300.0  # to be answered in
    tap: bool = False  # the wearer has to touch the band
