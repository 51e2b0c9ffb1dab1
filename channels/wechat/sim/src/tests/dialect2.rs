//! §13 "v2".

use super::{Client, START};
use crate::{APP_ID, MCHID};
use md5::{Digest, Md5};
use sluice_contract::{Headers, Verb};
use sluice_simkit::{Call, Fault};
use std::collections::BTreeMap;

const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
type Members = BTreeMap<String, String>;

fn signature(members: &Members) -> String {
    let parts: Vec<String> = members.iter().filter(|(n, v)| *n != "sign" && !v.is_empty()).map(|(n, v)| format!("{n}={v}")).collect();
    hex::encode_upper(Md5::digest(format!("{}&key={KEY}", parts.join("&"))))
}

/// Reads `<name><![CDATA[value]]></name>` by hand.
fn members(xml: &str) -> Members {
    let parts = xml.split("]]></");
    parts
        .filter_map(|p| p.rsplit_once("<![CDATA["))
        .filter_map(|(head, v)| head.rsplit_once('<').map(|(_, n)| (n.trim_end_matches('>').to_owned(), v.to_owned())))
        .collect()
}

impl Client {
    fn v2(&mut self, path: &str, fields: &[(&str, &str)]) -> Members {
        let mut ask: Members = [("appid", APP_ID), ("mch_id", MCHID), ("nonce_str", "n")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        ask.extend(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        let sign = signature(&ask);
        ask.entry("sign".to_owned()).or_insert(sign);
        let body: String = ask.iter().map(|(n, v)| format!("<{n}>{v}</{n}>")).collect();
        let body = format!("<xml>{body}</xml>").into_bytes();
        let call = Call { verb: Verb::Post, target: path.to_owned(), headers: Headers::default(), body };
        let reply = self.raw(&call);
        let answer = members(std::str::from_utf8(reply.bytes()).unwrap());
        if answer["return_code"] == "SUCCESS" && self.fault.is_none() {
            assert_eq!(answer["sign"], signature(&answer), "{path}");
        }
        answer
    }

    fn micropay(&mut self, number: &str, auth_code: &str) -> Members {
        let fields = [("body", "付款码支付测试"), ("out_trade_no", number), ("total_fee", "100"), ("spbill_create_ip", "14.17.22.52")];
        self.v2("/pay/micropay", &[&fields[..], &[("auth_code", auth_code)]].concat())
    }
}

#[test]
fn micropay_query_refund_and_both_dialects_see_one_order() {
    let mut client = Client::new();
    let paid = client.micropay("V2PAY001", "139901000000000000");
    assert_eq!((paid["result_code"].as_str(), paid["trade_type"].as_str(), paid["total_fee"].as_str()), ("SUCCESS", "MICROPAY", "100"));
    assert_eq!(client.state("V2PAY001"), "SUCCESS");
    assert_eq!(client.micropay("V2PAY001", "139901000000000000")["err_code"], "ORDERPAID");
    let by_id = client.v2("/pay/orderquery", &[("transaction_id", &paid["transaction_id"])]);
    assert_eq!((by_id["trade_state"].as_str(), by_id["out_trade_no"].as_str()), ("SUCCESS", "V2PAY001"));
    assert_eq!(client.v2("/pay/orderquery", &[("out_trade_no", "NOPE0001")])["err_code"], "ORDERNOTEXIST");
    let fields = [("out_trade_no", "V2PAY001"), ("out_refund_no", "R1"), ("refund_fee", "40"), ("total_fee", "100")];
    let refund = client.v2("/secapi/pay/refund", &fields);
    assert_eq!((refund["result_code"].as_str(), refund["refund_fee"].as_str()), ("SUCCESS", "40"));
    assert_eq!(client.v2("/secapi/pay/refund", &fields)["refund_id"], refund["refund_id"]);
    client.pass_ms(1_000);
    let query = client.v2("/pay/refundquery", &[("out_trade_no", "V2PAY001")]);
    assert_eq!((query["refund_count"].as_str(), query["refund_status_0"].as_str()), ("1", "SUCCESS"));
    assert_eq!(client.v2("/pay/refundquery", &[("out_refund_no", "R9")])["err_code"], "REFUNDNOTEXIST");
}

#[test]
fn the_three_layers_of_failure() {
    let mut client = Client::new();
    let unsigned = client.v2("/pay/orderquery", &[("out_trade_no", "X"), ("sign", "0")]);
    assert_eq!((unsigned["return_code"].as_str(), unsigned.get("sign")), ("FAIL", None));
    let waiting = client.micropay("V2WAIT01", "139903000000000000");
    assert_eq!(
        (waiting["return_code"].as_str(), waiting["result_code"].as_str(), waiting["err_code"].as_str()),
        ("SUCCESS", "FAIL", "USERPAYING")
    );
    for (code, err_code) in
        [("04", "NOTENOUGH"), ("05", "AUTHCODEEXPIRE"), ("06", "SYSTEMERROR"), ("12", "AUTH_CODE_INVALID"), ("13", "AUTH_CODE_ERROR")]
    {
        assert_eq!(client.micropay(&format!("V2FAIL{code}"), &format!("1399{code}000000000000"))["err_code"], err_code);
    }
    assert_eq!(client.v2("/pay/micropay", &[("out_trade_no", "V2LACK01")])["err_code"], "LACK_PARAMS");
    let xml = b"<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><xml><return_code>&x;</return_code></xml>";
    let call = Call { verb: Verb::Post, target: "/pay/micropay".to_owned(), headers: Headers::default(), body: xml.to_vec() };
    let reply = client.sim.serve_v2(&call, crate::route::V2::Micropay, START, None);
    assert_eq!(members(std::str::from_utf8(reply.bytes()).unwrap())["return_code"], "FAIL");
}

#[test]
fn reverse_says_whether_to_call_again() {
    let mut client = Client::new();
    client.micropay("V2UNDO01", "139903000000000000");
    let early = client.v2("/secapi/pay/reverse", &[("out_trade_no", "V2UNDO01")]);
    assert_eq!((early["err_code"].as_str(), early["recall"].as_str()), ("USERPAYING", "Y"));
    client.pass_ms(15_000);
    let done = client.v2("/secapi/pay/reverse", &[("out_trade_no", "V2UNDO01")]);
    assert_eq!((done["result_code"].as_str(), done["recall"].as_str()), ("SUCCESS", "N"));
    assert_eq!(client.v2("/pay/orderquery", &[("out_trade_no", "V2UNDO01")])["trade_state"], "REVOKED");
    client.native("V2CLOSE1", 100);
    assert_eq!(client.v2("/pay/closeorder", &[("out_trade_no", "V2CLOSE1")])["result_code"], "SUCCESS");
    assert_eq!(client.state("V2CLOSE1"), "CLOSED");
}

#[test]
fn lies_are_signed_and_bad_signatures_are_not() {
    let mut client = Client::new();
    client.micropay("V2LIES01", "139901000000000000");
    client.fault = Some(Fault::WrongAmount);
    let lie = client.v2("/pay/orderquery", &[("out_trade_no", "V2LIES01")]);
    assert_eq!((lie["total_fee"].as_str(), lie["sign"] == signature(&lie)), ("101", true));
    client.fault = Some(Fault::BadSignature);
    let bad = client.v2("/pay/orderquery", &[("out_trade_no", "V2LIES01")]);
    assert_ne!(bad["sign"], signature(&bad));
}
