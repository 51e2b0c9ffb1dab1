// wechatpay-axios-plugin (npm) against the sandbox, in certificate mode. The client checks every answer's signature and its age.
import { createRequire } from "node:module";
import assert from "node:assert";
import http from "node:http";

const require = createRequire(process.env.SLUICE_NODE_MODULES + "/");
const { Wechatpay, Aes, Rsa, Formatter } = require("wechatpay-axios-plugin");

const { wechat, control } = JSON.parse(process.argv[2]);
const client = new Wechatpay({
  mchid: wechat.mchid, serial: wechat.serial_no, privateKey: wechat.private_key,
  certs: { [wechat.platform_serial_no]: wechat.platform_certificate, [wechat.public_key_id]: wechat.public_key },
  baseURL: wechat.base_url + "/",
});

const tell = async (path, body) => {
  const answer = await fetch(control + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
};
const until = async (what, ask) => {
  for (const deadline = Date.now() + 15000; Date.now() < deadline; ) {
    const found = await ask();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`waited in vain for ${what}`);
};

// A merchant that believes a callback only if the library's own verification does, and decrypts it with the library's own AES.
const received = [];
const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const get = (name) => request.headers["wechatpay-" + name] ?? "";
    const key = get("serial") === wechat.public_key_id ? wechat.public_key : wechat.platform_certificate;
    const message = Formatter.joinedByLineFeed(get("timestamp"), get("nonce"), body);
    const holds = Rsa.verify(message, get("signature"), key);
    if (holds) {
      const { event_type, resource } = JSON.parse(body);
      const plain = Aes.AesGcm.decrypt(resource.ciphertext, wechat.api_v3_key, resource.nonce, resource.associated_data);
      received.push({ event_type, ...JSON.parse(plain) });
    }
    response.writeHead(holds ? 204 : 500).end();
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const notify_url = `http://127.0.0.1:${server.address().port}/notify`;

const number = `JS${process.pid}${Date.now()}`;
const order = (out_trade_no, total) => ({
  appid: wechat.app_id, mchid: wechat.mchid, description: "一箱苹果", out_trade_no, notify_url, amount: { total },
});
const trade = (out_trade_no) => client.v3.pay.transactions.outTradeNo.$out_trade_no$.get({ params: { mchid: wechat.mchid }, out_trade_no });

const created = await client.v3.pay.transactions.native.post(order(number, 100));
assert.ok(created.data.code_url.startsWith("weixin://"));
assert.equal((await trade(number)).data.trade_state, "NOTPAY");
await tell("/payers/scan", { content: created.data.code_url, outcome: "pay" });
const paid = (await trade(number)).data;
assert.deepEqual([paid.trade_state, paid.amount.total], ["SUCCESS", 100]);
const notice = await until("the callback", () => received.find((r) => r.event_type === "TRANSACTION.SUCCESS"));
assert.deepEqual([notice.out_trade_no, notice.amount.total], [number, 100]);

const out_refund_no = number + "R";
await client.v3.refund.domestic.refunds.post({ out_trade_no: number, out_refund_no, notify_url, amount: { refund: 30, total: 100, currency: "CNY" } });
await until("the refund", async () => (await client.v3.refund.domestic.refunds.$out_refund_no$.get({ out_refund_no })).data.status === "SUCCESS");

const closing = number + "C";
await client.v3.pay.transactions.native.post(order(closing, 1));
const closed = await client.v3.pay.transactions.outTradeNo.$out_trade_no$.close.post({ mchid: wechat.mchid }, { out_trade_no: closing });
assert.equal(closed.status, 204);
assert.equal((await trade(closing)).data.trade_state, "CLOSED");
server.close();
server.closeAllConnections();
console.log("wechatpay-axios-plugin: create, query, callback, refund, close: all verified");
