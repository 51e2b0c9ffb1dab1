//! A channel for the tests of this room: it opens with an `mchid` and a `key`, direct or `mode = "partner"`, and does nothing.

use crate::channels::Listed;
use sluice_contract::channel::Notes;
use sluice_contract::{
    AccountConfig, Ack, AttemptRef, Callback, CallbackIs, Channel, Day, Env, Fen, HttpReply, KeyHint, KeyUpdate, Method, MethodProfile,
    NotFoundFrom, NumberRule, Pay, PayOrder, Person, Problem, Profile, RawCallback, Refund, RefundRef, RefundRule, Refusal, Rejected,
    Renewed, Statement, Step, SubField, Undone, Visitor,
};

pub const CHANNELS: &[Listed] = &[Listed {
    name: "wechat",
    open,
    sandbox: |_| panic!("the config opens no simulator"),
    fixed: |_| panic!("the config opens no simulator"),
    identity_keys: &["mchid"],
}];

pub const ACCOUNT_TOML: &str = r#"
[[account]]
id = "wx-main"
channel = "wechat"
base_url = "http://127.0.0.1:9101"
sandbox = true
fee_rate = "0.006"

[account.credentials]
mchid = "1900000001"
key = "canary-credential-0123456789"
"#;

struct Fake {
    profile: Profile,
}

fn open(config: AccountConfig<'_>) -> Result<Box<dyn Channel>, Vec<Problem>> {
    let reader = &config.credentials;
    let _ = (reader.need_text("mchid"), reader.need_text("key"), reader.text("cert"));
    let partner = reader.text("mode") == Some("partner");
    reader.finish();
    if let Some(previous) = &config.previous {
        let _ = previous.need_text("key");
        previous.finish();
    }
    let problems = reader.found();
    if problems.is_empty() { Ok(Box::new(Fake { profile: profile(partner) })) } else { Err(problems) }
}

fn profile(partner: bool) -> Profile {
    let method = |method| MethodProfile {
        method,
        required: &[],
        required_one_of: &[],
        can_repeat: true,
        expires_in_min_s: 60,
        expires_in_max_s: 7200,
        code_life_s: None,
        can_close: true,
        reverse: None,
        not_found_final_after_s: 60,
        not_found_from: NotFoundFrom::Call,
        refund_window_s: None,
        query_at_s: &[5],
        query_then_every_s: 60,
        calls_back: true,
    };
    Profile {
        channel: "wechat",
        methods: vec![method(Method::WechatNative), method(Method::WechatJsapi)],
        number: NumberRule { len_min: 6, len_max: 32 },
        amount_min: Fen(1),
        amount_max: Fen(100_000_000),
        refund: RefundRule {
            window_s: 86_400,
            count_max: 50,
            gap_s: 60,
            can_repeat: true,
            not_found_final_after_s: None,
            query_at_s: &[60],
            query_then_every_s: 60,
        },
        callback: CallbackIs::Proof,
        statement: None,
        renew_every_s: None,
        sub_fields: if partner { vec![SubField { name: "sub_mchid", required: true, secret: false }] } else { Vec::new() },
    }
}

fn no<T>() -> Step<T> {
    Step::Refused(Refusal::unsupported("anything"))
}

impl Channel for Fake {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn check_sub(&self, sub: &Notes) -> Vec<Problem> {
        let known = |name: &str| self.profile.sub_fields.iter().any(|field| field.name == name);
        let unknown = sub.keys().filter(|name| !known(name)).map(|name| Problem::new(name.as_str(), "is not a known field"));
        let missing = self.profile.sub_fields.iter().filter(|field| field.required && !sub.contains_key(field.name));
        unknown.chain(missing.map(|field| Problem::new(field.name, "is required"))).collect()
    }

    fn sub_keys(&self, _: &Notes) -> KeyUpdate {
        KeyUpdate::default()
    }
    fn admit(&self, _: &AttemptRef, _: &PayOrder) -> Result<Notes, Refusal> {
        Err(Refusal::unsupported("anything"))
    }
    fn pay(&self, _: &AttemptRef, _: &PayOrder, _: &Env<'_>) -> Step<Pay> {
        no()
    }
    fn query(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Pay> {
        no()
    }
    fn close(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Undone> {
        no()
    }
    fn reverse(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Undone> {
        no()
    }
    fn refund(&self, _: &RefundRef, _: &Env<'_>) -> Step<Refund> {
        no()
    }
    fn query_refund(&self, _: &RefundRef, _: &Env<'_>) -> Step<Refund> {
        no()
    }
    fn callback(&self, _: &RawCallback<'_>, _: &Env<'_>) -> Result<Callback, Rejected> {
        Err(Rejected::Unreadable { reason: "a fake".into() })
    }
    fn acknowledge(&self, _: &RawCallback<'_>, _: Ack, _: &Env<'_>) -> HttpReply {
        HttpReply::new(500, &[], "")
    }
    fn statement(&self, _: Day, _: Option<&Notes>, _: &Env<'_>) -> Step<Statement> {
        no()
    }
    fn renew(&self, _: &KeyHint, _: &Env<'_>) -> Step<Renewed> {
        no()
    }
    fn install(&self, _: &KeyUpdate) -> Result<(), Refusal> {
        Err(Refusal::unsupported("install"))
    }
    fn authorize(&self, _: &Visitor<'_>, _: &str, _: &str) -> Result<String, Refusal> {
        Err(Refusal::unsupported("authorize"))
    }
    fn identify(&self, _: &Visitor<'_>, _: &str, _: &Env<'_>) -> Step<Person> {
        no()
    }
}
