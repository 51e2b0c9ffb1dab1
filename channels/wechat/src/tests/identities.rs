//! Silent authorisation: links, exchanges, answers.

use super::{APP, NOW, env, request_of, str_of, unsealed, vectors, wechat};
use serde_json::json;
use sluice_contract::{Channel, Method, Notes, Person, RefusalKind, Step, Visitor, WhyKind};

fn visitor(method: Method, sub: &Notes) -> Visitor<'_> {
    Visitor { method, app_id: None, sub }
}

#[test]
fn the_link_has_its_parameters_in_the_one_order() {
    let sub = Notes::new();
    let who = visitor(Method::WechatJsapi, &sub);
    let state = "0123456789abcdef0123456789abcdef";
    let link = super::direct().authorize(&who, "https://pay.example.com/return/t?x=1", state).unwrap();
    let back = "https%3A%2F%2Fpay.example.com%2Freturn%2Ft%3Fx%3D1";
    let wanted = format!(
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid={APP}&redirect_uri={back}&response_type=code&scope=snsapi_base&state={state}#wechat_redirect"
    );
    assert_eq!(link, wanted);
    for bad in ["", "with space", "état", &"a".repeat(129)] {
        assert!(super::direct().authorize(&who, "https://x", bad).is_err(), "{bad}");
    }
    assert!(super::direct().authorize(&visitor(Method::WechatMini, &sub), "https://x", state).is_err());
    let sandbox = wechat(json!({"oauth_base_url": "http://127.0.0.1:9101"}));
    assert!(sandbox.authorize(&who, "https://x", state).unwrap().starts_with("http://127.0.0.1:9101/connect/"));
}

#[test]
fn a_code_goes_to_its_own_endpoint_with_its_own_secret() {
    let sub = Notes::new();
    let wechat = wechat(json!({"app_ids": {"mini": "wxmini"}, "oauth_secrets": {"wxmini": "m&ni"}}));
    let step = wechat.identify(&visitor(Method::WechatJsapi, &sub), "code=abc&state=1", &env(NOW));
    let url = &request_of(&step).url;
    assert_eq!(
        url,
        &format!("https://api.weixin.qq.com/sns/oauth2/access_token?appid={APP}&secret=s3cret&code=abc&grant_type=authorization_code")
    );
    assert!(!format!("{step:?}").contains("s3cret"));
    let step = wechat.identify(&visitor(Method::WechatMini, &sub), "code=abc", &env(NOW));
    let url = &request_of(&step).url;
    assert_eq!(url, "https://api.weixin.qq.com/sns/jscode2session?appid=wxmini&secret=m%26ni&js_code=abc&grant_type=authorization_code");
    for query in ["", "state=1", "code=", "code=a&code=b", "code=a%26secret%3Db", "xcode=1"] {
        let step = wechat.identify(&visitor(Method::WechatJsapi, &sub), query, &env(NOW));
        assert!(matches!(step, Step::Done(Person::AskAgain(_))), "{query}");
    }
    let unknown = Visitor { method: Method::WechatJsapi, app_id: Some("wxother"), sub: &sub };
    match wechat.identify(&unknown, "code=abc", &env(NOW)) {
        Step::Refused(refusal) => assert_eq!(refusal.kind, RefusalKind::Field("app_id")),
        other => panic!("{other:?}"),
    }
    let own = Notes::from([("sub_appid".to_owned(), "wxsub".to_owned())]);
    let subs = Visitor { method: Method::WechatJsapi, app_id: Some("wxsub"), sub: &own };
    assert!(matches!(wechat.identify(&subs, "code=abc", &env(NOW)), Step::Refused(refusal) if refusal.kind == RefusalKind::Account));
    assert!(matches!(wechat.identify(&visitor(Method::WechatNative, &sub), "code=abc", &env(NOW)), Step::Refused(_)));
}

#[test]
fn oauth_vectors() {
    for vector in vectors!("oauth") {
        let person = crate::identify::read(&unsealed(200, str_of(&vector, "raw_body")));
        match str_of(&vector, "expect") {
            text if text.starts_with("openid") => match person {
                Person::Known(ids) => assert_eq!(ids.keys().collect::<Vec<_>>(), ["openid"], "{}", vector["id"]),
                other => panic!("{}: {other:?}", vector["id"]),
            },
            text if text.starts_with("reject") => assert!(matches!(person, Person::Refused(_)), "{}", vector["id"]),
            _ => assert!(matches!(person, Person::AskAgain(_)), "{}", vector["id"]),
        }
    }
}

#[test]
fn errors_are_told_by_their_code() {
    let read = |code: i64| crate::identify::read(&unsealed(200, &format!(r#"{{"errcode":{code},"errmsg":"x","openid":"o"}}"#)));
    for code in [40029, 42003, 40163] {
        assert!(matches!(read(code), Person::AskAgain(_)), "{code}");
    }
    for code in [40013, 40125, 45009, 45011, 48001, 50002, 12345] {
        assert!(matches!(read(code), Person::Refused(_)), "{code}");
    }
    assert!(matches!(read(-1), Person::Unknown(why) if why.kind == WhyKind::Pending));
    assert!(matches!(read(0), Person::Known(_)));
    for body in ["", "{}", "<html>", r#"{"openid":""}"#, r#"{"openid":7}"#] {
        assert!(matches!(crate::identify::read(&unsealed(200, body)), Person::Unknown(_)), "{body}");
    }
}
