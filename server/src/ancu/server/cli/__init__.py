"""Verbs of the server's command line."""
