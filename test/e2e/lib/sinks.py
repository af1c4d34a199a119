#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers that keep what they are sent, for tests of deliveries.

    sinks.py smtp plain|starttls|tls OUT [CERT KEY]   AUTH PLAIN only under TLS (user "me", "pass word")
    sinks.py smtp login OUT                           AUTH LOGIN, in the clear
    sinks.py http OUT [STATUS [CERT KEY]]             answers POST with STATUS

Says "listening PORT" first; each mail or form is one line of JSON in OUT.
"""
import base64
import http.server
import json
import socketserver
import ssl
import sys
import urllib.parse


def keep(path, what):
    with open(path, "a", encoding="utf-8") as f:
        f.write(json.dumps(what) + "\n")


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


class Smtp(socketserver.BaseRequestHandler):
    mode = out = context = None

    def say(self, *lines):
        self.request.sendall("".join(line + "\r\n" for line in lines).encode())

    def line(self):
        text = self.reader.readline()
        if not text:
            raise EOFError
        return text.decode("latin-1").rstrip("\r\n")

    def secure(self):
        self.request = self.context.wrap_socket(self.request, server_side=True)
        self.reader = self.request.makefile("rb")
        self.tls = True

    def offers(self):
        found = ["250-sink"]
        if self.mode == "starttls" and not self.tls:
            found.append("250-STARTTLS")
        if self.tls:
            found.append("250-AUTH PLAIN LOGIN")
        if self.mode == "login":
            found.append("250-AUTH LOGIN")
        return found + ["250 8BITMIME"]

    def auth(self, words):
        if words[1] == "PLAIN":
            user, password = base64.b64decode(words[2]).decode().split("\0")[1:]
        else:
            self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line()).decode()
            self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        self.user = user
        self.say("235 ok" if password == "pass word" else "535 no")

    def data(self):
        self.say("354 go on")
        lines = []
        while (line := self.line()) != ".":
            lines.append(line[1:] if line.startswith(".") else line)
        keep(self.out, {"from": self.sender, "to": self.to, "user": self.user, "tls": self.tls, "lines": lines})
        self.say("250 kept")

    def handle(self):
        self.tls, self.user, self.sender, self.to = False, "", "", ""
        self.reader = self.request.makefile("rb")
        if self.mode == "tls":
            self.secure()
        self.say("220 sink ready")
        try:
            self.talk()
        except (EOFError, OSError):
            pass

    def talk(self):
        while True:
            line = self.line()
            words = line.split(" ")
            verb = words[0].upper()
            if verb == "EHLO":
                self.say(*self.offers())
            elif verb == "STARTTLS":
                self.say("220 now")
                self.secure()
            elif verb == "AUTH":
                self.auth(words)
            elif verb == "MAIL":
                self.sender = line[10:]
                self.say("250 ok")
            elif verb == "RCPT":
                self.to = line[8:]
                self.say("550 nobody" if "nobody@" in line else "250 ok")
            elif verb == "DATA":
                self.data()
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("500 what?")


class Form(http.server.BaseHTTPRequestHandler):
    out = status = None
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = {k: v[0] for k, v in urllib.parse.parse_qs(body, keep_blank_values=True).items()}
        keep(self.out, {"path": self.path, "type": self.headers["Content-Type"], "fields": fields,
                        "authorization": self.headers.get("Authorization", "")})
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass


def main():
    kind, *rest = sys.argv[1:]
    if kind == "smtp":
        Smtp.mode, Smtp.out, *pair = rest
        Smtp.context = tls_context(*pair) if pair else None
        server = Server(("127.0.0.1", 0), Smtp)
    else:
        Form.out, status, *pair = rest + ([] if len(rest) > 1 else ["204"])
        Form.status = int(status)
        server = Server(("127.0.0.1", 0), Form)
        if pair:
            server.socket = tls_context(*pair).wrap_socket(server.socket, server_side=True)
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()


main()
