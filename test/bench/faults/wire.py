"""The wire between the network namespaces of `npm run bench -- faults`, for kernels without tc netem: carries IP packets
between TUN devices, and delays, loses or cuts them.

Arguments: NAME=ADDRESS,ADDRESS of each device, which it creates here; its starter moves them into their namespaces.
Standard input: a line of JSON replaces all rules, [{"from": ADDRESS, "to": ADDRESS, "delay": MS, "loss": SHARE}]; a loss of 1
is a cut. A rule holds for its direction alone. It ends with its input.
"""

import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
MAX_PACKET = 65536


def open_device(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def main():
    devices = {}
    for argument in sys.argv[1:]:
        name, addresses = argument.split("=")
        device = open_device(name)
        for address in addresses.split(","):
            devices[socket.inet_aton(address)] = device
    selector = selectors.DefaultSelector()
    for device in set(devices.values()):
        selector.register(device, selectors.EVENT_READ)
    control = sys.stdin.fileno()
    os.set_blocking(control, False)
    selector.register(control, selectors.EVENT_READ)
    print("ready", flush=True)
    rules, waiting, text, number = {}, [], b"", 0

    def deliver(packet):
        try:
            os.write(devices[packet[16:20]], packet)
        except (OSError, KeyError):
            pass  # nobody has this address, or its device is full or gone: the packet is lost

    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(timeout):
            if key.fd == control:
                read = os.read(control, MAX_PACKET)
                if not read:
                    return
                *lines, text = (text + read).split(b"\n")
                if lines:
                    rules = {
                        socket.inet_aton(rule["from"]) + socket.inet_aton(rule["to"]): rule for rule in json.loads(lines[-1])
                    }
                continue
            for _ in range(64):
                try:
                    packet = os.read(key.fd, MAX_PACKET)
                except OSError:
                    break
                if packet[0] >> 4 != 4:
                    continue
                rule = rules.get(packet[12:20])
                if rule is None:
                    deliver(packet)
                elif random.random() >= rule.get("loss", 0):
                    number += 1
                    heapq.heappush(waiting, (time.monotonic() + rule.get("delay", 0) / 1000, number, packet))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            deliver(heapq.heappop(waiting)[2])


main()
