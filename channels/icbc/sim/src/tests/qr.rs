//! Family A, the customer scans: the life of an order in this family's digits.

use super::{Client, GENERATE, QUERY, qr, text};
use crate::{Options, SUB_MERCHANTS};
use serde_json::json;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Wallet};
use sluice_simkit::{Outcome, Scan, Simulator, State};

pub(crate) fn discount(kind: DiscountKind, funded_by: FundedBy, fen: i64) -> Discount {
    Discount { kind, funded_by, amount: Fen(fen) }
}

#[test]
fn zero_is_paying_and_one_is_paid() {
    let mut client = Client::new();
    let made = client.generate("QRLIFE01", 1_000);
    assert_eq!((made["return_code"].as_i64(), made["attach"].as_str()), (Some(0), Some("a=1&b=二")));
    let waiting = client.query("QRLIFE01");
    assert_eq!(text(&waiting, &["pay_status", "total_amt", "payment_amt", "pay_time"]), ["0", "1000", "0", "20261123"]);
    assert!(client.scan(made["qrcode"].as_str().unwrap()));
    let paid = client.query("QRLIFE01");
    assert_eq!(text(&paid, &["pay_status", "total_amt", "payment_amt", "card_no"]), ["1", "1000", "1000", "622208**6666"]);
    assert_eq!(paid["order_id"].as_str().unwrap().len(), 27);
    assert_eq!((client.entry("QRLIFE01").status, client.entry("QRLIFE01").charges), (State::Paid, 1));
    let by_id = client.post(QUERY, &json!({"mer_id": crate::MER_ID, "order_id": paid["order_id"]}));
    assert_eq!(by_id["out_trade_no"], "QRLIFE01");
    let crossed = json!({"mer_id": crate::MER_ID, "order_id": paid["order_id"], "out_trade_no": "OTHER"});
    assert_eq!(client.post(QUERY, &crossed)["return_code"], 5_940_021);
}

#[test]
fn discounts_stand_in_their_fields_and_all_parts_are_the_total() {
    let mut client = Client::new();
    client.generate("DISC0001", 1_000);
    let off = [
        discount(DiscountKind::Points, FundedBy::Bank, 300),
        discount(DiscountKind::Merchant, FundedBy::Merchant, 100),
        discount(DiscountKind::Bank, FundedBy::Bank, 50),
        discount(DiscountKind::Coupon, FundedBy::Merchant, 7),
        discount(DiscountKind::Coupon, FundedBy::Bank, 3),
    ];
    client.sim.scan(&Scan { discounts: &off, ..Scan::of("DISC0001", Outcome::Pay) }, client.now).unwrap();
    let paid = client.query("DISC0001");
    let names = ["payment_amt", "point_amt", "mer_disc_amt", "bank_disc_amt", "total_disc_amt", "coupon_amt", "ecoupon_amt"];
    assert_eq!(text(&paid, &names), ["540", "300", "100", "50", "150", "7", "3"]);
    assert_eq!(client.entry("DISC0001").payer_total, Fen(540));
    client.generate("DISC0002", 10);
    let more = Scan { discounts: &off, ..Scan::of("DISC0002", Outcome::Pay) };
    assert!(client.sim.scan(&more, client.now).is_err(), "discounts beyond the order");
}

#[test]
fn points_may_pay_for_all_and_a_random_discount_is_split() {
    let mut client = Client::with(Options { points_pay_all: true, ..Options::fixed(1) });
    client.paid("POINTS01", 500);
    let paid = client.query("POINTS01");
    assert_eq!(text(&paid, &["pay_status", "payment_amt", "point_amt", "total_amt"]), ["1", "0", "500", "500"]);
    client.hook("points_pay_all off");
    client.hook("random_discount on");
    client.paid("RANDOM01", 10_000);
    let paid = client.query("RANDOM01");
    let fen = |name: &str| paid[name].as_str().unwrap().parse::<i64>().unwrap();
    assert!(fen("total_disc_amt") > 0 && fen("total_disc_amt") == fen("mer_disc_amt") + fen("bank_disc_amt"));
    assert_eq!(fen("payment_amt") + fen("total_disc_amt"), 10_000);
}

#[test]
fn a_code_dies_and_then_the_order_is_failed() {
    let mut client = Client::new();
    let code = client.generate("EXPIRE01", 100)["qrcode"].as_str().unwrap().to_owned();
    client.pass_ms(900_000);
    assert_eq!(client.query("EXPIRE01")["pay_status"], "0", "to the last moment");
    client.pass_ms(1);
    assert_eq!(client.query("EXPIRE01")["pay_status"], "2");
    assert!(client.sim.scan(&Scan::of(&code, Outcome::Pay), client.now).is_err());
    assert!(client.sim.scan(&Scan::of("icbc:EXPIRE01", Outcome::Pay), client.now).is_err());
    assert_eq!(client.entry("EXPIRE01").status, State::Closed);
}

#[test]
fn only_the_banks_own_app_opens_a_code_of_family_a() {
    let mut client = Client::new();
    client.generate("WALLET01", 100);
    let with = |wallet| Scan { wallet: Some(wallet), ..Scan::of("WALLET01", Outcome::Pay) };
    assert!(client.sim.scan(&with(Wallet::Wechat), client.now).is_err());
    assert!(client.sim.scan(&with(Wallet::Icbc), client.now).unwrap().paid);
}

#[test]
fn a_family_does_not_know_the_orders_of_the_other() {
    let mut client = Client::new();
    client.generate("FAMILY01", 100);
    assert_eq!(client.order_query("FAMILY01", "0")["return_code"], "12001081");
    client.post(super::CONSUMPTION, &super::all_apps("FAMILY02", 100));
    assert_eq!(client.query("FAMILY02")["return_code"], 5_940_021);
}

#[test]
fn a_sub_merchant_has_its_own_orders() {
    let mut client = Client::new();
    let (mer_id, _, store_code) = SUB_MERCHANTS[0];
    let mut biz = qr("SUB00001", 100);
    biz["mer_id"] = json!(mer_id);
    biz["store_code"] = json!(store_code);
    assert_eq!(client.post(GENERATE, &biz)["return_code"], 0);
    assert_eq!(client.query("SUB00001")["return_code"], 5_940_021, "another merchant's");
    let own = client.post(QUERY, &json!({"mer_id": mer_id, "out_trade_no": "SUB00001"}));
    assert_eq!(own["pay_status"], "0");
    assert!(own["order_id"].as_str().unwrap().starts_with(mer_id));
}

#[test]
fn the_limit_of_the_payers_means_of_authentication_is_the_banks() {
    let mut client = Client::new();
    client.hook("auth_means free");
    client.generate("LIMIT001", 100_001);
    let refused = client.sim.scan(&Scan::of("LIMIT001", Outcome::Pay), client.now);
    assert!(refused.unwrap_err().0.contains("99000007"));
    assert_eq!(client.query("LIMIT001")["pay_status"], "0", "the payer may come again");
    client.hook("auth_limit free 100001");
    assert!(client.scan("LIMIT001"));
}

#[test]
fn what_waits_is_on_the_phone_and_can_be_scanned_from_there() {
    let mut client = Client::new();
    client.generate("PHONE001", 100);
    let waiting = client.sim.waiting();
    assert_eq!((waiting[0].content.as_str(), waiting[0].method.as_str()), ("icbc:PHONE001", "icbc_qr"));
    assert!(client.scan(&waiting[0].content));
    assert!(client.sim.waiting().is_empty());
}
