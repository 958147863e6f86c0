#!/usr/bin/env python3
"""The provider's own client against the stand-in: `twilio_client.py PORT SID TOKEN TO …`.

Prints for each number the message's id, or the code of the client's own error.
"""

import json
import sys
import urllib.parse

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


class Here(TwilioHttpClient):
    def request(self, method, url, *rest, **named):
        path = urllib.parse.urlsplit(url).path
        return super().request(method, f"http://127.0.0.1:{sys.argv[1]}{path}", *rest, **named)


client = Client(sys.argv[2], sys.argv[3], http_client=Here())
results = {}
for number in sys.argv[4:]:
    try:
        message = client.messages.create(to=number, from_="+15005550006", body="hello")
        results[number] = message.sid
    except TwilioRestException as error:
        results[number] = error.code
print(json.dumps(results))
