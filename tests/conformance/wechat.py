"""wechatpayv3 (PyPI) against the sandbox: create, query, pay, callback, refund, close. The client checks every answer's signature."""

import json
import os
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from wechatpayv3 import WeChatPay, WeChatPayType

given = json.loads(sys.argv[1])
wechat, control = given["wechat"], given["control"]
received = []


class Receiver(BaseHTTPRequestHandler):
    """A merchant that believes a callback only if the client library does."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        names = ("Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature-Type")
        headers = {name: self.headers[name] for name in names if self.headers[name]}
        result = client.callback(headers, body.decode())
        if result:
            received.append(result)
        answer = b'{"code":"SUCCESS"}' if result else b'{"code":"FAIL"}'
        self.send_response(200 if result else 500)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
notify_url = f"http://127.0.0.1:{server.server_port}/notify"

client = WeChatPay(
    wechatpay_type=WeChatPayType.NATIVE, mchid=wechat["mchid"], private_key=wechat["private_key"], cert_serial_no=wechat["serial_no"],
    apiv3_key=wechat["api_v3_key"], appid=wechat["app_id"], notify_url=notify_url,
    public_key=wechat["public_key"], public_key_id=wechat["public_key_id"],
)
client._core._gate_way = wechat["base_url"]


def said(answer, *statuses):
    code, message = answer
    assert code in statuses, (code, message)
    return json.loads(message) if message else {}


def tell(path, body):
    request = urllib.request.Request(control + path, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def until(what, ask):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.02)
    raise SystemExit(f"waited in vain for {what}; received {received}")


# Public-key mode, which this client was opened in, and back to what the others expect.
tell("/hooks", {"channel": "wechat", "word": "key_mode public_key"})
number = f"PY{os.getpid()}{time.time_ns()}"[:32]
created = said(client.pay(description="一箱苹果", out_trade_no=number, amount={"total": 100}, pay_type=WeChatPayType.NATIVE), 200)
assert created["code_url"].startswith("weixin://"), created
assert said(client.query(out_trade_no=number), 200)["trade_state"] == "NOTPAY"

tell("/payers/scan", {"content": created["code_url"], "outcome": "pay"})
queried = said(client.query(out_trade_no=number), 200)
assert (queried["trade_state"], queried["amount"]["total"]) == ("SUCCESS", 100), queried
notice = until("the payment's callback", lambda: next((r for r in received if r["event_type"] == "TRANSACTION.SUCCESS"), None))
assert (notice["resource"]["out_trade_no"], notice["resource"]["amount"]["total"]) == (number, 100), notice

refunded = said(client.refund(out_refund_no=number + "R", amount={"refund": 30, "total": 100, "currency": "CNY"}, out_trade_no=number, notify_url=notify_url), 200)
assert refunded["status"] in ("PROCESSING", "SUCCESS"), refunded
until("the refund", lambda: said(client.query_refund(out_refund_no=number + "R"), 200)["status"] == "SUCCESS")
until("the refund's callback", lambda: next((r for r in received if r["event_type"] == "REFUND.SUCCESS"), None))

closing = f"PYC{os.getpid()}{time.time_ns()}"[:32]
said(client.pay(description="不付了", out_trade_no=closing, amount={"total": 1}, pay_type=WeChatPayType.NATIVE), 200)
said(client.close(out_trade_no=closing), 204)
assert said(client.query(out_trade_no=closing), 200)["trade_state"] == "CLOSED"

code, message = client.query(out_trade_no="NOSUCHORDER0000")
assert code == 404 and json.loads(message)["code"], (code, message)
print("wechatpayv3: create, query, callback, refund, its callback, close, not found: all verified")
