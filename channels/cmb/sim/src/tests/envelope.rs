//! The door: headers, members, signatures, and what is answered without one (pack §2.1, §2.2).

use super::{Client, ack, order, signed, signed_raw, text_of};
use crate::{CmbSim, MER_ID, Options, USER_ID};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_contract::{HttpReply, Verb};
use sluice_simkit::{Call, Simulator};
use std::collections::BTreeMap;

fn members(number: &str) -> BTreeMap<String, String> {
    let mut biz = order(number, 100);
    biz["merId"] = json!(MER_ID);
    biz["userId"] = json!(USER_ID);
    Client::members(&biz)
}

/// A refusal at the door is short and unsigned.
fn refused(reply: &HttpReply) -> String {
    let body: Value = serde_json::from_slice(reply.bytes()).unwrap();
    assert!(body["returnCode"] == "FAIL" && body.get("sign").is_none() && reply.status == 200, "{body}");
    body["errCode"].as_str().unwrap().to_owned()
}

fn changed(client: &mut Client, change: impl Fn(&mut BTreeMap<String, String>)) -> String {
    let mut members = members("DOOR0001");
    change(&mut members);
    let call = client.call("qrcodeapply", members);
    refused(&client.raw(&call))
}

#[test]
fn every_member_of_the_envelope_has_its_own_refusal() {
    let mut client = Client::new();
    let put =
        |name: &'static str, value: &'static str| move |m: &mut BTreeMap<String, String>| drop(m.insert(name.to_owned(), value.to_owned()));
    assert_eq!(changed(&mut client, put("version", "1.0.0")), "VERSION_ERROR");
    assert_eq!(changed(&mut client, put("encoding", "GBK")), "ENCODING_ERROR");
    assert_eq!(changed(&mut client, put("signMethod", "01")), "SIGNMETHOD_ERROR");
    assert_eq!(changed(&mut client, put("biz_content", "[]")), "JSON_FORMAT_ERROR");
    for (body, code) in [("", "POST_DATA_EMPTY"), ("{", "JSON_FORMAT_ERROR"), (r#"{"version":1}"#, "JSON_FORMAT_ERROR")] {
        let call = Call { body: body.as_bytes().to_vec(), ..client.call("qrcodeapply", members("DOOR0001")) };
        assert_eq!(refused(&client.raw(&call)), code);
    }
    assert_eq!(client.sim.ledger().entries().count(), 0);
}

#[test]
fn a_wrong_header_or_signature_is_a_sign_error() {
    let mut client = Client::new();
    let good = client.call("qrcodeapply", members("DOOR0001"));
    for (name, value) in [("appid", "another"), ("timestamp", "123"), ("timestamp", "1795395600000"), ("apisign", "0")] {
        let mut call = good.clone();
        call.headers.0.iter_mut().find(|(n, _)| n == name).unwrap().1 = value.to_owned();
        assert_eq!(refused(&client.raw(&call)), "SIGN_ERROR", "{name}");
    }
    let mut upper = good.clone();
    upper.headers.0.iter_mut().for_each(|(n, v)| *v = if n == "apisign" { v.to_uppercase() } else { v.clone() });
    assert_eq!(refused(&client.raw(&upper)), "SIGN_ERROR");
    let mut doubled = good.clone();
    doubled.headers.push("apisign", "0");
    assert_eq!(refused(&client.raw(&doubled)), "SIGN_ERROR");
    // Signed for another amount; the headers fit that signature.
    let mut tampered = members("DOOR0001");
    tampered.insert("sign".to_owned(), signed(&text_of(&tampered)));
    let biz = tampered["biz_content"].replace("\"100\"", "\"1\"");
    tampered.insert("biz_content".to_owned(), biz);
    let call = client.sealed_call("qrcodeapply", &tampered);
    assert_eq!(refused(&client.raw(&call)), "SIGN_ERROR");
    assert!(client.raw(&good).bytes().len() > 100 && client.sim.ledger().get("DOOR0001").is_some());
}

#[test]
fn members_nobody_knows_are_signed_and_ignored() {
    let mut client = Client::new();
    let mut more = members("MORE0001");
    more.insert("zzz".to_owned(), "a=b&c".to_owned());
    let call = client.call("qrcodeapply", more);
    let answer = client.send(&call);
    assert!(answer.get("qrCode").starts_with("https://qr.95516.com/03080000/") && answer.members.contains_key("traceNo"));
    let text = String::from_utf8(client.raw(&client.call("orderquery", Client::members(&json!({})))).bytes().to_vec()).unwrap();
    assert!(text.contains("\"errCode\":\"UNDEFINED_PRAM\""));
}

/// A signature with its integers written as told.
fn written(parts: [Vec<u8>; 2]) -> String {
    let inside: Vec<u8> = parts.iter().flat_map(|p| [vec![2, u8::try_from(p.len()).unwrap()], p.clone()].concat()).collect();
    STANDARD.encode([vec![0x30, u8::try_from(inside.len()).unwrap()], inside].concat())
}

/// As DER wants it: no needless zeros, one where the first bit is set.
fn shortest(part: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = part.iter().copied().skip_while(|b| *b == 0).collect();
    if digits[0] >= 0x80 { [vec![0], digits].concat() } else { digits }
}

#[test]
fn integers_with_leading_zeros_are_taken() {
    let mut client = Client::new();
    let mut all = members("PADDED01");
    let raw = signed_raw(&text_of(&all));
    let padded = |part: &[u8]| [vec![0, 0, 0], part.to_vec()].concat();
    all.insert("sign".to_owned(), written([padded(&raw[..32]), padded(&raw[32..])]));
    let call = client.sealed_call("qrcodeapply", &all);
    assert!(!client.send(&call).get("qrCode").is_empty());
    all.insert("sign".to_owned(), written([raw[..32].to_vec(), raw[32..].to_vec()]).replace('=', ""));
    let call = client.sealed_call("qrcodeapply", &all);
    assert_eq!(refused(&client.raw(&call)), "SIGN_ERROR", "half a base64, or a negative number");
}

#[test]
fn integers_of_fewer_than_32_bytes_are_refused_where_strict() {
    let mut client = Client::new();
    // About one signature in 128 has one; which, is a matter of the number.
    let short = (0..3_000).map(|n| members(&format!("SHORT{n:04}"))).find_map(|mut all| {
        let raw = signed_raw(&text_of(&all));
        let (r, s) = (shortest(&raw[..32]), shortest(&raw[32..]));
        all.insert("sign".to_owned(), written([r.clone(), s.clone()]));
        (r.len() < 32 || s.len() < 32).then_some(all)
    });
    let call = client.sealed_call("qrcodeapply", &short.unwrap());
    client.hook("strict_der on");
    assert_eq!(refused(&client.raw(&call)), "SIGN_ERROR");
    client.hook("strict_der off");
    assert!(!client.send(&call).get("qrCode").is_empty());
}

#[test]
fn other_paths_are_nothing_and_faults_name_the_served_ones() {
    let mut client = Client::new();
    let mut call = client.call("onlinepay", members("DOOR0001"));
    assert_eq!((client.raw(&call).status, client.sim.api_of(&call)), (404, None));
    let apis = ["qrcodeapply", "pay", "orderquery", "cancel", "close", "refund", "refundquery", "statementurl"].map(|name| {
        call.target = format!("/polypay/v1.0/mchorders/{name}?x=1");
        format!("{:?}", client.sim.api_of(&call).unwrap())
    });
    assert_eq!(apis, ["Pay", "Pay", "Query", "Reverse", "Close", "Refund", "QueryRefund", "Bill"]);
    call.verb = Verb::Get;
    assert_eq!(client.sim.api_of(&call), None);
}

#[test]
fn fields_are_checked_one_by_one() {
    let mut client = Client::new();
    let cases = [
        (json!({"merId": "308"}), "MERID_NOT_EXIST"),
        (json!({"subMerId": "308"}), "MERID_NOT_EXIST"),
        (json!({"userId": "N000000000"}), "USERID_CHECK_FAILED"),
        (json!({"userId": null}), "UNDEFINED_PRAM"),
        (json!({"orderId": "A".repeat(33)}), "UNDEFINED_PRAM"),
        (json!({"notifyUrl": null}), "UNDEFINED_PRAM"),
        (json!({"notifyUrl": "ftp://x"}), "UNDEFINED_PRAM"),
        (json!({"txnAmt": "0"}), "TXNAMT_NOT_LAWFUL"),
        (json!({"txnAmt": "1.00"}), "TXNAMT_NOT_LAWFUL"),
        (json!({"txnAmt": "12345678901234"}), "TXNAMT_NOT_LAWFUL"),
        (json!({"txnAmt": 100}), "UNDEFINED_PRAM"),
        (json!({"body": ""}), "UNDEFINED_PRAM"),
        (json!({"currencyCode": "840"}), "UNDEFINED_PRAM"),
        (json!({"payValidTime": "soon"}), "UNDEFINED_PRAM"),
        (json!({"mchReserved": "x".repeat(129)}), "MCH_RESERVED_NOT_LAWFUL"),
    ];
    for (change, code) in cases {
        let reply =
            client.post("qrcodeapply", super::merged(super::merged(order("FIELD001", 100), json!({"userId": USER_ID})), change.clone()));
        // `post` puts the cashier in first, so a null must take it away again.
        if change == json!({"userId": null}) {
            let biz = super::merged(order("FIELD001", 100), json!({"merId": MER_ID}));
            let call = client.call("qrcodeapply", Client::members(&biz));
            assert_eq!(client.send(&call).err(), code);
            continue;
        }
        assert_eq!(reply.err(), code, "{change}");
    }
}

#[test]
fn the_account_table_and_the_credentials_tell_the_same() {
    let fresh = CmbSim::open(Options { provider: true, ..Options::sandbox(1) });
    let told = fresh.credentials("http://127.0.0.1:9001");
    let table = fresh.account_toml("http://127.0.0.1:9001");
    for name in ["app_id", "app_secret", "mer_id", "user_id", "private_key", "public_key", "term_id", "base_url"] {
        assert!(table.contains(&format!("{name} = \"{}\"\n", told[name].as_str().unwrap())), "{name}");
    }
    for (field, column) in told["statement_columns"].as_object().unwrap() {
        assert!(table.contains(&format!("\n{field} = {column}\n")), "{field}");
    }
    assert!(table.contains("mode = \"provider\"\n") && table.contains("id = \"cmb-main\"\n"));
    let (public, pem) = (told["public_key"].as_str().unwrap(), told["public_key_pem"].as_str().unwrap());
    assert!(public.len() == 124 && pem.replace('\n', "").contains(public) && told["private_key"].as_str().unwrap().len() == 64);
    assert_ne!(told["private_key"], CmbSim::open(Options::sandbox(1)).credentials("")["private_key"], "fresh keys are fresh");
    assert!(told["bank_private_key_pem"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[test]
fn an_acknowledgement_is_signed_and_says_success_twice() {
    let client = Client::new();
    assert!(client.sim.acknowledged(&ack(|_| {})));
    for (name, value) in [("sign", "AAAA"), ("returnCode", "FAIL"), ("respCode", "FAIL"), ("version", "1"), ("more", "unsigned")] {
        assert!(!client.sim.acknowledged(&ack(|m| drop(m.insert(name.to_owned(), value.to_owned())))), "{name}");
    }
    assert!(!client.sim.acknowledged(&HttpReply::new(200, &[], "success")));
    let mut wrong_status = ack(|_| {});
    wrong_status.status = 500;
    assert!(!client.sim.acknowledged(&wrong_status));
}
