#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A caller of the API's WebSockets.

    ws.py http://ADDRESS:PORT/api/v1/ws/commands USER:PASSWORD [MESSAGE]

Sends the message and prints what comes, one message a line, until the other side ends it; the last
line is "closed CODE", or "closed without a frame".
"""
import base64
import os
import socket
import struct
import sys
import urllib.parse

WAIT_S = 30 * int(os.environ.get("RPORT_PATIENCE", "1"))


def read_exactly(stream, n):
    data = stream.read(n)
    if len(data) < n:
        raise EOFError
    return data


def frame(opcode, payload):
    mask = os.urandom(4)
    n = len(payload)
    length = bytes([0x80 | n]) if n < 126 else bytes([0x80 | 126]) + struct.pack(">H", n)
    return bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def read_frame(stream):
    first, n = read_exactly(stream, 2)
    if n == 126:
        n, = struct.unpack(">H", read_exactly(stream, 2))
    elif n == 127:
        n, = struct.unpack(">Q", read_exactly(stream, 8))
    return first & 15, read_exactly(stream, n)


def main():
    url = urllib.parse.urlsplit(sys.argv[1])
    sock = socket.create_connection((url.hostname, url.port), WAIT_S)
    stream = sock.makefile("rb")
    key = base64.b64encode(os.urandom(16)).decode()
    user = base64.b64encode(sys.argv[2].encode()).decode()
    sock.sendall(("GET %s?%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"
                  % (url.path, url.query, url.netloc, user, key)).encode())
    status = stream.readline().decode().split(" ")[1]
    while stream.readline().strip():
        pass
    trace = os.environ.get("RP_API_TRACE")
    if trace:
        with open(trace, "a", encoding="utf-8") as out:
            out.write("e2e/%s\tGET\t%s\t%s\n" % (os.environ.get("TEST_NAME", "?"),
                                                 url.path.replace("/api/v1", "", 1), status))
    if status != "101":
        print("status %s" % status)
        return
    if len(sys.argv) > 3:
        sock.sendall(frame(1, sys.argv[3].encode()))
    try:
        while True:
            opcode, payload = read_frame(stream)
            if opcode == 1:
                print(payload.decode().strip(), flush=True)
            elif opcode == 8:
                print("closed %d" % struct.unpack(">H", payload[:2]) if len(payload) >= 2 else "closed")
                return
            elif opcode == 9:
                sock.sendall(frame(10, payload))
    except (EOFError, ConnectionError):
        print("closed without a frame")


main()
