//! Pack §2.7, §2.8, §6.

use super::{Client, START, code};
use serde_json::{Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy};
use sluice_simkit::{Outcome, RefundState, Scan, Simulator};

fn asked(client: &mut Client, number: &str, request: &str) -> Value {
    let biz = json!({"out_trade_no": number, "out_request_no": request, "query_options": ["gmt_refund_pay"]});
    client.ask("alipay.trade.fastpay.refund.query", &biz)
}

#[test]
fn the_official_example_of_a_split() {
    let mut client = Client::new();
    client.precreate("SPLIT1", "100.00");
    let coupon = [Discount { kind: DiscountKind::Merchant, funded_by: FundedBy::Merchant, amount: Fen(2000) }];
    client.sim.scan(&Scan { discounts: &coupon, ..Scan::of("SPLIT1", Outcome::Pay) }, START).unwrap();
    let first = client.refund("SPLIT1", "R1", "60.00");
    assert_eq!((first["fund_change"].as_str(), first["refund_fee"].as_str()), (Some("Y"), Some("60.00")));
    assert_eq!(first["send_back_fee"], "60.00");
    client.pass_ms(3_000);
    let second = client.refund("SPLIT1", "R2", "40.00");
    assert_eq!((second["refund_fee"].as_str(), second["send_back_fee"].as_str()), (Some("100.00"), Some("20.00")));
    let ways = &second["refund_detail_item_list"];
    assert_eq!(ways, &json!([{"fund_channel": "ALIPAYACCOUNT", "amount": "20.00"}, {"fund_channel": "MDISCOUNT", "amount": "20.00"}]));
    assert_eq!(client.status("SPLIT1"), "TRADE_CLOSED");
    assert_eq!(code(&client.refund("SPLIT1", "R3", "0.01")).1, "ACQ.TRADE_HAS_CLOSE");
    assert_eq!(client.entry("SPLIT1").remaining(), Fen::ZERO);
}

#[test]
fn a_request_number_moves_money_once() {
    let mut client = Client::new();
    client.paid("ONCE1", "1.00");
    client.refund("ONCE1", "R1", "0.30");
    let again = client.refund("ONCE1", "R1", "0.30");
    assert_eq!((code(&again).0, again["fund_change"].as_str(), again["refund_fee"].as_str()), ("10000", Some("N"), Some("0.30")));
    assert_eq!(code(&client.refund("ONCE1", "R1", "0.31")).1, "ACQ.DISCORDANT_REPEAT_REQUEST");
    assert_eq!(code(&client.refund("ONCE1", "R2", "0.30")).1, "ACQ.SYSTEM_ERROR", "three seconds between two");
    client.pass_ms(3_000);
    assert_eq!(code(&client.refund("ONCE1", "R2", "0.71")).1, "ACQ.REASON_TRADE_REFUND_FEE_ERR");
    assert_eq!(client.refund("ONCE1", "R2", "0.70")["fund_change"], "Y");
    assert_eq!(client.refund("ONCE1", "R1", "0.30")["fund_change"], "N", "even when nothing is left");
    let found = asked(&mut client, "ONCE1", "R2");
    assert_eq!((found["refund_status"].as_str(), found["refund_amount"].as_str()), (Some("REFUND_SUCCESS"), Some("0.70")));
    assert_eq!(found["gmt_refund_pay"], "2026-11-23 09:00:03");
    let unknown = asked(&mut client, "ONCE1", "R9");
    assert_eq!((code(&unknown).0, unknown.get("refund_status"), unknown.get("out_trade_no")), ("10000", None, None));
    assert_eq!(code(&asked(&mut client, "NOBODY", "R1")), ("40004", "TRADE_NOT_EXIST"));
}

#[test]
fn without_a_request_number_only_all_of_it() {
    let mut client = Client::new();
    client.paid("BARE1", "1.00");
    let bare = |client: &mut Client, yuan| client.ask("alipay.trade.refund", &json!({"out_trade_no": "BARE1", "refund_amount": yuan}));
    assert_eq!(code(&bare(&mut client, "0.50")).1, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");
    let node = bare(&mut client, "1.00");
    assert_eq!((node["fund_change"].as_str(), node.get("send_back_fee")), (Some("Y"), None), "only on request");
    assert_eq!(asked(&mut client, "BARE1", "BARE1")["refund_status"], "REFUND_SUCCESS");
}

#[test]
fn fates_funds_and_windows() {
    let mut client = Client::new();
    client.paid("FATE1", "1.00");
    client.hook("merchant_funds none");
    assert_eq!(code(&client.refund("FATE1", "R1", "0.10")).1, "ACQ.SELLER_BALANCE_NOT_ENOUGH");
    client.hook("merchant_funds full");
    client.hook("refund_fate fail");
    assert_eq!(code(&client.refund("FATE1", "R1", "0.10")).1, "ACQ.TRADE_NOT_ALLOW_REFUND");
    client.hook("refund_fate lost");
    let lost = client.refund("FATE1", "R1", "0.10");
    assert_eq!((code(&lost).0, lost["fund_change"].as_str()), ("10000", Some("N")));
    assert_eq!(asked(&mut client, "FATE1", "R1").get("refund_status"), None);
    client.hook("refund_fate pending");
    assert_eq!(client.refund("FATE1", "R1", "0.10")["fund_change"], "N", "a refund that failed is sent again under its number");
    assert_eq!(client.entry("FATE1").refunds[0].status, RefundState::Pending);
    assert_eq!(asked(&mut client, "FATE1", "R1").get("refund_status"), None);
    client.pass_ms(1_000);
    assert_eq!(asked(&mut client, "FATE1", "R1")["refund_status"], "REFUND_SUCCESS");
    client.hook("refund_fate success");
    client.hook("answer refund after 20000 aop.ACQ.SYSTEM_ERROR");
    client.pass_ms(3_000);
    assert_eq!(code(&client.refund("FATE1", "R2", "0.10")), ("20000", "aop.ACQ.SYSTEM_ERROR"));
    assert_eq!(asked(&mut client, "FATE1", "R2")["refund_status"], "REFUND_SUCCESS", "executed all the same");
    client.pass_ms(365 * 86_400_000);
    assert_eq!(
        (code(&client.refund("FATE1", "R3", "0.10")).1, client.status("FATE1").as_str()),
        ("ACQ.TRADE_HAS_FINISHED", "TRADE_FINISHED")
    );
    client.precreate("FATE2", "1.00");
    assert_eq!(code(&client.refund("FATE2", "R1", "1.00")).1, "ACQ.TRADE_NOT_EXIST");
    client.sim.scan(&Scan::of("FATE2", Outcome::Abandon), client.now).unwrap();
    assert_eq!(code(&client.refund("FATE2", "R1", "1.00")).1, "ACQ.TRADE_STATUS_ERROR");
}
