//! The adapter and its pretend channel, mouth to mouth: no socket, no clock, no gateway between them. What the one writes the other
//! must read, for every verb, and every lie of the channel must be seen through.

use serde_json::Value;
use sluice_contract::{
    AccountConfig, AttemptRef, Callback, Channel, Env, Exchange, Fen, HttpReply, Method, Millis, Notes, Pay, PayOrder, Payer, RawCallback,
    Reader, Reading, Refund, RefundRef, Says, Step, Undone, Verb,
};
use sluice_simkit::{Api, Behaviour, Booth, Call, Fault, Outcome, Rule, Scan, Served};

const BASE: &str = "http://wechat.test";
const NOTIFY: &str = "http://gateway.test/notify/wx-main";

struct Pair {
    booth: Booth,
    channel: Box<dyn Channel>,
    now: Millis,
    count: u8,
}

impl Pair {
    fn new() -> Pair {
        let sim = sluice_wechat_sim::fixed(7);
        let table: toml::Table = sim.account_toml(BASE).parse().unwrap();
        let credentials = serde_json::to_value(&table["account"][0]["credentials"]).unwrap();
        let opened = sluice_wechat::open(AccountConfig {
            id: "wx-main",
            base_url: BASE,
            sandbox: true,
            methods: None,
            credentials: Reader::root("credentials", &credentials),
            previous: None,
        });
        let channel = opened.unwrap_or_else(|problems| panic!("{problems:?}"));
        Pair { booth: Booth::new(sim, 7), channel, now: Millis(1_795_395_600_000), count: 0 }
    }

    fn env(&mut self) -> Env<'static> {
        self.count = self.count.wrapping_add(1);
        Env { now: self.now.second(), entropy: [self.count; 32], notify_url: NOTIFY }
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
        self.booth.sim.tick(self.now);
    }

    /// What comes back of one request; `None`: nothing did.
    fn reply(&mut self, exchange: &Exchange<impl Sized>) -> Option<HttpReply> {
        let request = &exchange.request;
        let target = request.url.strip_prefix(BASE).unwrap_or_else(|| panic!("{} is elsewhere", request.url)).to_owned();
        let call = Call { verb: request.verb, target, headers: request.headers.clone(), body: request.body.clone() };
        match self.booth.serve(&call, self.now) {
            Served::Reply(reply) | Served::Late { reply, .. } => Some(reply),
            Served::Closed | Served::Reset => None,
        }
    }

    /// Follows a verb to its meaning; `None`: the answer was lost.
    fn ask<T>(&mut self, step: Step<T>) -> Option<T> {
        let mut exchange = match step {
            Step::Send(exchange) => exchange,
            Step::Done(done) => return Some(done),
            Step::Refused(refusal) => panic!("{}", refusal.inner),
        };
        for _ in 0..4 {
            let reply = self.reply(&exchange)?;
            let env = self.env();
            match exchange.read(&reply, &env) {
                Reading::Is(meaning) => return Some(meaning),
                Reading::Then(next) => exchange = next,
                Reading::NeedKeys(hint) => panic!("the key {} is not known", hint.key_id),
            }
        }
        panic!("more than four exchanges");
    }

    fn attempt(&mut self, number: &str, method: Method, order: &PayOrder) -> AttemptRef {
        let mut attempt = AttemptRef {
            number: number.to_owned(),
            amount: Fen(1280),
            method,
            at: self.now.second(),
            expires_at: self.now.second().plus(900),
            app_id: None,
            sub: Notes::new(),
            memo: Notes::new(),
            handles: Notes::new(),
        };
        attempt.memo = self.channel.admit(&attempt, order).unwrap_or_else(|refusal| panic!("{}", refusal.inner));
        attempt
    }

    fn pay(&mut self, attempt: &AttemptRef, order: &PayOrder) -> Option<Pay> {
        let env = self.env();
        let step = self.channel.pay(attempt, order, &env);
        self.ask(step)
    }

    fn query(&mut self, attempt: &AttemptRef) -> Pay {
        let env = self.env();
        let step = self.channel.query(attempt, &env);
        self.ask(step).unwrap()
    }

    fn scan(&mut self, number: &str) {
        let scanned = self.booth.sim.scan(&Scan::of(number, Outcome::Pay), self.now).unwrap_or_else(|why| panic!("{}", why.0));
        assert!(scanned.paid);
    }

    /// The callbacks due in the next minute, read by the adapter.
    fn callbacks(&mut self) -> Vec<Callback> {
        self.pass(60);
        let due = self.booth.due(self.now);
        let mut read = Vec::new();
        for delivery in due {
            let target = delivery.url.strip_prefix("http://gateway.test").unwrap();
            let raw = RawCallback { verb: Verb::Post, target, headers: &delivery.headers, body: &delivery.body };
            let env = self.env();
            if let Ok(callback) = self.channel.callback(&raw, &env) {
                read.push(callback);
            }
            let reply = self.channel.acknowledge(&raw, sluice_contract::Ack::Taken, &env);
            self.booth.sim.delivered(delivery.id, Some(&reply), self.now);
        }
        read
    }
}

fn order() -> PayOrder {
    PayOrder {
        subject: "一箱苹果".into(),
        payer: Payer { openid: Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into()), ..Payer::default() },
        client_ip: Some("203.0.113.7".into()),
        h5_type: Some("Wap".into()),
        ..PayOrder::default()
    }
}

fn paid_amount(pay: &Pay) -> Option<Fen> {
    match pay {
        Pay::Paid(payment) => Some(payment.amount),
        _ => None,
    }
}

#[test]
fn every_online_method_is_created_paid_called_back_and_queried() {
    for (n, method) in [Method::WechatNative, Method::WechatJsapi, Method::WechatMini, Method::WechatApp, Method::WechatH5].into_iter().enumerate() {
        let (mut pair, order, number) = (Pair::new(), order(), format!("PAIR{n:0>23}"));
        let attempt = pair.attempt(&number, method, &order);
        let created = pair.pay(&attempt, &order).unwrap();
        assert!(matches!(created, Pay::Waiting(..)), "{method:?}: {created:?}");
        assert!(matches!(pair.query(&attempt), Pay::Waiting(..)), "{method:?}");
        // The same again is the same order.
        assert!(matches!(pair.pay(&attempt, &order), Some(Pay::Waiting(..))), "{method:?}");
        pair.scan(&number);
        assert_eq!(paid_amount(&pair.query(&attempt)), Some(Fen(1280)), "{method:?}");
        let told = pair.callbacks();
        assert_eq!(told.len(), 1, "{method:?}");
        assert_eq!(told[0].claims.contradiction(&attempt), None, "{method:?}");
        assert!(matches!(&told[0].says, Says::Payment(pay) if paid_amount(pay) == Some(Fen(1280))), "{method:?}: {:?}", told[0].says);
        assert_eq!(pair.booth.sim.ledger().get(&number).unwrap().charges, 1);
        assert_eq!(pair.booth.sim.ledger().audit(), Ok(()));
    }
}

#[test]
fn refunds_are_accepted_called_back_and_found_and_a_repeat_is_one() {
    let (mut pair, order, number) = (Pair::new(), order(), "PAIRREFUND00000000000000001");
    let attempt = pair.attempt(number, Method::WechatNative, &order);
    pair.pay(&attempt, &order).unwrap();
    pair.scan(number);
    pair.callbacks();
    let refund = RefundRef {
        number: "RAIRREFUND00000000000000001".into(),
        amount: Fen(300),
        at: pair.now.second(),
        reason: Some("坏了".into()),
        payment: attempt,
        handles: Notes::new(),
    };
    let env = pair.env();
    let step = pair.channel.query_refund(&refund, &env);
    assert!(matches!(pair.ask(step), Some(Refund::NotFound)));
    for _ in 0..2 {
        let env = pair.env();
        let step = pair.channel.refund(&refund, &env);
        let said = pair.ask(step).unwrap();
        assert!(matches!(said, Refund::Accepted(_) | Refund::Succeeded(_)), "{said:?}");
    }
    let told = pair.callbacks();
    assert!(told.iter().any(|c| matches!(c.says, Says::Refund(Refund::Succeeded(_))) && c.claims.refund_contradiction(&refund).is_none()));
    let env = pair.env();
    let step = pair.channel.query_refund(&refund, &env);
    assert!(matches!(pair.ask(step), Some(Refund::Succeeded(_))));
    let entry = pair.booth.sim.ledger().get(number).unwrap();
    assert_eq!(entry.refunds.iter().map(|r| r.amount).collect::<Vec<_>>(), [Fen(300)]);
}

#[test]
fn a_close_is_confirmed_and_a_paid_order_says_paid_to_it() {
    let (mut pair, order) = (Pair::new(), order());
    let open = pair.attempt("PAIRCLOSE000000000000000001", Method::WechatNative, &order);
    pair.pay(&open, &order).unwrap();
    let env = pair.env();
    let step = pair.channel.close(&open, &env);
    assert!(matches!(pair.ask(step), Some(Undone::Closed)));
    assert!(matches!(pair.query(&open), Pay::Closed));
    let paid = pair.attempt("PAIRCLOSE000000000000000002", Method::WechatNative, &order);
    pair.pay(&paid, &order).unwrap();
    pair.scan("PAIRCLOSE000000000000000002");
    let env = pair.env();
    let step = pair.channel.close(&paid, &env);
    let said = pair.ask(step).unwrap();
    assert!(!matches!(said, Undone::Closed | Undone::NotFound), "{said:?}");
    let never = pair.attempt("PAIRCLOSE000000000000000003", Method::WechatNative, &order);
    assert!(matches!(pair.query(&never), Pay::NotFound));
}

#[test]
fn each_behaviour_of_a_payment_code_is_understood() {
    for (n, behaviour) in [Behaviour::Pay, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout].into_iter().enumerate() {
        let (mut pair, number) = (Pair::new(), format!("PAIRCODE{n:0>19}"));
        let code = pair.booth.sim.issue_auth_code(behaviour, Fen(100_000), pair.now);
        let order = PayOrder { auth_code: Some(code.clone()), ..order() };
        let attempt = pair.attempt(&number, Method::WechatBarcode, &order);
        let said = pair.pay(&attempt, &order).unwrap();
        match behaviour {
            Behaviour::Pay => assert_eq!(paid_amount(&said), Some(Fen(1280))),
            Behaviour::Password => {
                assert!(matches!(said, Pay::Waiting(..)), "{said:?}");
                pair.booth.sim.confirm(&code, pair.now).unwrap_or_else(|why| panic!("{}", why.0));
                assert_eq!(paid_amount(&pair.query(&attempt)), Some(Fen(1280)));
            }
            Behaviour::Decline => assert!(matches!(said, Pay::Failed(_) | Pay::Unknown(_)), "{said:?}"),
            Behaviour::Timeout => {
                assert!(matches!(said, Pay::Waiting(..) | Pay::Unknown(_)), "{said:?}");
                pair.pass(20);
                let env = pair.env();
                let step = pair.channel.reverse(&attempt, &env);
                assert!(matches!(pair.ask(step), Some(Undone::Closed | Undone::Returned)));
                assert!(matches!(pair.query(&attempt), Pay::Reversed | Pay::Closed));
            }
        }
        assert_eq!(pair.booth.sim.ledger().audit(), Ok(()), "{behaviour:?}");
    }
}

/// B7: nothing that is unsigned, unreadable or about something else is ever "paid", "failed" or "closed".
#[test]
fn no_lie_or_noise_of_the_channel_is_believed() {
    for fault in [Fault::Error500, Fault::BadSignature, Fault::Garbage, Fault::WrongAmount, Fault::WrongOrder] {
        let (mut pair, order, number) = (Pair::new(), order(), "PAIRLIES0000000000000000001");
        let attempt = pair.attempt(number, Method::WechatNative, &order);
        pair.pay(&attempt, &order).unwrap();
        pair.scan(number);
        pair.booth.add(Rule { api: Api::Query, fault, probability_ppm: 1_000_000, left: None });
        let said = pair.query(&attempt);
        assert!(matches!(said, Pay::Unknown(_)), "{fault:?}: {said:?}");
        pair.booth.clear();
        pair.booth.add(Rule { api: Api::Callback, fault, probability_ppm: 1_000_000, left: Some(1) });
        for callback in pair.callbacks() {
            assert!(callback.claims.contradiction(&attempt).is_some(), "{fault:?}: {callback:?}");
        }
        pair.booth.clear();
        assert_eq!(paid_amount(&pair.query(&attempt)), Some(Fen(1280)), "{fault:?}");
    }
}

/// What `GET /credentials` tells an independent client is what the account's table tells the adapter.
#[test]
fn credentials_and_account_table_agree() {
    let sim = sluice_wechat_sim::fixed(7);
    let table: toml::Table = sim.account_toml(BASE).parse().unwrap();
    let (table, told) = (serde_json::to_value(&table["account"][0]["credentials"]).unwrap(), sim.credentials(BASE));
    for name in ["mchid", "app_id", "serial_no", "api_v3_key", "api_v2_key", "public_key_id"] {
        assert!(table[name] != Value::Null && table[name] == told[name], "{name}: {} and {}", table[name], told[name]);
    }
}
