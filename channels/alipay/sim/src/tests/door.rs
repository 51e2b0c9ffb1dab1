//! Pack §1: who calls, what is signed, what is encrypted, which certificate.

use super::{Client, START, code, cut, form, order, sign, signed, verified};
use crate::{KeySource, Options};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Digest;
use serde_json::{Value, json};
use sluice_contract::{Headers, Verb};
use sluice_simkit::{Api, Call, Fault, Simulator};

const QUERY: &str = "alipay.trade.query";

fn body(client: &mut Client, call: &Call) -> String {
    String::from_utf8(client.raw(call).bytes().to_vec()).unwrap()
}

fn put(pairs: &mut [(String, String)], name: &str, value: &str) {
    pairs.iter_mut().find(|(n, _)| n == name).unwrap().1 = value.to_owned();
}

#[test]
fn get_and_post_are_served_alike_and_slashes_are_escaped() {
    let mut client = Client::new();
    let pairs = signed(client.pairs("alipay.trade.precreate", &order("GET1", "1.00")));
    let call = Call { verb: Verb::Get, target: format!("/gateway.do?{}", form(&pairs)), headers: Headers::default(), body: Vec::new() };
    assert_eq!(client.sim.api_of(&call), Some(Api::Pay));
    let reply = client.raw(&call);
    assert_eq!((reply.status, reply.headers.get("content-type")), (200, Some("text/html;charset=utf-8")));
    let text = std::str::from_utf8(reply.bytes()).unwrap();
    assert!(text.contains("https:\\/\\/qr.alipay.com\\/"), "{text}");
    let (root, node, sign) = cut(text);
    assert!(root == "alipay_trade_precreate_response" && verified(&node, &sign));
}

#[test]
fn an_unknown_app_is_answered_unsigned_before_its_signature_is_looked_at() {
    let mut client = Client::new();
    let mut pairs = client.pairs(QUERY, &json!({"out_trade_no": "X"}));
    put(&mut pairs, "app_id", "2021000000000000");
    let call = client.call(&pairs);
    let (root, node, sign) = cut(&body(&mut client, &call));
    assert_eq!((root.as_str(), sign.as_str()), ("alipay_trade_query_response", ""));
    assert_eq!(code(&serde_json::from_str(&node).unwrap()), ("40002", "isv.invalid-app-id"));
}

#[test]
fn wrong_signatures_are_refused_with_a_signed_answer_that_quotes_the_text() {
    let mut client = Client::new();
    let pairs = client.pairs(QUERY, &json!({"out_trade_no": "X"}));
    let mut without_type = pairs.clone();
    without_type.retain(|(n, _)| n != "sign_type");
    let mut sorted = without_type;
    sorted.sort();
    let text = sorted.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&");
    let mut notice_rule = pairs.clone();
    notice_rule.push(("sign".to_owned(), sign(&text)));
    let mut tampered = signed(pairs);
    put(&mut tampered, "notify_url", "http://127.0.0.1/other");
    for wrong in [notice_rule, tampered] {
        let call = client.call(&wrong);
        let (_, node, sign) = cut(&body(&mut client, &call));
        assert!(verified(&node, &sign));
        let node: Value = serde_json::from_str(&node).unwrap();
        assert_eq!(code(&node), ("40002", "isv.invalid-signature"));
        assert!(node["sub_msg"].as_str().unwrap().contains("&amp;method=alipay.trade.query&amp;"), "{node}");
    }
}

#[test]
fn empty_parameters_take_no_part_and_public_ones_are_checked() {
    let mut client = Client::new();
    let mut pairs = client.pairs(QUERY, &json!({"out_trade_no": "X"}));
    pairs.push(("return_url".to_owned(), String::new()));
    assert_eq!(code(&client.send(pairs.clone())), ("40004", "ACQ.TRADE_NOT_EXIST"));
    let late = START.plus_s(-8 * 3_600).second().plain();
    let long = format!("http://127.0.0.1/{}", "x".repeat(256));
    for (name, value, expected) in [
        ("sign_type", "RSA", "isv.invalid-signature-type"),
        ("charset", "gbk", "isv.invalid-charset"),
        ("version", "", "isv.missing-version"),
        ("timestamp", "2026-11-23T09:00:00", "isv.invalid-timestamp"),
        ("timestamp", &late, "isv.invalid-timestamp"),
        ("notify_url", &long, "isv.invalid-parameter"),
        ("method", "alipay.trade.nothing", "isv.invalid-method"),
        ("biz_content", "{", "isv.illegal-json"),
        ("biz_content", "{\"subject\":\"a out_trade_no=1\"}", "isv.suspected-attack"),
    ] {
        let mut wrong = pairs.clone();
        put(&mut wrong, name, value);
        assert_eq!(code(&client.send(wrong)).1, expected, "{name}={value}");
    }
    // SDKs write the machine's zone: the sandbox can be told not to look.
    client.hook("clock_tolerance_s off");
    put(&mut pairs, "timestamp", &late);
    assert_eq!(code(&client.send(pairs)), ("40004", "ACQ.TRADE_NOT_EXIST"));
}

#[test]
fn requests_captured_from_an_sdk_are_understood() {
    let mut client = Client::with(Options { clock_tolerance_s: None, ..Options::fixed(1) });
    for (query, body, expected) in [CAPTURED_PRECREATE, CAPTURED_EMPTY, CAPTURED_AES] {
        let target = format!("/gateway.do?{query}");
        let call = Call { verb: Verb::Post, target, headers: Headers::default(), body: body.as_bytes().to_vec() };
        let (_, node, sign) = cut(&self::body(&mut client, &call));
        assert!(verified(&node, &sign));
        let node = if node.starts_with('"') { client.sim.keys.decrypt(node.trim_matches('"')).unwrap() } else { node };
        let node: Value = serde_json::from_str(&node).unwrap();
        assert_eq!(format!("{} {}", code(&node).0, code(&node).1).trim(), expected);
    }
}

#[test]
fn an_encrypted_call_is_answered_with_a_signed_ciphertext() {
    let mut client = Client::new();
    let mut pairs = client.pairs("alipay.trade.precreate", &order("AES1", "1.00"));
    let cipher = client.sim.keys.encrypt(&order("AES1", "1.00").to_string()).unwrap();
    put(&mut pairs, "biz_content", &cipher);
    pairs.push(("encrypt_type".to_owned(), "AES".to_owned()));
    let node = client.send(pairs.clone());
    let plain = client.sim.keys.decrypt(node.as_str().unwrap()).unwrap();
    assert!(plain.contains("\"out_trade_no\":\"AES1\""), "{plain}");
    put(&mut pairs, "biz_content", &STANDARD.encode([0; 32]));
    assert_eq!(code(&client.send(pairs)), ("40003", "isv.decryption-error-unknown"));
    // The pack's vector `aes_biz_content_sdk_capture`.
    let vector = client.sim.keys.encrypt("{\"out_trade_no\":\"CAPAES1\"}").unwrap();
    assert_eq!(vector, "HJjZXDcVHUcOrByocVgEmiWMClAMrwcMO9KvZ4ypny0=");
}

#[test]
fn certificate_mode_asks_for_both_numbers_and_names_its_own() {
    let mut client = Client::with(Options { certificates: true, ..Options::fixed(1) });
    let told = client.sim.credentials("http://127.0.0.1:9000");
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    assert_eq!(code(&client.query("X")).1, "isv.missing-app-cert-sn");
    client.also = vec![("app_cert_sn".to_owned(), text("app_cert_sn"))];
    assert_eq!(code(&client.query("X")).1, "isv.missing-alipay-root-cert-sn");
    client.also.push(("alipay_root_cert_sn".to_owned(), text("alipay_root_cert_sn")));
    assert_eq!(code(&client.query("X")).1, "ACQ.TRADE_NOT_EXIST");
    client.also[0].1 = text("alipay_cert_sn");
    assert_eq!(code(&client.query("X")).1, "isv.app-cert-not-exist");
    client.also[0].1 = text("app_cert_sn");
    assert_eq!(text("alipay_root_certificate").matches("BEGIN CERTIFICATE").count(), 4);
    // Issued anew: the replies name the new one, and it can be fetched.
    let sn = client.hook("reissue_certificate");
    let call = client.call(&signed(client.pairs(QUERY, &json!({"out_trade_no": "X"}))));
    assert!(body(&mut client, &call).contains(&format!("}},\"alipay_cert_sn\":\"{sn}\",\"sign\":\"")));
    let node = client.ask("alipay.open.app.alipaycert.download", &json!({"alipay_cert_sn": sn}));
    let pem = STANDARD.decode(node["alipay_cert_content"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(pem).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    // A key-mode app has no certificates.
    client.sim.keys.certificates = None;
    assert_eq!(code(&client.query("X")).1, "isv.app-cert-not-exist");
}

/// The pack's rule over a file, read by another library: every certificate that counts.
fn numbers(pem: &str, roots: bool) -> String {
    let counted = |der: &[u8]| {
        let (_, read) = x509_parser::parse_x509_certificate(der).unwrap();
        let mut names: Vec<String> = read.issuer().to_string().split(", ").map(str::to_owned).collect();
        names.reverse();
        let text = format!("{}{}", names.join(","), read.tbs_certificate.serial);
        let rsa = read.signature_algorithm.algorithm.to_id_string().starts_with("1.2.840.113549.1.1");
        (!roots || rsa).then(|| hex::encode(md5::Md5::digest(text)))
    };
    let pems = x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).map(Result::unwrap);
    let all: Vec<String> = pems.filter_map(|p| counted(&p.contents)).collect();
    if roots { all.join("_") } else { all[0].clone() }
}

#[test]
fn the_numbers_are_those_of_the_certificates() {
    let mut client = Client::with(Options { certificates: true, ..Options::fixed(1) });
    let told = client.sim.credentials("http://127.0.0.1:9000");
    for (file, sn, roots) in [
        ("app_certificate", "app_cert_sn", false),
        ("alipay_certificate", "alipay_cert_sn", false),
        ("alipay_root_certificate", "alipay_root_cert_sn", true),
    ] {
        assert_eq!(told[sn], numbers(told[file].as_str().unwrap(), roots), "{file}");
    }
    assert_eq!(told["alipay_root_cert_sn"].as_str().unwrap().len(), 65, "two of the four count");
    client.hook("reissue_certificate");
    let next = client.sim.credentials("http://127.0.0.1:9000");
    assert_ne!(next["alipay_cert_sn"], told["alipay_cert_sn"]);
    assert_eq!(next["alipay_cert_sn"], numbers(next["alipay_certificate"].as_str().unwrap(), false));
}

#[test]
fn faults_on_purpose_of_a_reply() {
    let mut client = Client::new();
    client.paid("FAULT1", "1.00");
    client.fault = Some(Fault::Error500);
    assert_eq!(code(&client.query("FAULT1")), ("20000", "isp.unknow-error"));
    client.fault = Some(Fault::WrongAmount);
    assert_eq!(client.query("FAULT1")["total_amount"], "1.01");
    client.fault = Some(Fault::WrongOrder);
    assert_eq!(client.query("FAULT1")["out_trade_no"], "FAULT0");
    let call = client.call(&signed(client.pairs(QUERY, &json!({"out_trade_no": "FAULT1"}))));
    client.fault = Some(Fault::Garbage);
    assert!(body(&mut client, &call).starts_with("<html>"));
    client.fault = Some(Fault::BadSignature);
    let (_, node, sign) = cut(&body(&mut client, &call));
    assert!(!verified(&node, &sign));
    client.fault = None;
    client.hook("odd double_root");
    assert_eq!(body(&mut client, &call).matches("\"alipay_trade_query_response\":").count(), 2);
    assert_eq!(client.entry("FAULT1").total.0, 100, "lies change no books");
    client.hook("answer query before 40005 isv.app-call-limited");
    assert_eq!(code(&client.query("FAULT1")), ("40005", "isv.app-call-limited"));
    assert_eq!(code(&client.query("FAULT1")).0, "10000");
    assert!(client.sim.hook("nonsense", START).is_err());
}

#[test]
fn the_same_seed_calls_and_times_give_the_same_bytes() {
    let run = || {
        let mut client = Client::with(Options { certificates: true, seed: 7, ..Options::fixed(7) });
        let told = client.sim.credentials("http://127.0.0.1:9000");
        let code = client.sim.issue_auth_code(sluice_simkit::Behaviour::Pay, sluice_contract::Fen(100), START);
        client.also = ["app_cert_sn", "alipay_root_cert_sn"].map(|n| (n.to_owned(), told[n].as_str().unwrap().to_owned())).to_vec();
        let paid = client.charge("SAME1", "1.00", &code);
        (told, code, paid, client.due().remove(0).body, client.sim.account_toml("http://127.0.0.1:9000"))
    };
    assert_eq!(run(), run());
}

#[test]
fn the_account_has_what_was_agreed_and_fresh_keys_are_fresh() {
    let options = Options { provider: true, encrypt: true, certificates: true, ..Options::sandbox(1) };
    assert_eq!(options.keys, KeySource::Fresh);
    let sim = crate::new(options);
    let table = sim.account_toml("http://127.0.0.1:9000");
    for part in [
        "id = \"ali-main\"\nchannel = \"alipay\"\n",
        "mode = \"provider\"\nsys_service_provider_id = \"2088000000000100\"\n",
        "encrypt_key = \"",
        "\nprivate_key = '''\n-----BEGIN PRIVATE KEY-----",
        "\napp_certificate = '''\n",
        "\nalipay_root_certificate = '''\n",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(!table.contains("alipay_public_key"));
    assert!(crate::fixed(1).account_toml("http://h").contains("alipay_public_key = '''\n-----BEGIN PUBLIC KEY-----"));
    assert_ne!(sim.credentials("http://h")["private_key"], crate::fixed(1).credentials("http://h")["private_key"]);
}

/// The vector `req_precreate_space_plus_percent_unicode`.
const CAPTURED_PRECREATE: (&str, &str, &str) = (
    "method=alipay.trade.precreate&app_id=2021000122671080&charset=utf-8&version=1.0&sign_type=RSA2&timestamp=2026-11-23+06%3A24%3A27&notify_url=https%3A%2F%2Fmerchant.example%2Fnotify%3Ftenant%3D7%26x%3Da+b&sign=INVM2qGo0SWgQ2vwV0ylatWsQKPfSVsfMxiJKeYupILCZJycXOKA1T1omiO3ws71vCge3rtasg046CJtd4WVtsKgB8ydxp2Eqj3ZI%2BEX5MiXOZ70Rdq3T3Tmnt8yanIoVerd%2FgNDBrFHOfGOSzVF5%2BIXTRI6ILSpJU552BXz2mvwUMy05LsKFxa6GOuzE%2BgBcVaN2A5Jn3ePc2qa4%2BisbXTascb2KB5Wsa6THSwTB8mz1mJwU3hC6ahZuHRsW5OLuUe7Ob1725C77NbWowWZXIuoWWYXi%2BWM2hYco57i8RIQXdAJ%2FtR3Li%2FZw40bV7dxJS4gTvBYMzdkcWpglv%2FE5g%3D%3D",
    "biz_content=%7B%22out_trade_no%22%3A%22CAP0001%22%2C%22total_amount%22%3A%2288.88%22%2C%22subject%22%3A%22%E6%B5%8B%E8%AF%95+%E5%95%86%E5%93%81%2B100%25%22%2C%22product_code%22%3A%22QR_CODE_OFFLINE%22%7D",
    "10000",
);
/// The vector `req_query_empty_notify_url`.
const CAPTURED_EMPTY: (&str, &str, &str) = (
    "method=alipay.trade.query&app_id=2021000122671080&charset=utf-8&version=1.0&sign_type=RSA2&timestamp=2026-11-23+06%3A24%3A27&notify_url=&sign=BOO2U0%2FOFS6oTFGob%2B0sTNz9%2BwedURU%2BA5J9XAS90cm10uWT0MiTFI9WCofw6o%2ByMgnuoZpsCDJCauePwlh1%2FpiAbY%2FI2%2ByO50BybI5CPUVPbzGFepoaAcXmZ2S7yhAnUAEWVeczB5ZNwWorBrocDLjELcbNgeR9nQN1wTm0sEQGa3PHc9GHMsNRN3qgBc0xi7m0kmyIGTqZxEP5UfVJkHiwFBJng1L6ljHJO7CZpfBWMUGaQnCi53rNXImYLh6Xr4onyu%2FDnQegAkBsNh8leJHCP%2BjSjTUev8UbzDgIFm5FsKAX2NDs8DPPoxRkoCilvwNz%2F43k38lKYOvyMPyxaQ%3D%3D",
    "biz_content=%7B%22out_trade_no%22%3A%22EMPTY%22%7D",
    "40002 isv.invalid-signature",
);
/// The vector `req_query_aes_encrypted_biz_content`.
const CAPTURED_AES: (&str, &str, &str) = (
    "method=alipay.trade.query&app_id=2021000122671080&charset=utf-8&version=1.0&sign_type=RSA2&timestamp=2026-11-23+06%3A24%3A27&sign=gsifk5DkzwrYjsItnniNTmSy9eXl6BBRp0QIS6q9JKnVTqNhZhUTe3GXWEh%2BPiWTnH8MaJlwwlFEbHxTs%2BOT1fTDorQ5BI30tAr0xxvZwYgdUYmkc3qVxPPOiSuTY7S%2FuVQIvKrVAnTokWlosJ7HpEKNfKloQYTeu9qpPSc0l5ih3VJBROYtcrFFmLZsQwhYXhAIjB2PCh3ngQmkV63fq%2BfItHOZn7Omx2Ll8Sh1iEp%2BwBP%2Fc4HX6yEb8zpUso8gwMnbKYPLQBuZl6N75U%2FcZJ57BX4DHNkRrksrkf%2BvGRKyaWWSoc4mz0%2Fk7UOIbWURFPAp00b0I8jahQNn%2FFrhow%3D%3D",
    "encrypt_type=AES&biz_content=HJjZXDcVHUcOrByocVgEmiWMClAMrwcMO9KvZ4ypny0%3D",
    "40004 ACQ.TRADE_NOT_EXIST",
);
