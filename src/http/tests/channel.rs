//! A channel that believes whatever one word on the wire says: `waiting`, `paid`, `refunded`, anything else is unknown.

use sluice_contract::channel::Notes;
use sluice_contract::{
    Ack, Action, AttemptRef, Callback, CallbackIs, Channel, Day, Env, Exchange, Fen, Headers, HttpReply, HttpRequest, KeyHint, KeyUpdate,
    Method, MethodProfile, NotFoundFrom, NumberRule, Pay, PayOrder, Payment, Person, Problem, Profile, RawCallback, Reading, Refund,
    RefundRef, RefundRule, Refunded, Refusal, Rejected, Renewed, ReverseRule, Statement, Step, Stuck, Undone, Verb, Visitor, Why, WhyKind,
};

pub struct Fake {
    profile: Profile,
}

impl Default for Fake {
    fn default() -> Fake {
        let barcode = MethodProfile {
            method: Method::WechatBarcode,
            required: &["auth_code"],
            reverse: Some(ReverseRule { earliest_s: 15, window_s: 86_400, give_up_after_s: 60, day_ends_at_s: None }),
            can_repeat: false,
            ..native()
        };
        let profile = Profile {
            channel: "wechat",
            methods: vec![native(), barcode, MethodProfile { method: Method::WechatJsapi, required: &["payer.openid"], ..native() }],
            number: NumberRule { len_min: 6, len_max: 32 },
            amount_min: Fen(1),
            amount_max: Fen(10_000_000_000),
            refund: RefundRule {
                window_s: 86_400,
                count_max: 50,
                gap_s: 0,
                can_repeat: true,
                not_found_final_after_s: Some(60),
                query_at_s: &[60],
                query_then_every_s: 60,
            },
            callback: CallbackIs::Proof,
            statement: None,
            renew_every_s: None,
            sub_fields: Vec::new(),
        };
        Fake { profile }
    }
}

const fn native() -> MethodProfile {
    MethodProfile {
        method: Method::WechatNative,
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
    }
}

fn request() -> HttpRequest {
    HttpRequest {
        api: "fake",
        verb: Verb::Post,
        url: "http://127.0.0.1:1/".into(),
        headers: Headers::default(),
        body: Vec::new(),
        identity: None,
        into: sluice_contract::Into::Memory { max_bytes: 1000 },
        timeout_ms: 1000,
    }
}

fn no<T>() -> Step<T> {
    Step::Refused(Refusal::unsupported("this"))
}

fn unknown() -> Why {
    Why::new(WhyKind::Unlisted, "a word nobody knows")
}

fn pay(amount: Fen) -> Step<Pay> {
    Step::Send(Exchange::new(request(), move |reply, _| {
        Reading::Is(match reply.bytes() {
            b"waiting" => Pay::Waiting(Action::QrCode { content: "weixin://wxpay/bizpayurl?pr=abc".into() }, Notes::new()),
            b"paid" => Pay::Paid(Payment::of(amount)),
            b"closed" => Pay::Closed,
            _ => Pay::Unknown(unknown()),
        })
    }))
}

fn undone() -> Step<Undone> {
    Step::Send(Exchange::new(request(), |_, _| Reading::Is(Undone::Closed)))
}

fn refund() -> Step<Refund> {
    Step::Send(Exchange::new(request(), |reply, _| {
        Reading::Is(match reply.bytes() {
            b"refunded" => Refund::Succeeded(Refunded::default()),
            b"payee cannot" => Refund::Stuck(Stuck::PayeeAccount, "the card is closed".to_owned(), Notes::new()),
            _ => Refund::Unknown(unknown()),
        })
    }))
}

impl Channel for Fake {
    fn profile(&self) -> &Profile {
        &self.profile
    }
    fn check_sub(&self, _: &Notes) -> Vec<Problem> {
        Vec::new()
    }
    fn sub_keys(&self, _: &Notes) -> KeyUpdate {
        KeyUpdate::default()
    }
    fn admit(&self, _: &AttemptRef, _: &PayOrder) -> Result<Notes, Refusal> {
        Ok(Notes::new())
    }
    fn pay(&self, attempt: &AttemptRef, order: &PayOrder, _: &Env<'_>) -> Step<Pay> {
        assert_ne!(order.subject, "panic", "a handler's panic, on purpose");
        pay(attempt.amount)
    }
    fn query(&self, attempt: &AttemptRef, _: &Env<'_>) -> Step<Pay> {
        pay(attempt.amount)
    }
    fn close(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Undone> {
        undone()
    }
    fn reverse(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Undone> {
        undone()
    }
    fn refund(&self, _: &RefundRef, _: &Env<'_>) -> Step<Refund> {
        refund()
    }
    fn query_refund(&self, _: &RefundRef, _: &Env<'_>) -> Step<Refund> {
        refund()
    }
    fn callback(&self, raw: &RawCallback<'_>, _: &Env<'_>) -> Result<Callback, Rejected> {
        let reason = format!("{} {} {:?} {}", raw.verb.word(), raw.target, raw.headers.get("x-sign"), raw.body.len());
        Err(Rejected::Unreadable { reason })
    }
    /// Says what came, so that a test can see that nothing was changed on the way.
    fn acknowledge(&self, raw: &RawCallback<'_>, ack: Ack, _: &Env<'_>) -> HttpReply {
        let text = format!("{ack:?} {} {} {} ", raw.verb.word(), raw.target, raw.headers.get("x-sign").unwrap_or_default());
        let body = [text.as_bytes(), raw.body].concat();
        HttpReply::new(418, &[("Content-Type", "text/plain"), ("X-Channel", "yes")], body)
    }
    fn statement(&self, _: Day, _: Option<&Notes>, _: &Env<'_>) -> Step<Statement> {
        no()
    }
    fn renew(&self, _: &KeyHint, _: &Env<'_>) -> Step<Renewed> {
        no()
    }
    fn install(&self, _: &KeyUpdate) -> Result<(), Refusal> {
        Ok(())
    }
    fn authorize(&self, who: &Visitor<'_>, back: &str, state: &str) -> Result<String, Refusal> {
        let knows = who.method == Method::WechatJsapi;
        knows.then(|| format!("{back}?state={state}")).ok_or_else(|| Refusal::unsupported("authorize"))
    }
    fn identify(&self, _: &Visitor<'_>, _: &str, _: &Env<'_>) -> Step<Person> {
        Step::Done(Person::Known(Notes::from([("openid".to_owned(), "o-of-the-payer".to_owned())])))
    }
}
