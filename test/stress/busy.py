# SPDX-License-Identifier: MIT
"""Asks the API at a steady pace, as users and scripts do, and says how long the answers took.

    busy.py URL USER:PASSWORD SECONDS P99_MS

Every 10 ms one request is due, over two kept connections, whether or not the last one was answered in
time: what waits counts as late. One row a kind of request; status 1 if a 99th percentile is above
P99_MS."""

import base64
import http.client
import sys
import threading
import time

EVERY = 0.01
PATHS = [
    "/status",
    "/clients?page[limit]=20",
    "/clients?filter[name]=*7*&sort=-name",
    "/clients/p1",
    "/clients/p1/metrics",
    "/clients/p1/commands",
    "/tunnels",
]


def ask(conn, path, headers):
    conn.request("GET", "/api/v1" + path.replace("[", "%5B").replace("]", "%5D"), headers=headers)
    answer = conn.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit("busy.py: %s: status %d" % (path, answer.status))


class Asker(threading.Thread):
    """Takes every second request of the schedule."""

    def __init__(self, host, headers, first, end):
        super().__init__()
        self.host, self.headers, self.first, self.end = host, headers, first, end
        self.times = {path: [] for path in PATHS}
        self.failed = None

    def run(self):
        conn = http.client.HTTPConnection(self.host, timeout=30)
        due, i = self.first, 0
        try:
            while due < self.end:
                time.sleep(max(0, due - time.monotonic()))
                path = PATHS[i % len(PATHS)]
                ask(conn, path, self.headers)
                self.times[path].append((time.monotonic() - due) * 1000)
                due, i = due + 2 * EVERY, i + 1
        except (OSError, http.client.HTTPException, SystemExit) as e:
            self.failed = str(e) or type(e).__name__


def main():
    host, user, seconds, limit = sys.argv[1].split("//")[-1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
    start = time.monotonic() + 0.1
    askers = [Asker(host, headers, start + i * EVERY, start + seconds) for i in range(2)]
    for a in askers:
        a.start()
    for a in askers:
        a.join()
    late = any(a.failed for a in askers)
    print("# %-40s %6s %8s %8s %8s" % ("ms", "asked", "median", "99 %", "longest"))
    for path in PATHS:
        times = sorted(t for a in askers for t in a.times[path])
        if not times:
            continue
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
        late = late or p99 > limit
        print("# %-40s %6d %8.2f %8.2f %8.2f" % (path, len(times), times[len(times) // 2], p99, times[-1]))
    for a in askers:
        if a.failed:
            print("# " + a.failed)
    sys.exit(1 if late else 0)


if __name__ == "__main__":
    main()
