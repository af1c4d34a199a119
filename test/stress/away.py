# SPDX-License-Identifier: MIT
"""Servers that are no good, and a look at the memory of their clients.

    away.py relay HOST:PORT SECONDS     passes on to a server and breaks each connection after a while
    away.py silent                      takes connections and never says a word
    away.py watch SECONDS KB NAME=PID…  status 1 if one grew by more than KB

The first two print the port that the kernel chose."""

import asyncio
import re
import sys
import time

EVERY = 2


async def listen(serve):
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("port:%d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def copy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def relay(target, seconds):
    host, port = target.rsplit(":", 1)

    async def serve(reader, writer):
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        both = asyncio.gather(copy(reader, to_writer), copy(to_reader, writer))
        try:
            await asyncio.wait_for(both, seconds)
        except (asyncio.TimeoutError, OSError):
            pass
        writer.transport.abort()
        to_writer.transport.abort()

    return serve


async def silence(reader, writer):
    while await reader.read(65536):
        pass
    writer.close()


def rss_kb(pid):
    with open("/proc/%s/status" % pid) as f:
        return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))


def usual(kb):
    """The median: handshakes come and go, and once connected a client gives back what it can."""
    return sorted(kb)[len(kb) // 2]


def watch(seconds, limit, clients):
    names = dict(c.split("=") for c in clients)
    seen = {name: [] for name in names}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, pid in names.items():
            seen[name].append(rss_kb(pid))
        time.sleep(EVERY)
    good = True
    for name, kb in seen.items():
        quarter = max(len(kb) // 4, 1)
        before, after = usual(kb[quarter : 2 * quarter]), usual(kb[-quarter:])
        print(
            "# %-12s RSS %5d kB at first, %5d in the second quarter, %5d in the last, at most %5d"
            % (name, kb[0], before, after, max(kb))
        )
        good = good and after - before <= limit
    return 0 if good else 1


def main():
    what = sys.argv[1]
    if what == "watch":
        sys.exit(watch(float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
    serve = silence if what == "silent" else relay(sys.argv[2], float(sys.argv[3]))
    try:
        asyncio.run(listen(serve))
    except KeyboardInterrupt:
        pass


main()
