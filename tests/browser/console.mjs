// The console in Debian's Chromium: somebody signs in as a person does, with and without script, looks at every page in both languages and two
// widths; axe, origins, and that nothing is wider than the screen. Screenshots are kept for people to look at.
import { createRequire } from "node:module";
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";

const require = createRequire(process.env.SLUICE_NODE_MODULES + "/");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const { origin, out, name, password, pages } = JSON.parse(process.argv[2]);
fs.mkdirSync(out, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.SLUICE_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const wrong = new Set();
const must = (holds, what) => { if (!holds) wrong.add(what); };
const counts = { pages: 0, axe: 0, bytes: 0 };

async function look(page, script, label) {
  counts.pages += 1;
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  must(wide <= screen, `${label}: ${wide} wide in ${screen}`);
  await page.screenshot({ path: path.join(out, `console-${label}.png`), fullPage: true });
  if (!script) return;
  await page.evaluate(axe);
  const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), TAGS);
  counts.axe += 1;
  for (const v of found.violations) must(false, `${label}: ${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
}

for (const [lang, locale] of [["zh", "zh-CN"], ["en", "en-US"]]) {
  for (const width of [375, 1280]) {
    // The console sends no script: once without is enough to see that it needs none.
    for (const script of lang === "zh" && width === 375 ? [true, false] : [true]) {
      const context = await browser.newContext({ locale, viewport: { width, height: 800 }, javaScriptEnabled: script });
      const page = await context.newPage();
      page.on("request", (request) => must(request.url().startsWith(origin) || request.url().startsWith("data:"), `left the origin: ${request.url()}`));
      page.on("pageerror", (error) => must(false, String(error)));
      page.on("console", (message) => must(message.type() !== "error" || /404/.test(message.text()), `${lang}: ${message.text()}`));
      page.on("response", async (response) => { const body = await response.body().catch(() => ""); must(body.length <= 200_000, `${response.url()}: ${body.length} bytes`); counts.bytes = Math.max(counts.bytes, body.length); });
      const label = (title) => `${title}-${lang}-${width}${script ? "" : "-noscript"}`;
      await page.goto(`${origin}/console/orders?status=paid`);
      await look(page, script, label("sign-in"));
      // By the keyboard alone: the first field has the focus.
      await page.keyboard.type(name);
      await page.keyboard.press("Tab");
      await page.keyboard.type(password);
      await page.keyboard.press("Enter");
      await page.waitForURL(`${origin}/console/orders?status=paid`);
      for (const [title, to, words] of pages) {
        await page.goto(origin + to);
        const text = await page.locator("body").innerText();
        must(text.includes(words[lang]), `${label(title)} shows no ${words[lang]}: ${text.slice(0, 400)}`);
        must((await page.locator("html").getAttribute("lang")) === (lang === "zh" ? "zh-CN" : "en"), `${label(title)}: lang`);
        await look(page, script, label(title));
      }
      await page.getByRole("button", { name: lang === "zh" ? "退出" : "Sign out" }).click();
      await page.waitForURL(/sign-in/);
      await context.close();
    }
  }
}
await browser.close();
assert.deepStrictEqual([...wrong], []);
console.log(`${counts.pages} console pages, ${counts.axe} by axe, none above ${counts.bytes} bytes, none left the origin: all verified`);
