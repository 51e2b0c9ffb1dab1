//! The operators' console in a real browser (PEOPLE 2): books with something of everything, and somebody to sign in as; `console.mjs` looks.

use super::{out, verified};
use crate::harness::process::binary;
use crate::harness::{World, order, until, with};
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};

const PASSWORD: &str = "correct horse battery";

/// Hires somebody with a password of his own; a second factor would want a clock that browser and test share.
fn hire(world: &World, name: &str) {
    let dir = world.dir.to_string_lossy().into_owned();
    let arguments = ["operator", "add", "--config", &dir, name, "--role", "admin", "--password-stdin", "--no-second-factor"];
    let mut child = Command::new(binary()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_console_can_be_read_and_used_by_all() {
    let limit = "[[limit]]\nname = \"account-day\"\nper = [\"account\"]\nwindow = \"day\"\nmax = 4000\n";
    let world = World::plan().append("limits.toml", limit).start();
    hire(&world, "li");
    let paid = world.paid(&with(order("wechat_native", 3800), json!({"subject": "一箱苹果和一个很长很长的商品名称，用来看看表格怎样换行"}))).await;
    let id = paid["id"].as_str().unwrap();
    let refund = json!({"merchant_refund_no": format!("R-{id}"), "amount": 100, "reason": "坏了一个"});
    world.demo.post(&format!("/v1/orders/{id}/refunds"), &refund).await.expect(201);
    let open = world.demo.place(&order("alipay_qr", 100)).await;
    world.ops.post("/ops/v1/accounts/icbc-main/drain").await.expect(200);
    let day = &paid["paid_at"].as_str().unwrap()[..10];
    world.control.plant("missing_there").await;
    let dir = world.dir.to_string_lossy().into_owned();
    let reconciled = Command::new(binary()).args(["reconcile", "--config", &dir, "--date", day, "--account", "wx-main"]).output().unwrap();
    assert_eq!(reconciled.status.code(), Some(3), "{}", String::from_utf8_lossy(&reconciled.stderr));
    until("the notification's line", || async { world.ops.get(&format!("/ops/v1/orders/{id}")).await.expect(200)["notifications"][0].is_object().then_some(()) }).await;
    let words = |zh: &str, en: &str| json!({"zh": zh, "en": en});
    let pages = json!([
        ["today", "/console", words("现在需要人处理的", "What needs a person now")],
        ["orders", "/console/orders", words("一箱苹果", "一箱苹果")],
        ["found", "/console/orders?q=38.00", words("命中", "Found by")],
        ["order", format!("/console/orders/{id}"), words("渠道已确认收款：¥38.00", "The channel has confirmed the payment: ¥38.00")],
        ["open-order", format!("/console/orders/{}", open["id"].as_str().unwrap()), words("等待付款", "Waiting for the payer")],
        ["cases", "/console/cases", words("没有符合的记录", "There is nothing here")],
        ["accounts", "/console/accounts", words("只出不进", "draining")],
        ["limits", "/console/limits", words("接近上限的限额", "Limits nearly used")],
        ["notifications", "/console/notifications?status=kept", words("仅留存", "kept")],
        ["reconcile", format!("/console/discrepancies?day={day}"), words("渠道缺", "missing there")],
        ["audit", "/console/audit", words("operator.make", "account.drain")],
        ["sessions", "/console/sessions", words("当前", "this one")],
        ["me", "/console/me", words("修改密码", "Change password")],
        ["nothing", "/console/orders/P00000000000000000000000000", words("未能执行", "Not done")],
    ]);
    verified("console.mjs", &json!({"origin": world.demo.base, "out": out(), "name": "li", "password": PASSWORD, "pages": pages})).await;
}
