// The docs and the pages of errors in Debian's Chromium: both languages, a phone and a desktop, light and dark; axe, nothing wider than the
// screen, nothing from elsewhere, everything readable without a script, and by keyboard. Screenshots are kept for people to look at.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const require = createRequire(process.env.SLUICE_NODE_MODULES + "/");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const { origin, out, pages } = JSON.parse(process.argv[2]);
fs.mkdirSync(out, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.SLUICE_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const wrong = new Set();
const must = (holds, what) => { if (!holds) wrong.add(what); };
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
let seen = 0;

// Each language on both screens, each screen in both schemes.
const views = [["zh", 360, "light"], ["en", 360, "dark"], ["zh", 1280, "dark"], ["en", 1280, "light"]];
for (const { path: where, says } of pages) for (const [lang, width, scheme] of views) {
  const name = `${where.replaceAll("/", "-").slice(1)}-${lang}-${width}-${scheme}`;
  // axe needs a script in the page, and the policy lets none run: it is switched off for the test's own script alone.
  const context = await browser.newContext({ locale: lang === "zh" ? "zh-CN" : "en-US", viewport: { width, height: 800 }, colorScheme: scheme, bypassCSP: true });
  const page = await context.newPage();
  page.on("request", (request) => must(request.url().startsWith(origin), `${name}: asked ${request.url()}`));
  page.on("console", (message) => must(message.type() !== "error" || /404/.test(message.text()), `${name}: ${message.text()}`));
  await page.goto(origin + where);
  must(await page.evaluate(() => document.documentElement.lang) === (lang === "zh" ? "zh-CN" : "en"), `${name}: its language`);
  must((await page.locator("body").innerText()).includes(says[lang]), `${name}: does not say ${says[lang]}`);
  const [is, may] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  must(is <= may, `${name}: ${is} wide in ${may}`);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  must((background === "rgb(255, 255, 255)") === (scheme === "light"), `${name}: ${background}`);
  // The page is the same on both screens: each language and scheme is looked at by axe once.
  if (width === 360) {
    await page.evaluate(axe);
    const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), tags);
    for (const violation of found.violations) must(false, `${name}: axe ${violation.id}: ${violation.nodes[0].html.slice(0, 160)}`);
  }
  await page.screenshot({ path: path.join(out, `${name}.png`), fullPage: scheme === "light" && width === 360 });
  await page.keyboard.press("Tab");
  must(await page.evaluate(() => document.activeElement.tagName) === "A", `${name}: Tab does not reach a link`);
  seen += 1;
  await context.close();
}

// With the policy in force the style applies, and the other language is one click away.
const context = await browser.newContext({ locale: "zh-CN", javaScriptEnabled: false });
const page = await context.newPage();
page.on("console", (message) => must(message.type() !== "error", `policy: ${message.text()}`));
await page.goto(origin + "/docs");
await page.getByRole("link", { name: "English" }).click();
must((await page.locator("h1").innerText()) === "Guide", "the other language");
await page.getByRole("navigation").getByRole("link", { name: "API", exact: true }).click();
await page.getByRole("link", { name: "Place an order" }).click();
must(page.url().endsWith("#createOrder"), `the anchor: ${page.url()}`);
await browser.close();
if (wrong.size) { console.error([...wrong].join("\n")); process.exit(1); }
console.log(`all verified: ${seen} views of the docs`);
