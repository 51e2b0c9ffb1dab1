//! One method, two channels: the same order can be placed at either, `wallet` tells who really paid, and a code pays once anywhere.

use crate::harness::control::Paying;
use crate::harness::till::{body_of, coded, ended, id_of, offers, refunded, remaining};
use crate::harness::{World, order, with};
use serde_json::{Value, json};

/// CMB carries WeChat and Alipay, ICBC carries WeChat's JSAPI.
fn carrying(old: String) -> String {
    let cmb = "methods = [\"cmb_qr\", \"cmb_barcode\"]";
    let icbc = "methods = [\"icbc_qr\", \"icbc_barcode\", \"icbc_h5\", \"icbc_app\"]";
    assert!(old.contains(cmb) && old.contains(icbc), "{old}");
    let old = old.replace(cmb, "methods = [\"cmb_qr\", \"cmb_barcode\", \"wechat_native\", \"wechat_barcode\", \"alipay_barcode\"]");
    old.replace(icbc, "methods = [\"icbc_qr\", \"icbc_barcode\", \"icbc_h5\", \"icbc_app\", \"wechat_jsapi\"]")
}

async fn only_in(world: &World, id: &str, channel: &str) {
    let number = world.channel_number(id).await;
    let rows: Vec<Value> = world.control.ledger().await.into_iter().filter(|row| row["out_trade_no"] == number).collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&rows[0]["channel"], &rows[0]["charges"], &rows[0]["status"]), (&json!(channel), &json!(1), &json!("paid")));
}

#[tokio::test]
async fn an_order_pinned_to_either_channel_works_and_wallet_tells_who_paid() {
    let world = World::plan().edit("channels.toml", carrying).start();
    let offers = offers(&world).await;
    let shared = [("wechat_native", "wx-main", "cmb-main"), ("wechat_jsapi", "wx-main", "icbc-main")];
    for (method, own, bank) in shared {
        for account in [own, bank] {
            let offer = offers.iter().find(|o| o.method == method && o.account == account).unwrap_or_else(|| panic!("{method} at {account}"));
            let placed = world.demo.place(&body_of(&world, offer, 1280).await).await;
            assert_eq!(placed["account"], account);
            let wallet = (account == "cmb-main").then_some("wechat");
            world.control.take(&placed, &Paying { wallet, ..Paying::default() }).await.expect(200);
            let paid = world.demo.until_status(id_of(&placed), "paid").await;
            assert_eq!((&paid["wallet"], &paid["channel"]), (&json!("wechat"), &json!(offer.channel)), "{}", offer.name());
            only_in(&world, id_of(&paid), &offer.channel).await;
            refunded(&world, id_of(&paid), 1280).await;
            assert_eq!(remaining(&world.entry_of(id_of(&paid)).await), 0, "{}", offer.name());
        }
        // Without a wish the order of the file decides.
        let offer = offers.iter().find(|o| o.method == method).unwrap();
        let free = with(body_of(&world, offer, 1280).await, json!({"account": null}));
        assert_eq!(world.demo.place(&free).await["account"], own);
    }
    // The bank's code is opened by any app: who pays is not who was meant.
    let placed = world.demo.place(&with(order("wechat_native", 1280), json!({"account": "cmb-main"}))).await;
    world.control.take(&placed, &Paying { wallet: Some("alipay"), ..Paying::default() }).await.expect(200);
    assert_eq!(world.demo.until_status(id_of(&placed), "paid").await["wallet"], "alipay");
}

/// The pretend channels write payment codes in one book, as the real ones ask the wallet that issued them.
#[tokio::test]
async fn a_code_charged_at_one_channel_cannot_be_charged_at_the_other() {
    let world = World::plan().edit("channels.toml", carrying).start();
    for (wallet, own) in [("wechat", "wx-main"), ("alipay", "ali-main")] {
        let method = format!("{wallet}_barcode");
        for (first, second) in [(own, "cmb-main"), ("cmb-main", own)] {
            let what = format!("{method} at {first}, then at {second}");
            let code = world.control.at(wallet).auth_code("pay").await;
            let placed = world.demo.place(&coded(&method, Some(first), &code, 250)).await;
            let paid = world.demo.until_status(id_of(&placed), "paid").await;
            assert_eq!((&paid["wallet"], &paid["account"]), (&json!(wallet), &json!(first)), "{what}");
            only_in(&world, id_of(&paid), paid["channel"].as_str().unwrap()).await;
            let again = world.demo.place(&coded(&method, Some(second), &code, 250)).await;
            let failed = ended(&world, &what, id_of(&again)).await;
            assert_eq!(failed["status"], "failed", "{what}: {failed}");
            assert!(failed["failure"]["code"].is_string(), "{what}: {failed}");
            let entry = world.control.known(&world.channel_number(id_of(&again)).await).await;
            assert!(entry.is_none_or(|entry| entry["charges"] == 0), "{what}");
        }
    }
    let charges: i64 = world.control.ledger().await.iter().map(|row| row["charges"].as_i64().unwrap()).sum();
    assert_eq!(charges, 4, "four codes were shown");
}
