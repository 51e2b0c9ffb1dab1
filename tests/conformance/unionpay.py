"""An ACP 5.1.0 client of its own (cryptography for RSA and X.509, nothing of ours) against the sandbox. It signs the hash of the hash,
splits answers without decoding them, and believes a message only if its certificate chains up to the root, bears UnionPay's name,
and verifies every field."""

import base64
import hashlib
import io
import re
import urllib.parse
import zipfile
import zlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from sandbox import auth_code, beijing, fresh, given, http, ledger, merchant, scan, tell, until

unionpay = given["unionpay"]
received = {}
key = serialization.load_pem_private_key(unionpay["private_key"].encode(), None)
own, middle, root = (x509.load_pem_x509_certificate(unionpay[f"{name}certificate"].encode()) for name in ("", "middle_", "root_"))
NAME = "中国银联股份有限公司"


class Forged(Exception):
    pass


def digest(fields):
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items(), key=lambda pair: pair[0].encode()))
    return hashlib.sha256(text.encode()).hexdigest().encode()


def signed(fields):
    fields = {name: value.strip() for name, value in fields.items() if value.strip()}
    fields |= {"certId": str(own.serial_number)}
    return fields | {"signature": base64.b64encode(key.sign(digest(fields), padding.PKCS1v15(), hashes.SHA256())).decode()}


def verified(fields):
    """The fields of a message of UnionPay's, or `Forged`."""
    rest = dict(fields)
    try:
        signature = base64.b64decode(rest.pop("signature"), validate=True)
        leaf = x509.load_pem_x509_certificate(rest["signPubKeyCert"].encode())
        leaf.verify_directly_issued_by(middle)
        middle.verify_directly_issued_by(root)
        root.verify_directly_issued_by(root)
        now = beijing("%Y%m%d%H%M%S")
        for certificate in (leaf, middle, root):
            assert f"{certificate.not_valid_before_utc:%Y%m%d%H%M%S}" <= now <= f"{certificate.not_valid_after_utc:%Y%m%d%H%M%S}", "expired"
        names = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value.split("@")
        assert len(names) == 4 and names[0] == "041" and names[2] == NAME, names
        leaf.public_key().verify(signature, digest(rest), padding.PKCS1v15(), hashes.SHA256())
        assert (rest["version"], rest["signMethod"]) == ("5.1.0", "01"), rest
    except (KeyError, ValueError, TypeError, AssertionError, InvalidSignature) as why:
        raise Forged(f"{why!r}: {fields}") from why
    return rest


def split(text):
    """An answer's fields: nothing is percent-encoded, and what stands in braces or brackets may hold `&` and `=`."""
    fields, name, start, closer = {}, None, 0, None
    for at, char in enumerate(text + "&"):
        if closer:
            closer = None if char == closer else closer
        elif char in "{[":
            closer = {"{": "}", "[": "]"}[char]
        elif char == "=" and name is None:
            name, start = text[start:at], at + 1
        elif char == "&":
            if name is not None:
                assert name not in fields, f"{name} stands twice"
                fields[name] = text[start:at]
            name, start = None, at + 1
    return fields


def send(url, fields):
    """Posts signed fields; answers the verified ones, which must be about the same order."""
    status, body = http(url, urllib.parse.urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded"})
    assert status == 200, (status, body)
    answer = verified(split(body.decode()))
    # A query's answer has the kind of the transaction that was asked for.
    kinds = ("txnType", "txnSubType") if fields["txnType"] != "00" else ()
    for name in ("merId", "orderId", "txnTime", *kinds):
        assert answer.get(name) == fields.get(name), (name, fields, answer)
    return answer


def fields_of(kind, sub, number, time, **more):
    base = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0", "merId": unionpay["mer_id"], "bizType": "000000"}
    return base | {"txnType": kind, "txnSubType": sub, "orderId": number, "txnTime": time} | more


def money(kind, sub, number, amount, **more):
    base = {"txnAmt": str(amount), "currencyCode": "156", "channelType": "08", "backUrl": back_url}
    return fields_of(kind, sub, number, beijing("%Y%m%d%H%M%S"), **(base | more))


def good(answer, **expected):
    assert answer["respCode"] == "00", answer
    assert {name: answer.get(name) for name in expected} == expected, answer
    return answer


def query(order):
    answer = send(unionpay["query_url"], signed(fields_of("00", "00", order["orderId"], order["txnTime"])))
    if "origRespCode" in answer:
        assert (answer["txnType"], answer["txnSubType"]) == (order["txnType"], order["txnSubType"]), answer
    return answer


def paid(order, amount):
    """The query says that it was paid, with the notice's own words."""
    answer = good(query(order), origRespCode="00", txnAmt=str(amount))
    told = notice(order)
    for name in ("queryId", "txnAmt", "txnTime", "merId", "settleDate", "traceNo", "traceTime"):
        assert told[name] == answer.get(name, told[name]), (name, told, answer)
    card = key.decrypt(base64.b64decode(told["accNo"]), padding.PKCS1v15()).decode()
    assert re.fullmatch(r"\d{4,6}\*+\d{4}", card), card
    return answer


def take(body):
    """A merchant that believes a notice only if it verifies; the first try of each order named `UPZ…` is not acknowledged."""
    try:
        fields = verified(dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)))
    except Forged as why:
        received.setdefault("forged", []).append(str(why))
        return 400, "text/plain", b"bad signature"
    tries = received.setdefault(fields["orderId"], [])
    tries.append(fields)
    return (500 if len(tries) == 1 and fields["orderId"].startswith("UPZ") else 200), "text/plain", b"ok"


def notice(order, tries=1):
    told = until(f"a notice of {order['orderId']}: {received}", lambda: received.get(order["orderId"], [])[tries - 1:tries])[0]
    assert told["respCode"] == "00", told
    return told


back_url = merchant(take)
back = lambda fields: send(unionpay["back_url"], signed(fields))
assert str(own.serial_number) == unionpay["cert_id"]

# A code for the payer.
qr = money("01", "07", fresh("UPQ"), 100, payTimeout=beijing("%Y%m%d%H%M%S", 900), reqReserved="c2x1aWNl")
code = good(back(qr), reqReserved="c2x1aWNl")["qrCode"]
assert query(qr).get("origRespCode") not in ("00", "A6")
assert back(qr)["respCode"] == "12"
scan(code)
first = paid(qr, 100)
assert len(first["queryId"]) == 21 and first["reqReserved"] == "c2x1aWNl", first
assert query({**qr, "txnTime": "20200101000000"})["respCode"] == "34"

# Refunds under numbers of their own, each queried and told as itself; the payment stays paid.
part = money("04", "00", fresh("UPR"), 30, origQryId=first["queryId"])
good(back(part))
until("the refund", lambda: good(query(part)).get("origRespCode") == "00")
assert notice(part)["txnType"] == "04"
more = money("04", "00", fresh("UPR"), 71, origOrderId=qr["orderId"], origTxnTime=qr["txnTime"])
assert back(more)["respCode"] == "36"
good(query(qr), origRespCode="00", txnAmt="100")
assert ledger("unionpay", qr["orderId"]) == ("paid", 100, 1, 30)

# The payer's code: at once, after the password, and one that never ends and is reversed under the payment's own number and time.
now = money("01", "06", fresh("UPB"), 250, qrNo=auth_code("unionpay"))
good(back(now))
until("the payment", lambda: good(query(now)).get("origRespCode") == "00")
second = paid(now, 250)
typed = auth_code("unionpay", "password")
typing = money("01", "06", fresh("UPP"), 300, qrNo=typed)
assert back(typing)["respCode"] in ("03", "04", "05")
assert query(typing)["origRespCode"] in ("03", "04", "05")
tell("/payers/confirm", {"auth_code": typed})
paid(typing, 300)
assert back(money("01", "06", fresh("UPN"), 1, qrNo="6212345678901234567"))["respCode"] not in ("00", "03", "04", "05", "A6")
lost = money("01", "06", fresh("UPL"), 400, qrNo=auth_code("unionpay", "timeout"))
assert back(lost)["respCode"] in ("03", "04", "05")
reversal = fields_of("99", "01", lost["orderId"], lost["txnTime"], channelType="08")
good(back(reversal))
good(back(reversal))
assert query(lost)["origRespCode"] not in ("00", "A6", "03", "04", "05")
assert ledger("unionpay", lost["orderId"])[2] == 0

# Undoing a payment of the same clearing day, in full.
undo = money("31", "00", fresh("UPU"), 250, origQryId=second["queryId"])
good(back(undo))
until("the undo", lambda: good(query(undo)).get("origRespCode") == "00")
assert ledger("unionpay", now["orderId"])[3] == 250

# The browser's form, and the app's tn.
front = money("01", "01", fresh("UPF"), 88, bizType="000201", channelType="07", frontUrl=back_url, payTimeout=beijing("%Y%m%d%H%M%S", 900))
assert query(front)["respCode"] == "34"
scan(f"{unionpay['front_url']}?{urllib.parse.urlencode(signed(front))}")
paid(front, 88)
app = money("01", "01", fresh("UPA"), 99, bizType="000201")
tn = good(send(unionpay["app_url"], signed(app)))["tn"]
assert query(app).get("origRespCode") not in ("00", "A6")
scan(tn)
paid(app, 99)

# A notice that is not acknowledged comes again, the same; those that were have not.
again = money("01", "07", fresh("UPZ"), 5)
scan(good(back(again))["qrCode"])
once, twice = notice(again), notice(again, 2)
assert {**twice, "accNo": ""} == {**once, "accNo": ""}, (once, twice)
assert {len(tries) for number, tries in received.items() if not number.startswith("UPZ")} == {1}, received

# The encryption certificate, and the day's statement: base64, zlib, zip, GBK, columns by bytes.
answer = good(back(fields_of("95", "00", fresh("UPE"), beijing("%Y%m%d%H%M%S"), channelType="07", certType="01")))
encryption = x509.load_pem_x509_certificate(answer["encryptPubKeyCert"].encode())
encryption.verify_directly_issued_by(middle)
assert str(encryption.serial_number) == unionpay["encrypt_cert_id"]
asked = fields_of("76", "01", "", beijing("%Y%m%d%H%M%S"), settleDate=first["settleDate"], fileType="00")
asked = signed({name: value for name, value in asked.items() if name != "orderId"})
content = good(send(unionpay["file_url"], asked))
rows = {}
with zipfile.ZipFile(io.BytesIO(zlib.decompress(base64.b64decode(content["fileContent"])))) as archive:
    member = next(name for name in archive.namelist() if f"ZM_{unionpay['mer_id']}" in name)
    for line in archive.read(member).splitlines():
        # Widths of columns 1 to 28; each is followed by one byte.
        widths, at, columns = (3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15), 0, [""]
        for width in widths:
            columns.append(line[at:at + width].decode("gbk").strip())
            at += width + 1
        rows[columns[12]] = columns
for order, kind, amount, original in ((qr, "01", 100, ""), (typing, "01", 300, ""), (front, "01", 88, ""), (part, "04", 30, first["queryId"]),
                                      (undo, "31", 250, second["queryId"])):
    row = rows[order["orderId"]]
    assert (row[20], int(row[7]), row[27].strip("0"), row[28]) == (kind, amount, original.strip("0"), unionpay["mer_id"]), row
assert rows[qr["orderId"]][10] == first["queryId"] and rows[qr["orderId"]][4] == first["traceNo"]
assert lost["orderId"] not in rows

# The gateway takes no altered request, and this client no altered answer, and none that another merchant of the same CA signed.
assert send(unionpay["query_url"], {**signed(fields_of("00", "00", qr["orderId"], qr["txnTime"])), "reserved": "{a=1}"})["respCode"] == "11"
told = notice(qr)
for fields in ({**told, "txnAmt": "1"}, signed({**told, "signPubKeyCert": unionpay["certificate"].strip()})):
    try:
        verified({"signature": unionpay["cert_id"], **fields})
    except Forged:
        continue
    raise SystemExit(f"a forgery was believed: {fields}")
assert "forged" not in received, received["forged"]
print("own ACP client: QR apply and consume, front form, tn, query, refund, undo, reversal, notices, certificate, statement: all verified")
