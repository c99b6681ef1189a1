"""Alerts: what an officer is told, and what became of it. Pure, but for the inbox."""
