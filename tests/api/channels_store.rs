//! A store has a name of its own at each account: the channel hears that name, not ours and not another account's.

use crate::harness::client::Merchant;
use crate::harness::till::{coded, id_of};
use crate::harness::{World, order, with};
use serde_json::{Value, json};

/// Seeds for the merchant that stands last in the file.
const SEED: &str = "[[merchant.store]]\nid = \"s-7\"\nname = \"七号店\"\nmap = [\
    { account = \"cmb-main\", term_id = \"T0000007\" }, { account = \"ali-main\", store_code = \"ALISHOP7\", term_id = \"ALITILL7\" },\
    { account = \"icbc-main\", store_code = \"02000102000777\" }, { account = \"up-main\", term_id = \"70000007\" } ]";

/// What the channel saw of the order's shop.
async fn seen(world: &World, merchant: &Merchant, body: &Value) -> String {
    let placed = merchant.place(body).await;
    let order = merchant.get(&format!("/v1/orders/{}?expand=attempts", id_of(&placed))).await.expect(200);
    let number = order["attempts"][0]["channel_order_no"].as_str().unwrap();
    let channel = placed["channel"].as_str().unwrap();
    let word = match channel {
        "alipay" => "shop",
        "icbc" => "store",
        _ => "terminal",
    };
    world.control.at(channel).hook(&format!("{word} {number}")).await.as_str().unwrap().to_owned()
}

async fn cmb(world: &World, merchant: &Merchant, more: Value) -> Value {
    let code = world.control.at("cmb").auth_code("pay").await;
    let told = seen(world, merchant, &with(coded("cmb_barcode", Some("cmb-main"), &code, 250), more)).await;
    serde_json::from_str::<Value>(&told).unwrap()["device_id"].clone()
}

async fn alipay(world: &World, merchant: &Merchant, more: Value) -> [String; 2] {
    let code = world.control.at("alipay").auth_code("pay").await;
    let barcode = with(coded("alipay_barcode", Some("ali-main"), &code, 250), more.clone());
    [seen(world, merchant, &with(order("alipay_qr", 250), more)).await, seen(world, merchant, &barcode).await]
}

#[tokio::test]
async fn each_channel_hears_what_its_account_calls_the_store() {
    let world = World::plan().append("merchants.toml", SEED).start();
    let map = json!([
        {"account": "cmb-main", "term_id": "T0000008"}, {"account": "ali-main", "store_code": "ALISHOP8", "term_id": "ALITILL8"},
        {"account": "icbc-main", "store_code": "02000102000888"}, {"account": "up-main", "term_id": "80000008"},
    ]);
    let store = json!({"name": "八号店", "map": map});
    world.ops.call("PUT", "/ops/v1/merchants/m_demo/stores/s-8", Some(&store)).await.expect(200);
    for (merchant, id, digit) in [(&world.other, "s-7", "7"), (&world.demo, "s-8", "8")] {
        let at = json!({"store": id});
        assert_eq!(cmb(&world, merchant, at.clone()).await, format!("T000000{digit}"));
        let both = format!("ALISHOP{digit} ALITILL{digit}");
        assert_eq!(alipay(&world, merchant, at.clone()).await, [both.clone(), both]);
        assert_eq!(seen(&world, merchant, &with(order("icbc_qr", 250), at.clone())).await, format!("02000102000{}", digit.repeat(3)));
        assert_eq!(seen(&world, merchant, &with(order("unionpay_qr", 250), at.clone())).await, format!("{digit}000000{digit}"));
        let code = world.control.at("unionpay").auth_code("pay").await;
        let barcode = with(coded("unionpay_barcode", Some("up-main"), &code, 250), at);
        assert_eq!(seen(&world, merchant, &barcode).await, format!("{digit}000000{digit}"));
    }
}

#[tokio::test]
async fn without_a_store_the_accounts_own_names_hold_and_an_orders_terminal_comes_first() {
    let world = World::plan().append("merchants.toml", SEED).start();
    let nowhere = json!({});
    assert_eq!(cmb(&world, &world.other, nowhere.clone()).await, "00000001", "the account's term_id");
    assert_eq!(alipay(&world, &world.other, nowhere.clone()).await, ["- -", "- -"]);
    assert_eq!(seen(&world, &world.other, &order("icbc_qr", 250)).await, "02000102000117", "the account's store_code");
    assert_eq!(seen(&world, &world.other, &order("unionpay_qr", 250)).await, "-");
    // The store is another merchant's: its names are not this one's.
    let theirs = json!({"store": "s-7"});
    assert_eq!(cmb(&world, &world.demo, theirs.clone()).await, "00000001");
    assert_eq!(alipay(&world, &world.demo, theirs).await, ["- -", "- -"]);
    // The till says who it is.
    let till = json!({"store": "s-7", "terminal": {"id": "12345678"}});
    assert_eq!(cmb(&world, &world.other, till.clone()).await, "12345678");
    assert_eq!(alipay(&world, &world.other, till.clone()).await, ["ALISHOP7 12345678", "ALISHOP7 12345678"]);
    assert_eq!(seen(&world, &world.other, &with(order("unionpay_qr", 250), till)).await, "12345678");
}
