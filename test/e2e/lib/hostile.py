# SPDX-License-Identifier: MIT
"""Peers that mean no good, for hostile.sh.

hostile.py header PORT MEGABYTES        a request with a header that long: the answer's status and how much was taken
hostile.py body PORT PATH MEGABYTES     the same with a body
hostile.py hold PORT SECONDS KIND...    begins that way and falls silent: "KIND closed" or "KIND open" after the time
hostile.py silent PORT SOURCE N         N upgraded connections from that address: "ready", and stays
hostile.py crowd PORT SOURCE N          N connections from that address that send nothing, opened again whenever they are
                                        closed: "refused" when one is closed long before its time, and goes on
hostile.py visitors PORT N              N connections that send nothing: "ready", and stays
"""

import selectors
import socket
import sys
import threading
import time

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: rport-v1\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
MEGABYTE = b"x" * 1000000


def connect(port, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", int(port)), 20, (source, 0))


def upgrade(s):
    s.sendall(UPGRADE)
    head = b""
    while b"\r\n\r\n" not in head:
        part = s.recv(1024)
        if not part:
            break
        head += part
    return head.startswith(b"HTTP/1.1 101")


def stream(port, start, megabytes):
    """Sends until the server has enough of it."""
    s = connect(port)
    taken = 0
    try:
        s.sendall(start)
        for _ in range(int(megabytes)):
            s.sendall(MEGABYTE)
            taken += 1
    except OSError:
        pass
    try:
        answer = s.recv(1000)
    except OSError:
        answer = b""
    status = answer.split(b" ")[1].decode() if answer.startswith(b"HTTP/1.1 ") else "none"
    print("status", status, "early" if taken < int(megabytes) else "late")


def begin(s, kind):
    if kind == "head":
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    elif kind == "upgrade":
        upgrade(s)
    elif kind == "version":
        upgrade(s)
        line = b"SSH-rport-v1-client\r\n"
        s.sendall(bytes([0x82, 0x80 | len(line), 0, 0, 0, 0]) + line)
    elif kind == "frame":
        upgrade(s)
        s.sendall(bytes([0x82, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0]) + b"SSH-2.0-half")


def trickle(s, kind, until):
    """One byte of a never ending head each half second."""
    while kind == "trickle" and time.monotonic() < until:
        s.sendall(b"x")
        time.sleep(0.5)


def hold(port, seconds, kind):
    until = time.monotonic() + float(seconds)
    s = connect(port)
    state = "closed"
    try:
        begin(s, kind)
        trickle(s, kind, until)
        while True:
            s.settimeout(max(0.1, until - time.monotonic()))
            if not s.recv(65536):
                break
    except socket.timeout:
        state = "open"
    except OSError:
        pass
    print(kind + " " + state + "\n", end="", flush=True)


def hold_all(port, seconds, *kinds):
    threads = [threading.Thread(target=hold, args=(port, seconds, kind)) for kind in kinds]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def stay(sockets):
    print("ready", len(sockets), flush=True)
    time.sleep(120)


def silent(port, source, n):
    held = []
    for _ in range(int(n)):
        s = connect(port, source)
        if upgrade(s):
            held.append(s)
        else:
            s.close()
    stay(held)


class Crowd:
    """Connections of one source that say nothing, as many as the server lets stand."""

    def __init__(self, port, source, n):
        self.port, self.source, self.n = port, source, int(n)
        self.poll = selectors.DefaultSelector()
        self.count = 0
        self.told = False

    def open(self):
        try:
            s = connect(self.port, self.source)
        except OSError:
            return
        self.poll.register(s, selectors.EVENT_READ, time.monotonic())
        self.count += 1

    def drop(self, s, since):
        self.poll.unregister(s)
        s.close()
        self.count -= 1
        if not self.told and time.monotonic() - since < 4:
            print("refused", flush=True)
            self.told = True

    def run(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for _ in range(min(50, self.n - self.count)):
                self.open()
            for key, _ in self.poll.select(0.1):
                self.drop(key.fileobj, key.data)


def crowd(port, source, n):
    Crowd(port, source, n).run(120)


def visitors(port, n):
    stay([connect(port) for _ in range(int(n))])


def main():
    name, *args = sys.argv[1:]
    if name == "header":
        stream(args[0], b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", args[1])
    elif name == "body":
        start = "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n" % args[1]
        stream(args[0], start.encode(), args[2])
    else:
        {"hold": hold_all, "silent": silent, "crowd": crowd, "visitors": visitors}[name](*args)


if __name__ == "__main__":
    main()
