// alipay-sdk (npm) against the sandbox, in key mode. With `validateSign` the client checks the signature of every reply that has one.
import { createRequire } from "node:module";
import assert from "node:assert";
import crypto from "node:crypto";
import http from "node:http";

// The client writes the machine's own time, and Alipay's is Beijing's.
process.env.TZ = "Asia/Shanghai";
const require = createRequire(process.env.SLUICE_NODE_MODULES + "/");
const { AlipaySdk } = require("alipay-sdk");

const { alipay, control } = JSON.parse(process.argv[2]);
const settings = {
  appId: alipay.app_id, privateKey: alipay.private_key_base64, keyType: "PKCS8", alipayPublicKey: alipay.alipay_public_key_base64,
  gateway: alipay.gateway, camelcase: false,
};
const client = new AlipaySdk(settings);

const tell = async (path, body) => {
  const answer = await fetch(control + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
};
const scan = (content) => tell("/payers/scan", { content, outcome: "pay" });
const authCode = async (behaviour) => (await tell("/payers/auth-code", { wallet: "alipay", behaviour })).auth_code;
const ledger = async (number) => {
  const row = (await (await fetch(control + "/ledger")).json()).find((row) => row.channel === "alipay" && row.out_trade_no === number);
  const back = row.refunds.filter((refund) => refund.status === "succeeded").reduce((sum, refund) => sum + refund.amount, 0);
  return [row.status, row.total, row.charges, back];
};
const until = async (what, ask) => {
  for (const deadline = Date.now() + 15000; Date.now() < deadline; ) {
    const found = await ask();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`waited in vain for ${what}`);
};
let counter = 0;
const fresh = (prefix) => `${prefix}${process.pid}${Date.now()}${(counter += 1)}`;

// A merchant that believes a callback only if the library's own verification does, and an altered one never.
const received = [];
const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const form = Object.fromEntries(new URLSearchParams(body));
    const holds = client.checkNotifySignV2(form) && !client.checkNotifySignV2({ ...form, total_amount: "0.01" });
    if (holds) received.push(form);
    response.writeHead(holds ? 200 : 500).end(holds ? "success" : "fail");
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const notifyUrl = `http://127.0.0.1:${server.address().port}/notify`;

const call = (method, bizContent, more = {}) => client.exec(`alipay.trade.${method}`, { ...more, bizContent }, { validateSign: true });
const good = async (method, bizContent, expected = {}, more = {}) => {
  const reply = await call(method, bizContent, more);
  assert.equal(reply.code, "10000", JSON.stringify(reply));
  for (const [name, value] of Object.entries(expected)) assert.equal(reply[name], value, JSON.stringify(reply));
  return reply;
};
const refused = async (sub_code, method, bizContent) => {
  const reply = await call(method, bizContent);
  assert.deepEqual([reply.code, reply.sub_code], ["40004", sub_code], JSON.stringify(reply));
};
const notice = async (out_trade_no, what, holds) => {
  const found = await until(what, () => received.find((form) => form.out_trade_no === out_trade_no && holds(form)));
  assert.deepEqual([found.app_id, found.seller_id], [alipay.app_id, alipay.seller_id]);
  return found;
};
const paid = (form) => form.trade_status === "TRADE_SUCCESS" && !Number(form.refund_fee ?? 0);
const subject = '一箱"苹果" 50% 甜+脆';
const order = (out_trade_no, total_amount, more = {}) => ({ out_trade_no, total_amount, subject, ...more });

// A code for the payer: no trade before somebody looks at it, then paid, told, and refunded in two parts.
const number = fresh("AJ");
const { qr_code } = await good("precreate", order(number, "1.00"), {}, { notifyUrl });
await refused("ACQ.TRADE_NOT_EXIST", "query", { out_trade_no: number });
await scan(qr_code);
const first = await good("query", { out_trade_no: number }, { trade_status: "TRADE_SUCCESS", total_amount: "1.00" });
const told = await notice(number, "the payment's notification", paid);
assert.deepEqual([told.trade_no, told.total_amount, told.subject], [first.trade_no, "1.00", subject]);

const refund = (refund_amount, out_request_no) => ({ out_trade_no: number, refund_amount, out_request_no, refund_reason: "坏了一个" });
await good("refund", refund("0.30", "R1"), { fund_change: "Y", refund_fee: "0.30" });
await good("refund", refund("0.30", "R1"), { fund_change: "N", refund_fee: "0.30" });
await refused("ACQ.DISCORDANT_REPEAT_REQUEST", "refund", refund("0.31", "R1"));
const asked = { out_trade_no: number, out_request_no: "R1" };
await good("fastpay.refund.query", asked, { refund_status: "REFUND_SUCCESS", refund_amount: "0.30", total_amount: "1.00" });
await good("fastpay.refund.query", { ...asked, out_request_no: "R9" }, { refund_status: undefined, refund_amount: undefined });
const back = await notice(number, "the refund's notification", (form) => form.out_biz_no === "R1");
assert.deepEqual([back.trade_status, back.refund_fee], ["TRADE_SUCCESS", "0.30"]);
await until("the next refund to be let through", async () => (await call("refund", refund("0.70", "R2"))).code === "10000");
await good("query", { trade_no: first.trade_no }, { trade_status: "TRADE_CLOSED" });
assert.deepEqual(await ledger(number), ["paid", 100, 1, 100]);

// A payment code, its payer's password, and cancelling before and after the payment.
const charge = async (out_trade_no, behaviour) => {
  const auth_code = await authCode(behaviour);
  return [auth_code, await call("pay", order(out_trade_no, "2.50", { auth_code, scene: "bar_code" }), { notifyUrl })];
};
const [barcode, typing, waiting] = [fresh("AJB"), fresh("AJP"), fresh("AJW")];
const [, charged] = await charge(barcode, "pay");
assert.deepEqual([charged.code, charged.total_amount], ["10000", "2.50"], JSON.stringify(charged));
await good("query", { out_trade_no: barcode }, { trade_status: "TRADE_SUCCESS" });
await notice(barcode, "the barcode payment's notification", paid);
const [auth_code, asks] = await charge(typing, "password");
assert.equal(asks.code, "10003");
await good("query", { out_trade_no: typing }, { trade_status: "WAIT_BUYER_PAY" });
await tell("/payers/confirm", { auth_code });
await good("query", { out_trade_no: typing }, { trade_status: "TRADE_SUCCESS", total_amount: "2.50" });
const [, declined] = await charge(fresh("AJD"), "decline");
assert.ok(declined.code === "40004" && declined.sub_code.startsWith("ACQ."), JSON.stringify(declined));
assert.equal((await charge(waiting, "timeout"))[1].code, "10003");
await good("cancel", { out_trade_no: waiting }, { action: "close", retry_flag: "N" });
await good("query", { out_trade_no: waiting }, { trade_status: "TRADE_CLOSED" });
await good("cancel", { out_trade_no: barcode }, { action: "refund", retry_flag: "N" });
assert.deepEqual([(await ledger(waiting))[2], (await ledger(barcode))[2]], [0, 1]);

// A trade for a known payer exists at once; closing ends it, and what is paid cannot be closed.
const known = fresh("AJC");
const { trade_no } = await good("create", order(known, "1.00", { buyer_id: "2088000000000001" }), {}, { notifyUrl });
await good("query", { out_trade_no: known }, { trade_status: "WAIT_BUYER_PAY", trade_no });
await good("close", { out_trade_no: known });
await good("query", { out_trade_no: known }, { trade_status: "TRADE_CLOSED" });
assert.match((await call("close", { out_trade_no: typing })).sub_code, /^ACQ\..*STATUS/);

// Page and mobile page (as an address and as a form), and the app's string: the payer brings what the client signed.
const time = new Date(Date.now() + 900_000);
const two = (value) => String(value).padStart(2, "0");
const time_expire = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} `
  + `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
const formAddress = (html) => {
  const plain = (text) => text.replaceAll("&quot;", '"');
  const fields = [...html.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => `${name}=${encodeURIComponent(plain(value))}`);
  return [html.match(/action="([^"]+)"/)[1], ...fields].join("&");
};
const product = { page: "FAST_INSTANT_TRADE_PAY", wap: "QUICK_WAP_WAY", app: "QUICK_MSECURITY_PAY" };
for (const [kind, make] of [
  ["page", (biz) => client.pageExecute("alipay.trade.page.pay", "GET", biz)],
  ["page", (biz) => formAddress(client.pageExecute("alipay.trade.page.pay", "POST", biz))],
  ["wap", (biz) => client.pageExecute("alipay.trade.wap.pay", "GET", biz)],
  ["wap", (biz) => formAddress(client.pageExecute("alipay.trade.wap.pay", "POST", biz))],
  ["app", (biz) => client.sdkExecute("alipay.trade.app.pay", biz)],
]) {
  const out_trade_no = fresh("AJG");
  const content = make({ notifyUrl, bizContent: order(out_trade_no, "0.88", { product_code: product[kind], time_expire }) });
  await refused("ACQ.TRADE_NOT_EXIST", "query", { out_trade_no });
  await scan(content);
  await good("query", { out_trade_no }, { trade_status: "TRADE_SUCCESS", total_amount: "0.88" });
  await notice(out_trade_no, `the notification of ${kind}`, paid);
}

// A stranger's key is refused, signed; an unknown app is refused, unsigned, and the client believes nothing.
const { privateKey } = crypto.generateKeyPairSync("rsa", {
  modulusLength: 2048, privateKeyEncoding: { type: "pkcs8", format: "der" }, publicKeyEncoding: { type: "spki", format: "der" },
});
const ask = (other) => new AlipaySdk({ ...settings, ...other }).exec("alipay.trade.query", { bizContent: { out_trade_no: number } }, { validateSign: true });
assert.equal((await ask({ privateKey: privateKey.toString("base64") })).sub_code, "isv.invalid-signature");
await assert.rejects(ask({ appId: "2021999999999999" }), TypeError);
// And the client does check: with another key for Alipay's, a good reply is thrown away.
await assert.rejects(ask({ alipayPublicKey: alipay.app_public_key_base64 }), /验签失败/);
server.close();
server.closeAllConnections();
console.log("alipay-sdk: precreate, notification, refunds and their query, barcode, password, cancel, create, close, page, wap, app: all verified");
