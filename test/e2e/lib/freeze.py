# SPDX-License-Identifier: MIT
"""Stops connections in the middle of what they say.

    freeze.py ADDRESS HOST:PORT N

N ports at ADDRESS that pass on to HOST:PORT. The first connection through the port K stops when K
pieces have gone through it, in whichever direction, and holds the next one: then "frozen K" is
printed. One that has nothing more to say before that (pieces stick together when the machine is busy)
stops where it is. SIGUSR1 lets all of them go on, and later ones are not stopped. "ports P0 P1 …" comes first."""

import asyncio
import signal
import sys


# So long nothing is said between two steps of a connection that is being made.
QUIET_S = 2


class Way:
    def __init__(self, number, target, thaw):
        self.number, self.target, self.thaw = number, target, thaw
        self.used = False
        self.last = 0.0
        self.quiet = None

    async def serve(self, reader, writer):
        count = None if self.used or self.thaw.is_set() else [0]
        self.used = True
        try:
            await self.pass_one(count)
            there, back = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        if count is not None:
            self.quiet = asyncio.get_running_loop().create_task(self.stop_when_quiet(count))
        await asyncio.gather(self.copy(reader, back, count), self.copy(there, writer, count), return_exceptions=True)

    async def pass_one(self, count):
        """The connection itself is the piece number 0."""
        if count is None:
            return
        self.last = asyncio.get_running_loop().time()
        if count[0] == self.number:
            print("frozen %d" % self.number, flush=True)
        if count[0] >= self.number:
            count[0] += 1
            await self.thaw.wait()
        else:
            count[0] += 1

    async def stop_when_quiet(self, count):
        while count[0] <= self.number and not self.thaw.is_set():
            await asyncio.sleep(0.2)
            if count[0] <= self.number and asyncio.get_running_loop().time() - self.last > QUIET_S:
                print("frozen %d" % self.number, flush=True)
                count[0] = self.number + 1

    async def copy(self, reader, writer, count):
        try:
            while data := await reader.read(65536):
                await self.pass_one(count)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


async def main():
    address, target, n = sys.argv[1], sys.argv[2].rsplit(":", 1), int(sys.argv[3])
    thaw = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, thaw.set)
    ports = []
    for k in range(n):
        way = Way(k, target, thaw)
        server = await asyncio.start_server(way.serve, address, 0)
        ports.append(server)
    print("ports", *(s.sockets[0].getsockname()[1] for s in ports), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
