"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("anywhere", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("anywhere")
