// The payer's pages in Debian's Chromium: every screen in both languages, two widths, with and without script; axe, origins, budgets;
// codes read from the screenshot by a decoder that is not ours; bridges that lie. Screenshots are kept for people to look at.
import { createRequire } from "node:module";
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";

const require = createRequire(process.env.SLUICE_NODE_MODULES + "/");
const { chromium } = require("playwright-core");
const { PNG } = require("pngjs");
const jsQR = require("jsqr");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const { origin, control, out, screens, agents, live, store } = JSON.parse(process.argv[2]);
fs.mkdirSync(out, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.SLUICE_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
// What is wrong with screens is told all at once, at the end.
const wrong = new Set();
const must = (holds, what) => { if (!holds) wrong.add(what); };
const counts = { screens: 0, axe: 0, requests: 0 };

const tell = async (where, body) => {
  const answer = await fetch(control + where, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
};

// A page that may speak to our origin only; whatever else it asks for is remembered and fails the test.
async function visit({ agent, lang = "zh", width = 360, script = true, before, away = false, unprocessable = false }, use) {
  const context = await browser.newContext({
    userAgent: agents[agent], locale: lang === "zh" ? "zh-CN" : "en-US", viewport: { width, height: 740 }, javaScriptEnabled: script,
  });
  const page = await context.newPage();
  const foreign = [], errors = [];
  page.on("request", (request) => { counts.requests += 1; if (!request.url().startsWith(origin) && !request.url().startsWith("data:") && !(away && request.isNavigationRequest())) foreign.push(request.url()); });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error" && !/404/.test(message.text()) && !(unprocessable && /422/.test(message.text()))) errors.push(message.text()); });
  if (before) await before(page);
  try { await use(page); } finally { await context.close(); }
  must(foreign.length === 0, `requests left the origin: ${foreign}`);
  must(errors.length === 0, `errors of a page: ${errors}`);
}

const heading = (page) => page.locator("h1").innerText();
const until = async (what, ask, ms = 10_000) => {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise((done) => setTimeout(done, 25))) if (await ask()) return;
  assert.fail(`waited for ${what}`);
};
const decode = (png) => { const image = PNG.sync.read(png); return jsQR(new Uint8ClampedArray(image.data), image.width, image.height)?.data; };

async function judge(page, name, lang) {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth, document.querySelectorAll("*").length, document.documentElement.lang]);
  must(wide[0] <= wide[1], `${name}: ${wide[0]} wide in ${wide[1]}`);
  must(wide[2] <= 150, `${name}: ${wide[2]} nodes`);
  must(wide[3] === (lang === "zh" ? "zh-CN" : "en"), `${name}: lang ${wide[3]}`);
  const small = await page.evaluate(() => [...document.querySelectorAll("button:not([hidden]),a.act")].filter((b) => b.offsetParent && b.getBoundingClientRect().height < 44).length);
  must(small === 0, `${name}: targets under 44 px`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  counts.axe += 1;
  for (const v of found.violations) must(false, `${name}: ${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
}

for (const screen of screens) {
  for (const lang of ["zh", "en"]) {
    for (const width of [320, 360, 1280]) {
      for (const script of [true, false]) {
        const name = `${screen.name}-${lang}-${width}${script ? "" : "-noscript"}`;
        await visit({ agent: screen.agent, lang, width, script }, async (page) => {
          await page.goto(screen.url + (screen.query ?? ""));
          counts.screens += 1;
          const text = await page.locator("body").innerText();
          for (const words of screen[lang]) must(text.includes(words), `${name} shows no ${words}: ${text}`);
          for (const words of screen.never ?? []) must(!text.includes(words), `${name} shows ${words}: ${text}`);
          if (width !== 320) await page.screenshot({ path: path.join(out, `${name}.png`), fullPage: true });
          // Without script axe cannot run; the markup is the same.
          if (script) await judge(page, name, lang);
        });
      }
    }
  }
  // A wrong guess is harmless: every app shows the screen of every other one without an error, and never "paid" or "not charged" by itself.
  for (const agent of Object.keys(agents)) {
    await visit({ agent }, async (page) => {
      await page.goto(screen.url);
      const text = await page.locator("body").innerText();
      if (!screen.final) must(!/支付成功|未扣款/.test(text), `${screen.name} as ${agent}: ${text}`);
    });
  }
}

// The code is read from the screenshot, paid, and the screen changes by itself.
const took = [];
for (const url of live.scan) {
  await visit({ agent: "desktop" }, async (page) => {
    let bytes = 0, requests = 0;
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; requests += 1; });
    await page.goto(url);
    const content = decode(await page.screenshot());
    assert.ok(content, "the screenshot's code cannot be read");
    await until("the first poll", () => requests >= 2);
    must(bytes <= 12_288, `a code page takes ${bytes} bytes`);
    console.log(`a code page: ${bytes} bytes in ${requests} requests`);
    const paid = await tell("/payers/scan", { content, outcome: "pay" });
    assert.strictEqual(paid.paid, true);
    const began = Date.now();
    await until("paid", async () => (await heading(page).catch(() => "")).includes("支付成功"));
    took.push(Date.now() - began);
  });
}
took.sort((a, b) => a - b);
console.log(`paid to screen: ${took.join(", ")} ms`);
must(took[Math.ceil(took.length * 0.95) - 1] <= 1_500, `paid to screen took ${took} ms`);

// By hand and without script: choose, see the code, pay, and see the receipt after the page has refreshed itself.
await visit({ agent: "desktop", script: false }, async (page) => {
  await page.goto(live.noscript);
  await page.getByRole("button", { name: "微信支付（扫码）" }).click();
  let content = "";
  // The page refreshes itself: a picture taken between two pages is none.
  await until("a code on the screen", async () => (content = (await page.screenshot().then(decode).catch(() => "")) ?? "") !== "", 15_000);
  await tell("/payers/scan", { content, outcome: "pay" });
  await until("paid without script", async () => (await heading(page).catch(() => "")).includes("支付成功"), 15_000);
});

// Bridges that lie. "ok" of an unpaid order is no payment, and "cancelled" of a paid one is one.
const bridge = (name, answer) => (page) => page.addInitScript(([name, answer]) => {
  const call = (verb, params, told) => { window.lied = verb; Promise.resolve(window.payer?.(params)).then(() => told(answer)); };
  window[name] = { invoke: call, call };
}, [name, answer]);
await visit({ agent: "wechat", before: bridge("WeixinJSBridge", { err_msg: "get_brand_wcpay_request:ok" }) }, async (page) => {
  await page.goto(live.wechat);
  await until("the page to ask us", async () => (await page.url()).includes("confirm=1"));
  assert.ok((await heading(page)).includes("正在确认支付结果"));
  assert.ok(!(await page.locator("body").innerText()).includes("支付成功"));
  await page.screenshot({ path: path.join(out, "bridge-lies-ok.png"), fullPage: true });
});
await visit({ agent: "alipay", before: bridge("AlipayJSBridge", { resultCode: "6001" }) }, async (page) => {
  await page.goto(live.alipayCancelled);
  await until("cancelled", async () => (await page.locator("#note").innerText().catch(() => "")).includes("已取消，可继续支付"));
  await page.screenshot({ path: path.join(out, "bridge-cancelled.png"), fullPage: true });
});
await visit({
  agent: "alipay",
  before: async (page) => {
    await page.exposeFunction("payer", (params) => tell("/payers/scan", { content: params.tradeNO, outcome: "pay" }));
    await bridge("AlipayJSBridge", { resultCode: "6001" })(page);
  },
}, async (page) => {
  await page.goto(live.alipayPaid);
  await until("paid although cancelled", async () => (await heading(page).catch(() => "")).includes("支付成功"));
});

// A store's code in WeChat: keys are pressed, the app is asked who pays, and its bridge opens. The amount page's budget, and its first paint.
await visit({ agent: "wechat", away: true, before: bridge("WeixinJSBridge", { err_msg: "get_brand_wcpay_request:ok" }) }, async (page) => {
  let bytes = 0, requests = 0;
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 200_000 });
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; requests += 1; });
  await page.goto(store);
  await until("a paint", () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint").length));
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  console.log(`an amount page: ${bytes} bytes in ${requests} requests, first paint after ${Math.round(paint)} ms`);
  must(bytes <= 10_240 && requests <= 3, `an amount page takes ${bytes} bytes in ${requests} requests`);
  must(paint <= 1_000, `an amount page is painted after ${paint} ms`);
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  const keys = await page.locator("#keys button").evaluateAll((all) => all.map((key) => key.getBoundingClientRect().height));
  must(keys.length === 12 && Math.min(...keys) >= 56, `keys of ${keys} px`);
  for (const key of ["1", "2", ".", "8", "0", "5"]) await page.locator(`#keys button[data-key="${key}"]`).click();
  assert.strictEqual(await page.locator("#amount").inputValue(), "12.80", "a third decimal is not taken");
  await page.locator('#keys button[data-key=""]').click();
  await page.screenshot({ path: path.join(out, "amount-typed.png"), fullPage: true });
  await page.locator("button.act").click();
  await until("the bridge to be asked", () => page.url().includes("confirm=1"));
  assert.ok((await page.locator("body").innerText()).includes("¥12.80"));
});
// What was typed wrong is told under its field, without a script too.
for (const script of [true, false]) {
  await visit({ agent: "unionpay", script, unprocessable: true }, async (page) => {
    await page.goto(store);
    await page.locator("#amount").fill("1.234");
    await page.locator("button.act").click();
    await until("the fault", async () => (await page.locator("#fault").innerText().catch(() => "")).includes("最多两位小数"));
    if (script) await judge(page, "amount-fault", "zh");
    await page.screenshot({ path: path.join(out, `amount-fault${script ? "" : "-noscript"}.png`), fullPage: true });
    await page.locator("#amount").fill("3.5");
    await page.locator("button.act").click();
    await until("the order's page", () => page.url().includes("/pay/"));
    assert.ok((await page.locator("body").innerText()).includes("¥3.50"));
  });
}
// The sheet to be printed: its code is this page's address.
await visit({ agent: "desktop", width: 1280 }, async (page) => {
  await page.goto(store + "/sheet.svg");
  const png = await page.screenshot({ path: path.join(out, "sheet.png") });
  must(decode(png) === store, `the sheet's code says ${decode(png)}`);
});
// The sandbox's phone as WeChat: its browser sees the page, types a password and has paid.
{
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, locale: "zh-CN" });
  const page = await context.newPage();
  await page.goto(`${control}/open?url=${encodeURIComponent(store)}`);
  await page.getByRole("button", { name: "微信 WeChat" }).click();
  await page.locator("#amount").fill("12.80");
  await page.locator("button.act").click();
  await page.locator("#app-asks input").fill("123456");
  await page.screenshot({ path: path.join(out, "phone-wechat.png"), fullPage: true });
  await page.locator('#app-asks button[value="pay"]').click();
  await until("paid on the phone", async () => (await heading(page).catch(() => "")).includes("支付成功"));
  assert.ok(page.url().startsWith(control), page.url());
  await page.screenshot({ path: path.join(out, "phone-paid.png"), fullPage: true });
  await context.close();
}

await browser.close();
assert.deepStrictEqual([...wrong], []);
console.log(`${counts.screens} screens, ${counts.axe} by axe, ${counts.requests} requests, none left the origin: all verified`);
