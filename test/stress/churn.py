# SPDX-License-Identifier: MIT
"""Users of a server all at once: clients come and go, tunnels open and close with data under way,
commands run. Ends by itself; what was done is one line of JSON, what went wrong lines before it.

    churn.py --api URL --auth USER:PASSWORD --rport FILE --config-dir DIR --clients N --echo PORT
        --udp PORT --seconds S
"""

import argparse
import base64
import collections
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

USERS = 6
CHUNK = bytes(range(256)) * 128
# Answers that a client which has just gone, or a limit, explains.
EXPECTED = {400, 404, 409, 429, 503}
START_MAX_S = 180


class Counts:
    def __init__(self):
        self.lock = threading.Lock()
        self.n = collections.Counter()
        self.trouble = []

    def add(self, name, n=1):
        with self.lock:
            self.n[name] += n

    def complain(self, text):
        with self.lock:
            self.trouble.append(text)


class Api:
    """One connection, kept."""

    def __init__(self, opt):
        self.host = opt.api.removeprefix("http://")
        self.head = {"Authorization": "Basic " + base64.b64encode(opt.auth.encode()).decode()}
        self.conn = None

    def call(self, method, path, body=None):
        if self.conn is None:
            self.conn = http.client.HTTPConnection(self.host, timeout=60)
        try:
            self.conn.request(method, "/api/v1" + path, body, self.head)
            answer = self.conn.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.conn.close()
            self.conn = None
            raise
        return answer.status, json.loads(text) if text else {}


class Clients:
    """The processes; those of the churn are stopped and started again."""

    def __init__(self, opt, counts):
        self.opt = opt
        self.counts = counts
        self.running = {}

    def start(self, i):
        name = "c%d" % i
        log = open(os.path.join(self.opt.config_dir, name + ".log"), "ab")
        with log:
            self.running[i] = subprocess.Popen(
                [self.opt.rport, "client", "-c",
                 os.path.join(self.opt.config_dir, name + ".conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self, i, sig):
        child = self.running.pop(i)
        child.send_signal(sig)
        try:
            code = child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            self.counts.complain("client %d does not end" % i)
            return
        if sig == signal.SIGTERM and code not in (0, -signal.SIGTERM):
            self.counts.complain("client %d ended with %d" % (i, code))

    def churn(self, until):
        while time.monotonic() < until:
            i = random.choice(list(self.running))
            self.stop(i, random.choice((signal.SIGTERM, signal.SIGKILL)))
            self.counts.add("restarts")
            time.sleep(random.random() * 0.3)
            self.start(i)


def talk(port, n):
    """n bytes to the echo and back; how many came back."""
    got = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        sender = threading.Thread(target=send, args=(s, n))
        sender.start()
        try:
            while got < n:
                part = s.recv(1 << 16)
                if not part:
                    break
                got += len(part)
        finally:
            sender.join()
    return got


def send(s, n):
    try:
        for _ in range(n // len(CHUNK)):
            s.sendall(CHUNK)
    except OSError:
        pass


def datagrams(port, n):
    got = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        s.connect(("127.0.0.1", port))
        for i in range(n):
            try:
                s.send(b"%d" % i * 20)
                s.recv(2000)
                got += 1
            except OSError:
                break
    return got


class User:
    """Somebody at the API."""

    def __init__(self, opt, counts, number):
        self.opt = opt
        self.counts = counts
        self.random = random.Random(number)
        self.api = Api(opt)

    def call(self, name, method, path, body=None):
        status, answer = self.api.call(method, path, body)
        if status < 300:
            self.counts.add(name)
            return answer
        self.counts.add("refused")
        if status not in EXPECTED:
            self.counts.complain("%s %s: %d %s" % (method, path, status, answer))
        return None

    def tunnel(self, client):
        udp = self.random.random() < 0.25
        remote = self.opt.udp if udp else self.opt.echo
        query = "remote=%d&check_port=%d" % (remote, self.random.random() < 0.3)
        answer = self.call("tunnels", "PUT", "/clients/%s/tunnels?%s%s" % (
            client, query, "&protocol=udp" if udp else ""))
        if answer is None:
            return
        port = int(answer["data"]["lport"])
        movers = [threading.Thread(target=self.move, args=(port, udp))
                  for _ in range(self.random.randrange(4))]
        for mover in movers:
            mover.start()
        if self.random.random() < 0.5:
            for mover in movers:
                mover.join()
        if self.random.random() < 0.9:
            self.call("closed", "DELETE", "/clients/%s/tunnels/%s?force=1" % (
                client, answer["data"]["id"]))
        for mover in movers:
            mover.join()

    def move(self, port, udp):
        try:
            if udp:
                self.counts.add("datagrams", datagrams(port, 20))
            else:
                self.counts.add("bytes", talk(port, len(CHUNK) << random.randrange(6)))
        except OSError:
            self.counts.add("broken")  # the tunnel or its client went

    def step(self):
        client = "c%d" % self.random.randrange(self.opt.clients)
        what = self.random.random()
        if what < 0.6:
            self.tunnel(client)
        elif what < 0.8:
            self.call("commands", "POST", "/clients/%s/commands" % client,
                      json.dumps({"command": "/usr/bin/printf hello", "timeout_sec": 20}))
        elif what < 0.9:
            self.call("lists", "GET", "/clients?page[limit]=20")
        else:
            self.call("looks", "GET", "/clients/%s" % client)

    def run(self, until):
        while time.monotonic() < until:
            try:
                self.step()
            except (OSError, http.client.HTTPException) as e:
                self.counts.complain("the API: %r" % e)


def until_connected(opt):
    api = Api(opt)
    end = time.monotonic() + START_MAX_S
    n = 0
    while time.monotonic() < end:
        n = api.call("GET", "/status")[1]["data"]["clients_connected"]
        if n == opt.clients:
            return n
        time.sleep(0.3)
    return n


def play(opt, clients, counts):
    until = time.monotonic() + opt.seconds
    threads = [threading.Thread(target=User(opt, counts, i).run, args=(until,))
               for i in range(USERS)]
    threads.append(threading.Thread(target=clients.churn, args=(until,)))
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def main():
    f = argparse.ArgumentParser()
    for name in ("api", "auth", "rport", "config-dir"):
        f.add_argument("--" + name, required=True)
    for name in ("clients", "echo", "udp", "seconds"):
        f.add_argument("--" + name, type=int, required=True)
    opt = f.parse_args()
    counts = Counts()
    clients = Clients(opt, counts)
    try:
        for i in range(opt.clients):
            clients.start(i)
        counts.add("connected", until_connected(opt))
        play(opt, clients, counts)
        counts.add("connected_after", until_connected(opt))
    finally:
        for i in list(clients.running):
            clients.stop(i, signal.SIGTERM)
    for text in counts.trouble[:20]:
        print("#", text)
    print(json.dumps(dict(counts.n, trouble=len(counts.trouble))), flush=True)
    return 1 if counts.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
