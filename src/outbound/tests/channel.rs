//! A channel that can do one thing: renew keys, as its script says. And the world around it.

use crate::outbound::{Class, ExchangeNote, Hook, Purpose, Renewals, Sent, Surroundings, Wire, WireError};
use sluice_contract::{
    Ack, AttemptRef, Callback, CallbackIs, Channel, Day, Env, Exchange, Fen, Headers, HttpReply, HttpRequest, Into, KeyHint, KeyItem,
    KeyUpdate, Millis, Notes, NumberRule, Pay, PayOrder, Person, Problem, Profile, RawCallback, Reading, Refund, RefundRef, RefundRule,
    Refusal, Rejected, Renewed, Statement, Step, Undone, Verb, Visitor,
};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

pub fn request(path: &str) -> HttpRequest {
    HttpRequest {
        api: "test",
        verb: Verb::Post,
        url: format!("https://channel.example{path}?secret=hush"),
        headers: Headers::default(),
        body: br#"{"out_trade_no":"S1","auth_code":"hush"}"#.to_vec(),
        identity: None,
        into: Into::Memory { max_bytes: 100 },
        timeout_ms: 1000,
    }
}

/// Gives its answers one after the other.
pub struct Script(Mutex<VecDeque<Result<HttpReply, WireError>>>);

impl Script {
    pub fn of(answers: Vec<Result<HttpReply, WireError>>) -> Script {
        Script(Mutex::new(answers.into()))
    }

    pub fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Wire for Script {
    fn send<'a>(&'a self, _: &'a HttpRequest) -> Sent<'a> {
        let answer = self.0.lock().unwrap().pop_front().expect("one more request than the script has answers");
        // As on a real wire, others run between a request and its answer.
        Box::pin(async move {
            tokio::task::yield_now().await;
            answer
        })
    }
}

pub struct Keys {
    pub profile: Profile,
    /// Whether a renewal brought the keys.
    pub installed: std::sync::Arc<AtomicBool>,
    pub refuses_to_renew: bool,
    pub refuses_to_install: bool,
}

impl Keys {
    pub fn new() -> Keys {
        let refund = RefundRule {
            window_s: 1,
            count_max: 1,
            gap_s: 1,
            query_at_s: &[],
            query_then_every_s: 1,
            can_repeat: true,
            not_found_final_after_s: Some(1),
        };
        let profile = Profile {
            channel: "test",
            methods: Vec::new(),
            number: NumberRule { len_min: 1, len_max: 64 },
            amount_min: Fen(1),
            amount_max: Fen(1),
            refund,
            callback: CallbackIs::Proof,
            statement: None,
            renew_every_s: None,
            sub_fields: Vec::new(),
        };
        Keys { profile, installed: std::sync::Arc::default(), refuses_to_renew: false, refuses_to_install: false }
    }

    /// An exchange whose reply can be read only once keys are installed.
    pub fn locked(&self) -> Exchange<String> {
        let installed = std::sync::Arc::clone(&self.installed);
        Exchange::new(request("/locked"), move |reply, env| match installed.load(Ordering::SeqCst) {
            true => Reading::Is(format!("{} at {}", String::from_utf8_lossy(reply.bytes()), env.now.0)),
            false => Reading::NeedKeys(KeyHint { key_id: "K9".into() }),
        })
    }
}

impl Channel for Keys {
    fn profile(&self) -> &Profile {
        &self.profile
    }
    fn check_sub(&self, _: &Notes) -> Vec<Problem> {
        Vec::new()
    }
    fn admit(&self, _: &AttemptRef, _: &PayOrder) -> Result<Notes, Refusal> {
        Err(Refusal::unsupported("admit"))
    }
    fn pay(&self, _: &AttemptRef, _: &PayOrder, _: &Env<'_>) -> Step<Pay> {
        Step::Refused(Refusal::unsupported("pay"))
    }
    fn query(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Pay> {
        Step::Refused(Refusal::unsupported("query"))
    }
    fn close(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Undone> {
        Step::Refused(Refusal::unsupported("close"))
    }
    fn reverse(&self, _: &AttemptRef, _: &Env<'_>) -> Step<Undone> {
        Step::Refused(Refusal::unsupported("reverse"))
    }
    fn refund(&self, _: &RefundRef, _: &Env<'_>) -> Step<Refund> {
        Step::Refused(Refusal::unsupported("refund"))
    }
    fn query_refund(&self, _: &RefundRef, _: &Env<'_>) -> Step<Refund> {
        Step::Refused(Refusal::unsupported("query_refund"))
    }
    fn callback(&self, _: &RawCallback<'_>, _: &Env<'_>) -> Result<Callback, Rejected> {
        Err(Rejected::Unreadable { reason: "no callbacks".into() })
    }
    fn acknowledge(&self, _: &RawCallback<'_>, _: Ack, _: &Env<'_>) -> HttpReply {
        HttpReply::new(500, &[], "")
    }
    fn statement(&self, _: Day, _: Option<&Notes>, _: &Env<'_>) -> Step<Statement> {
        Step::Refused(Refusal::unsupported("statement"))
    }
    fn renew(&self, why: &KeyHint, _: &Env<'_>) -> Step<Renewed> {
        if self.refuses_to_renew {
            return Step::Refused(Refusal::unsupported("renewal"));
        }
        let key_id = why.key_id.clone();
        Step::Send(Exchange::new(request("/certificates"), move |reply, _| match reply.bytes() {
            b"never" => Reading::Is(Renewed::Refused("the token is dead".into())),
            b"keys" => Reading::Is(Renewed::Keys(KeyUpdate {
                items: vec![KeyItem { id: key_id.clone(), value: "pem".into(), from: None, until: None }],
            })),
            _ => Reading::NeedKeys(KeyHint { key_id: "K10".into() }),
        }))
    }
    fn install(&self, _: &KeyUpdate) -> Result<(), Refusal> {
        if self.refuses_to_install {
            return Err(Refusal::account("not signed by a known root"));
        }
        self.installed.store(true, Ordering::SeqCst);
        Ok(())
    }
    fn sub_keys(&self, _: &Notes) -> KeyUpdate {
        KeyUpdate::default()
    }
    fn authorize(&self, _: &Visitor<'_>, _: &str, _: &str) -> Result<String, Refusal> {
        Err(Refusal::unsupported("authorize"))
    }
    fn identify(&self, _: &Visitor<'_>, _: &str, _: &Env<'_>) -> Step<Person> {
        Step::Refused(Refusal::unsupported("identify"))
    }
}

/// What was noted of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub purpose: Purpose,
    pub place: String,
    pub class: Class,
    pub status: Option<u16>,
    pub ms: i64,
    pub text: String,
}

/// A world whose clock gains 7 ms whenever it is asked.
#[derive(Default)]
pub struct World {
    pub clock: AtomicI64,
    draws: AtomicU8,
    pub renewals: Renewals,
    pub stored: Mutex<Vec<String>>,
    pub refused: Mutex<Vec<String>>,
    pub noted: Mutex<Vec<Noted>>,
}

impl World {
    pub fn noted(&self) -> Vec<Noted> {
        self.noted.lock().unwrap().clone()
    }
}

impl Surroundings for World {
    fn account(&self) -> &str {
        "wx-main"
    }
    fn notify_url(&self) -> &str {
        "https://pay.example.com/notify/wx-main"
    }
    fn now(&self) -> Millis {
        Millis(self.clock.fetch_add(7, Ordering::SeqCst))
    }
    fn entropy(&self) -> [u8; 32] {
        [self.draws.fetch_add(1, Ordering::SeqCst); 32]
    }
    fn renewals(&self) -> &Renewals {
        &self.renewals
    }
    fn on_keys<'a>(&'a self, keys: &'a KeyUpdate) -> Hook<'a> {
        Box::pin(async move { self.stored.lock().unwrap().extend(keys.items.iter().map(|item| item.id.clone())) })
    }
    fn on_refused<'a>(&'a self, hint: &'a KeyHint, _: &'a str) -> Hook<'a> {
        Box::pin(async move { self.refused.lock().unwrap().push(hint.key_id.clone()) })
    }
    fn on_exchange(&self, note: &ExchangeNote<'_>) {
        let text = format!("{} {} {}", note.request, note.reply, note.error.unwrap_or_default());
        self.noted.lock().unwrap().push(Noted {
            purpose: note.purpose,
            place: note.place.to_owned(),
            class: note.class,
            status: note.status,
            ms: note.ms,
            text,
        });
    }
}
