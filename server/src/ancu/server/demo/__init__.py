"""The demo: the whole chain on one machine, played by a script and checked against it."""
