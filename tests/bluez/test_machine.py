"""What can be known of the virtual machine without starting it; part of `make test`."""

from __future__ import annotations

import gzip
import stat
import struct
from pathlib import Path

import pytest

from . import machine, vhci
from .initrd import modules_for
from .machine import guest_shares


def test_a_module_comes_after_those_that_it_needs(tmp_path: Path):
    (tmp_path / "modules.dep").write_text(
        "kernel/a/virtio.ko.xz: kernel/a/virtio_ring.ko.xz\nkernel/a/virtio_ring.ko.xz:\n"
        "kernel/b/virtio-net.ko.xz: kernel/b/failover.ko.xz kernel/a/virtio.ko.xz kernel/a/virtio_ring.ko.xz\n"
    )
    names = [path.name.split(".")[0] for path in modules_for(tmp_path, ["virtio_net", "virtio", "built_in"])]
    assert names == ["virtio_ring", "virtio", "failover", "virtio-net"]


def test_the_guest_sees_the_parts_it_runs_and_nothing_else_of_the_repository(tmp_path: Path):
    folders = {share.folder for share in guest_shares(tmp_path)}
    assert machine.ROOT not in folders
    inside = {folder.relative_to(machine.ROOT).as_posix() for folder in folders if folder.is_relative_to(machine.ROOT)}
    assert inside - {".venv"} == {"models", "edge", "tests/bluez"}


def test_missing_packages_are_named_as_debian_names_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = machine.missing_packages()
    assert "qemu-system-x86" in missing
    assert "kmod" in missing


@pytest.mark.parametrize("cut", [1, 3, 7])
def test_hci_packets_are_whole_whatever_the_stream_was_cut_into(cut: int):
    command, event = bytes((1, 3, 12, 0)), bytes((4, 14, 4, 1, 3, 12, 0))
    data = struct.pack("<BHH", 2, 64, 300) + bytes(300)
    stream = command + event + data
    buffer, found = bytearray(), []
    for at in range(0, len(stream), cut):
        buffer += stream[at : at + cut]
        found += vhci.packets(buffer)
    assert found == [command, event, data]
    assert not buffer


def test_the_first_file_system_is_a_cpio_archive_with_an_init(tmp_path: Path):
    (tmp_path / "modules.dep").write_text("")
    if not machine.BUSYBOX.exists():
        pytest.skip("no busybox here")
    archive = machine.build_initrd(tmp_path, [], {"/x": "y"}, {"/etc/hello": b"there"}, "/bin/true")
    body = gzip.decompress(archive)
    assert body.startswith(b"070701")
    assert b"TRAILER!!!" in body
    mode = f"{stat.S_IFREG | 0o755:08X}".encode()
    assert body.index(mode) < body.index(b"exec /bin/true")
