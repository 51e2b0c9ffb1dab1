//! Pack §4, §13: the payer's id, and the merchants of a provider.

use super::{Client, code, cut, order, signed, verified};
use crate::{APP_ID, MERCHANTS, Options, PID};
use serde_json::{Value, json};
use sluice_contract::{Headers, HttpReply, Verb};
use sluice_simkit::{Call, Simulator};

const AGENT: &str = "Mozilla/5.0 AliApp(AP/10.1.32.600) AlipayClient/10.1.32.600";

impl Client {
    fn browse(&mut self, app_id: &str, redirect: &str, state: &str, agent: &str) -> HttpReply {
        let target = format!(
            "/oauth2/publicAppAuthorize.htm?app_id={app_id}&scope=auth_base&redirect_uri={}&state={state}",
            super::percent(redirect)
        );
        self.raw(&Call { verb: Verb::Get, target, headers: Headers::new(&[("User-Agent", agent)]), body: Vec::new() })
    }

    /// What the redirect brings back.
    fn authorized(&mut self, app_id: &str) -> Value {
        let reply = self.browse(app_id, "http://127.0.0.1:8080/oauth/alipay", "00112233", AGENT);
        assert_eq!(reply.status, 302);
        let (page, query) = reply.headers.get("location").unwrap().split_once('?').unwrap();
        assert_eq!(page, "http://127.0.0.1:8080/oauth/alipay");
        sluice_simkit::form::pairs(query).unwrap().into_iter().map(|(n, v)| (n, json!(v))).collect::<serde_json::Map<_, _>>().into()
    }

    /// Root, node, and whether it was signed.
    fn exchange(&mut self, code: &str) -> (String, Value, bool) {
        let mut pairs = self.pairs("alipay.system.oauth.token", &Value::Null);
        pairs.extend([("grant_type", "authorization_code"), ("code", code)].map(|(n, v)| (n.to_owned(), v.to_owned())));
        let call = self.call(&signed(pairs));
        let reply = self.raw(&call);
        let (root, node, sign) = cut(std::str::from_utf8(reply.bytes()).unwrap());
        (root, serde_json::from_str(&node).unwrap(), verified(&node, &sign))
    }
}

#[test]
fn a_silent_authorisation_ends_in_the_payers_ids_once() {
    let mut client = Client::new();
    let back = client.authorized(APP_ID);
    assert_eq!(
        (back["app_id"].as_str(), back["source"].as_str(), back["state"].as_str()),
        (Some(APP_ID), Some("alipay_wallet"), Some("00112233"))
    );
    let auth_code = back["auth_code"].as_str().unwrap().to_owned();
    let (root, node, signed) = client.exchange(&auth_code);
    assert_eq!((root.as_str(), signed, node.get("code")), ("alipay_system_oauth_token_response", true, None));
    assert!(node["user_id"].as_str().unwrap().starts_with("2088") && node["open_id"].is_string() && node["expires_in"].is_i64());
    let (root, again, signed) = client.exchange(&auth_code);
    assert_eq!((root.as_str(), signed, code(&again)), ("error_response", true, ("40002", "isv.code-invalid")));
    let mut biz = order("OPEN1", "1.00");
    biz["buyer_open_id"] = node["open_id"].clone();
    assert_eq!(code(&client.ask("alipay.trade.create", &biz)).0, "10000");
}

#[test]
fn codes_die_early_and_belong_to_their_app() {
    let mut client = Client::new();
    let old = client.authorized(APP_ID)["auth_code"].as_str().unwrap().to_owned();
    client.pass_ms(180_001);
    assert_eq!(code(&client.exchange(&old).1).1, "isv.code-invalid");
    let foreign = client.authorized(MERCHANTS[0].0)["auth_code"].as_str().unwrap().to_owned();
    assert_eq!(code(&client.exchange(&foreign).1).1, "isv.code-invalid");
    client.hook("payer_ids user_id");
    let mini = client.hook("mini_code ann");
    assert_eq!(client.exchange(&mini).1.get("open_id"), None);
    client.hook("payer_ids open_id");
    let mini = client.hook("mini_code ann");
    assert_eq!(client.exchange(&mini).1.get("user_id"), None);
    let in_biz = client.ask("alipay.system.oauth.token", &json!({"grant_type": "authorization_code", "code": "x"}));
    assert_eq!(code(&in_biz).0, "40002", "top-level parameters only");
}

#[test]
fn the_page_refuses_what_is_wrong_and_oddities_can_be_had() {
    let mut client = Client::new();
    let good = "http://127.0.0.1:8080/oauth/alipay";
    for (app_id, redirect, state, agent) in [
        ("2021000000000000", good, "1", AGENT),
        (APP_ID, "https://evil.example/cb", "1", AGENT),
        (APP_ID, good, &"1".repeat(101), AGENT),
        (APP_ID, good, "1", "Mozilla/5.0"),
    ] {
        assert_eq!(client.browse(app_id, redirect, state, agent).status, 200, "{app_id} {redirect}");
    }
    client.hook("odd other_order");
    let reply = client.browse(APP_ID, good, "1", AGENT);
    assert!(reply.headers.get("location").unwrap().ends_with("&alipay_token="));
    client.hook("odd unsigned_oauth");
    let mini = client.hook("mini_code ann");
    assert!(!client.exchange(&mini).2);
    client.hook("odd oauth_busy");
    let mini = client.hook("mini_code ann");
    assert_eq!(code(&client.exchange(&mini).1).1, "isp.unknow-error");
    client.hook("odd text_numbers");
    assert_eq!(client.exchange(&mini).1["expires_in"], "1296000", "the code was not spent by that");
}

#[test]
fn a_provider_acts_for_its_merchants_by_their_tokens() {
    let mut client = Client::with(Options { provider: true, ..Options::fixed(1) });
    let merchants = client.sim.credentials("http://h")["provider"]["merchants"].clone();
    let token = |n: usize, name: &str| ("app_auth_token".to_owned(), merchants[n][name].as_str().unwrap().to_owned());
    client.also = vec![token(0, "app_auth_token")];
    client.paid("ISV1", "1.00");
    let fields = super::told(&client.due()[0]);
    assert_eq!((fields["app_id"].as_str(), fields["auth_app_id"].as_str()), (Some(APP_ID), Some(MERCHANTS[0].0)));
    assert_eq!(fields["seller_id"], MERCHANTS[0].1);
    client.also = vec![token(1, "app_auth_token")];
    assert_eq!(client.status("ISV1"), "ACQ.TRADE_NOT_EXIST", "another merchant's");
    client.also.clear();
    assert_eq!(client.status("ISV1"), "ACQ.TRADE_NOT_EXIST", "nor the provider's own");
    client.also = vec![("app_auth_token".to_owned(), "nobody".to_owned())];
    assert_eq!(code(&client.query("ISV1")), ("20001", "aop.invalid-app-auth-token"));
    client.also = vec![token(0, "app_auth_token")];
    client.hook(&format!("token_dies {}", MERCHANTS[0].0));
    assert_eq!(code(&client.query("ISV1")), ("20001", "aop.app-auth-token-time-out"));

    client.also.clear();
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": merchants[0]["app_refresh_token"]});
    let fresh = client.ask("alipay.open.auth.token.app", &refresh);
    assert_eq!((fresh["auth_app_id"].as_str(), fresh["user_id"].as_str()), (Some(MERCHANTS[0].0), Some(MERCHANTS[0].1)));
    assert_eq!(code(&client.ask("alipay.open.auth.token.app", &refresh)).1, "isv.refresh-token-invalid", "the former pair is over");
    client.also = vec![("app_auth_token".to_owned(), fresh["app_auth_token"].as_str().unwrap().to_owned())];
    assert_eq!(client.status("ISV1"), "TRADE_SUCCESS");
    client.also.clear();
    client.hook(&format!("refresh_dies {}", MERCHANTS[0].0));
    let dead = json!({"grant_type": "refresh_token", "refresh_token": fresh["app_refresh_token"]});
    assert_eq!(code(&client.ask("alipay.open.auth.token.app", &dead)).1, "isv.refresh-token-time-out");
    let app_code = client.hook(&format!("authorize_app {}", MERCHANTS[0].0));
    let grant = json!({"grant_type": "authorization_code", "code": app_code});
    assert_eq!(code(&client.ask("alipay.open.auth.token.app", &grant)).0, "10000");
    assert_eq!(code(&client.ask("alipay.open.auth.token.app", &grant)).1, "isv.code-invalid", "used once");
    assert_ne!(PID, MERCHANTS[0].1);
}
