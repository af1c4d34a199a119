# SPDX-License-Identifier: MIT
"""Stops connections in the middle of what they say.

    freeze.py ADDRESS HOST:PORT PIECE…

For each PIECE a port at ADDRESS that passes on to HOST:PORT. The first connection through it stops, in
both directions, right before that piece, and "frozen PIECE: what it is" is printed. Pieces are "connect",
"c0", "c1", … of the client and "s0", "s1", … of the server: the head of the upgrade, then each WebSocket
message, which is a version line, a packet of the key exchange, or encrypted. SIGUSR1 lets all of them
go on, and later ones are not stopped. "ports P0 P1 …" comes first."""

import asyncio
import signal
import sys

NEWKEYS = 21
PACKETS = {20: "SSH_MSG_KEXINIT", NEWKEYS: "SSH_MSG_NEWKEYS", 30: "SSH_MSG_KEX_ECDH_INIT", 31: "SSH_MSG_KEX_ECDH_REPLY"}


def frame_length(data):
    """Of the WebSocket frame at the beginning: head and payload; None: more is needed."""
    if len(data) < 2:
        return None
    n, head = data[1] & 127, 2
    if n >= 126:
        head += 2 if n == 126 else 8
        n = int.from_bytes(data[2:head], "big")
    head += 4 if data[1] & 128 else 0
    return (head, n) if len(data) >= head + n else None


def payload(frame, head):
    if not frame[1] & 128:
        return frame[head:]
    mask = frame[head - 4 : head]
    return bytes(b ^ mask[i % 4] for i, b in enumerate(frame[head:]))


class Pieces:
    """Takes one direction of a connection apart."""

    def __init__(self):
        self.data = b""
        self.n = 0
        self.secret = False

    def describe(self, text):
        if text.startswith(b"SSH-"):
            return "version"
        names = []
        while text and not self.secret:
            names.append(PACKETS.get(text[5], "packet %d" % text[5]))
            self.secret = text[5] == NEWKEYS
            text = text[4 + int.from_bytes(text[:4], "big") :]
        return " and ".join(names + ["encrypted"] * bool(text))

    def add(self, data):
        """Yields (number, what it is, bytes)."""
        self.data += data
        while self.data:
            if self.n == 0:
                end = self.data.find(b"\r\n\r\n") + 4
                if end < 4:
                    return
                what = "upgrade"
            else:
                found = frame_length(self.data)
                if found is None:
                    return
                end = sum(found)
                what = self.describe(payload(self.data[:end], found[0]))
            piece, self.data = self.data[:end], self.data[end:]
            yield self.n, what, piece
            self.n += 1


class Way:
    def __init__(self, piece, target, thaw):
        self.piece, self.target, self.thaw = piece, target, thaw
        self.used = False

    async def serve(self, reader, writer):
        # It flows as long as this is set.
        flowing = None if self.used or self.thaw.is_set() else asyncio.Event()
        self.used = True
        try:
            if flowing is not None:
                flowing.set()
                await self.pass_one("connect", "nothing was said", flowing)
            there, back = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(
            self.copy(reader, back, "c", flowing), self.copy(there, writer, "s", flowing), return_exceptions=True
        )

    async def pass_one(self, name, what, flowing):
        if name == self.piece:
            print("frozen %s: %s" % (name, what), flush=True)
            flowing.clear()
        if not flowing.is_set():
            await self.thaw.wait()

    async def copy(self, reader, writer, side, flowing):
        pieces = Pieces()
        try:
            while data := await reader.read(65536):
                if flowing is None:
                    writer.write(data)
                    await writer.drain()
                    continue
                for number, what, piece in pieces.add(data):
                    await self.pass_one("%s%d" % (side, number), what, flowing)
                    writer.write(piece)
                    await writer.drain()
        finally:
            writer.close()


async def main():
    address, target, pieces = sys.argv[1], sys.argv[2].rsplit(":", 1), sys.argv[3:]
    thaw = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, thaw.set)
    ports = []
    for piece in pieces:
        way = Way(piece, target, thaw)
        ports.append(await asyncio.start_server(way.serve, address, 0))
    print("ports", *(s.sockets[0].getsockname()[1] for s in ports), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
