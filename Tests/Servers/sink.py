#!/usr/bin/env python3
"""Takes all webhooks and, with --mail, all mails that come, as fast as one thread can.

usage: sink.py [--mail] [--slow MILLISECONDS] [--log FILE --head FILE]

--slow keeps each answer back for up to so long, by chance. --log appends one JSON object for each
message before it is answered: what it says of itself, and how many events `head`, a ledger's, said
were durable when it came.
"""

import argparse
import asyncio
import email
import json
import random
import sys

from _server import ready

parser = argparse.ArgumentParser()
parser.add_argument("--mail", action="store_true")
parser.add_argument("--slow", type=int, default=0)
parser.add_argument("--log")
parser.add_argument("--head")
options = parser.parse_args()
log = open(options.log, "ab", buffering=0) if options.log else None
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def durable_size():
    """The greater size that a slot of `head` tells; one that is being written may be torn."""
    with open(options.head, "rb") as file:
        slots = [file.read(4_096), file.read(4_096)]
    fields = [dict(word.split(b"=") for word in slot.split(b"\n")[0].split()[1:])
              for slot in slots if slot.startswith(b"#head ")]
    return max(int(one.get(b"size", b"0")) for one in fields)


def keep(**facts):
    if log:
        log.write(json.dumps({**facts, "durable": durable_size()}).encode() + b"\n")


def pause():
    return random.random() * options.slow / 1_000


class Web(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            # What is awaited sends its length, and no header but this one has that name in it.
            length = self.rest.lower().find(b"content-length:", 0, end)
            body = int(self.rest[length + 15:self.rest.find(b"\r", length)]) if length >= 0 else 0
            if len(self.rest) < end + 4 + body:
                return
            if log:
                notice = json.loads(self.rest[end + 4:end + 4 + body])
                keep(attempt=notice["data"]["attempt"], notice=notice["id"])
            self.rest = self.rest[end + 4 + body:]
            if options.slow:
                asyncio.get_running_loop().call_later(pause(), self.answer)
            else:
                self.answer()

    def answer(self):
        self.transport.write(NO_CONTENT)


class Mail:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content)
        keep(attempt=message["Message-ID"].split("@")[0].removeprefix("<attempt-"),
             to=envelope.rcpt_tos[0])
        if options.slow:
            await asyncio.sleep(pause())
        return "250 2.0.0 taken"


async def main():
    loop = asyncio.get_running_loop()
    web = await loop.create_server(Web, "127.0.0.1", 0, backlog=256)
    ports = {"http": web.sockets[0].getsockname()[1]}
    if options.mail:
        from aiosmtpd.smtp import SMTP
        mail = await loop.create_server(lambda: SMTP(Mail()), "127.0.0.1", 0, backlog=256)
        ports["smtp"] = mail.sockets[0].getsockname()[1]
    ready(**ports)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
