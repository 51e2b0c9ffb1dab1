"""An ICBC client of its own (the openssl program signs, verifies and decrypts; nothing of ours) against the sandbox. Requests are RSA2
over `PATH?` and the raw values by name; replies are verified as text, never parsed first, SHA-1 with the gateway's key of 1024 bits."""

import base64
import itertools
import json
import subprocess
import tempfile
import urllib.parse
import uuid
from pathlib import Path

from sandbox import auth_code, beijing, control, fresh, given, http, ledger, merchant, scan, tell, until

icbc = given["icbc"]
received = {}
folder = tempfile.TemporaryDirectory()
files = (Path(folder.name, f"{number}") for number in itertools.count())
ZERO = "00" * 16


def file(content):
    path = next(files)
    path.write_bytes(content)
    return str(path)


def openssl(*arguments, data, refusable=False):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, timeout=15, check=False)
    assert refusable or done.returncode == 0, (arguments, done.stderr)
    return done.returncode == 0 and done.stdout


private_key, gateway_key = file(icbc["private_key"].encode()), file(icbc["gateway_public_key"].encode())
aes = ["enc", "-aes-128-cbc", "-K", base64.b64decode(icbc["encrypt_key"]).hex(), "-iv", ZERO, "-a", "-A"]
assert b"(1024 bit)" in openssl("pkey", "-pubin", "-in", gateway_key, "-noout", "-text", data=b"")


def signature(text):
    return base64.b64encode(openssl("dgst", "-sha256", "-sign", private_key, data=text.encode())).decode()


def from_gateway(text, sign):
    signed = file(base64.b64decode(sign, validate=True))
    return bool(openssl("dgst", "-sha1", "-verify", gateway_key, "-signature", signed, data=text.encode(), refusable=True))


def canonical(path, fields):
    return f"{path}?" + "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value and name != "sign")


def call(path, biz, encrypted=False, altered=False):
    """One API call: what the verified reply says. Amounts and codes are text in one family and numbers in the other: text here."""
    text = json.dumps(biz, ensure_ascii=False)
    fields = {
        "app_id": icbc["app_id"], "msg_id": uuid.uuid4().hex, "format": "json", "charset": "UTF-8", "sign_type": "RSA2",
        "timestamp": beijing("%Y-%m-%d %H:%M:%S"), "biz_content": text,
    }
    if encrypted:
        fields |= {"encrypt_type": "AES", "biz_content": openssl(*aes, data=text.encode()).decode()}
    fields["sign"] = signature(canonical(path, fields))
    if altered:
        fields["biz_content"] += " "
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "APIGW-VERSION": "v2_20190522"}
    status, body = http(icbc["base_url"] + path, urllib.parse.urlencode(fields).encode(), headers)
    assert status == 200, (path, status, body)
    head, tail = '{"response_biz_content":', ',"sign":"'
    said, sign = body.decode().removeprefix(head).rsplit(tail, 1)
    sign = sign.removesuffix('"}')
    assert from_gateway(said, sign) and not from_gateway(said + " ", sign), body
    if encrypted:
        assert said.startswith('"') and said.endswith('"'), said
        said = openssl(*aes, "-d", data=said[1:-1].encode()).decode()
    reply = json.loads(said)
    assert reply["msg_id"] == fields["msg_id"], reply
    return reply | {"return_code": str(reply["return_code"])}


def good(reply, **expected):
    assert reply["return_code"] == "0", reply
    assert {name: reply.get(name) for name in expected} == expected, reply
    return reply


def parts_add_up(reply):
    names = ("payment_amt", "point_amt", "ecoupon_amt", "mer_disc_amt", "coupon_amt", "bank_disc_amt")
    assert sum(int(reply[name]) for name in names) == int(reply["total_amt"]), reply
    assert int(reply["total_disc_amt"]) == int(reply["mer_disc_amt"]) + int(reply["bank_disc_amt"]), reply


def take(body):
    """A merchant that believes a notification only if it is signed with the raw path that was registered. Its acknowledgement is
    signed without the outer braces; the first one of an order named `ICZ…` has another's signature."""
    fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    holds = from_gateway(canonical(PATH, fields), fields["sign"]) and (fields["from"], fields["sign_type"]) == ("icbc-api", "RSA")
    # Neither a cleaned path nor another amount passes.
    forged = from_gateway(canonical(PATH.replace("//", "/"), fields), fields["sign"]) or from_gateway(
        canonical(PATH, {**fields, "biz_content": fields["biz_content"].replace("total_amt", "total_amx")}), fields["sign"])
    told = json.loads(fields["biz_content"])
    tries = received.setdefault(told["out_trade_no"] if holds and not forged else "forged", [])
    tries.append(told | {"return_code": str(told["return_code"]), "api": fields["api"]})
    inner = json.dumps({"return_code": 0, "return_msg": "success", "msg_id": told["msg_id"]}, separators=(",", ":"))
    inner = f'"response_biz_content":{inner},"sign_type":"RSA2"'
    spoiled = len(tries) == 1 and told["out_trade_no"].startswith("ICZ")
    answer = f'{{{inner},"sign":"{signature(inner + " " if spoiled else inner)}"}}'
    return 200, "application/json", answer.encode()


PATH = "/callback//icbc"
notify_url = merchant(take, PATH)


def notice(number, tries=1):
    told = until(f"a notification of {number}: {received}", lambda: received.get(number, [])[tries - 1:tries])[0]
    assert (told["mer_id"], told["return_code"]) == (icbc["mer_id"], "0"), told
    return told


# Family A. Its digits: 0 paying, 1 paid, 2 failed; by one source alone 3 reversed, 5 refunded.
def a(api, number, **more):
    return call(f"/api/qrcode/{api}", {"mer_id": icbc["mer_id"], "out_trade_no": number, **more})


def asked(number):
    return good(a("V2/query", number), out_trade_no=number)


def placed(amount):
    return {"order_amt": str(amount), "trade_date": beijing("%Y%m%d"), "trade_time": beijing("%H%M%S")}


def generate(prefix, amount):
    number = fresh(prefix)
    more = {"store_code": icbc["store_code"], "attach": "一箱苹果+1", "pay_expire": "900", "notify_flag": "1", "notify_url": notify_url}
    return number, good(a("V2/generate", number, **placed(amount), **more), attach="一箱苹果+1")["qrcode"]


number, code = generate("ICQ", 100)
assert asked(number)["pay_status"] == "0"
discounts = [{"kind": "merchant_discount", "funded_by": "merchant", "amount": 10}, {"kind": "bank_discount", "funded_by": "bank", "amount": 10},
             {"kind": "points", "funded_by": "bank", "amount": 20}]
scan(code, discounts=discounts)
first = asked(number)
assert (first["pay_status"], first["total_amt"], first["payment_amt"], first["point_amt"]) == ("1", "100", "60", "20"), first
parts_add_up(first)
told = notice(number)
assert [told[name] for name in ("order_id", "total_amt", "payment_amt", "attach")] == [first["order_id"], "100", "60", "一箱苹果+1"], told
parts_add_up(told)
assert call("/api/qrcode/V2/query", {"mer_id": icbc["mer_id"], "order_id": first["order_id"]}, encrypted=True)["out_trade_no"] == number
assert len(first["order_id"]) == 27, first

# Refunds (reject): cash and points in proportion, each under its own number, never more than was paid.
part = good(a("V2/reject", number, reject_no=number + "R1", reject_amt="50"), reject_no=number + "R1")
assert (part["real_reject_amt"], part["reject_point"], part["reject_amt"]) == ("30", "10", "40"), part
assert a("V2/reject", number, reject_no=number + "R2", reject_amt="51")["return_code"] != "0"
assert a("V2/reject", number, reject_no=number + "R1", reject_amt="50")["return_code"] != "0"
listed = json.loads(good(a("reject/query/V3", number, reject_no=number + "R1"))["refundJsonList"])
assert [(item["reject_no"], item["reject_status"], item["real_reject_amt"]) for item in listed] == [(number + "R1", "1", "30")], listed
assert len(listed[0]["icbc_reject_sq"]) == 30, listed
good(a("V2/reject", number, reject_no=number + "R3", reject_amt="50"))
assert len(json.loads(good(a("reject/query/V3", number))["refundJsonList"])) == 2
assert asked(number)["pay_status"] in ("1", "5")
assert ledger("icbc", number) == ("paid", 100, 1, 100)

# Points may pay for all: no cash, and paid all the same.
free, code = generate("ICP", 30)
scan(code, discounts=[{"kind": "points", "funded_by": "bank", "amount": 30}])
whole = asked(free)
assert (whole["pay_status"], whole["payment_amt"], whole["point_amt"], whole["total_amt"]) == ("1", "0", "30", "30"), whole
notice(free)


# The payer's code; its password; and reversing, both before and after the payment.
def pay(number, code, amount):
    return a("V2/pay", number, qr_code=code, **placed(amount))


barcode = fresh("ICB")
good(pay(barcode, auth_code("icbc"), 250), out_trade_no=barcode, total_amt="250")
assert asked(barcode)["pay_status"] == "1"
typing, code = fresh("ICT"), auth_code("icbc", "password")
good(pay(typing, code, 300))
assert asked(typing)["pay_status"] == "0"
tell("/payers/confirm", {"auth_code": code})
assert asked(typing)["pay_status"] == "1"
refusal = pay(fresh("ICN"), "6212345678901234567", 1)
assert refusal["return_code"] not in ("0", "-1"), refusal
waiting = fresh("ICW")
good(pay(waiting, auth_code("icbc", "timeout"), 400))
for one in (waiting, waiting, barcode):
    good(a("V2/reverse", one), out_trade_no=one)
    assert asked(one)["pay_status"] in ("2", "3")
assert [ledger("icbc", one)[:3] for one in (waiting, barcode)] == [("reversed", 400, 0), ("reversed", 250, 1)]
assert a("V2/query", "ICNOSUCHORDER")["return_code"] not in ("0", "-1")

# Family B. Its digits: 0 paid, 1 failed, 2 not known.
ONLINE = "/api/cardbusiness/aggregatepay/b2c/online/"


def b(path, number, **more):
    base = {"mer_id": icbc["mer_id"], "mer_prtcl_no": icbc["mer_prtcl_no"], "icbc_appid": icbc["icbc_appid"], "out_trade_no": number}
    return call(path, base | more)


def consumption(prefix, amount):
    number = fresh(prefix)
    reply = good(b(
        "/api/cardbusiness/qrcode/consumption/V1", number, access_type="6", cur_type="001", amount=str(amount), mer_url=notify_url,
        expire_time="900", notify_type="HS", result_type="0", attach="b", order_date=beijing("%Y-%m-%d %H:%M:%S"), goods_name="苹果",
        body="一箱苹果", installment_times="1", credit_type="2",
    ))
    assert len(reply["supportAppType"]) == 4 and set(reply["supportAppType"]) <= set("01"), reply
    return number, reply["codeUrl"]


def b_asked(number, flag="0"):
    return b(ONLINE + "orderqry/V1", number, deal_flag=flag)



one, code = consumption("ICC", 500)
unpaid = b_asked(one)
assert (unpaid["return_code"], unpaid["pay_status"]) == ("20000002", "2"), unpaid
scan(code, wallet="alipay", discounts=[{"kind": "coupon", "funded_by": "channel", "amount": 100}])
done = good(b_asked(one), pay_status="0", total_amt="500", payment_amt="400", pay_type="10", third_party_coupon_amt="100")
told = notice(one)
assert [told[name] for name in ("order_id", "total_amt", "third_trade_no")] == [done[name] for name in ("order_id", "total_amt", "third_trade_no")]
back = {"outtrx_serial_no": one + "R", "order_id": done["order_id"]}
good(b(ONLINE + "merrefund/V1", one, ret_total_amt="250", trnsc_ccy="001", mer_acct=icbc["mer_acct"], **back), real_reject_amt="200")
good(b(ONLINE + "refundqry/V1", one, **back), pay_status="0", outtrx_serial_no=one + "R")
assert b(ONLINE + "merrefund/V1", one, ret_total_amt="251", trnsc_ccy="001", **{**back, "outtrx_serial_no": one + "S"})["return_code"] != "0"
good(b_asked(one), pay_status="0")
assert ledger("icbc", one) == ("paid", 500, 1, 250)

closing, code = consumption("ICX", 1)
assert b_asked(closing, "1")["pay_status"] == "1"
assert b_asked(closing)["pay_status"] == "1"
status, _ = http(control + "/payers/scan", json.dumps({"content": code, "outcome": "pay"}).encode(), {"content-type": "application/json"})
assert (status, ledger("icbc", closing)[:3]) == (422, ("closed", 1, 0))

inside = fresh("ICO")
good(b(
    ONLINE + "consumepurchase/V1", inside, pay_mode="9", access_type="9", orig_date_time=beijing("%Y-%m-%dT%H:%M:%S"), decive_info="013467007045764",
    body="一箱苹果", fee_type="001", spbill_create_ip="127.0.0.1", total_fee="77", mer_url=notify_url, shop_appid=icbc["shop_appid"],
    open_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", mer_acct=icbc["mer_acct"], expire_time="900", notify_type="HS", result_type="0",
), out_trade_no=inside, total_amt="77")
scan(f"icbc:{inside}")
good(b_asked(inside), pay_status="0", pay_type="9", access_type="9")
notice(inside)

# Notified is not paid: a refused try is told too. And what is not acknowledged in our name comes again, the rest not.
again, code = consumption("ICZ", 9)
tell("/payers/scan", {"content": code, "outcome": "decline"})
failed = until("the second try of a failed trade's notification", lambda: received.get(again, [])[1:2])[0]
assert failed["return_code"] == "1" and received[again][0] == failed, received[again]
assert b_asked(again)["pay_status"] == "2"
assert {len(tries) for number, tries in received.items() if number != again} == {1} and "forged" not in received, received

# What was altered on the way is refused, signed.
assert call("/api/qrcode/V2/query", {"mer_id": icbc["mer_id"], "out_trade_no": number}, altered=True)["return_code"] == "400017"
print("own ICBC client: generate, pay, query, reject and its query, reverse, consumption, purchase, orderqry, merrefund, AES, notifications: all verified")
