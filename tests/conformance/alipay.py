"""python-alipay-sdk (PyPI) against the sandbox. It sends everything as a signed query and checks the signature of every reply and,
asked to, of every notification; whatever it refuses ends this script."""

import os
import sys
import time
import urllib.parse

from sandbox import auth_code, beijing, fresh, given, ledger, merchant, scan, tell, until

# The client writes the machine's own time, and Alipay's is Beijing's.
os.environ["TZ"] = "Asia/Shanghai"
time.tzset()

# The client's package has the name of this script.
sys.path.pop(0)
from alipay import AliPay
from alipay.exceptions import AliPayException
from Cryptodome.PublicKey import RSA

alipay = given["alipay"]
received = []


def take(body):
    """A merchant that believes a callback only if the client library does, and an altered one never."""
    form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    sign = form.pop("sign")
    altered = {**form, "total_amount": "0.01"}
    if not client.verify(dict(form), sign) or client.verify(altered, sign):
        return 500, "text/plain", b"fail"
    received.append(form)
    return 200, "text/plain", b"success"


notify_url = merchant(take)
client = AliPay(
    appid=alipay["app_id"], app_notify_url=notify_url, sign_type="RSA2",
    app_private_key_string=alipay["private_key"], alipay_public_key_string=alipay["alipay_public_key"],
)
client._gateway = alipay["gateway"]


def good(reply, **expected):
    assert reply["code"] == "10000", reply
    assert {name: reply.get(name) for name in expected} == expected, reply
    return reply


def refused(sub_code, reply):
    assert (reply["code"], reply["sub_code"]) == ("40004", sub_code), reply


def query(number):
    return client.api_alipay_trade_query(out_trade_no=number)


def notice(number, what, holds):
    found = until(what, lambda: next((r for r in received if r["out_trade_no"] == number and holds(r)), None))
    assert (found["app_id"], found["seller_id"]) == (alipay["app_id"], alipay["seller_id"]), found
    return found


def paid(reply):
    return reply["trade_status"] == "TRADE_SUCCESS" and not reply.get("refund_fee")


# A code for the payer: no trade before somebody looks at it, then paid, told, and partly refunded twice.
number = fresh("AP")
created = good(client.api_alipay_trade_precreate(subject="一箱苹果 50% 甜+脆", out_trade_no=number, total_amount="1.00"))
refused("ACQ.TRADE_NOT_EXIST", query(number))
scan(created["qr_code"])
first = good(query(number), trade_status="TRADE_SUCCESS", total_amount="1.00")
told = notice(number, "the payment's notification", paid)
assert (told["trade_no"], told["total_amount"], told["subject"]) == (first["trade_no"], "1.00", "一箱苹果 50% 甜+脆"), told

refund = lambda amount, out_request_no: client.api_alipay_trade_refund(refund_amount=amount, out_trade_no=number, out_request_no=out_request_no)
good(refund("0.30", number + "R1"), fund_change="Y", refund_fee="0.30")
good(refund("0.30", number + "R1"), fund_change="N", refund_fee="0.30")
refused("ACQ.DISCORDANT_REPEAT_REQUEST", refund("0.31", number + "R1"))
good(client.api_alipay_trade_fastpay_refund_query(number + "R1", out_trade_no=number), refund_status="REFUND_SUCCESS", refund_amount="0.30")
unknown = good(client.api_alipay_trade_fastpay_refund_query(number + "R9", out_trade_no=number))
assert "refund_status" not in unknown and "refund_amount" not in unknown, unknown
good(query(number), trade_status="TRADE_SUCCESS")
back = notice(number, "the partial refund's notification", lambda r: r.get("out_biz_no") == number + "R1")
assert (back["trade_status"], back["refund_fee"]) == ("TRADE_SUCCESS", "0.30"), back
rest = until("the next refund to be let through", lambda: (r := refund("0.70", number + "R2"))["code"] == "10000" and r)
good(rest, fund_change="Y", refund_fee="1.00")
good(query(number), trade_status="TRADE_CLOSED")
assert ledger("alipay", number) == ("paid", 100, 1, 100)

# A payment code; one whose payer must type a password; one whose payer has not enough.
charge = lambda number, code, amount: client.api_alipay_trade_pay(
    out_trade_no=number, scene="bar_code", auth_code=code, subject="苹果", total_amount=amount
)
barcode = fresh("APB")
good(charge(barcode, auth_code("alipay"), "2.50"), total_amount="2.50")
good(query(barcode), trade_status="TRADE_SUCCESS")
notice(barcode, "the barcode payment's notification", paid)
typing, code = fresh("APP"), auth_code("alipay", "password")
assert charge(typing, code, "3.00")["code"] == "10003"
good(query(typing), trade_status="WAIT_BUYER_PAY")
tell("/payers/confirm", {"auth_code": code})
good(query(typing), trade_status="TRADE_SUCCESS", total_amount="3.00")
assert ledger("alipay", typing)[:3] == ("paid", 300, 1)
poor = charge(fresh("APN"), auth_code("alipay"), "99999.00")
assert poor["code"] == "40004" and poor["sub_code"].startswith("ACQ."), poor

# Cancel: a trade that waits is closed, a paid one refunded, none at all is no error.
waiting = fresh("APW")
assert charge(waiting, auth_code("alipay", "timeout"), "1.00")["code"] == "10003"
good(client.api_alipay_trade_cancel(out_trade_no=waiting), action="close", retry_flag="N")
good(query(waiting), trade_status="TRADE_CLOSED")
good(client.api_alipay_trade_cancel(out_trade_no=barcode), action="refund", retry_flag="N")
assert ledger("alipay", waiting)[2] == 0 and ledger("alipay", barcode)[2] == 1

# A trade for a known payer exists at once; closing ends it, closing a paid one is refused.
known = fresh("APC")
trade = good(client.api_alipay_trade_create(subject="苹果", out_trade_no=known, total_amount="1.00", buyer_id="2088000000000001"))
good(query(known), trade_status="WAIT_BUYER_PAY", trade_no=trade["trade_no"])
good(client.api_alipay_trade_close(out_trade_no=known))
good(query(known), trade_status="TRADE_CLOSED")
closing = client.api_alipay_trade_close(out_trade_no=typing)
assert closing["code"] == "40004" and "STATUS" in closing["sub_code"], closing

# Page, mobile page and app: the payer brings the string that the client signed.
later = {"time_expire": beijing("%Y-%m-%d %H:%M:%S", 900)}
for make, prefix in (
    (client.api_alipay_trade_page_pay, "APG"), (client.api_alipay_trade_wap_pay, "APH"), (client.api_alipay_trade_app_pay, "APA"),
):
    one = fresh(prefix)
    # This client's own product code for mobile pages is an odd one.
    product = {"product_code": "QUICK_WAP_WAY"} if prefix == "APH" else {}
    text = make(subject="苹果 + 梨", out_trade_no=one, total_amount="0.88", notify_url=notify_url, **later, **product)
    refused("ACQ.TRADE_NOT_EXIST", query(one))
    scan(text if prefix == "APA" else f"{alipay['gateway']}?{text}")
    good(query(one), trade_status="TRADE_SUCCESS", total_amount="0.88")
    notice(one, f"the notification of {prefix}", paid)

# A stranger's key: the gateway says so, and signs that it does.
own, client._app_private_key = client._app_private_key, RSA.generate(2048)
forged = query(number)
assert (forged["code"], forged["sub_code"]) == ("40002", "isv.invalid-signature"), forged
client._app_private_key, client._appid = own, "2021999999999999"
try:
    raise SystemExit(f"an unsigned refusal was believed: {query(number)}")
except AliPayException as refusal:
    assert "isv.invalid-app-id" in str(refusal), refusal
print("python-alipay-sdk: precreate, notification, refunds and their query, barcode, password, cancel, create, close, page, wap, app: all verified")
