//! Hosted pages and the bank's app: the order begins when the payer brings the signed parameters.

use super::{Client, NOTIFY, Pairs, signed, string_to_sign, told};
use crate::keys::encrypt;
use crate::{APP_ID, MER_ID};
use serde_json::{Value, json};
use sluice_contract::Verb;
use sluice_simkit::{Api, Outcome, Scan, Simulator, State, form};

const PAGE: &str = "/ui/aggregate/payment/request/V2";
/// What stands in the address (pack §1.2); the rest is the form.
const EIGHT: [&str; 8] = ["sign", "app_id", "sign_type", "charset", "format", "encrypt_type", "timestamp", "msg_id"];

fn biz(number: &str, total: i64) -> Value {
    json!({
        "mer_id": MER_ID, "icbc_appid": APP_ID, "out_trade_no": number, "order_amt": total.to_string(), "expire_time": "900",
        "body": "一箱苹果", "attach": "x",
    })
}

/// All parameters of a page, signed; `biz_content` under AES as the page wants it.
fn page(client: &mut Client, number: &str, total: i64) -> Pairs {
    let mut pairs = client.pairs(&biz(number, total));
    pairs.insert("biz_content".to_owned(), encrypt(b"0123456789ABCDEF", &pairs["biz_content"]).unwrap());
    pairs.insert("encrypt_type".to_owned(), "AES".to_owned());
    pairs.insert("notify_url".to_owned(), NOTIFY.to_owned());
    pairs.insert("return_url".to_owned(), "http://127.0.0.1/return/1".to_owned());
    pairs.insert("sign".to_owned(), signed(&string_to_sign(PAGE, &pairs)));
    pairs
}

fn encoded(pairs: &Pairs, which: impl Fn(&str) -> bool) -> String {
    form::encode(pairs.iter().filter(|(n, _)| which(n)).map(|(n, v)| (n.as_str(), v.as_str())))
}

#[test]
fn nobody_knows_the_order_until_the_payer_arrives() {
    let mut client = Client::new();
    let pairs = page(&mut client, "PAGE0001", 300);
    assert_eq!(client.query("PAGE0001")["return_code"], 5_940_021);
    assert_eq!(client.order_query("PAGE0001", "0")["return_code"], "12001081");
    let url = format!("https://sandbox.local{PAGE}?{}", encoded(&pairs, |n| EIGHT.contains(&n)));
    let content = format!("{url}&{}", encoded(&pairs, |n| !EIGHT.contains(&n)));
    assert!(client.scan(&content));
    assert_eq!(client.query("PAGE0001")["pay_status"], "1");
    assert_eq!(client.order_query("PAGE0001", "0")["pay_status"], "0", "both families know it, each in its digits");
    let due = client.due();
    assert_eq!(told(&client, &due[0], "//notify/icbc-main")["out_trade_no"], "PAGE0001");
    assert!(client.sim.scan(&Scan::of(&content, Outcome::Pay), client.now).is_err(), "paid before");
    assert_eq!(client.entry("PAGE0001").charges, 1);
}

#[test]
fn the_browser_posts_the_form_and_may_come_again() {
    let mut client = Client::new();
    let pairs = page(&mut client, "PAGE0002", 300);
    let mut call = Client::bare_call(&format!("{PAGE}?{}", encoded(&pairs, |n| EIGHT.contains(&n))), &Pairs::new());
    call.body = encoded(&pairs, |n| !EIGHT.contains(&n)).into_bytes();
    assert_eq!((client.sim.api_of(&call), call.verb), (None::<Api>, Verb::Post));
    for _ in 0..2 {
        let reply = client.raw(&call);
        assert!(reply.status == 200 && String::from_utf8_lossy(reply.bytes()).contains("PAGE0002"));
    }
    assert_eq!((client.sim.waiting()[0].subject.as_str(), client.sim.waiting()[0].method.as_str()), ("一箱苹果", "icbc_h5"));
    assert_eq!(client.entry("PAGE0002").status, State::Created);
    let other = page(&mut client, "PAGE0002", 301);
    let content = format!("http://x{PAGE}?{}", encoded(&other, |_| true));
    assert!(client.sim.scan(&Scan::of(&content, Outcome::Pay), client.now).is_err(), "the number is another order's");
}

#[test]
fn a_page_that_was_changed_or_came_too_late_opens_nothing() {
    let mut client = Client::new();
    let mut pairs = page(&mut client, "PAGE0003", 300);
    let content = format!("http://x{PAGE}?{}", encoded(&pairs, |_| true));
    pairs.insert("return_url".to_owned(), "http://evil".to_owned());
    let changed = format!("http://x{PAGE}?{}", encoded(&pairs, |_| true));
    assert!(client.sim.scan(&Scan::of(&changed, Outcome::Pay), client.now).unwrap_err().0.contains("400017"));
    let other = content.replace("/request/V2", "/request/V1");
    assert!(client.sim.scan(&Scan::of(&other, Outcome::Pay), client.now).is_err(), "the path is signed");
    client.pass_ms(901_000);
    assert!(client.sim.scan(&Scan::of(&content, Outcome::Pay), client.now).unwrap_err().0.contains("99000013"));
    assert_eq!(client.sim.ledger().entries().count(), 0);
}

#[test]
fn the_banks_app_is_handed_parameters_with_a_service_url() {
    let mut client = Client::new();
    let mut pairs = page(&mut client, "APP00001", 300);
    pairs.insert("service_url".to_owned(), format!("https://sandbox.local{PAGE}"));
    assert!(client.scan(&serde_json::to_string(&pairs).unwrap()));
    assert_eq!(client.entry("APP00001").charges, 1);
    let mut pairs = page(&mut client, "APP00002", 300);
    pairs.insert("service_url".to_owned(), format!("https://sandbox.local{PAGE}"));
    let string = encoded(&pairs, |_| true);
    client.sim.scan(&Scan::of(&string, Outcome::Abandon), client.now).unwrap();
    assert_eq!(client.sim.waiting()[0].method, "icbc_app");
    assert!(client.sim.scan(&Scan::of("nonsense", Outcome::Pay), client.now).is_err());
    assert!(client.sim.scan(&Scan::of("{\"a\":1}", Outcome::Pay), client.now).is_err());
}
