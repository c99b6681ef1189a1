"""Adapters: the only modules that touch a disk, a socket or a process."""
