//! Family A, the merchant scans: codes that were issued, magic codes, reversal.

use super::{Client, PAY, REVERSE, barcode, text};
use crate::{MER_ID, Options};
use serde_json::{Value, json};
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Behaviour, Codes, Outcome, Scan, Simulator, State};

impl Client {
    fn issued(&mut self, behaviour: Behaviour, balance: i64) -> String {
        self.sim.issue_auth_code(behaviour, Fen(balance), self.now)
    }

    fn reversed(&mut self, number: &str) -> Value {
        self.post(REVERSE, &json!({"mer_id": MER_ID, "out_trade_no": number}))
    }
}

#[test]
fn a_code_pays_once_and_has_no_callback() {
    let mut client = Client::new();
    let code = client.issued(Behaviour::Pay, 1_000);
    assert!(code.len() == 19 && code.starts_with("62") && !code.starts_with("6299"));
    let paid = client.pay("CODE0001", 1_000, &code);
    assert_eq!(paid["return_code"], 0);
    assert_eq!(text(&paid, &["pay_status", "total_amt", "payment_amt", "attach"]), ["1", "1000", "1000", "门店A"]);
    assert_eq!(client.pay("CODE0001", 1_000, &code)["return_code"], "00005031");
    assert_eq!(client.pay("CODE0002", 1_000, &code)["return_code"], 99_000_006);
    assert!(client.due().is_empty() && client.sim.resend("CODE0001", client.now).is_err());
    assert_eq!(client.entry("CODE0001").charges, 1);
}

#[test]
fn the_later_version_of_the_call_is_served_and_the_answer_may_be_silent_about_the_state() {
    let mut client = Client::with(Options { pay_tells_status: false, ..Options::fixed(1) });
    let code = client.issued(Behaviour::Pay, 1_000);
    let paid = client.post("/api/qrcode/pay/V3", &barcode("SILENT01", 5, &code));
    assert_eq!((paid["return_code"].as_i64(), paid.get("pay_status")), (Some(0), None));
    assert_eq!(client.query("SILENT01")["pay_status"], "1");
}

#[test]
fn codes_that_cannot_pay() {
    let mut client = Client::new();
    let poor = client.issued(Behaviour::Pay, 99);
    assert_eq!(client.pay("CANT0001", 100, &poor)["return_code"], 99_000_002);
    assert_eq!(client.query("CANT0001")["pay_status"], "2");
    let declining = client.issued(Behaviour::Decline, 1_000);
    assert_eq!(client.pay("CANT0002", 100, &declining)["return_code"], 99_000_003);
    let old = client.issued(Behaviour::Pay, 1_000);
    client.pass_ms(60_001);
    assert_eq!(client.pay("CANT0003", 100, &old)["return_code"], 99_000_005);
    for unknown in ["6200000000000000000", "130000000000000000", "28000000000000000000", "62", "620000000000000000x"] {
        assert_eq!(client.pay("CANT0003", 100, unknown)["return_code"], 99_000_004, "{unknown}");
    }
    assert!(client.sim.ledger().get("CANT0003").is_none());
    assert!(client.sim.ledger().entries().all(|e| e.charges == 0));
}

#[test]
fn a_code_of_unionpay_is_taken_from_the_shared_book() {
    let mut client = Client::new();
    let codes = Codes::default();
    client.sim.share_codes(codes.clone());
    assert!(codes.issue("6212345678901234567", Behaviour::Pay, Fen(500), client.now));
    assert_eq!(client.pay("SHARED01", 500, "6212345678901234567")["pay_status"], "1");
}

#[test]
fn a_password_is_typed_declined_or_never_comes() {
    let mut client = Client::new();
    let typed = client.issued(Behaviour::Password, 1_000);
    let paying = client.pay("TYPE0001", 100, &typed);
    assert_eq!((paying["return_code"].as_i64(), paying["pay_status"].as_str()), (Some(0), Some("0")));
    assert_eq!(client.query("TYPE0001")["pay_status"], "0");
    assert_eq!(client.sim.waiting()[0].auth_code, Some(typed.clone()));
    assert_eq!(client.sim.confirm(&typed, client.now), Ok(()));
    assert!(client.sim.confirm(&typed, client.now).is_err());
    assert_eq!(client.query("TYPE0001")["pay_status"], "1");
    let other = client.issued(Behaviour::Password, 1_000);
    client.pay("TYPE0002", 100, &other);
    client.sim.scan(&Scan::of("TYPE0002", Outcome::Decline), client.now).unwrap();
    assert_eq!(client.query("TYPE0002")["pay_status"], "2");
    let never = client.issued(Behaviour::Timeout, 1_000);
    client.pay("TYPE0003", 100, &never);
    client.pass_ms(86_400_000);
    assert_eq!(client.query("TYPE0003")["pay_status"], "0");
    assert!(client.sim.confirm(&never, client.now).is_err());
    assert_eq!(client.reversed("TYPE0003")["return_code"], 0);
    assert_eq!((client.query("TYPE0003")["pay_status"].as_str(), client.entry("TYPE0003").status), (Some("3"), State::Reversed));
}

#[test]
fn magic_codes_do_what_their_table_says() {
    let rows = [
        ("01", "0", "1", 1),
        ("04", "0", "0", 0),
        ("05", "99000002", "2", 0),
        ("06", "99000012", "1", 1),
        ("07", "99000012", "0", 0),
        ("08", "99000012", "none", 0),
        ("09", "99000003", "2", 0),
        ("10", "99000005", "none", 0),
        ("11", "99000004", "none", 0),
        ("12", "99000006", "none", 0),
        ("13", "0", "1", 1),
        ("14", "0", "1", 1),
        ("15", "99000007", "2", 0),
        ("16", "99000012", "1", 1),
    ];
    let mut client = Client::new();
    for (kind, code, state, charges) in rows {
        let number = format!("MAGIC{kind}");
        let answer = client.pay(&number, 1_000, &format!("6299{kind}0000000000000"));
        assert_eq!(answer["return_code"].to_string(), code, "{kind}");
        assert_eq!(client.query(&number)["pay_status"].as_str().unwrap_or("none"), state, "{kind}");
        assert_eq!(client.sim.ledger().get(&number).map_or(0, |e| e.charges), charges, "{kind}");
    }
    assert_eq!(text(&client.query("MAGIC13"), &["payment_amt", "point_amt"]), ["0", "1000"]);
    assert_ne!(client.query("MAGIC14")["total_disc_amt"], "0");
}

#[test]
fn a_password_comes_at_the_third_query_or_after_some_seconds() {
    let mut client = Client::new();
    client.pay("THIRD001", 100, "6299020000000000000");
    let states: Vec<Value> = (0..3).map(|_| client.query("THIRD001")["pay_status"].clone()).collect();
    assert_eq!(states, ["0", "0", "1"]);
    client.pay("LATER001", 100, "6299030700000000000");
    client.pass_ms(6_999);
    assert_eq!(client.query("LATER001")["pay_status"], "0");
    client.pass_ms(1);
    assert_eq!(client.query("LATER001")["pay_status"], "1");
}

#[test]
fn a_reversal_undoes_what_is_unpaid_and_gives_back_what_was_paid() {
    let mut client = Client::new();
    client.pay("UNDO0001", 1_000, "6299130000000000000");
    let undone = client.reversed("UNDO0001");
    assert_eq!(text(&undone, &["reject_amt", "real_reject_amt", "reject_point"]), ["1000", "0", "1000"]);
    assert_eq!(client.entry("UNDO0001").remaining(), Fen::ZERO);
    assert_eq!(client.reversed("UNDO0001")["return_code"], 0, "once more is the same");
    assert_eq!(client.reversed("UNDO0002")["return_code"], 5_940_021);
    client.pay("UNDO0003", 1_000, "6299010000000000000");
    let part = json!({"mer_id": MER_ID, "out_trade_no": "UNDO0003", "reject_amt": "999"});
    assert_eq!(client.post(REVERSE, &part)["return_code"], 400_011);
    client.hook("reverse_same_day on");
    client.pass_ms(15 * 3_600_000);
    assert_eq!(client.reversed("UNDO0003")["return_code"], 99_000_011);
    client.hook("reverse_same_day off");
    client.hook("wide_states off");
    assert_eq!(client.reversed("UNDO0003")["return_code"], 0);
    assert_eq!(client.query("UNDO0003")["pay_status"], "2", "a bank that knows three states only");
    assert_eq!(client.sim.ledger().audit(), Ok(()));
}

#[test]
fn a_code_that_is_over_the_payers_limit_fails() {
    let mut client = Client::new();
    client.hook("auth_means sms");
    let code = client.issued(Behaviour::Pay, 10_000_000);
    assert_eq!(client.pay("LIMIT001", 500_001, &code)["return_code"], 99_000_007);
    assert_eq!(client.query("LIMIT001")["pay_status"], "2");
}

#[test]
fn an_answer_is_a_function_of_seed_calls_and_times() {
    let run = |seed| {
        let mut client = Client::with(Options::fixed(seed));
        client.now = Millis(1_795_395_600_000);
        let code = client.issued(Behaviour::Pay, 1_000);
        let call = client.call(PAY, &barcode("SAME0001", 10, &code));
        let first = client.raw(&call).bytes().to_vec();
        client.paid("SAME0002", 10);
        let body = client.due()[0].body.clone();
        (code, first, body)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}
