"""`make bluez`: the edge on the Bluetooth stack that real boxes have, in a machine of its own.

Debian's kernel boots in QEMU; inside run `bluetoothd`, the edge agent as it is, and the tests of this folder. The bands
live outside, in firmware-sim: its controllers' HCI comes in over TCP and goes into /dev/vhci. Nothing is installed and
no image is built; the guest sees a few folders of the host, read-only.
"""

from __future__ import annotations

import argparse
import compileall
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ancu.firmware_sim.flash import FlashFile
from ancu.firmware_sim.log import Log
from ancu.firmware_sim.mcuboot import Version, make_image
from ancu.models.config import write_secret
from ancu.models.frame import Status
from ancu.models.history import Vitals
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys
from ancu.server.adapters.pki import Authority

from .initrd import BUSYBOX, Share, build_initrd

ROOT = Path(__file__).resolve().parents[2]
BOOT, MODULES = Path("/boot"), Path("/usr/lib/modules")
BLUETOOTHD = Path("/usr/libexec/bluetooth/bluetoothd")
NEEDED = {  # Debian's package: what shows that it is there
    "qemu-system-x86": "qemu-system-x86_64",
    "bluez": str(BLUETOOTHD),
    "dbus": "dbus-daemon",
    "kmod": "modprobe",
    "busybox": str(BUSYBOX),
}
HOMES = {"home-1": (1, 2), "home-2": (3,)}  # one adapter each, and the bands that it hears
ORDINARY = {"home-2": [901]}  # heart-rate bands of the shop beside them
GUEST_PARTS = ("models", "edge")
LINKS = {"/var/run": "/run"}
HISTORY_RECORDS = 480
INTERVAL_S = 0.5
LIMIT_S = 180.0  # what the whole may take, machine and all


class Kernel(NamedTuple):
    image: Path
    modules: Path


def main() -> int:
    """Boot, run, report; 0 when every test in the guest passed within the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--within", type=float, default=LIMIT_S, metavar="SECONDS", help="give up after so long")
    parser.add_argument("tests", nargs="?", default="tests/bluez", help="a file of this folder instead of all")
    options = parser.parse_args()
    limit_s = options.within
    began = time.monotonic()
    missing = missing_packages()
    if missing:
        print(f"make bluez needs Debian packages that are not here:\n  apt-get install {' '.join(missing)}", flush=True)  # noqa: T201
        return 2
    for part in GUEST_PARTS:
        compileall.compile_dir(ROOT / part / "src", quiet=1)  # here it takes a moment, in the guest many
    with tempfile.TemporaryDirectory(prefix="ancu-bluez-") as name:
        folder = Path(name)
        authority = Authority.create(folder / "ca", "bluez")
        authority.issue_device("edge-1", folder / "outside" / "edge.crt", folder / "outside" / "edge.tls")
        shutil.copy(authority.certificate_file, folder / "outside" / "ca.crt")
        with bands_on_the_air(folder / "outside"):
            code = boot(folder / "outside", options.tests, began + limit_s)
    took_s = time.monotonic() - began
    print(f"{'all green' if code == 0 else 'FAILED'} after {took_s:.0f} s of at most {limit_s:.0f}", flush=True)  # noqa: T201
    return code


def missing_packages() -> list[str]:
    """Debian's names of what is not installed."""
    missing = [package for package, program in NEEDED.items() if shutil.which(program) is None]
    return missing if kernel() else [*missing, "linux-image-amd64"]


def kernel() -> Kernel | None:
    """The newest installed kernel that can have virtual Bluetooth controllers; cloud flavours cannot."""
    found = [
        Kernel(image, MODULES / image.name.removeprefix("vmlinuz-"))
        for image in BOOT.glob("vmlinuz-*")
        if os.access(image, os.R_OK)
    ]
    able = [one for one in found if any(one.modules.glob("kernel/drivers/bluetooth/hci_vhci.ko*"))]
    return max(able, key=lambda one: [int(number) for number in re.findall(r"\d+", one.image.name)], default=None)


@contextmanager
def bands_on_the_air(folder: Path) -> Iterator[None]:
    """firmware-sim in a process of its own; the guest finds its control file in `folder`."""
    numbers = sorted(number for bands in HOMES.values() for number in bands)
    remember(folder / "flash", numbers)
    rows = (f'[[bands]]\nnumber = {n}\nkey = "{n.to_bytes(16, "big").hex()}"\norder = "order-1"\n' for n in numbers)
    write_secret(folder / "bands.toml", "\n".join(rows).encode())
    homes = (
        f'[[homes]]\nname = "{name}"\nbands = {list(bands)}\ngatt = true\nordinary = {ORDINARY.get(name, [])}\n'
        for name, bands in HOMES.items()
    )
    write_firmware(folder)
    (folder / "sim.toml").write_text(
        'bands_file = "bands.toml"\ncontrol_port = 0\ncontrol_file = "control.json"\nflash_file = "flash"\n'
        'update_key = "update.pem"\n'
        f"interval_s = {INTERVAL_S}\nloss = 0.02\n" + "".join(homes)
    )
    with (folder / "sim.log").open("wb") as log:
        command = [Path(sys.executable).with_name("ancu"), "sim", "bands", "--config", folder / "sim.toml"]
        process = subprocess.Popen(command, stderr=log)
    try:
        until_s = time.monotonic() + 30
        while not (folder / "control.json").exists():
            if process.poll() is not None or time.monotonic() > until_s:
                raise SystemExit("firmware-sim does not start:\n" + (folder / "sim.log").read_text())
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def remember(path: Path, numbers: list[int]) -> None:
    """Bands that were out of range for eight hours: a record a minute in their flash."""
    flash = FlashFile(path)
    for number in numbers:
        log = Log(flash.page(number), derive_band_keys(number.to_bytes(16, "big"), OrderId("order-1")).history)
        for minute in range(HISTORY_RECORDS):
            log.append(0, 60 * minute, Vitals(60 + minute % 40, 97, 361, 80, Status.SKIN, tamper=False))
    flash.close()


def write_firmware(folder: Path) -> None:
    """New firmware for the bands, and the key by which they know it."""
    key = Ed25519PrivateKey.generate()
    (folder / "update.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (folder / "band.bin").write_bytes(make_image(b"new firmware" * 500, Version(0, 2), 2, key))


def boot(folder: Path, tests: str, until_s: float) -> int:
    """Run the guest to its end, its console on ours; the exit code of its tests, 1 if it never said one.

    `folder` is what it sees of the outside; it must hold no more.
    """
    found = kernel()
    assert found is not None
    shares = guest_shares(folder)
    # As it was called: a virtual environment is found by the place of its link.
    python = Path(sys.executable)
    initrd = folder.with_name("initrd.gz")
    initrd.write_bytes(
        build_initrd(found.modules, shares, LINKS, guest_files(), f"/bin/sh {ROOT}/tests/bluez/guest.sh")
    )
    told = {"PYTHON": python, "ROOT": ROOT, "TESTS": tests, "OUTSIDE": folder}
    words = " ".join(
        ["console=ttyS0 quiet panic=-1 tsc=reliable mitigations=off", *(f"ANCU_{k}={v}" for k, v in told.items())]
    )
    command = [
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,-la57", "-smp", "2", "-m", "1G"),
        *("-M", "q35,usb=off", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-kernel", str(found.image), "-initrd", str(initrd), "-append", words),
        *("-device", "virtio-rng-pci", "-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0,romfile="),
    ]
    for share in shares:
        options = f"path={share.folder},mount_tag={share.tag},security_model=none,readonly=on,multidevs=remap"
        command += ["-virtfs", f"local,{options}"]
    return _watch(command, until_s)


def guest_shares(outside: Path) -> list[Share]:
    """What the guest may see: the system's programs, Python, the parts that it runs, and where the bands are."""
    python = [Path(sys.prefix), Path(sys.base_prefix)]
    parts = [*(ROOT / part for part in GUEST_PARTS), ROOT / "tests" / "bluez"]
    folders = [Path("/usr"), *(one for one in python if not one.is_relative_to("/usr")), *parts, outside]
    return [Share(f"share{place}", folder) for place, folder in enumerate(dict.fromkeys(folders))]


def guest_files() -> dict[str, bytes]:
    """Small files that lie outside the shares."""
    policies = Path("/etc/dbus-1/system.d")
    paths = [ROOT / "pyproject.toml", policies / "bluetooth.conf", *Path("/etc/bluetooth").glob("*.conf")]
    return {str(path): path.read_bytes() for path in paths if path.exists()}


def _watch(command: list[str], until_s: float) -> int:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
    late = threading.Timer(max(0.0, until_s - time.monotonic()), lambda: process.send_signal(signal.SIGKILL))
    late.start()
    code = 1
    try:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)  # noqa: T201
            if said := re.match(r"RESULT (\d+)", line):
                code = int(said[1])
        process.wait()
    finally:
        late.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
    return code


if __name__ == "__main__":
    sys.exit(main())
