#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ws_listen.py URL USER:PASSWORD: prints the text messages of a WebSocket, one on a line, until it is
closed; answers pings."""
import base64
import os
import socket
import sys
from urllib.parse import urlsplit


def exactly(f, n):
    data = f.read(n)
    if len(data) != n:
        sys.exit(0)
    return data


def frame(f):
    head = exactly(f, 2)
    n = head[1] & 127
    if n > 125:
        n = int.from_bytes(exactly(f, 2 if n == 126 else 8), "big")
    return head[0] & 15, exactly(f, n)


def main():
    url = urlsplit(sys.argv[1])
    s = socket.create_connection((url.hostname, url.port))
    s.sendall(
        (
            f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            f"Authorization: Basic {base64.b64encode(sys.argv[2].encode()).decode()}\r\n\r\n"
        ).encode()
    )
    f = s.makefile("rb")
    print(f.readline().decode().strip(), flush=True)
    while f.readline().strip():
        pass
    while True:
        opcode, data = frame(f)
        if opcode == 1:
            print(data.decode(), flush=True)
        elif opcode == 9:
            s.sendall(bytes([0x8A, 0x80 | len(data)]) + bytes(4) + data)
        elif opcode == 8:
            print("closed", int.from_bytes(data[:2], "big"), flush=True)
            return


main()
