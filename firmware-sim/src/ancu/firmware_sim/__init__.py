"""The wristband's reference firmware, and air to carry it."""
