"""The guest's first file system, in memory: busybox, the few kernel modules that reach the shares, and small files.

It stays the root: what else the guest needs (system, Python, sources) is mounted into it from the host, read-only.
"""

from __future__ import annotations

import gzip
import lzma
import re
import stat
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BUSYBOX", "Share", "build_initrd", "modules_for"]

BUSYBOX = Path("/bin/busybox")

_FOLDERS = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/lib", "/root")  # noqa: S108 - the guest's own
_MERGED_USR = {f"/{name}": f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")}
REACH_THE_HOST = ("virtio_pci", "9pnet_virtio", "9p", "virtio_net")
_USERS = (
    "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:101:101::/nonexistent:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"
)
_GROUPS = "root:x:0:\nmessagebus:x:101:\nnogroup:x:65534:\nbluetooth:x:102:\n"


@dataclass(frozen=True, slots=True)
class Share:
    """A folder of the host that the guest sees at the same place, read-only."""

    tag: str
    folder: Path


def build_initrd(
    modules: Path, shares: Iterable[Share], links: Mapping[str, str], files: Mapping[str, bytes], then: str
) -> bytes:
    """A gzipped newc archive. `links` and `files` are by absolute path; `then` is the program after the mounts."""
    order = modules_for(modules, REACH_THE_HOST)
    shares = list(shares)
    entries = _Entries()
    for folder in (*_FOLDERS, *(str(share.folder) for share in shares)):
        entries.folder(folder)
    for path, target in {**_MERGED_USR, **links}.items():
        entries.add(path, target.encode(), stat.S_IFLNK | 0o777)
    for path in order:
        entries.add(f"/modules/{_ko_name(path)}", _inflated(path), stat.S_IFREG | 0o644)
    # Under /usr, where the host's own, the same ones, cover them once they are mounted.
    for path in (BUSYBOX, *_libraries_of(BUSYBOX)):
        entries.add(str(path.parent.resolve() / path.name), path.read_bytes(), stat.S_IFREG | 0o755)
    entries.add("/init", _init(order, shares, then).encode(), stat.S_IFREG | 0o755)
    for path, body in (("/etc/passwd", _USERS.encode()), ("/etc/group", _GROUPS.encode()), *files.items()):
        entries.add(path, body, stat.S_IFREG | 0o644)
    return gzip.compress(entries.archive(), 1)


def modules_for(modules: Path, wanted: Iterable[str]) -> list[Path]:
    """Files of the modules, each after those it depends on; none for what is built into the kernel."""
    table: dict[str, tuple[str, list[str]]] = {}
    for line in (modules / "modules.dep").read_text("ascii").splitlines():
        path, _, needs = line.partition(":")
        table[_module_name(path)] = path, needs.split()
    order: list[Path] = []
    for name in wanted:
        if name in table:
            path, needs = table[name]
            # The file names them nearest first.
            order += [modules / one for one in [*reversed(needs), path] if modules / one not in order]
    return order


class _Entries:
    def __init__(self) -> None:
        self._bodies: dict[str, tuple[bytes, int]] = {}

    def folder(self, path: str) -> None:
        for parent in (*reversed(Path(path).parents), Path(path)):
            if str(parent) != "/":
                self._bodies.setdefault(str(parent), (b"", stat.S_IFDIR | 0o755))

    def add(self, path: str, body: bytes, mode: int) -> None:
        self.folder(str(Path(path).parent))
        self._bodies[path] = body, mode

    def archive(self) -> bytes:
        entries = [(path.lstrip("/"), body, mode) for path, (body, mode) in self._bodies.items()]
        return b"".join(_newc(*entry) for entry in (*entries, ("TRAILER!!!", b"", 0)))


def _newc(name: str, body: bytes, mode: int) -> bytes:
    """One entry of cpio's `newc` format: a header of hex fields, the name, the body, each padded to 4 bytes."""
    fields = (0, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + body + bytes(-len(body) % 4)


def _init(order: Iterable[Path], shares: Iterable[Share], then: str) -> str:
    lines = ["#!/bin/busybox sh", "B=/bin/busybox"]
    lines += [f"$B mount -t {kind} {kind} {at}" for kind, at in (("proc", "/proc"), ("sysfs", "/sys"))]
    lines += ["$B mount -t devtmpfs dev /dev"]
    lines += [f"$B insmod /modules/{_ko_name(path)} || echo cannot load {path.name}" for path in order]
    options = "trans=virtio,version=9p2000.L,msize=1048576,cache=loose,ro"
    lines += [f"$B mount -t 9p -o {options} {s.tag} {s.folder} || echo cannot mount {s.folder}" for s in shares]
    return "\n".join([*lines, f"exec {then}", ""])


def _libraries_of(program: Path) -> list[Path]:
    """What a dynamic program is linked with; nothing for a static one."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return [Path(found) for found in re.findall(r"(/\S+) \(0x", listed.stdout)] if listed.returncode == 0 else []


def _module_name(path: str) -> str:
    return Path(path).name.split(".")[0].replace("-", "_")


def _ko_name(path: Path) -> str:
    return path.name.split(".")[0] + ".ko"


def _inflated(path: Path) -> bytes:
    body = path.read_bytes()
    return lzma.decompress(body) if path.suffix == ".xz" else body
