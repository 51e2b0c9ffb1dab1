//! Pack §15: the pages of the silent authorisation.

use super::Client;
use crate::{APP_ID, MINI_APP_ID, MOBILE_APP_ID, OAuthFault, redirect_param};
use serde_json::Value;
use sluice_contract::{Headers, HttpReply, Verb};
use sluice_simkit::{Call, Simulator};

const BACK: &str = "http%3A%2F%2F127.0.0.1%3A8080%2Fpay%2Fopenid%3Fa%3D1";

impl Client {
    fn browse(&mut self, target: &str, agent: &str) -> HttpReply {
        let headers = Headers::new(&[("User-Agent", agent)]);
        self.raw(&Call { verb: Verb::Get, target: target.to_owned(), headers, body: Vec::new() })
    }

    fn authorized(&mut self, appid: &str) -> HttpReply {
        let query = format!("appid={appid}&redirect_uri={BACK}&response_type=code&scope=snsapi_base&state=abc123");
        self.browse(&format!("/connect/oauth2/authorize?{query}"), "MicroMessenger/8.0")
    }

    fn code(&mut self) -> String {
        let reply = self.authorized(APP_ID);
        redirect_param(reply.headers.get("location").unwrap(), "code").unwrap()
    }

    fn secret(&self, appid: &str) -> String {
        self.sim.credentials("http://127.0.0.1:1")["oauth_secrets"][appid].as_str().unwrap().to_owned()
    }

    fn exchange(&mut self, appid: &str, code: &str) -> Value {
        let secret = self.secret(appid);
        let query = format!("appid={appid}&secret={secret}&code={code}&grant_type=authorization_code");
        let reply = self.browse(&format!("/sns/oauth2/access_token?{query}"), "server");
        assert_eq!(reply.status, 200, "errors are in the body");
        serde_json::from_slice(reply.bytes()).unwrap()
    }
}

#[test]
fn a_code_comes_back_in_the_query_and_buys_a_stable_openid_once() {
    let mut client = Client::new();
    let reply = client.authorized(APP_ID);
    assert_eq!(reply.status, 302);
    let location = reply.headers.get("location").unwrap().to_owned();
    assert!(location.starts_with("http://127.0.0.1:8080/pay/openid?a=1&code=") && location.ends_with("&state=abc123"), "{location}");
    let code = redirect_param(&location, "code").unwrap();
    let first = client.exchange(APP_ID, &code);
    assert_eq!((first["scope"].as_str(), first["openid"].as_str().unwrap().len()), (Some("snsapi_base"), 28));
    assert_eq!(client.exchange(APP_ID, &code)["errcode"], 40163);
    let again = client.code();
    assert_eq!(client.exchange(APP_ID, &again)["openid"], first["openid"]);
    let other = client.code();
    assert_eq!(client.exchange(MOBILE_APP_ID, &other)["errcode"], 40029, "a code belongs to its app");
    let old = client.code();
    client.pass_ms(300_001);
    assert_eq!(client.exchange(APP_ID, &old)["errcode"], 42003);
}

#[test]
fn the_page_refuses_what_the_real_one_refuses() {
    let mut client = Client::new();
    let good = format!("appid={APP_ID}&redirect_uri={BACK}&response_type=code&scope=snsapi_base&state=abc123");
    let cases = [
        (good.clone(), "Mozilla", "请在微信客户端打开链接"),
        (good.replace(APP_ID, ""), "MicroMessenger", "10012"),
        (good.replace("abc123", ""), "MicroMessenger", "10013"),
        (good.replace("snsapi_base", "snsapi_userinfo"), "MicroMessenger", "10005"),
        (good.replace("127.0.0.1", "evil.example.com"), "MicroMessenger", "10003"),
        (good.replace(APP_ID, MINI_APP_ID), "MicroMessenger", "10016"),
        (good.replace("abc123", &"a".repeat(129)), "MicroMessenger", "state"),
        (format!("state=abc123&{}", good.replace("&state=abc123", "")), "MicroMessenger", "参数顺序错误"),
    ];
    for (query, agent, text) in cases {
        let reply = client.browse(&format!("/connect/oauth2/authorize?{query}"), agent);
        assert_eq!(reply.status, 200, "{text}: an error is a page, not a redirect");
        assert!(String::from_utf8_lossy(reply.bytes()).contains(text), "{text}");
    }
}

#[test]
fn wrong_ids_and_secrets_have_their_own_codes() {
    let mut client = Client::new();
    let code = client.code();
    let secret = client.secret(APP_ID);
    for (query, errcode) in [
        (format!("secret={secret}&code={code}"), 41002),
        (format!("appid=wx0&secret={secret}&code={code}"), 40013),
        (format!("appid={APP_ID}&code={code}"), 41004),
        (format!("appid={APP_ID}&secret={secret}"), 41008),
        (format!("appid={APP_ID}&secret=x&code={code}"), 40125),
        (format!("appid={APP_ID}&secret={secret}&code=x"), 40029),
    ] {
        let reply = client.browse(&format!("/sns/oauth2/access_token?{query}"), "server");
        assert_eq!(serde_json::from_slice::<Value>(reply.bytes()).unwrap()["errcode"], errcode, "{query}");
    }
}

#[test]
fn scripted_faults_strike_once() {
    let mut client = Client::new();
    let code = client.code();
    client.sim.set_oauth_fault(OAuthFault::Busy);
    assert_eq!(client.exchange(APP_ID, &code)["errcode"], -1);
    assert!(client.exchange(APP_ID, &code)["openid"].is_string(), "the code is still good");
    let code = client.code();
    client.sim.set_oauth_fault(OAuthFault::Snapshot);
    assert_eq!(client.exchange(APP_ID, &code)["is_snapshotuser"], 1);
    let code = client.code();
    client.sim.set_oauth_fault(OAuthFault::NoOpenid);
    assert!(client.exchange(APP_ID, &code).get("openid").is_none());
    client.sim.set_oauth_fault(OAuthFault::NoCode);
    let location = client.authorized(APP_ID).headers.get("location").unwrap().to_owned();
    assert_eq!((redirect_param(&location, "code"), redirect_param(&location, "state").as_deref()), (None, Some("abc123")));
    client.sim.set_oauth_fault(OAuthFault::LostState);
    let location = client.authorized(APP_ID).headers.get("location").unwrap().to_owned();
    assert_eq!(redirect_param(&location, "state"), None);
}

#[test]
fn a_mini_program_logs_in() {
    let mut client = Client::new();
    let code = client.sim.hook("mini_login bob", client.now).unwrap();
    let secret = client.secret(MINI_APP_ID);
    let query = format!("appid={MINI_APP_ID}&secret={secret}&js_code={code}&grant_type=authorization_code");
    let reply = client.browse(&format!("/sns/jscode2session?{query}"), "server");
    let session: Value = serde_json::from_slice(reply.bytes()).unwrap();
    assert!(session["session_key"].is_string());
    assert_eq!(session["openid"], client.sim.openid_of(MINI_APP_ID, "bob"));
}

#[test]
fn hooks_by_word_and_a_word_that_is_none() {
    let mut client = Client::new();
    assert_eq!(client.sim.hook("rotate_platform_key", client.now).as_deref(), Ok("F5765756002FDD77"));
    for word in ["key_mode mixed", "refund_fate abnormal", "merchant_funds off", "probe_callbacks on", "refund_delay_ms 5", "oauth busy"] {
        assert!(client.sim.hook(word, client.now).is_ok(), "{word}");
    }
    for word in ["key_mode none", "merchant_funds maybe", "refund_delay_ms -1", "dance"] {
        assert!(client.sim.hook(word, client.now).is_err(), "{word}");
    }
}
