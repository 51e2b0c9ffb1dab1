//! Refunds: how they are split, how they end, and what is refused.

use super::qr::discount;
use super::{CONSUMPTION, Client, MER_REFUND, REFUND_QUERY, REJECT, REJECT_QUERY, all_apps, text};
use crate::MER_ID;
use serde_json::{Value, json};
use sluice_contract::{DiscountKind, Fen, FundedBy, Wallet};
use sluice_simkit::{Outcome, RefundState, Scan, Simulator};

impl Client {
    pub(crate) fn reject(&mut self, number: &str, refund_no: &str, fen: i64) -> Value {
        let biz = json!({"mer_id": MER_ID, "out_trade_no": number, "reject_no": refund_no, "reject_amt": fen.to_string()});
        self.post(REJECT, &biz)
    }

    fn rejected(&mut self, number: &str, refund_no: &str) -> Vec<Value> {
        let answer = self.post(REJECT_QUERY, &json!({"mer_id": MER_ID, "out_trade_no": number, "reject_no": refund_no}));
        assert_eq!(answer["return_code"], 0);
        serde_json::from_str(answer["refundJsonList"].as_str().unwrap()).unwrap()
    }

    pub(crate) fn mer_refund(&mut self, number: &str, refund_no: &str, fen: i64) -> Value {
        let biz = json!({
            "mer_id": MER_ID, "out_trade_no": number, "outtrx_serial_no": refund_no, "ret_total_amt": fen.to_string(), "trnsc_ccy": "001",
        });
        self.post(MER_REFUND, &biz)
    }

    fn refund_state(&mut self, number: &str, refund_no: &str) -> Value {
        let biz = json!({"mer_id": MER_ID, "out_trade_no": number, "outtrx_serial_no": refund_no});
        self.post(REFUND_QUERY, &biz)
    }

    fn paid_with_everything(&mut self, number: &str) {
        self.generate(number, 1_000);
        let off = [
            discount(DiscountKind::Points, FundedBy::Bank, 300),
            discount(DiscountKind::Merchant, FundedBy::Merchant, 101),
            discount(DiscountKind::Bank, FundedBy::Bank, 50),
        ];
        self.sim.scan(&Scan { discounts: &off, ..Scan::of(number, Outcome::Pay) }, self.now).unwrap();
    }
}

#[test]
fn a_refund_is_split_and_the_last_one_takes_the_rest() {
    let mut client = Client::new();
    client.paid_with_everything("SPLIT001");
    let names = ["real_reject_amt", "reject_point", "reject_mer_disc_amt", "reject_bank_disc_amt", "reject_total_disc_amt", "reject_amt"];
    let mut sums = [0; 6];
    for (at, (fen, cash)) in [(333, 182), (333, 182), (334, 185)].into_iter().enumerate() {
        let told = client.reject("SPLIT001", &format!("R{at}"), fen);
        assert_eq!(told["return_code"], 0);
        let parts: Vec<i64> = text(&told, &names).iter().map(|t| t.parse().unwrap()).collect();
        assert_eq!((parts[0], parts[0] + parts[1] + parts[2] + parts[3]), (cash, fen), "cash rounded down, nothing lost");
        assert_eq!((parts[4], parts[5]), (parts[2] + parts[3], parts[0] + parts[1]));
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum += part;
        }
    }
    assert_eq!(sums, [549, 300, 101, 50, 151, 849]);
    assert_eq!(client.query("SPLIT001")["pay_status"], "5");
    assert_eq!(client.reject("SPLIT001", "R9", 1)["return_code"], 5_920_006, "nothing is left");
    assert_eq!(client.entry("SPLIT001").remaining(), Fen::ZERO);
}

#[test]
fn a_number_is_used_once_and_no_refund_is_more_than_what_is_left() {
    let mut client = Client::new();
    client.paid("ONCE0001", 100);
    assert_eq!(client.reject("ONCE0001", "R1", 101)["return_code"], 99_000_008);
    assert_eq!(client.reject("ONCE0001", "R1", 60)["real_reject_amt"], "60");
    assert_eq!(client.query("ONCE0001")["pay_status"], "6");
    assert_eq!(client.reject("ONCE0001", "R1", 60)["return_code"], 93_008_595);
    assert_eq!(client.reject("ONCE0001", "R2", 41)["return_code"], 99_000_008);
    assert_eq!(client.reject("NOBODY01", "R3", 1)["return_code"], 5_940_021);
    client.generate("UNPAID01", 100);
    assert_eq!(client.reject("UNPAID01", "R3", 1)["return_code"], 99_000_010);
    for (no, fen) in [("", "1"), ("R/3", "1"), ("R3", "0"), ("R3", "x")] {
        let biz = json!({"mer_id": MER_ID, "out_trade_no": "ONCE0001", "reject_no": no, "reject_amt": fen});
        assert_eq!(client.post(REJECT, &biz)["return_code"], 400_011);
    }
    assert_eq!(client.entry("ONCE0001").remaining(), Fen(40));
}

#[test]
fn zero_is_doubtful_one_is_done_two_is_failed() {
    let mut client = Client::new();
    client.paid("FATE0001", 100);
    client.reject("FATE0001", "R1", 10);
    let done = client.rejected("FATE0001", "R1").remove(0);
    assert_eq!(text(&done, &["reject_no", "reject_status", "real_reject_amt"]), ["R1", "1", "10"]);
    assert_eq!(done["icbc_reject_sq"].as_str().unwrap().len(), 30);
    client.hook("refund_fate pending");
    assert_eq!(client.reject("FATE0001", "R2", 10)["return_code"], "00070038");
    client.hook("refund_fate fail");
    assert_eq!(client.reject("FATE0001", "R3", 10)["return_code"], "00070038");
    client.hook("refund_fate stuck");
    client.reject("FATE0001", "R4", 10);
    let states = |client: &mut Client| ["R2", "R3", "R4"].map(|no| client.rejected("FATE0001", no)[0]["reject_status"].clone());
    assert_eq!(states(&mut client), ["0", "0", "0"]);
    assert_eq!(client.query("FATE0001")["pay_status"], "7");
    client.pass_ms(5_000);
    assert_eq!(states(&mut client), ["1", "2", "0"]);
    assert_eq!(client.entry("FATE0001").remaining(), Fen(70), "a failed one gives its part back");
    assert!(client.rejected("FATE0001", "R5").is_empty(), "no such refund");
}

#[test]
fn what_a_failed_refund_would_have_taken_is_there_for_the_next() {
    let mut client = Client::new();
    client.paid_with_everything("AGAIN001");
    client.hook("refund_fate fail");
    client.reject("AGAIN001", "R1", 500);
    client.pass_ms(5_000);
    client.hook("refund_fate success");
    let whole = client.reject("AGAIN001", "R2", 1_000);
    assert_eq!(text(&whole, &["real_reject_amt", "reject_point", "reject_total_disc_amt"]), ["549", "300", "151"]);
}

#[test]
fn family_b_refunds_in_its_own_words_and_digits() {
    let mut client = Client::new();
    client.post(CONSUMPTION, &all_apps("REFB0001", 1_000));
    let off = [discount(DiscountKind::Coupon, FundedBy::Channel, 100)];
    let scan = Scan { discounts: &off, wallet: Some(Wallet::Wechat), ..Scan::of("REFB0001", Outcome::Pay) };
    client.sim.scan(&scan, client.now).unwrap();
    let told = client.mer_refund("REFB0001", "R1", 500);
    let names = ["return_code", "outtrx_serial_no", "reject_amt", "real_reject_amt", "third_party_coupon_refund_amt", "pay_type"];
    assert_eq!(text(&told, &names), ["0", "R1", "450", "450", "50", "9"]);
    assert_eq!(text(&client.refund_state("REFB0001", "R1"), &["return_code", "pay_status", "real_reject_amt"]), ["0", "0", "450"]);
    assert_eq!(client.order_query("REFB0001", "0")["pay_status"], "0", "still paid");
    client.hook("refund_fate fail");
    assert_eq!(client.mer_refund("REFB0001", "R2", 100)["return_code"], "00070038");
    assert_eq!(client.refund_state("REFB0001", "R2")["pay_status"], "2");
    client.pass_ms(5_000);
    assert_eq!(client.refund_state("REFB0001", "R2")["pay_status"], "1");
    assert_eq!(client.refund_state("REFB0001", "R3")["return_code"], "12001081");
    assert_eq!(client.entry("REFB0001").refunds[1].status, RefundState::Failed);
}

#[test]
fn a_merchant_without_funds_is_refused_and_may_repeat() {
    let mut client = Client::new();
    client.paid("FUNDS001", 100);
    client.hook("merchant_funds none");
    assert_eq!(client.reject("FUNDS001", "R1", 100)["return_code"], 99_000_009);
    client.hook("merchant_funds full");
    assert_eq!(client.reject("FUNDS001", "R1", 100)["return_code"], 0);
}

#[test]
fn what_is_being_refunded_is_not_reversed_and_what_was_reversed_is_not_refunded() {
    let mut client = Client::new();
    client.paid("BOTH0001", 100);
    client.reject("BOTH0001", "R1", 1);
    let reversal = json!({"mer_id": MER_ID, "out_trade_no": "BOTH0001"});
    assert_eq!(client.post(super::REVERSE, &reversal)["return_code"], 93_008_595);
    client.paid("BOTH0002", 100);
    let reversal = json!({"mer_id": MER_ID, "out_trade_no": "BOTH0002"});
    assert_eq!(client.post(super::REVERSE, &reversal)["return_code"], 0);
    assert_eq!(client.reject("BOTH0002", "R2", 1)["return_code"], 5_920_006);
    assert_eq!(client.sim.ledger().audit(), Ok(()));
}
