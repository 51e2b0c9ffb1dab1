//! An adapter and its pretend channel, mouth to mouth: no socket, no clock, no gateway between them. The same for every channel of
//! the list: what a channel can do is read from its profile.

use serde_json::Value;
use sluice::channels::{CHANNELS, Listed};
use sluice_contract::{
    AccountConfig, AttemptRef, Callback, Channel, Env, Exchange, Fen, HttpReply, Method, MethodProfile, Millis, Notes, Pay, PayOrder, Payer,
    RawCallback, Reader, Reading, Refund, RefundRef, Renewed, Step, Store, Terminal, Undone, Verb,
};
use sluice_simkit::{Booth, Call, Delivery, Outcome, Scan, Served, Simulator};
use std::cell::Cell;

pub const GATEWAY: &str = "http://gateway.test";

pub struct Pair {
    pub name: &'static str,
    pub booth: Booth,
    pub channel: Box<dyn Channel>,
    pub now: Millis,
    base: String,
    notify_url: String,
    count: Cell<u64>,
    /// The sub-merchant, where the account is a service provider's: without its secrets, as attempts freeze it.
    sub: Notes,
}

/// One way of speaking with a channel: its usual one, or a setting of it.
pub struct Cast {
    /// `alipay`, `alipay with certificates`.
    pub what: &'static str,
    pub listed: &'static Listed,
    make: Option<fn() -> Box<dyn Simulator>>,
}

impl Cast {
    pub fn new(what: &'static str, channel: &str, make: fn() -> Box<dyn Simulator>) -> Cast {
        let listed = CHANNELS.iter().find(|listed| listed.name == channel).unwrap_or_else(|| panic!("{channel} is not listed"));
        Cast { what, listed, make: Some(make) }
    }

    pub fn usual(listed: &'static Listed) -> Cast {
        Cast { what: listed.name, listed, make: None }
    }

    pub fn pair(&self) -> Pair {
        Pair { name: self.what, ..Pair::with(self.listed, self.make.map_or_else(|| (self.listed.fixed)(7), |make| make())) }
    }
}

impl Pair {
    pub fn of(listed: &Listed) -> Pair {
        Pair::with(listed, (listed.fixed)(7))
    }

    /// A pair around a simulator; the account is opened from the table that the simulator itself writes.
    pub fn with(listed: &Listed, sim: Box<dyn Simulator>) -> Pair {
        let base = format!("http://{}.test", listed.name);
        let table: toml::Table = sim.account_toml(&base).parse().unwrap();
        let account = serde_json::to_value(&table["account"][0]).unwrap();
        let id = account["id"].as_str().unwrap().to_owned();
        let opened = (listed.open)(AccountConfig {
            id: &id,
            base_url: &base,
            sandbox: true,
            methods: None,
            credentials: Reader::root("credentials", &account["credentials"]),
            previous: None,
        });
        let channel = opened.unwrap_or_else(|problems| panic!("{}: {problems:?}", listed.name));
        let notify_url = format!("{GATEWAY}/notify/{id}");
        let mut sub = sub_of(channel.as_ref(), &sim.credentials(&base));
        assert_eq!(channel.check_sub(&sub), [], "{}", listed.name);
        let tokens = channel.sub_keys(&sub);
        if !tokens.items.is_empty() {
            channel.install(&tokens).unwrap_or_else(|refusal| panic!("{}: {}", listed.name, refusal.inner));
        }
        sub.retain(|name, _| !channel.profile().sub_fields.iter().any(|field| field.secret && field.name == name));
        let now = Millis(1_795_395_600_000);
        Pair { name: listed.name, booth: Booth::new(sim, 7), channel, now, base, notify_url, count: Cell::new(0), sub }
    }

    /// The methods of the channel's own sandbox account that are, or are no, barcodes.
    pub fn methods(&self, barcode: bool) -> Vec<MethodProfile> {
        let table: toml::Table = self.booth.sim.account_toml(&self.base).parse().unwrap();
        let listed: Vec<String> = table["account"][0]["methods"].as_array().unwrap().iter().map(|m| m.as_str().unwrap().to_owned()).collect();
        let own = |m: &&MethodProfile| listed.iter().any(|word| word == m.method.word()) && m.method.is_barcode() == barcode;
        self.channel.profile().methods.iter().filter(own).cloned().collect()
    }

    /// Fresh for every call and every reading, as the gateway's is.
    pub fn env(&self) -> Env<'_> {
        self.count.set(self.count.get() + 1);
        let mut entropy = [7; 32];
        entropy[..8].copy_from_slice(&self.count.get().to_le_bytes());
        Env { now: self.now.second(), entropy, notify_url: &self.notify_url }
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
        self.booth.sim.tick(self.now);
    }

    fn call_of<T>(&self, exchange: &Exchange<T>) -> Call {
        let request = &exchange.request;
        let target = request.url.strip_prefix(&self.base).unwrap_or_else(|| panic!("{} is elsewhere", request.url)).to_owned();
        let mut headers = request.headers.clone();
        headers.push("Host", &self.base["http://".len()..]);
        Call { verb: request.verb, target, headers, body: request.body.clone() }
    }

    /// What comes back of one request; `None`: nothing did.
    pub fn reply<T>(&mut self, exchange: &Exchange<T>) -> Option<HttpReply> {
        let call = self.call_of(exchange);
        match self.booth.serve(&call, self.now) {
            Served::Reply(reply) | Served::Late { reply, .. } => Some(reply),
            Served::Closed | Served::Reset => None,
        }
    }

    /// Follows a verb to its meaning; `None`: the answer was lost.
    pub fn ask<T>(&mut self, step: Step<T>) -> Option<T> {
        let mut exchange = match step {
            Step::Send(exchange) => exchange,
            Step::Done(done) => return Some(done),
            Step::Refused(refusal) => panic!("{}: {}", self.name, refusal.inner),
        };
        for _ in 0..4 {
            let reply = self.reply(&exchange)?;
            match self.read(&exchange, &reply) {
                Reading::Is(meaning) => return Some(meaning),
                Reading::Then(next) => exchange = next,
                Reading::NeedKeys(hint) => panic!("{}: the key {} is not known", self.name, hint.key_id),
            }
        }
        panic!("{}: more than four exchanges", self.name);
    }

    /// As the gateway reads: with keys renewed once.
    pub fn read<T>(&mut self, exchange: &Exchange<T>, reply: &HttpReply) -> Reading<T> {
        let first = exchange.read(reply, &self.env());
        let Reading::NeedKeys(hint) = first else { return first };
        if let Step::Send(renewal) = self.channel.renew(&hint, &self.env()) {
            let renewed = self.reply(&renewal).map(|reply| renewal.read(&reply, &self.env()));
            if let Some(Reading::Is(Renewed::Keys(keys))) = renewed {
                self.channel.install(&keys).unwrap_or_else(|refusal| panic!("{}: {}", self.name, refusal.inner));
            }
        }
        exchange.read(reply, &self.env())
    }

    pub fn attempt(&mut self, number: &str, method: Method, order: &PayOrder) -> AttemptRef {
        let mut attempt = AttemptRef {
            number: number.to_owned(),
            amount: Fen(1280),
            method,
            at: self.now.second(),
            expires_at: self.now.second().plus(900),
            app_id: None,
            sub: self.sub.clone(),
            memo: Notes::new(),
            handles: Notes::new(),
        };
        attempt.memo = self.channel.admit(&attempt, order).unwrap_or_else(|refusal| panic!("{} {method:?}: {}", self.name, refusal.inner));
        attempt
    }

    /// Pays, and remembers what the channel told as the gateway would.
    pub fn pay(&mut self, attempt: &mut AttemptRef, order: &PayOrder) -> Option<Pay> {
        let step = self.channel.pay(attempt, order, &self.env());
        let said = self.ask(step)?;
        learn(attempt, &said);
        Some(said)
    }

    pub fn query(&mut self, attempt: &mut AttemptRef) -> Pay {
        let step = self.channel.query(attempt, &self.env());
        let said = self.ask(step).unwrap();
        learn(attempt, &said);
        said
    }

    pub fn close(&mut self, attempt: &AttemptRef) -> Option<Undone> {
        let step = self.channel.close(attempt, &self.env());
        self.ask(step)
    }

    pub fn reverse(&mut self, attempt: &AttemptRef) -> Option<Undone> {
        let step = self.channel.reverse(attempt, &self.env());
        self.ask(step)
    }

    pub fn refund(&mut self, refund: &RefundRef) -> Option<Refund> {
        let step = self.channel.refund(refund, &self.env());
        self.ask(step)
    }

    pub fn query_refund(&mut self, refund: &RefundRef) -> Option<Refund> {
        let step = self.channel.query_refund(refund, &self.env());
        self.ask(step)
    }

    pub fn scan(&mut self, content: &str, outcome: Outcome) -> bool {
        let scanned = self.booth.sim.scan(&Scan::of(content, outcome), self.now);
        scanned.unwrap_or_else(|why| panic!("{} {content}: {}", self.name, why.0)).paid
    }

    /// The callbacks due in the next minute, as they travel. They are taken by whoever reads them.
    pub fn deliveries(&mut self) -> Vec<Delivery> {
        self.pass(60);
        self.booth.due(self.now)
    }

    /// The callbacks due in the next minute, read and acknowledged by the adapter. What it does not believe is left out.
    pub fn callbacks(&mut self) -> Vec<Callback> {
        let mut read = Vec::new();
        for delivery in self.deliveries() {
            let callback = self.hear(&delivery);
            let ack = if callback.is_ok() { sluice_contract::Ack::Taken } else { sluice_contract::Ack::Refused };
            let target = target_of(&delivery);
            let raw = RawCallback { verb: Verb::Post, target: &target, headers: &delivery.headers, body: &delivery.body };
            let reply = self.channel.acknowledge(&raw, ack, &self.env());
            self.booth.sim.delivered(delivery.id, Some(&reply), self.now);
            read.extend(callback.ok());
        }
        read
    }

    pub fn hear(&mut self, delivery: &Delivery) -> Result<Callback, sluice_contract::Rejected> {
        let target = target_of(delivery);
        let raw = RawCallback { verb: Verb::Post, target: &target, headers: &delivery.headers, body: &delivery.body };
        self.channel.callback(&raw, &self.env())
    }
}

/// The first sub-merchant that the credentials tell of: an object with every required field, or the first of a list of ids.
fn sub_of(channel: &dyn Channel, told: &Value) -> Notes {
    let fields = &channel.profile().sub_fields;
    if fields.is_empty() {
        return Notes::new();
    }
    let lists = [&told["sub_merchants"], &told["partner"]["sub_merchants"], &told["provider"]["merchants"]];
    if let Some(first) = lists.iter().find_map(|list| list.get(0)) {
        let given = fields.iter().filter_map(|field| Some((field.name.to_owned(), first[field.name].as_str()?.to_owned())));
        return given.collect();
    }
    let id = told["sub_mer_ids"][0].as_str().expect("a provider's credentials tell of sub-merchants");
    Notes::from([("sub_mer_id".to_owned(), id.to_owned())])
}

fn target_of(delivery: &Delivery) -> String {
    delivery.url.strip_prefix(GATEWAY).unwrap_or_else(|| panic!("a callback goes to {}", delivery.url)).to_owned()
}

fn learn(attempt: &mut AttemptRef, said: &Pay) {
    match said {
        Pay::Waiting(_, handles) => attempt.handles.extend(handles.clone()),
        Pay::Paid(payment) => attempt.handles.extend(payment.handles.clone()),
        _ => {}
    }
}

/// An order with whatever a method may ask for.
pub fn order() -> PayOrder {
    PayOrder {
        subject: "一箱苹果".into(),
        payer: Payer {
            openid: Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into()),
            buyer_id: Some("2088102146225135".into()),
            buyer_open_id: None,
            customer_id: None,
        },
        client_ip: Some("203.0.113.7".into()),
        h5_type: Some("Wap".into()),
        store: Some(Store { id: "S1".into(), name: Some("一号店".into()), store_code: Some("02000015087".into()), ..Store::default() }),
        terminal: Some(Terminal { id: Some("12345678".into()), ip: Some("203.0.113.8".into()), ..Terminal::default() }),
        operator_id: None,
        auth_code: None,
        return_url: Some("http://gateway.test/return/token".into()),
    }
}

pub fn paid_amount(pay: &Pay) -> Option<Fen> {
    match pay {
        Pay::Paid(payment) => Some(payment.amount),
        _ => None,
    }
}
