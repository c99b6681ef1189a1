"""The box at home."""
