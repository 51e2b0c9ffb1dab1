//! §13 "codepay": codes that were issued, magic codes, reversal.

use super::{Client, code};
use crate::{APP_ID, MCHID, Options};
use serde_json::json;
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Behaviour, Outcome, Scan, Simulator, State};

impl Client {
    fn issued(&mut self, behaviour: Behaviour, balance: i64) -> String {
        self.sim.issue_auth_code(behaviour, Fen(balance), self.now)
    }

    fn reversed(&mut self, number: &str) -> (u16, serde_json::Value) {
        let target = format!("/v3/pay/transactions/out-trade-no/{number}/reverse");
        self.post(&target, &json!({"appid": APP_ID, "mchid": MCHID}))
    }
}

#[test]
fn a_code_pays_once_and_has_no_callback() {
    let mut client = Client::new();
    let auth_code = client.issued(Behaviour::Pay, 1_000);
    assert_eq!((auth_code.len(), auth_code.starts_with('1')), (18, true));
    let (status, paid) = client.codepay("CODE0001", 1_000, &auth_code);
    assert_eq!((status, paid["trade_state"].as_str(), paid["trade_type"].as_str()), (200, Some("SUCCESS"), Some("MICROPAY")));
    assert_eq!(code(&client.codepay("CODE0001", 1_000, &auth_code)), (403, "OUT_TRADE_NO_USED"));
    assert_eq!(code(&client.codepay("CODE0002", 1_000, &auth_code)), (400, "AUTH_CODE_ERROR"));
    assert!(client.due().is_empty());
    assert!(client.sim.resend("CODE0001", client.now).is_err());
    assert_eq!(client.entry("CODE0001").charges, 1);
}

#[test]
fn codes_that_cannot_pay() {
    let mut client = Client::new();
    let poor = client.issued(Behaviour::Pay, 99);
    assert_eq!(code(&client.codepay("CANT0001", 100, &poor)), (403, "NOT_ENOUGH"));
    assert_eq!(client.state("CANT0001"), "PAYERROR");
    let declining = client.issued(Behaviour::Decline, 1_000);
    assert_eq!(code(&client.codepay("CANT0002", 100, &declining)), (403, "TRADE_ERROR"));
    let old = client.issued(Behaviour::Pay, 1_000);
    client.pass_ms(60_001);
    assert_eq!(code(&client.codepay("CANT0003", 100, &old)), (400, "AUTH_CODE_EXPIRED"));
    for unknown in ["130000000000000000", "280000000000000000", "13", "13000000000000000x"] {
        assert_eq!(code(&client.codepay("CANT0003", 100, unknown)), (400, "AUTH_CODE_INVALID"), "{unknown}");
    }
    assert!(client.sim.ledger().get("CANT0003").is_none());
    assert!(client.sim.ledger().entries().all(|e| e.charges == 0));
}

#[test]
fn a_password_is_typed_declined_or_never_comes() {
    let mut client = Client::new();
    let typed = client.issued(Behaviour::Password, 1_000);
    assert_eq!(code(&client.codepay("TYPE0001", 100, &typed)), (202, "USERPAYING"));
    assert_eq!(code(&client.codepay("TYPE0001", 100, &typed)), (202, "USERPAYING"), "the same again");
    assert_eq!(client.state("TYPE0001"), "USERPAYING");
    assert_eq!(client.sim.waiting()[0].auth_code, Some(typed.clone()));
    assert_eq!(client.sim.confirm(&typed, client.now), Ok(()));
    assert_eq!(client.state("TYPE0001"), "SUCCESS");
    assert!(client.sim.confirm(&typed, client.now).is_err());
    assert!(client.due().is_empty());

    let declined = client.issued(Behaviour::Password, 1_000);
    client.codepay("TYPE0002", 100, &declined);
    assert!(!client.sim.scan(&Scan::of("wechat:TYPE0002", Outcome::Decline), client.now).unwrap().paid);
    assert_eq!(client.state("TYPE0002"), "PAYERROR");

    let endless = client.issued(Behaviour::Timeout, 1_000);
    assert_eq!(code(&client.codepay("TYPE0003", 100, &endless)), (202, "USERPAYING"));
    assert!(client.sim.confirm(&endless, client.now).is_err());
    client.pass_ms(44_999);
    assert_eq!(client.state("TYPE0003"), "USERPAYING");
    client.pass_ms(1);
    assert_eq!(client.state("TYPE0003"), "REVOKED", "auto-revoked after 45 s");
    assert_eq!(code(&client.codepay("TYPE0003", 100, &endless)), (400, "ORDER_CLOSED"));
}

#[test]
fn fast_divides_the_waiting_but_not_the_life_of_a_code() {
    let mut client = Client::with(Options { fast: 10, ..Options::fixed(1) });
    let endless = client.issued(Behaviour::Timeout, 1_000);
    client.pass_ms(59_000);
    assert_eq!(code(&client.codepay("FAST0001", 100, &endless)), (202, "USERPAYING"));
    client.pass_ms(4_500);
    assert_eq!(client.state("FAST0001"), "REVOKED");
}

#[test]
fn magic_codes_do_what_the_table_says() {
    let cases = [
        ("01", (200, ""), "SUCCESS", 1),
        ("02", (202, "USERPAYING"), "USERPAYING", 0),
        ("03", (202, "USERPAYING"), "USERPAYING", 0),
        ("04", (403, "NOT_ENOUGH"), "PAYERROR", 0),
        ("05", (400, "AUTH_CODE_EXPIRED"), "none", 0),
        ("06", (500, "SYSTEM_ERROR"), "SUCCESS", 1),
        ("07", (500, "SYSTEM_ERROR"), "NOTPAY", 0),
        ("08", (500, "SYSTEM_ERROR"), "none", 0),
        ("09", (500, "BANK_ERROR"), "PAYERROR", 0),
        ("10", (403, "ACCOUNT_ERROR"), "PAYERROR", 0),
        ("11", (403, "TRADE_ERROR"), "PAYERROR", 0),
        ("12", (400, "AUTH_CODE_INVALID"), "none", 0),
        ("13", (400, "AUTH_CODE_ERROR"), "none", 0),
    ];
    let mut client = Client::new();
    for (kind, answer, state, charges) in cases {
        let number = format!("MAGIC0{kind}");
        let reply = client.codepay(&number, 100, &format!("1399{kind}200000000000"));
        assert_eq!(code(&reply), answer, "{kind}");
        assert_eq!(client.state(&number), state, "{kind}");
        assert_eq!(client.sim.ledger().get(&number).map_or(0, |e| e.charges), charges, "{kind}");
    }
    client.pass_ms(20_000);
    assert_eq!(client.state("MAGIC002"), "SUCCESS", "paid twenty seconds later");
    client.pass_ms(25_000);
    assert_eq!((client.state("MAGIC003"), client.state("MAGIC007")), ("REVOKED".to_owned(), "REVOKED".to_owned()));
    assert_eq!(client.sim.ledger().audit(), Ok(()));
}

#[test]
fn reverse_undoes_what_is_there() {
    let mut client = Client::new();
    assert_eq!(code(&client.reversed("UNDO0000")), (404, "ORDER_NOT_EXIST"));
    client.codepay("UNDO0001", 100, "139901000000000000");
    let (status, answer) = client.reversed("UNDO0001");
    assert_eq!((status, answer["out_trade_no"].as_str(), answer["mchid"].as_str()), (200, Some("UNDO0001"), Some(MCHID)));
    assert_eq!(client.reversed("UNDO0001").0, 200, "again is the same");
    assert_eq!((client.state("UNDO0001"), client.entry("UNDO0001").charges), ("REVOKED".to_owned(), 1));

    client.codepay("UNDO0002", 100, "139903000000000000");
    client.pass_ms(14_999);
    assert_eq!(code(&client.reversed("UNDO0002")), (202, "USERPAYING"), "too early");
    client.pass_ms(1);
    assert_eq!(client.reversed("UNDO0002").0, 200);
    assert_eq!(client.entry("UNDO0002").status, State::Reversed);

    client.paid("UNDO0003", 100);
    assert_eq!(code(&client.reversed("UNDO0003")), (400, "INVALID_REQUEST"), "only barcode orders are reversed");
    client.codepay("UNDO0004", 100, "139901000000000000");
    client.now = Millis(client.now.0 + 7 * 86_400_000 + 1);
    assert_eq!(code(&client.reversed("UNDO0004")), (400, "INVALID_REQUEST"), "after seven days");
    let close = client.post("/v3/pay/transactions/out-trade-no/UNDO0004/close", &json!({"mchid": MCHID}));
    assert_eq!(code(&close), (400, "INVALID_REQUEST"), "barcode orders are not closed");
}
