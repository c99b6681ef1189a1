"""A controller of firmware-sim as an adapter of this kernel: HCI packets between its TCP port and /dev/vhci.

`python vhci.py HOST PORT`: says `hciN` when the kernel has the adapter, which goes when this process does.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys

CREATE = b"\xff\x00"  # a primary controller; the kernel answers with a packet of its own kind that holds its number
VENDOR = 0xFF
HEADERS = {1: (4, 3, 1), 2: (5, 3, 2), 3: (4, 3, 1), 4: (3, 2, 1), 5: (5, 3, 2)}
"""By packet kind: bytes of its header, where its length stands in it, and in how many bytes."""


def packets(buffer: bytearray) -> list[bytes]:
    """Whole packets at the head of a stream, which they are taken from."""
    found = []
    while buffer:
        size, at, width = HEADERS[buffer[0]]
        if len(buffer) < size:
            break
        size += int.from_bytes(buffer[at : at + width], "little")
        if len(buffer) < size:
            break
        found.append(bytes(buffer[:size]))
        del buffer[:size]
    return found


def main(host: str, port: int) -> None:
    stream = socket.create_connection((host, port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    device = os.open("/dev/vhci", os.O_RDWR)
    os.write(device, CREATE)
    waiting = selectors.DefaultSelector()
    waiting.register(stream, selectors.EVENT_READ)
    waiting.register(device, selectors.EVENT_READ)
    buffer = bytearray()
    while True:
        for key, _ in waiting.select():
            if key.fileobj is stream:
                heard = stream.recv(65536)
                if not heard:
                    return  # the other side pulled the plug
                buffer += heard
                for packet in packets(buffer):
                    os.write(device, packet)
            else:
                packet = os.read(device, 4096)
                if packet[0] == VENDOR:
                    sys.stdout.write(f"hci{int.from_bytes(packet[2:4], 'little')}\n")
                    sys.stdout.flush()
                else:
                    stream.sendall(packet)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
