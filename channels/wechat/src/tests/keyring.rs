//! Platform certificates: fetched, trusted by what they bring, installed.

use super::{NOW, PUBLIC_ID, SERIAL, env, pem, read, reading_at, request_of, sealed_by, str_of, unsealed, vectors, wechat, with};
use serde_json::{Value, json};
use sluice_contract::{Channel, Headers, HttpReply, KeyHint, KeyItem, KeyUpdate, Reading, Renewed, Second, Step, WhyKind};

fn certificates_mode() -> crate::Wechat {
    wechat(json!({"public_key_id": null, "public_key": null, "platform_certificates": null}))
}

fn renew(wechat: &crate::Wechat) -> Step<Renewed> {
    wechat.renew(&KeyHint { key_id: SERIAL.into() }, &env(NOW))
}

fn vector(id: &str) -> Value {
    vectors!("certificates").into_iter().find(|v| v["id"] == id).unwrap()
}

fn reply_of(vector: &Value) -> HttpReply {
    let mut reply = unsealed(200, str_of(vector, "body"));
    let lines = vector["headers"].as_object().unwrap();
    reply.headers = Headers(lines.iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect());
    reply
}

#[test]
fn the_first_renewal_is_verified_by_what_it_brings_and_installed() {
    let wechat = certificates_mode();
    let vector = vector("rotation-two-certificates");
    let now = Second(vector["now"].as_i64().unwrap());
    let step = renew(&wechat);
    assert!(request_of(&step).url.ends_with("/v3/certificates?algorithm_type=RSA"));
    let Reading::Is(Renewed::Keys(update)) = reading_at(&step, &reply_of(&vector), now) else { panic!("no keys") };
    let ids: Vec<&str> = update.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(json!(ids), vector["expect"]["serial_nos"]);
    assert!(update.items.iter().all(|item| item.from.is_some() && item.until > Some(now)));
    // A reply that could not be judged before can be judged after.
    let attempt = super::attempt(&wechat, sluice_contract::Method::WechatNative);
    let query = wechat.query(&attempt, &env(NOW));
    let reply = sealed_by("platform", SERIAL, 404, &super::error("ORDER_NOT_EXIST"), NOW);
    assert!(matches!(reading_at(&query, &reply, NOW), Reading::NeedKeys(_)));
    wechat.install(&update).unwrap();
    assert!(matches!(reading_at(&query, &reply, NOW), Reading::Is(sluice_contract::Pay::NotFound)));
}

#[test]
fn a_renewal_that_does_not_prove_itself_brings_nothing() {
    let wechat = certificates_mode();
    let vector = vector("rotation-two-certificates");
    let now = Second(vector["now"].as_i64().unwrap());
    let step = renew(&wechat);
    let body = str_of(&vector, "body");
    let doubt = |reply: &HttpReply, now| match reading_at(&step, reply, now) {
        Reading::Is(Renewed::Unknown(why)) => why.kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(doubt(&unsealed(200, body), now), WhyKind::BadSignature);
    assert_eq!(doubt(&sealed_by("other_merchant", SERIAL, 200, body, NOW), NOW), WhyKind::BadSignature);
    assert_eq!(doubt(&sealed_by("other_merchant", "BE6DCDA7A5931FA0", 200, body, NOW), NOW), WhyKind::BadSignature);
    assert_eq!(doubt(&reply_of(&vector), now.plus(301)), WhyKind::BadSignature);
    assert_eq!(doubt(&unsealed(200, "{}"), now), WhyKind::Unreadable);
    let only_public_key = self::vector("pubkey-only-merchant");
    assert_eq!(doubt(&unsealed(500, str_of(&only_public_key, "body")), now), WhyKind::NoAnswer);
    assert!(matches!(read(&step, &unsealed(401, "{}")), Renewed::Refused(_)));
    let lying = body.replacen("D7CE59D1F522D701", "D7CE59D1F522D702", 1);
    assert!(matches!(read(&step, &sealed_by("platform", SERIAL, 200, &lying, NOW)), Renewed::Refused(_)));
    let wrong = self::vector("neg-wrong-apiv3-key");
    let wrong_key = wechat_with(str_of(&wrong, "apiv3_key"));
    let reply = sealed_by("platform", SERIAL, 200, str_of(&wrong, "body"), NOW);
    assert!(matches!(read(&renew(&wrong_key), &reply), Renewed::Refused(_)));
}

fn wechat_with(key: &str) -> crate::Wechat {
    wechat(json!({"api_v3_key": key}))
}

#[test]
fn the_go_vectors_certificate_is_what_it_says() {
    let vector = vector("go-download");
    // Its test key has 16 bytes, which an account refuses; the certificate inside is the one of the keys file.
    assert!(super::opened(&with(json!({"api_v3_key": str_of(&vector, "apiv3_key")})), false).is_err());
    let (serial, _) = crate::keys::certificate(str_of(&vector["expect"], "certificate_pem")).unwrap();
    assert_eq!(serial, str_of(&vector["expect"], "serial_no"));
}

#[test]
fn only_certificates_with_their_own_serial_are_installed() {
    let wechat = certificates_mode();
    let item = |id: &str, value: String| KeyUpdate { items: vec![KeyItem { id: id.into(), value, from: None, until: None }] };
    let cert = pem("platform", "certificate_pem");
    assert!(wechat.install(&item("D7CE59D1F522D702", cert.clone())).is_err());
    assert!(wechat.install(&item(SERIAL, "garbage".into())).is_err());
    assert!(wechat.install(&item(PUBLIC_ID, cert.clone())).is_err());
    assert!(wechat.account.keys.get(SERIAL, NOW).is_none());
    assert!(wechat.install(&item(SERIAL, cert)).is_ok());
    assert!(wechat.account.keys.get(SERIAL, NOW).is_some());
}
