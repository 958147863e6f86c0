#!/usr/bin/env python3
"""A mail server that breaks off where the recipient's name says, and remembers what it took."""

import json
import socket
import socketserver
import time

from _server import ready, wait_for_end

taken = []


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.say("220 faulty")
        recipient, messages = "", 0
        while line := self.rfile.readline():
            word = line.split(b" ")[0].strip().upper()
            if word == b"EHLO":
                self.say("250 faulty")
            elif word == b"MAIL":
                # As a server does that closed the connection meanwhile.
                if recipient == "once" and messages:
                    return
                self.say("250 2.1.0 ok")
            elif word == b"RCPT":
                recipient = line.split(b"<")[1].split(b"@")[0].decode()
                if recipient == "odd":
                    self.say("550-5.7.1 two lines\x1b[2J")
                    self.say("550 5.7.1 the last \u202e one")
                else:
                    self.say("250 2.1.5 ok")
            elif word == b"DATA":
                if recipient == "before":
                    return
                self.say("354 go on")
                message = b""
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    message += line
                messages += 1
                taken.append(message.decode())
                if recipient == "after":
                    return
                if recipient == "silent":
                    time.sleep(3)
                    return
                if recipient == "late":
                    self.say("554 5.6.0 not this one")
                else:
                    self.say(f"250 2.0.0 queued as {len(taken)}")
            elif word == b"NOOP":
                self.say("250 2.0.0 " + json.dumps(len(taken)))
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 5.5.1 no")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


server = Server(("127.0.0.1", 0), Session)
import threading

threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))
    closed = unused.getsockname()[1]
ready(port=server.server_address[1], closed=closed)
wait_for_end()
