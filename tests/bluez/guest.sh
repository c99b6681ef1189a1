#!/bin/sh
# The guest's first process once the shares are mounted: a bus, a Bluetooth daemon, the tests, and off.
# From the kernel's command line: ANCU_PYTHON, ANCU_ROOT.
export PATH=/usr/sbin:/usr/bin HOME=/root PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8
for word in $(cat /proc/cmdline); do
    case $word in ANCU_*=*) export "${word?}" ;; esac
done
say() { echo "guest $(cut -d' ' -f1 /proc/uptime) s: $*"; }
say "kernel $(uname -r)"
mkdir -p /dev/pts /dev/shm /run/dbus /var/lib/bluetooth
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
busybox ip link set lo up
busybox ip addr add 10.0.2.15/24 dev eth0 # no route: beyond the host's own address there is nothing
busybox ip link set eth0 up
modprobe -a hci_vhci uhid
dbus-daemon --system --nofork --nopidfile --nosyslog 2>/run/dbus.log &
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.1; done
/usr/libexec/bluetooth/bluetoothd -n --experimental >/run/bluetoothd.log 2>&1 &
say "bluetoothd $(/usr/libexec/bluetooth/bluetoothd --version)"
cd "$ANCU_ROOT" || exit 1
# Only the plugins that the settings name: every import costs time here.
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
"$ANCU_PYTHON" -m pytest -p no:cacheprovider -p pytest_asyncio.plugin -p pytest_timeout --tb=short -m bluez --ignore=tests/bluez/test_machine.py ${ANCU_TESTS:-tests/bluez} --durations=20 --color=no
result=$?
say "done"
if [ "$result" -ne 0 ]; then
    busybox tail -40 /run/bluetoothd.log
    dmesg | busybox grep -iE 'bluetooth|alg|crypt' | busybox tail -20
fi
echo "RESULT $result"
busybox poweroff -f
