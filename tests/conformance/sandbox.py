"""What the clients in Python share: the sandbox's control API, a merchant that takes callbacks, and waiting with an end."""

import datetime
import itertools
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

given = json.loads(sys.argv[1])
control = given["control"]
_counter = itertools.count(1)


def http(url, body=None, headers=None):
    """One exchange: the status and the bytes of the answer, whatever the status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers or {}), timeout=15) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def tell(path, body):
    status, answer = http(control + path, json.dumps(body).encode(), {"content-type": "application/json"})
    assert status == 200, (path, body, status, answer)
    return json.loads(answer)


def scan(content, **more):
    return tell("/payers/scan", {"content": content, "outcome": "pay", **more})


def auth_code(wallet, behaviour="pay"):
    return tell("/payers/auth-code", {"wallet": wallet, "behaviour": behaviour})["auth_code"]


def ledger(channel, number):
    """The channel's own books of one order: (status, total, charges, refunds that succeeded)."""
    status, answer = http(control + "/ledger")
    assert status == 200, answer
    row = next(row for row in json.loads(answer) if (row["channel"], row["out_trade_no"]) == (channel, number))
    back = sum(refund["amount"] for refund in row["refunds"] if refund["status"] == "succeeded")
    return row["status"], row["total"], row["charges"], back


def until(what, ask):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.02)
    raise SystemExit(f"waited in vain for {what}")


def fresh(prefix):
    """A number of ours that nobody used before: letters and digits, at most 30."""
    return f"{prefix}{os.getpid() % 100000:05}{time.time_ns() // 1000}{next(_counter):02}"


def beijing(pattern, ahead_s=0):
    """Beijing's time, now or some seconds from now."""
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    return (now + datetime.timedelta(seconds=ahead_s)).strftime(pattern)


def merchant(take, path="/notify"):
    """Serves callbacks on a port of its own. `take(body)` answers (status, content type, bytes). Returns the address to be called."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            # As it was sent: `self.path` is already a cleaned one.
            status, kind, answer = take(body) if self.requestline.split()[1] == path else (404, "text/plain", b"")
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}{path}"
