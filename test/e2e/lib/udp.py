# SPDX-License-Identifier: MIT
"""Visitors of UDP tunnels and the target behind them, for udp.sh.

    udp.py target HOST SECONDS      prints its port; echoes, except what begins with
                                    F  kept for the number in it     Q  answered with the highest such
                                    B  answered with a flood         T  answered ten times a second
    udp.py sizes HOST PORT N...     datagrams of N bytes there and back, compared
    udp.py flows HOST PORT N ROUNDS N sockets at once, each with data of its own
    udp.py flood HOST PORT N        N datagrams of 1400 bytes as fast as they go
    udp.py newest HOST PORT N       until the target has got one of the last of those N
    udp.py flooded HOST PORT N      asks for N datagrams: "asked", "newest NUMBER of N" when one of
                                    the last has come
    udp.py ticks HOST PORT SOURCE   "tick" for each datagram that comes back, until it is ended

A datagram may get lost on the way, as on any network: what is missing is sent again, a few times.
Everything ends by itself.
"""

import hashlib
import select
import socket
import struct
import sys
import time

TRIES = 8
WAIT_S = 3
TICKS_S = 120
FLOOD_BYTES = 1400
# A socket buffer may lose what comes after the newest; of so many, one has to arrive.
NEWEST = 300
# Beyond the limit where the system allows it.
SO_RCVBUFFORCE = 33
BUFFER = 64 << 20


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def udp_socket(host):
    s = socket.socket(family(host), socket.SOCK_DGRAM)
    try:
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    except PermissionError:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    return s


def visitor(host, port, source=None):
    s = udp_socket(host)
    if source:
        s.bind((source, 0))
    s.connect((host, port))
    s.settimeout(WAIT_S)
    return s


def content(name, n):
    """n bytes that no other datagram of this run has."""
    return hashlib.shake_128(repr(name).encode()).digest(n) if n else b""


def target(host, seconds):
    s = udp_socket(host)
    s.bind((host, 0))
    print("port", s.getsockname()[1], flush=True)
    end = time.monotonic() + seconds
    highest = -1
    ticking = {}
    while time.monotonic() < end:
        if not select.select([s], [], [], 0.1)[0]:
            for address in ticking:
                s.sendto(b"tick", address)
            continue
        data, address = s.recvfrom(65536)
        kind = data[:1]
        if kind == b"F":
            highest = max(highest, struct.unpack("!xQ", data[:9])[0])
        elif kind == b"Q":
            s.sendto(b"%d" % highest, address)
        elif kind == b"B":
            flood_back(s, address, struct.unpack("!xQ", data[:9])[0])
        elif kind == b"T":
            ticking[address] = True
        else:
            s.sendto(data, address)


def slow_down(i, n):
    """The kernel drops the newest when a socket's buffer is full, so the last ones come slowly:
    what is tested are the queues behind it."""
    if i >= n - 2 * NEWEST:
        time.sleep(0.001)


def flood_back(s, address, n):
    print("flooding", flush=True)
    for i in range(n):
        slow_down(i, n)
        s.sendto(struct.pack("!xQ", i).ljust(FLOOD_BYTES, b"."), address)
    print("flooded", flush=True)


def echo(s, data):
    for _ in range(TRIES):
        s.send(data)
        try:
            while s.recv(65536) != data:
                pass  # the answer to an earlier try
            return
        except TimeoutError:
            pass
    sys.exit("%d bytes did not come back unchanged" % len(data))


def sizes(host, port, wanted):
    with visitor(host, port) as s:
        for n in wanted:
            for i in range(3):
                # The first byte must not be a command.
                echo(s, b"x" + content((n, i), n - 1) if n else b"")
    print("sizes", *wanted)


def flows(host, port, count, rounds):
    """One round: everybody sends, everybody gets its own back, whatever was lost is sent again."""
    sockets = [visitor(host, port) for _ in range(count)]
    poll = select.poll()
    by_fd = {s.fileno(): i for i, s in enumerate(sockets)}
    own = [set() for _ in sockets]
    for s in sockets:
        s.setblocking(False)
        poll.register(s, select.POLLIN)

    def gather(missing, sent, wait):
        while missing:
            ready = poll.poll(wait * 1000)
            if not ready:
                return
            for fd, _ in ready:
                i = by_fd[fd]
                data = sockets[i].recv(65536)
                if data not in own[i]:
                    sys.exit("flow %d got what is not its own" % i)
                if data == sent[i]:
                    missing.discard(i)

    for r in range(rounds):
        sent = [b"x" + content((r, i), 20 + (i * 37 + r * 411) % 1380) for i in range(count)]
        missing = set(range(count))
        for i in missing:
            own[i].add(sent[i])
        for _ in range(TRIES):
            for n, i in enumerate(sorted(missing, reverse=r % 2 == 1)):
                sockets[i].send(sent[i])
                if n % 100 == 99:
                    gather(missing, sent, 0)
            gather(missing, sent, WAIT_S)
        if missing:
            sys.exit("round %d: %d of %d flows got nothing" % (r, len(missing), count))
    print("flows", count)


def flood(host, port, count):
    with visitor(host, port) as s:
        for i in range(count):
            slow_down(i, count)
            s.send(struct.pack("!cQ", b"F", i).ljust(FLOOD_BYTES, b"."))


def newest(host, port, count):
    with visitor(host, port) as s:
        end = time.monotonic() + 40
        highest = -1
        while time.monotonic() < end:
            s.send(b"Q")
            try:
                highest = max(highest, int(s.recv(100)))
            except TimeoutError:
                continue
            if highest >= count - NEWEST:
                print("newest", highest)
                return
            time.sleep(0.05)
    sys.exit("of %d the newest that arrived is %d" % (count, highest))


def flooded(host, port, count):
    with visitor(host, port) as s:
        s.settimeout(60)
        s.send(struct.pack("!cQ", b"B", count))
        print("asked", flush=True)
        highest = -1
        while highest < count - NEWEST:
            highest = max(highest, struct.unpack("!xQ", s.recv(65536)[:9])[0])
        print("newest", highest, "of", count, flush=True)


def ticks(host, port, source):
    with visitor(host, port, source) as s:
        s.settimeout(0.5)
        end = time.monotonic() + TICKS_S
        while time.monotonic() < end:
            s.send(b"T")
            try:
                if s.recv(100) == b"tick":
                    print("tick", flush=True)
            except TimeoutError:
                pass


def main(args):
    what, host = args[0], args[1]
    numbers = [] if what == "ticks" else [int(a) for a in args[2:]]
    if what == "target":
        target(host, *numbers)
    elif what == "sizes":
        sizes(host, numbers[0], numbers[1:])
    elif what == "flows":
        flows(host, *numbers)
    elif what == "flood":
        flood(host, *numbers)
    elif what == "newest":
        newest(host, *numbers)
    elif what == "flooded":
        flooded(host, *numbers)
    else:
        ticks(host, int(args[2]), args[3])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        pass
