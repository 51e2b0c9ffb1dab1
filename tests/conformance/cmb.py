"""A CMB client over gmssl (PyPI) against the sandbox: SM2 with SM3 in DER for every message both ways, MD5 for the header, SM4 for what
the terminal tells. Every reply and notification is verified over its decoded values; only refusals at the door come unsigned."""

import base64
import csv
import hashlib
import io
import json
import secrets
import time
import urllib.parse
import zipfile

from Cryptodome.Util.asn1 import DerInteger, DerOctetString, DerSequence
from gmssl import sm2, sm4
from sandbox import auth_code, beijing, fresh, given, http, ledger, merchant, scan, tell, until

cmb = given["cmb"]
received = {}
N = int(sm2.default_ecc_table["n"], 16)


def side(public_key, private_key=""):
    """The library's client for one side. It would strip zeros and fours from the left of a key that it is given, so it is set."""
    point = base64.b64decode(public_key)[-64:].hex()
    client = sm2.CryptSM2(private_key=private_key, public_key=point, mode=1)
    client.public_key = point
    return client


ours, bank = side(cmb["merchant_public_key"], cmb["private_key"]), side(cmb["public_key"])


def text_of(members):
    return "&".join(f"{name}={members[name]}" for name in sorted(members) if name != "sign").encode()


def signed(members):
    """With a signature whose both numbers have all their bytes: the bank's own demo reads no shorter ones."""
    while True:
        pair = ours.sign_with_sm3(text_of(members), f"{1 + secrets.randbelow(N - 1):064x}")
        r, s = int(pair[:64], 16), int(pair[64:], 16)
        if min(r, s) >= 1 << 248:
            return members | {"sign": base64.b64encode(DerSequence([DerInteger(r), DerInteger(s)]).encode()).decode()}


def from_bank(members):
    r, s = DerSequence().decode(base64.b64decode(members["sign"], validate=True))
    inside = 0 < r < N and 0 < s < N
    return inside and bool(bank.verify_with_sm3(f"{r:064x}{s:064x}", text_of(members)))


ENVELOPE = {"version": "0.0.1", "encoding": "UTF-8", "signMethod": "02"}


def post(path, members, secret=cmb["app_secret"]):
    stamp = str(int(time.time()))
    apisign = hashlib.md5(f"appid={cmb['app_id']}&secret={secret}&sign={members['sign']}&timestamp={stamp}".encode()).hexdigest()
    headers = {"content-type": "application/json", "appid": cmb["app_id"], "timestamp": stamp, "apisign": apisign}
    status, body = http(f"{cmb['base_url']}/polypay/v1.0/mchorders/{path}", json.dumps(members).encode(), headers)
    assert status == 200, (path, status, body)
    return json.loads(body)


def call(path, number, **biz):
    """What the verified reply says, its business fields beside the envelope's."""
    more = {"encryptKey": biz.pop("encryptKey")} if "encryptKey" in biz else {}
    name = "origOrderId" if path in ("cancel", "close") else "orderId"
    biz = {"merId": cmb["mer_id"], "userId": cmb["user_id"], name: number} | biz
    reply = post(path, signed(ENVELOPE | {"biz_content": json.dumps(biz, ensure_ascii=False)} | more))
    assert from_bank(reply) and not from_bank(reply | {"traceNo": "0"}), reply
    assert reply["returnCode"] == "SUCCESS" and ENVELOPE.items() <= reply.items(), reply
    said = json.loads(reply.get("biz_content", "{}"))
    assert said.get("orderId", number) == number, reply
    return reply | said


def good(reply, **expected):
    assert reply["respCode"] == "SUCCESS", reply
    assert {name: reply.get(name) for name in expected} == expected, reply
    return reply


def refused(code, reply):
    assert (reply["respCode"], reply["errCode"]) == ("FAIL", code), reply


def query(number):
    return call("orderquery", number)


def take(body):
    """A merchant that believes a notification only if it verifies, and signs what it answers; not so the first of `CMZ…`."""
    members = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    altered = members | {"biz_content": members["biz_content"].replace("merId", "merID")}
    holds = from_bank(members) and not from_bank(altered) and ENVELOPE.items() <= members.items()
    told = json.loads(members["biz_content"])
    tries = received.setdefault(told["orderId"] if holds else "forged", [])
    tries.append(told)
    answer = signed(ENVELOPE | {"returnCode": "SUCCESS", "respCode": "SUCCESS"})
    if len(tries) == 1 and told["orderId"].startswith("CMZ"):
        answer["returnCode"] = "SUCCESS "
    return 200, "application/json", json.dumps(answer).encode()


notify_url = merchant(take)


def notice(number, tries=1):
    told = until(f"a notification of {number}: {received}", lambda: received.get(number, [])[tries - 1:tries])[0]
    assert told["merId"] == cmb["mer_id"], told
    return told


def paid(number, amount, pay_type):
    """The query says that it was paid, and so does a notification: by its coming alone, it has no state."""
    answer = good(query(number), tradeState="S", txnAmt=str(amount), payType=pay_type)
    told = notice(number)
    assert (told["txnAmt"], told["cmbOrderId"], told.get("payType")) == (str(amount), answer["cmbOrderId"], pay_type), told
    assert call("orderquery", number, cmbOrderId=answer["cmbOrderId"])["tradeState"] == "S"
    return answer


def apply(prefix, amount):
    number = fresh(prefix)
    reply = call("qrcodeapply", number, notifyUrl=notify_url, txnAmt=str(amount), termId=cmb["term_id"], payValidTime="900", body="一箱苹果 a/b")
    code = good(reply)["qrCode"]
    assert code.startswith("https://qr.95516.com/03080000/") and len(code) <= 300, reply
    return number, code


def refund(number, refund_number, total, amount):
    more = {"origOrderId": number, "txnAmt": str(total), "refundAmt": str(amount), "notifyUrl": notify_url, "refundReason": "坏了一个"}
    return call("refund", refund_number, **more)


# A code that any wallet scans. WeChat's refunds take their time, the others' do not.
number, code = apply("CMQ", 100)
refused("UNPAIED_ORDER", query(number))
scan(code, wallet="wechat")
paid(number, 100, "WX")
pending = good(refund(number, number + "R1", 100, 30), refundAmt="30")
assert pending["refundState"] in ("P", "S"), pending
assert good(refund(number, number + "R1", 100, 30))["cmbOrderId"] == pending["cmbOrderId"]
refused("ORDERID_DUPLICATION", refund(number, number + "R1", 100, 31))
until("the refund", lambda: good(call("refundquery", number + "R1"), refundAmt="30")["tradeState"] == "S")
told = notice(number + "R1")
assert told["refundAmt"] == "30" and "txnAmt" not in told, told
assert refund(number, number + "R2", 100, 71)["respCode"] == "FAIL"
good(refund(number, number + "R3", 100, 70))
until("all of it back", lambda: good(call("refundquery", number + "R3"))["tradeState"] == "S")
assert ledger("cmb", number) == ("paid", 100, 1, 100)

cheap, code = apply("CMA", 500)
scan(code, wallet="alipay", discounts=[{"kind": "coupon", "funded_by": "channel", "amount": 100}])
assert paid(cheap, 500, "ZF")["dscAmt"] == "100"
half = good(refund(cheap, cheap + "R", 500, 250), refundState="S")
assert (half["refundAmt"], half["refundDscAmt"]) == ("250", "50"), half


# The payer's code, with what the terminal tells: SM4-CBC without a vector, its key for the bank alone.
def pay(number, auth, amount):
    terminal = {"location": "+30.27/+120.15", "ip": "127.0.0.1", "type": "11"}
    key = secrets.token_bytes(16)
    cipher = sm4.CryptSM4()
    cipher.set_key(key, sm4.SM4_ENCRYPT)
    hidden = base64.b64encode(cipher.crypt_cbc(bytes(16), json.dumps(terminal).encode())).decode()
    sealed = bank.encrypt(key)
    x, y = (DerInteger(int.from_bytes(part, "big")) for part in (sealed[:32], sealed[32:64]))
    envelope = DerSequence([x, y, DerOctetString(sealed[64:96]), DerOctetString(sealed[96:])]).encode()
    reply = call("pay", number, authCode=auth, notifyUrl=notify_url, txnAmt=str(amount), termId=cmb["term_id"], encryptTerminalInfo=hidden,
                 encryptKey=base64.b64encode(envelope).decode(), body="苹果")
    if reply["respCode"] == "SUCCESS":
        assert json.loads(tell("/hooks", {"channel": "cmb", "word": f"terminal {number}"})["answer"]) == terminal
    return reply


barcode = fresh("CMB")
done = good(pay(barcode, auth_code("cmb"), 250), tradeState="S", payType="YL")
assert "endDate" not in done and "endTime" not in done, done
paid(barcode, 250, "YL")
for wallet, pay_type in (("wechat", "WX"), ("alipay", "ZF")):
    other = fresh("CMW")
    good(pay(other, auth_code(wallet), 60), tradeState="S", payType=pay_type)
    paid(other, 60, pay_type)
typing, code = fresh("CMP"), auth_code("cmb", "password")
good(pay(typing, code, 300), tradeState="P")
good(query(typing), tradeState="P")
tell("/payers/confirm", {"auth_code": code})
paid(typing, 300, "YL")
refused("AUTHCODE_NOT_LAWFUL", pay(fresh("CMN"), "6212345678901234567", 1))
poor = fresh("CMN")
good(pay(poor, auth_code("cmb"), 999_999), tradeState="F")
assert ledger("cmb", poor)[2] == 0

# Undoing: a payment code by cancel, not at once; a QR by close; nothing that is paid.
waiting = fresh("CMT")
good(pay(waiting, auth_code("cmb", "timeout"), 400), tradeState="P")
refused("OPERATING_FREQUENTLY", call("cancel", waiting))
until("the cancel to be let through", lambda: call("cancel", waiting).get("cancelState") == "D")
good(query(waiting), tradeState="D")
refused("ORDER_PAID", call("cancel", typing))
closing, code = apply("CMC", 1)
good(call("close", closing), closeState="C")
good(query(closing), tradeState="C")
refused("ORDER_PAID", call("close", cheap))
assert [ledger("cmb", one)[2] for one in (waiting, closing)] == [0, 0]
refused("CMBORDERID_NOT_EXIST", query("CMNOSUCHORDER"))

# A notification that is not acknowledged in our name comes again; the rest have not.
again, code = apply("CMZ", 9)
scan(code)
assert notice(again, 2) == notice(again)
assert {len(tries) for one, tries in received.items() if one != again} == {1} and "forged" not in received, received

# The day's statement: a link at the same host, a zip, columns by the names that the account is configured with.
columns = cmb["statement_columns"]
members = signed(ENVELOPE | {"biz_content": json.dumps({"merId": cmb["mer_id"], "userId": cmb["user_id"], "billDate": beijing("%Y%m%d")})})
reply = post("statementurl", members)
assert from_bank(reply), reply
link = json.loads(reply["biz_content"])["fileDownloadUrl"]
assert link.startswith(cmb["base_url"] + "/"), link
with zipfile.ZipFile(io.BytesIO(http(link)[1])) as archive:
    rows = list(csv.DictReader(io.StringIO(archive.read(archive.namelist()[0]).decode())))
cells = {(row[columns["number"]], row[columns["refund_number"]]): row[columns["amount"]] for row in rows}
assert (cells[number, ""], cells[number, number + "R1"], cells[typing, ""]) == ("100", "30", "300"), cells
assert (waiting, "") not in cells and (closing, "") not in cells

# Another secret, and an altered body: refused at the door.
body = ENVELOPE | {"biz_content": json.dumps({"merId": cmb["mer_id"], "userId": cmb["user_id"], "orderId": number})}
for reply in (post("orderquery", signed(body), secret="0"), post("orderquery", signed(body) | {"biz_content": body["biz_content"] + " "})):
    assert (reply["returnCode"], reply["errCode"]) == ("FAIL", "SIGN_ERROR"), reply
print("gmssl: qrcodeapply, pay with terminal, orderquery, refund, refundquery, cancel, close, notifications, statement: all verified")
