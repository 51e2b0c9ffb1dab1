//! The way to the channels: no socket, but everything a socket can do to a request and to its reply.

use super::core::{Core, Event, Shared, Slot, fnv, short};
use sluice::domain::OrderId;
use sluice::outbound::{Sent, Wire, WireError};
use sluice_contract::{HttpReply, HttpRequest};
use sluice_simkit::{Call, Served};

/// A request under way.
pub struct Flight {
    pub booth: usize,
    pub call: Call,
    pub reply: Slot<Result<HttpReply, WireError>>,
    pub timeout_ms: i64,
    pub sent_at: i64,
    /// What cannot be: it provably did not leave, arrives all the same, and a payer pays it at once. The money must come back.
    pub ghost: bool,
}

/// The hosts of the pretend channels, by booth.
pub const HOSTS: [&str; 2] = ["https://a.wechat.test", "https://b.wechat.test"];

/// How long after its time-out a request may still be executed: it lay in a buffer.
const LATE_MS: i64 = 3_000;

impl Wire for Shared {
    fn send<'a>(&'a self, request: &'a HttpRequest) -> Sent<'a> {
        let slot = Slot::new();
        self.lock().depart(request, slot.clone());
        Box::pin(slot)
    }
}

impl Core {
    fn depart(&mut self, request: &HttpRequest, reply: Slot<Result<HttpReply, WireError>>) {
        let Some(booth) = HOSTS.iter().position(|host| request.url.starts_with(host)) else {
            self.complain(format!("a request to nowhere: {}", request.url));
            return reply.fill(Err(WireError::NotSent("unknown host".into())));
        };
        let target = request.url[HOSTS[booth].len()..].to_owned();
        let mut headers = request.headers.clone();
        headers.push("Host", &HOSTS[booth]["https://".len()..]);
        let call = Call { verb: request.verb, target, headers, body: request.body.clone() };
        let id = self.serial();
        let digest = fnv(fnv(7, request.url.as_bytes()), &request.body);
        self.say(format!("send #{id} {} {} {digest:016x}", request.api, place(&call.target)));
        if request.api == "codepay.reverse" && !self.clock_jumped {
            self.judge_reversal(&call.target);
        }
        let timeout_ms = i64::try_from(request.timeout_ms).unwrap_or(30_000);
        let ghost = request.api.ends_with(".create") && self.mishap(30);
        self.flights.insert(id, Flight { booth, call, reply, timeout_ms, sent_at: self.now_ms, ghost });
        if ghost {
            let ms = self.dice.between(500, 20_000);
            self.after(ms, Event::Arrive(id));
        }
        if ghost || self.mishap(25) {
            let ms = self.dice.between(0, 400);
            return self.after(ms, Event::Answer(id, Err(WireError::NotSent("connection refused".into()))));
        }
        let travel_ms = match self.dice.below(100) {
            _ if self.calm => self.dice.between(1, 30),
            0..=79 => self.dice.between(1, 300),
            80..=94 => self.dice.between(300, 4_000),
            _ => self.dice.between(1, timeout_ms + LATE_MS),
        };
        self.after(travel_ms, Event::Arrive(id));
        self.after(timeout_ms, Event::Answer(id, Err(WireError::MaybeSent("timed out".into()))));
    }

    /// A reversal that comes too early collides with a payment that is still running (pack §5.3: not before 15 s).
    fn judge_reversal(&mut self, target: &str) {
        let number = target.split('/').find_map(|part| OrderId::of_attempt(part).map(|(id, seq)| (part.to_owned(), id, seq)));
        let Some((number, id, seq)) = number else { return self.complain(format!("a reversal of nothing: {target}")) };
        let began = self.engine.life(&id).ok().flatten().and_then(|life| life.attempt(seq).map(|a| a.at));
        if began.is_none_or(|at| self.wall().since_ms(at) < 15_000) {
            self.complain(format!("the reversal of {number} left too early"));
        }
    }

    /// The channel executes a request, or a fault eats it.
    pub fn arrive(&mut self, id: u64) {
        let Some(flight) = self.flights.get(&id) else { return };
        let (booth, call, ghost) = (flight.booth, flight.call.clone(), flight.ghost);
        let now = self.truly();
        let served = self.booths[booth].serve(&call, now);
        if let Err(wrong) = self.booths[booth].sim.ledger().audit() {
            self.complain(format!("ledger: {wrong}"));
        }
        if ghost {
            self.haunt(booth, &call);
        }
        let lost = |text: &str| Err(WireError::MaybeSent(text.to_owned()));
        let (after_ms, answer, word) = match served {
            Served::Reply(reply) => (0, Ok(reply), "served"),
            Served::Late { after_ms, reply } => (i64::try_from(after_ms).unwrap_or(0), Ok(reply), "served late"),
            Served::Closed => (0, lost("closed without an answer"), "closed"),
            Served::Reset => (0, lost("reset"), "reset"),
        };
        self.see(format!("{} at the channel", word));
        let status = answer.as_ref().map_or(0, |reply| reply.status);
        self.say(format!("at channel #{id} {word} {status}"));
        let back_ms = if self.mishap(60) { self.dice.between(300, 9_000) } else { self.dice.between(1, 60) };
        self.after(after_ms + back_ms, Event::Answer(id, answer));
    }

    fn haunt(&mut self, booth: usize, call: &Call) {
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let Some(number) = body["out_trade_no"].as_str() else { return };
        let now = self.truly();
        let paid = self.booths[booth]
            .sim
            .scan(&sluice_simkit::Scan::of(&format!("wechat:{number}"), sluice_simkit::Outcome::Pay), now)
            .is_ok_and(|s| s.paid);
        self.say(format!("ghost {}: paid={paid}", short(number)));
        self.haunted.insert(number.to_owned());
        self.see("ghost");
    }

    pub fn answer(&mut self, id: u64, answer: Result<HttpReply, WireError>) {
        let Some(flight) = self.flights.get(&id) else { return };
        // A time-out of a request that has not arrived yet: it may still arrive, only nobody listens.
        let unheard = matches!(answer, Err(WireError::MaybeSent(_))) && self.now_ms - flight.sent_at >= flight.timeout_ms;
        flight.reply.fill(answer);
        let haunts = flight.ghost && flight.sent_at + 500 > self.now_ms;
        if !unheard && !haunts {
            self.flights.remove(&id);
        }
    }
}

fn place(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}
