"""Benchmarks: the same figures on anyone's machine."""
