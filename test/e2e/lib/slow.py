# SPDX-License-Identifier: MIT
"""Visitors and targets that do not read, beside a neighbour that does.

    slow.py targets
        prints the ports of three targets as JSON: one that sends without an end, one that never
        reads, one that sends what it is asked for and says what it got
    slow.py watch --flood PORT --sink PORT --near PORT --count N --seconds S --pids P,P
        opens N connections to each of the first two tunnels, reads nothing, sends until nothing
        more is taken, and moves data through the third one all the time; one line of JSON per
        sample with the memory of the processes, one at the end
"""

import argparse
import json
import selectors
import socket
import struct
import sys
import threading
import time

CHUNK = bytes(range(256)) * 256
NEAR_BYTES = 4 << 20
SMALL_BUFFER = 8192
QUIET_S = 4
FILL_MAX_S = 90


def say(**fields):
    print(json.dumps(fields), flush=True)


def listen():
    return socket.create_server(("127.0.0.1", 0), backlog=256)


def read_all(s, n):
    got = 0
    while got < n:
        part = s.recv(min(n - got, 1 << 20))
        if not part:
            raise EOFError("the connection ended after %d of %d bytes" % (got, n))
        got += len(part)


def serve_near(s):
    """Reads as many bytes as the head says, sends as many back."""
    with s:
        n = struct.unpack("!Q", s.recv(8, socket.MSG_WAITALL))[0]
        read_all(s, n)
        for _ in range(n // len(CHUNK)):
            s.sendall(CHUNK)


class Stuck:
    """Connections that are written to as long as they take something, and never read."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.kept = []
        self.sent = 0

    def add(self, s, writes):
        s.setblocking(False)
        self.kept.append(s)
        if writes:
            self.selector.register(s, selectors.EVENT_WRITE)

    def step(self, timeout):
        for key, _ in self.selector.select(timeout):
            try:
                self.sent += key.fileobj.send(CHUNK)
            except BlockingIOError:
                pass
            except OSError:
                self.selector.unregister(key.fileobj)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.step(left)


def targets():
    stuck = Stuck()
    flood, sink, near = listen(), listen(), listen()
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    say(**{name: s.getsockname()[1]
           for name, s in (("flood", flood), ("sink", sink), ("near", near))})
    for s in (flood, sink, near):
        s.setblocking(False)
        stuck.selector.register(s, selectors.EVENT_READ)
    while True:
        for key, _ in stuck.selector.select():
            if key.fileobj not in (flood, sink, near):
                try:
                    key.fileobj.send(CHUNK)
                except BlockingIOError:
                    pass
                except OSError:
                    stuck.selector.unregister(key.fileobj)
                continue
            s = key.fileobj.accept()[0]
            if key.fileobj is near:
                s.setblocking(True)
                threading.Thread(target=serve_near, args=(s,), daemon=True).start()
            else:
                stuck.add(s, key.fileobj is flood)


def open_visitor(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    s.connect(("127.0.0.1", port))
    return s


def move(port, n):
    """n bytes there and back; bytes per second."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.sendall(struct.pack("!Q", n))
        for _ in range(n // len(CHUNK)):
            s.sendall(CHUNK)
        read_all(s, n)
    return 2 * n / (time.monotonic() - start)


class Neighbour:
    """Moves NEAR_BYTES each way, again and again with pauses, in a thread."""

    def __init__(self, port, pause):
        self.port, self.pause = port, pause
        self.rates = []
        self.error = None
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.end.is_set():
            try:
                self.rates.append(move(self.port, NEAR_BYTES))
            except (OSError, EOFError) as e:
                self.error = str(e)
                return
            self.end.wait(self.pause)

    def stop(self):
        self.end.set()
        self.thread.join()


def rss_kb(pid):
    with open("/proc/%s/status" % pid, encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def median(v):
    return sorted(v)[len(v) // 2] if v else 0


def fill(stuck):
    """Until for a while nothing more is taken."""
    quiet_since, sent = time.monotonic(), -1
    deadline = quiet_since + FILL_MAX_S
    while time.monotonic() < min(quiet_since + QUIET_S, deadline):
        stuck.run(0.2)
        if stuck.sent != sent:
            quiet_since, sent = time.monotonic(), stuck.sent


def watch(opt):
    pids = opt.pids.split(",")
    before = median([move(opt.near, NEAR_BYTES) for _ in range(5)])
    say(event="before", rss_kb=[rss_kb(p) for p in pids], near_mb_s=round(before / 1e6))
    stuck = Stuck()
    for _ in range(opt.count):
        stuck.add(open_visitor(opt.flood), False)
        stuck.add(open_visitor(opt.sink), True)
    fill(stuck)
    near = Neighbour(opt.near, opt.seconds / 60)
    near.thread.start()
    samples = []
    start = time.monotonic()
    while time.monotonic() - start < opt.seconds:
        samples.append([rss_kb(p) for p in pids])
        say(event="sample", at=round(time.monotonic() - start), rss_kb=samples[-1],
            sent=stuck.sent)
        stuck.run(opt.seconds / 15)
    near.stop()
    third = len(samples) // 3
    say(event="end", near_error=near.error, near_rounds=len(near.rates), visitors=len(stuck.kept),
        writing=len(stuck.selector.get_map()), sent=stuck.sent,
        near_mb_s=round(median(near.rates) / 1e6),
        near_part=round(median(near.rates) / before, 2),
        peak_kb=[max(s[i] for s in samples) for i in range(len(pids))],
        growth_kb=[max(s[i] for s in samples[-third:]) - max(s[i] for s in samples[:-third])
                   for i in range(len(pids))])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=("targets", "watch"))
    for name in ("flood", "sink", "near", "count"):
        p.add_argument("--" + name, type=int)
    p.add_argument("--seconds", type=float)
    p.add_argument("--pids")
    opt = p.parse_args()
    if opt.what == "targets":
        targets()
    else:
        watch(opt)


if __name__ == "__main__":
    sys.exit(main())
