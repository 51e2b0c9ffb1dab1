//! The way to the channels: no socket, but everything a socket can do to a request and to its reply.

use super::core::{Core, Event, Shared, Slot, fnv, short};
use super::plan::Client;
use super::spy::{Asks, Mark};
use sluice::domain::OrderId;
use sluice::outbound::{Sent, Wire, WireError};
use sluice_contract::{HttpReply, HttpRequest};
use sluice_simkit::{Call, Outcome, Scan, Served, State};

/// A request under way.
pub struct Flight {
    pub booth: usize,
    pub call: Call,
    pub reply: Slot<Result<HttpReply, WireError>>,
    pub timeout_ms: i64,
    pub sent_at: i64,
    /// What cannot be: it provably did not leave and arrives all the same, or arrives long after that was impossible, and a payer pays it at
    /// once. The money must come back.
    pub ghost: bool,
    pub mark: Option<Mark>,
}

/// How long after its time-out a request may still be executed: it lay in a buffer.
const LATE_MS: i64 = 3_000;
/// Of a thousand payments, so many arrive when nobody expects them any more; of payment codes, which few worlds have many of, more.
const STRAYS_PERMILLE: u64 = 30;
const STRAY_CODES_PERMILLE: u64 = 150;
/// Between the decision to reverse and the reversal's first byte: a question before it and two commits.
const UNDER_WAY_MS: i64 = 60_000;

impl Wire for Shared {
    fn send<'a>(&'a self, request: &'a HttpRequest) -> Sent<'a> {
        let slot = Slot::new();
        self.lock().depart(request, slot.clone());
        Box::pin(slot)
    }
}

impl Core {
    fn depart(&mut self, request: &HttpRequest, reply: Slot<Result<HttpReply, WireError>>) {
        let Some(booth) = self.scene.hosts.iter().position(|host| request.url.starts_with(host)) else {
            self.complain(format!("a request to nowhere: {}", request.url));
            return reply.fill(Err(WireError::NotSent("unknown host".into())));
        };
        let mut request = request.clone();
        let mark = Mark::take(&mut request);
        let host = &self.scene.hosts[booth];
        let target = request.url[host.len()..].to_owned();
        request.headers.push("Host", &host["https://".len()..]);
        let digest = fnv(fnv(7, request.url.as_bytes()), &request.body);
        let id = self.serial();
        self.say(format!("send #{id} {} {} {digest:016x}", request.api, place(&target)));
        let call = Call { verb: request.verb, target, headers: request.headers, body: request.body };
        if let Some(mark) = &mark {
            self.judge_request(mark);
        }
        if self.tame {
            self.outbound.push((self.now_ms, booth, mark.clone()));
        }
        let timeout_ms = i64::try_from(request.timeout_ms).unwrap_or(30_000);
        // No ghosts where nobody could ever tell: of codes that pay at once and call nobody, of refunds that have one identity a try.
        let may_haunt = mark.as_ref().is_some_and(|m| match m.asks {
            Asks::Pay => !m.barcode,
            Asks::Refund => self.scene.profile.refund.can_repeat,
            _ => false,
        });
        let ghost = may_haunt && self.mishap(30);
        let is_pay = mark.as_ref().is_some_and(|mark| mark.asks == Asks::Pay);
        let barred = mark
            .as_ref()
            .is_some_and(|m| (m.asks == Asks::Pay && m.barcode) || (m.asks == Asks::Refund && !self.scene.profile.refund.can_repeat));
        let once = mark.as_ref().filter(|_| barred).map(|m| m.number.clone());
        if once.as_ref().is_some_and(|number| self.sent.contains(number)) {
            self.complain(format!("B3: {once:?} was sent twice, and the first may have arrived"));
        }
        let strays_ms = mark.as_ref().filter(|_| !ghost).and_then(|mark| self.strays_ms(id, mark, timeout_ms));
        let flight = Flight { booth, call, reply, timeout_ms, sent_at: self.now_ms, ghost: ghost || strays_ms.is_some(), mark };
        self.flights.insert(id, flight);
        if ghost {
            let ms = self.dice.between(500, 20_000);
            self.after(ms, Event::Arrive(id));
        }
        let unsent = self.unsent_permille > 0 && !self.calm && booth == 0 && is_pay && self.dice.permille(self.unsent_permille);
        if ghost || unsent || self.mishap(25) {
            let ms = self.dice.between(0, 400);
            return self.after(ms, Event::Answer(id, Err(WireError::NotSent("connection refused".into()))));
        }
        self.sent.extend(once);
        if let Some(ms) = strays_ms {
            self.after(ms, Event::Arrive(id));
            return self.after(timeout_ms, Event::Answer(id, Err(WireError::MaybeSent("timed out".into()))));
        }
        if self.silent == Some(booth) && !self.calm {
            return self.after(timeout_ms, Event::Answer(id, Err(WireError::MaybeSent("timed out".into()))));
        }
        let travel_ms = match self.dice.below(100) {
            _ if self.calm || self.tame => self.dice.between(1, 30),
            0..=79 => self.dice.between(1, 300),
            80..=94 => self.dice.between(300, 4_000),
            _ => self.dice.between(1, timeout_ms + LATE_MS),
        };
        self.after(travel_ms, Event::Arrive(id));
        self.after(timeout_ms, Event::Answer(id, Err(WireError::MaybeSent("timed out".into()))));
    }

    /// A few payments arrive minutes after their time-out, when the channel has long been believed that it never heard of them. Only
    /// where it tells of a payment by itself. Not by the dice: the other worlds stay what they were.
    fn strays_ms(&self, id: u64, mark: &Mark, timeout_ms: i64) -> Option<i64> {
        let lot = fnv(fnv(11, &self.seed.to_be_bytes()), &id.to_be_bytes());
        let permille = if mark.barcode { STRAY_CODES_PERMILLE } else { STRAYS_PERMILLE };
        if self.calm || self.tame || mark.asks != Asks::Pay || lot % 1000 >= permille {
            return None;
        }
        let (order_id, seq) = OrderId::of_attempt(&mark.number)?;
        let life = self.engine.life(&order_id).ok()??;
        let profile = self.scene.method(life.attempt(seq)?.method);
        let believed_ms = timeout_ms + profile.not_found_final_after_s * 1_000;
        profile.calls_back.then(|| believed_ms + 20_000 + i64::try_from(lot >> 20).unwrap_or(0).rem_euclid(200_000))
    }

    fn judge_request(&mut self, mark: &Mark) {
        match mark.asks {
            Asks::Query | Asks::QueryRefund => self.asked.entry(mark.number.clone()).or_default().push(self.now_ms),
            Asks::Reverse if !self.clock_jumped => self.judge_reversal(&mark.number),
            _ => {}
        }
    }

    /// A reversal that comes too early collides with a payment that is still running, and a late one is refused: the profile says when.
    fn judge_reversal(&mut self, number: &str) {
        let named = OrderId::of_attempt(number);
        let life = named.and_then(|(id, seq)| self.engine.life(&id).ok().flatten().map(|life| (life, seq)));
        let began = life.as_ref().and_then(|(life, seq)| life.attempt(*seq).map(|a| (a.at, a.method)));
        let Some((at, method)) = began else { return self.complain(format!("a reversal of nothing: {number}")) };
        let Some(rule) = self.scene.method(method).reverse else { return self.complain(format!("{number} cannot be reversed")) };
        let age_ms = self.wall().since_ms(at);
        if age_ms < rule.earliest_s * 1000 {
            self.complain(format!("the reversal of {number} left too early"));
        }
        let day_ends_at = rule.day_ends_at_s.map(|s| at.second().day().start().plus(s).millis());
        if age_ms > rule.window_s * 1000 + UNDER_WAY_MS || day_ends_at.is_some_and(|end| self.wall().since_ms(end) > UNDER_WAY_MS) {
            self.complain(format!("the reversal of {number} left too late"));
        }
    }

    /// Whether a payment under this number may still reach its channel.
    pub fn is_on_its_way(&self, number: &str) -> bool {
        let pays = |flight: &Flight| !flight.ghost && flight.mark.as_ref().is_some_and(|m| m.asks == Asks::Pay && m.number == number);
        let arrives = |event: &Event| matches!(event, Event::Arrive(id) if self.flights.get(id).is_some_and(pays));
        self.timers.values().any(arrives)
    }

    /// The channel executes a request, or a fault eats it.
    pub fn arrive(&mut self, id: u64) {
        let Some(flight) = self.flights.get(&id) else { return };
        let (booth, call) = (flight.booth, flight.call.clone());
        let ghost = flight.mark.clone().filter(|_| flight.ghost);
        let now = self.truly();
        let served = self.booths[booth].serve(&call, now);
        if let Err(wrong) = self.booths[booth].sim.ledger().audit() {
            self.complain(format!("ledger: {wrong}"));
        }
        if let Some(mark) = ghost.filter(|mark| mark.asks == Asks::Pay) {
            self.haunt(booth, &mark);
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

    fn haunt(&mut self, booth: usize, mark: &Mark) {
        let (now, number) = (self.truly(), &mark.number);
        if mark.barcode {
            let order_id = OrderId::of_attempt(number).map(|(id, _)| id);
            let is_his = |client: &&Client| client.id == order_id || client.conflict_id == order_id;
            let codes: Vec<String> = self.clients.iter().filter(is_his).filter_map(|client| client.code.clone()).collect();
            for code in codes {
                let _unless_charged_already = self.booths[booth].sim.confirm(&code, now);
            }
        } else {
            let content = format!("{}:{number}", self.scene.channel);
            let _unless_it_cannot_be_paid = self.booths[booth].sim.scan(&Scan::of(&content, Outcome::Pay), now);
        }
        let paid = self.booths[booth].sim.ledger().get(number).is_some_and(|entry| entry.status == State::Paid);
        self.say(format!("ghost {}: paid={paid}", short(number)));
        self.haunted.insert(number.clone());
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
