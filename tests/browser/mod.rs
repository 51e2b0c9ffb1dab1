//! The payer's pages in a real browser (PEOPLE 3): prepares an order for every screen and hands their addresses to `pages.mjs`, which looks
//! at them with Debian's Chromium; and the docs (`docs.mjs`). Screenshots stay under `target/browser`.

mod console;

use crate::harness::page::{ALIPAY, DESKTOP, PHONE, Payer, UNIONPAY, WECHAT, pay_shown};
use crate::harness::till::{id_of, refunded};
use crate::harness::{World, order, with};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
const BUYER_ID: &str = "2088102177846880";

async fn cashier(world: &World) -> Value {
    let payer = json!({"openid": OPENID, "buyer_id": BUYER_ID});
    let more = json!({"payer": payer, "return_url": format!("{}/thanks", world.demo.base), "expires_in": 3_600});
    world.demo.place(&with(order("cashier", 1280), more)).await
}

/// The page's address of a new order after its payer has chosen.
async fn chosen(world: &World, agent: &'static str, method: &str) -> (Value, String) {
    let placed = cashier(world).await;
    let payer = Payer::of(&placed, agent);
    payer.choose(method).await;
    (placed, payer.url)
}

/// The address of a store's page.
async fn page_of(world: &World, id: &str, store: Value) -> String {
    let put = world.ops.call("PUT", &format!("/ops/v1/merchants/m_demo/stores/{id}"), Some(&store)).await;
    put.expect(200)["page_url"].as_str().unwrap().to_owned()
}

/// A store of a merchant who can be paid in WeChat only.
async fn narrow(world: &World) -> String {
    for account in ["wx-main", "ali-main", "up-main", "icbc-main", "cmb-main"] {
        let binding = if account == "wx-main" { json!({"methods": ["wechat_jsapi"]}) } else { json!({"enabled": false}) };
        world.ops.call("PUT", &format!("/ops/v1/merchants/m_other/bindings/{account}"), Some(&binding)).await.expect(200);
    }
    let put = world.ops.call("PUT", "/ops/v1/merchants/m_other/stores/s-1", Some(&json!({"name": "微信小店"}))).await;
    put.expect(200)["page_url"].as_str().unwrap().to_owned()
}

async fn paid(world: &World) -> (Value, String) {
    let (placed, url) = chosen(world, DESKTOP, "wechat_native").await;
    let shown = Payer::of(&placed, DESKTOP).look().await;
    pay_shown(world, id_of(&placed), &shown).await.expect(200);
    world.demo.until_status(id_of(&placed), "paid").await;
    (placed, url)
}

/// One order for each screen, with what it must and must never say.
async fn screens(world: &World) -> Value {
    let url = |order: &Value| order["receipt_url"].as_str().unwrap().to_owned();
    let choose = url(&cashier(world).await);
    let stranger = url(&world.demo.place(&order("cashier", 1280)).await);
    let (_, scan) = chosen(world, DESKTOP, "wechat_native").await;
    let (_, link) = chosen(world, PHONE, "wechat_h5").await;
    let (_, form) = chosen(world, DESKTOP, "unionpay_web").await;
    let (_, bridge) = chosen(world, WECHAT, "wechat_jsapi").await;
    let (left_order, left) = chosen(world, DESKTOP, "unionpay_qr").await;
    Payer::of(&left_order, DESKTOP).choose("wechat_native").await;
    let (_, receipt) = paid(world).await;
    let (back_order, back) = paid(world).await;
    refunded(world, id_of(&back_order), 280).await;
    let (closed_order, closed) = chosen(world, DESKTOP, "wechat_native").await;
    world.demo.act(&format!("/v1/orders/{}/close", id_of(&closed_order))).await.expect(200);
    let charged = ["支付成功", "未扣款", "You were not charged"];
    let (store, paused, narrow) = (page_of(world, "s_demo", json!({"name": "街角面馆"})).await, page_of(world, "s-2", json!({"name": "二店", "paused": true})).await, narrow(world).await);
    // What lives a few minutes only is looked at first.
    json!([
        {"name": "left", "agent": "desktop", "url": left, "query": "?choose=1", "zh": ["之前的支付码"], "en": ["The code you left"], "never": charged},
        {"name": "form", "agent": "desktop", "url": form, "zh": ["去支付", "银联（网页）"], "en": ["UnionPay (web)"], "never": charged},
        {"name": "link", "agent": "phone", "url": link, "zh": ["去支付", "微信支付"], "en": ["Continue to pay"], "never": charged},
        {"name": "confirming", "agent": "phone", "url": link, "query": "?confirm=1", "zh": ["正在确认支付结果，请勿重复付款"], "en": ["Please do not pay again"], "never": charged},
        {"name": "choose", "agent": "desktop", "url": choose, "zh": ["选择支付方式", "¥12.80", "支付宝（扫码）"], "en": ["Choose how to pay", "Alipay (scan)"], "never": charged},
        {"name": "choose-phone", "agent": "phone", "url": choose, "zh": ["选择支付方式", "微信支付", "请用另一部手机扫码支付"], "en": ["Choose how to pay", "WeChat Pay"], "never": charged},
        {"name": "wrong-app", "agent": "wechat", "url": scan, "zh": ["请用手机浏览器"], "en": ["You cannot pay here"], "never": charged},
        {"name": "scan", "agent": "desktop", "url": scan, "zh": ["请扫一扫付款", "请在此时间前支付"], "en": ["Scan to pay", "Please pay before"], "never": charged},
        {"name": "bridge", "agent": "wechat", "url": bridge, "zh": ["去支付"], "en": ["Continue to pay"], "never": charged},
        {"name": "paid", "agent": "desktop", "url": receipt, "final": true, "zh": ["支付成功", "¥12.80", "返回商户"], "en": ["Paid", "Back to the shop"], "never": ["未扣款"]},
        {"name": "refunded", "agent": "desktop", "url": back, "final": true, "zh": ["已退款", "¥2.80"], "en": ["Refunded"], "never": ["未扣款"]},
        {"name": "closed", "agent": "desktop", "url": closed, "final": true, "zh": ["订单已关闭，请勿再扫此码"], "en": ["This order is closed"], "never": charged},
        {"name": "bad-link", "agent": "desktop", "url": format!("{}/pay/nothing", world.demo.base), "zh": ["链接无效或已过期"], "en": ["Link not valid"], "never": charged},
        {"name": "amount", "agent": "wechat", "url": store, "zh": ["付款给 街角面馆", "金额（元）", "备注"], "en": ["Pay 街角面馆", "Amount (yuan)"], "never": charged},
        {"name": "paused", "agent": "wechat", "url": paused, "zh": ["商户暂停收款，请联系店员"], "en": ["not accepting payments"], "never": charged},
        {"name": "unknown-code", "agent": "wechat", "url": format!("{}/q/000000000000", world.demo.base), "zh": ["收款码无效或已更换"], "en": ["This code is not valid"], "never": charged},
        {"name": "other-app", "agent": "desktop", "url": narrow, "zh": ["请用这些应用扫码付款：微信"], "en": ["scan with one of these apps: WeChat"], "never": charged},
        {"name": "unidentified", "agent": "wechat", "url": stranger, "query": "?said=unidentified", "zh": ["没有告诉我们付款人是谁"], "en": ["did not tell us who pays"], "never": charged},
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_in_every_app_says_what_is_true_and_can_be_read_by_all() {
    let world = World::plan().start();
    let mut scans = Vec::new();
    for _ in 0..5 {
        scans.push(chosen(&world, DESKTOP, "wechat_native").await.1);
    }
    let live = json!({
        "scan": scans, "noscript": cashier(&world).await["receipt_url"], "wechat": chosen(&world, WECHAT, "wechat_jsapi").await.1,
        "alipayCancelled": chosen(&world, ALIPAY, "alipay_jsapi").await.1, "alipayPaid": chosen(&world, ALIPAY, "alipay_jsapi").await.1,
    });
    let agents = json!({"wechat": WECHAT, "alipay": ALIPAY, "unionpay": UNIONPAY, "phone": PHONE, "desktop": DESKTOP});
    let input = json!({
        "origin": world.demo.base, "control": world.control.base, "out": out(), "agents": agents,
        "screens": screens(&world).await, "live": live,
        "store": page_of(&world, "s_demo", json!({"name": "街角面馆"})).await,
    });
    verified("pages.mjs", &input).await;
}

/// The docs and the pages of errors, as an engineer reads them on a phone and on a desk.
#[tokio::test(flavor = "multi_thread")]
async fn the_docs_can_be_read_by_all() {
    let world = World::shared();
    let page = |path: &str, zh: &str, en: &str| json!({"path": path, "says": {"zh": zh, "en": en}});
    let pages = json!([
        page("/docs", "先签名", "Sign first"),
        page("/docs/api", "关闭未支付的订单", "Close an unpaid order"),
        page("/docs/webhooks", "订单已支付", "the order is paid"),
        page("/docs/operators", "运营接口", "Operators' calls"),
        page("/errors", "达到限额", "A limit is reached"),
        page("/errors/BAD_SIGNATURE", "提示词", "Hints"),
        page("/errors/STORE_UNAVAILABLE", "切勿换新单号", "never take a new number"),
        page("/errors/NOPE", "没有这个页面", "There is no such page"),
    ]);
    verified("docs.mjs", &json!({"origin": world.demo.base, "out": out(), "pages": pages})).await;
}

fn out() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/browser")
}

/// Runs one of the scripts beside this file to its end, which must be that all is verified.
async fn verified(script: &str, input: &Value) {
    let modules = std::env::var_os("SLUICE_CLIENTS").expect("SLUICE_CLIENTS is not set: run this through `tests/run browser`");
    let mut command = Command::new("node");
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script)).arg(input.to_string()).stdin(Stdio::null());
    command.env("SLUICE_NODE_MODULES", PathBuf::from(modules).join("node/node_modules"));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("node is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("all verified"), "nothing was verified: {}", text(&output.stdout));
    println!("{}", text(&output.stdout).trim());
}
