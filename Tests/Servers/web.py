#!/usr/bin/env python3
"""A provider of SMS as Twilio is, and receivers of webhooks, over HTTP and HTTPS.

/ok 204, /status/N N, /status/N?after=S with Retry-After, /slow never, /cut no answer, /verified/KEY
204 where the signature holds for the secret. What came stands in the directory's file `requests`.
"""

import base64
import json
import shutil
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook
from _server import certificates, ready, wait_for_end

SID, TOKEN = "AC" + "0" * 32, "to-ken"
ERRORS = {
    "+15005550001": (400, 21211, "Invalid 'To' Phone Number"),
    "+15005550009": (400, 21614, "'To' number is not a valid mobile number"),
    "+15005550004": (400, 21610, "Attempt to send to unsubscribed recipient"),
    "+15005550030": (400, 30001, "Queue overflow"),
    "+15005550429": (429, 20429, "Too Many Requests"),
    "+15005550500": (500, 20500, "Internal Server Error"),
    "+15005550504": (504, None, "Gateway Timeout"),
}
requests = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *words):
        pass

    def answer(self, status, document=None, **headers):
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == f"/2010-04-01/Accounts/{SID}.json":
            if not self.is_logged_in():
                return self.refuse(401, 20003, "Authenticate")
            return self.answer(200, {"sid": SID, "status": "active"})
        self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        url = urllib.parse.urlsplit(self.path)
        fields = {k: v[0] for k, v in urllib.parse.parse_qs(body).items()}
        with lock:
            requests.append(self.path)
            log.write(json.dumps({
                "path": self.path, "body": body, "fields": fields,
                "headers": {k.lower(): v for k, v in self.headers.items()}}) + "\n")
            log.flush()
        if url.path == f"/2010-04-01/Accounts/{SID}/Messages.json":
            return self.message(fields)
        word, *rest = url.path.strip("/").split("/")
        if word == "ok":
            self.answer(204)
        elif word == "status":
            after = urllib.parse.parse_qs(url.query).get("after")
            headers = {"Retry_After": after[0]} if after else {}
            if rest[0].startswith("3"):
                headers["Location"] = "/ok"
            self.answer(int(rest[0]), **headers)
        elif word == "slow":
            time.sleep(3)
            self.close_connection = True
        elif word == "cut":
            self.close_connection = True
        elif word == "verified":
            try:
                Webhook(rest[0]).verify(body, {k.lower(): v for k, v in self.headers.items()})
                self.answer(204)
            except Exception as error:
                self.answer(401, {"error": str(error)})
        else:
            self.answer(404)

    def is_logged_in(self):
        word = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {word}"

    def refuse(self, status, code, message, **headers):
        self.answer(status, {"code": code, "message": message, "status": status,
                             "more_info": f"https://example.com/errors/{code}"}, **headers)

    def message(self, fields):
        if not self.is_logged_in():
            return self.refuse(401, 20003, "Authenticate")
        to = fields.get("To", "")
        if to == "+15005550028":
            time.sleep(3)
            self.close_connection = True
            return None
        if to in ERRORS:
            status, code, message = ERRORS[to]
            if code is None:
                return self.answer(status)
            return self.refuse(status, code, message,
                               **({"Retry_After": "1"} if status == 429 else {}))
        self.answer(201, {
            "sid": "SM" + f"{len(requests):032x}", "status": "queued", "to": to,
            "body": fields.get("Body"), "num_segments": "1", "error_code": None, "price": None,
            "date_created": "Mon, 23 Nov 2026 17:23:59 +0000", "account_sid": SID,
        })


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, address):
        pass


directory, context = certificates()
lock, log = threading.Lock(), open(f"{directory}/requests", "w")
plain = Server(("127.0.0.1", 0), Handler)
secure = Server(("127.0.0.1", 0), Handler)
secure.socket = context.wrap_socket(secure.socket, server_side=True)
for server in (plain, secure):
    threading.Thread(target=server.serve_forever, daemon=True).start()
ready(http=plain.server_port, https=secure.server_port, directory=directory, sid=SID, token=TOKEN)
wait_for_end()
shutil.rmtree(directory, ignore_errors=True)
