//! The conformance kit: what every channel must keep to, adapter and pretend channel as a pair. B1, B4, B7, C1, C2 of the catalogue,
//! and every verb of the trait.

use super::casts;
use super::pair::{Cast, Pair, order, paid_amount};
use crate::harness::payer;
use sluice_contract::{
    AttemptRef, CallbackIs, Exchange, Fen, HttpReply, MethodProfile, Notes, Pay, PayOrder, Reading, Refund, RefundRef, Says, Step, Undone,
};
use sluice_simkit::{Api, Behaviour, Delivery, Fault, Outcome, Rule};

/// Our numbers as they are: 27 letters and digits.
fn number(prefix: &str, n: usize) -> String {
    format!("{prefix}{n:0>width$}", width = 27 - prefix.len())
}

/// An order of a method, placed; the payer has its code, and where the channel's order begins with the payer, the payer has come.
fn placed(pair: &mut Pair, profile: &MethodProfile, number: &str) -> (AttemptRef, String) {
    let order = order();
    let mut attempt = pair.attempt(number, profile.method, &order);
    let said = pair.pay(&mut attempt, &order).unwrap();
    let Pay::Waiting(action, _) = &said else { panic!("{} {:?}: {said:?}", pair.name, profile.method) };
    let action = serde_json::to_value(action).unwrap();
    let content = payer::content(&action).unwrap_or_else(|| panic!("{} {:?}: nothing to scan in {action}", pair.name, profile.method));
    (attempt, content)
}

fn paid(pair: &mut Pair, profile: &MethodProfile, number: &str) -> AttemptRef {
    let (mut attempt, content) = placed(pair, profile, number);
    assert!(pair.scan(&content, Outcome::Pay));
    let said = pair.query(&mut attempt);
    assert_eq!(paid_amount(&said), Some(Fen(1280)), "{} {:?}: {said:?}", pair.name, profile.method);
    attempt
}

/// An order of any amount that its payer pays at once: what the channel answered first, and the attempt as it is then known.
pub fn paid_then_asked(pair: &mut Pair, number: &str, amount: Fen) -> (AttemptRef, Pay) {
    let (profile, order) = (first_online(pair), order());
    let mut attempt = pair.attempt(number, profile.method, &order);
    attempt.amount = amount;
    let reply = pair.pay(&mut attempt, &order).unwrap();
    let Pay::Waiting(action, _) = &reply else { panic!("{}: {reply:?}", pair.name) };
    let content = payer::content(&serde_json::to_value(action).unwrap()).unwrap();
    assert!(pair.scan(&content, Outcome::Pay));
    let _ = pair.query(&mut attempt);
    (attempt, reply)
}

fn first_online(pair: &Pair) -> MethodProfile {
    pair.methods(false).into_iter().next().unwrap()
}

#[test]
fn every_online_method_is_created_paid_called_back_and_queried() {
    for cast in casts::all() {
        let methods = cast.pair().methods(false);
        assert!(!methods.is_empty());
        for (n, profile) in methods.iter().enumerate() {
            let (mut pair, number, what) = (cast.pair(), number("AON", n), format!("{} {:?}", cast.what, profile.method));
            let (mut attempt, mut content) = placed(&mut pair, profile, &number);
            let early = pair.query(&mut attempt);
            assert!(!matches!(early, Pay::Paid(_) | Pay::Failed(_) | Pay::Closed | Pay::Reversed), "{what}: {early:?}");
            if profile.can_repeat {
                // The same again is the same order, with a fresh code; the older one may be dead.
                let Some(Pay::Waiting(action, _)) = pair.pay(&mut attempt, &order()) else { panic!("{what}: no fresh code") };
                content = payer::content(&serde_json::to_value(&action).unwrap()).unwrap();
            }
            assert!(pair.scan(&content, Outcome::Pay), "{what}");
            let told = pair.callbacks();
            assert_eq!(told.len(), usize::from(profile.calls_back), "{what}");
            for callback in &told {
                assert_eq!(callback.claims.contradiction(&attempt), None, "{what}");
                match pair.channel.profile().callback {
                    CallbackIs::Proof => assert!(matches!(&callback.says, Says::Payment(pay) if paid_amount(pay) == Some(Fen(1280))), "{what}"),
                    CallbackIs::Hint => assert!(matches!(callback.says, Says::Ask), "{what}: {:?}", callback.says),
                }
            }
            let said = pair.query(&mut attempt);
            assert_eq!(paid_amount(&said), Some(Fen(1280)), "{what}: {said:?}");
            let entry = pair.booth.sim.ledger().get(&number).unwrap();
            assert_eq!((entry.charges, entry.total), (1, Fen(1280)), "{what}");
            assert_eq!(pair.booth.sim.ledger().audit(), Ok(()), "{what}");
        }
    }
}

pub fn refund_of(attempt: &AttemptRef, number: &str, fen: i64, pair: &Pair) -> RefundRef {
    RefundRef {
        number: number.to_owned(),
        amount: Fen(fen),
        at: pair.now.second(),
        reason: Some("坏了".into()),
        payment: attempt.clone(),
        handles: Notes::new(),
    }
}

/// Asks about a refund until it is done: some channels answer at once, some later.
fn settled(pair: &mut Pair, refund: &mut RefundRef) -> Refund {
    for _ in 0..40 {
        pair.pass(30);
        match pair.query_refund(refund).unwrap() {
            Refund::Accepted(handles) => refund.handles.extend(handles),
            Refund::Unknown(why) => assert!(why.declined.is_none(), "{why:?}"),
            said => return said,
        }
    }
    panic!("{}: the refund never ended", pair.name);
}

#[test]
fn refunds_are_accepted_found_and_done_and_a_repeat_is_one() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let profile = first_online(&pair);
        let attempt = paid(&mut pair, &profile, &number("ARF", 1));
        pair.callbacks();
        let mut first = refund_of(&attempt, &number("RRF", 1), 300, &pair);
        let unheard = pair.query_refund(&first).unwrap();
        assert!(matches!(unheard, Refund::NotFound | Refund::Unknown(_)), "{}: {unheard:?}", cast.what);
        let said = pair.refund(&first).unwrap();
        assert!(matches!(said, Refund::Accepted(_) | Refund::Succeeded(_)), "{}: {said:?}", cast.what);
        if pair.channel.profile().refund.can_repeat {
            let again = pair.refund(&first).unwrap();
            assert!(!matches!(again, Refund::Failed(_)), "{}: {again:?}", cast.what);
        }
        let done = settled(&mut pair, &mut first);
        assert!(matches!(done, Refund::Succeeded(_)), "{}: {done:?}", cast.what);
        pair.pass(pair.channel.profile().refund.gap_s);
        let mut rest = refund_of(&attempt, &number("RRF", 2), 980, &pair);
        let _ = pair.refund(&rest).unwrap();
        assert!(matches!(settled(&mut pair, &mut rest), Refund::Succeeded(_)), "{}", cast.what);
        pair.pass(pair.channel.profile().refund.gap_s);
        let too_much = refund_of(&attempt, &number("RRF", 3), 1, &pair);
        let said = pair.refund(&too_much).unwrap();
        assert!(!matches!(said, Refund::Succeeded(_) | Refund::Accepted(_)), "{}: {said:?}", cast.what);
        let entry = pair.booth.sim.ledger().get(&attempt.number).unwrap();
        assert_eq!(entry.refunds.iter().map(|r| r.amount).collect::<Vec<_>>(), [Fen(300), Fen(980)], "{}", cast.what);
    }
}

#[test]
fn a_refunds_callback_names_it_and_contradicts_nothing() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let profile = first_online(&pair);
        let attempt = paid(&mut pair, &profile, &number("ARC", 1));
        pair.callbacks();
        let refund = refund_of(&attempt, &number("RRC", 1), 300, &pair);
        let _ = pair.refund(&refund).unwrap();
        for callback in pair.callbacks() {
            if callback.claims.refund_number.is_some() {
                assert_eq!(callback.claims.refund_contradiction(&refund), None, "{}: {callback:?}", cast.what);
            } else {
                assert_eq!(callback.claims.contradiction(&attempt), None, "{}: {callback:?}", cast.what);
            }
        }
    }
}

#[test]
fn a_close_is_confirmed_where_the_channel_can_and_a_paid_order_is_never_closed() {
    for cast in casts::all() {
        for (n, profile) in cast.pair().methods(false).iter().enumerate().filter(|(_, m)| m.can_close) {
            let (mut pair, what) = (cast.pair(), format!("{} {:?}", cast.what, profile.method));
            let (mut open, content) = placed(&mut pair, profile, &number("ACL", 2 * n));
            let said = pair.close(&open).unwrap();
            assert!(matches!(said, Undone::Closed | Undone::NotFound), "{what}: {said:?}");
            if said == Undone::Closed {
                assert!(!matches!(pair.query(&mut open), Pay::Waiting(..) | Pay::Paid(_)), "{what}");
                assert!(pair.booth.sim.scan(&sluice_simkit::Scan::of(&content, Outcome::Pay), pair.now).is_err(), "{what}: a closed code is dead");
            }
            let taken = paid(&mut pair, profile, &number("ACL", 2 * n + 1));
            let said = pair.close(&taken).unwrap();
            assert!(!matches!(said, Undone::Closed | Undone::NotFound | Undone::Returned), "{what}: {said:?}");
            assert_eq!(pair.booth.sim.ledger().get(&taken.number).unwrap().status, sluice_simkit::State::Paid, "{what}");
        }
    }
}

#[test]
fn what_never_arrived_is_not_found_or_unknown_and_never_an_end() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        for (n, profile) in pair.methods(false).iter().enumerate() {
            let mut never = pair.attempt(&number("ANV", n), profile.method, &order());
            let said = pair.query(&mut never);
            assert!(!matches!(said, Pay::Paid(_) | Pay::Failed(_) | Pay::Closed | Pay::Reversed), "{} {:?}: {said:?}", cast.what, profile.method);
        }
    }
}

/// A payment code shown at the counter.
fn shown(pair: &mut Pair, behaviour: Behaviour, n: usize) -> (AttemptRef, PayOrder, String) {
    let profile = pair.methods(true).into_iter().next().unwrap();
    let code = pair.booth.sim.issue_auth_code(behaviour, Fen(100_000), pair.now);
    let order = PayOrder { auth_code: Some(code.clone()), ..order() };
    (pair.attempt(&number("ACD", n), profile.method, &order), order, code)
}

#[test]
fn each_behaviour_of_a_payment_code_is_understood() {
    for cast in casts::all() {
        for (n, behaviour) in [Behaviour::Pay, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout].into_iter().enumerate() {
            let (mut pair, what) = (cast.pair(), format!("{} {behaviour:?}", cast.what));
            let (mut attempt, order, code) = shown(&mut pair, behaviour, n);
            let said = pair.pay(&mut attempt, &order).unwrap();
            match behaviour {
                Behaviour::Pay => {
                    let said = if paid_amount(&said).is_some() { said } else { pair.query(&mut attempt) };
                    assert_eq!(paid_amount(&said), Some(Fen(1280)), "{what}: {said:?}");
                }
                Behaviour::Password => {
                    assert!(matches!(said, Pay::Waiting(..) | Pay::Unknown(_)), "{what}: {said:?}");
                    pair.booth.sim.confirm(&code, pair.now).unwrap_or_else(|why| panic!("{what}: {}", why.0));
                    let said = pair.query(&mut attempt);
                    assert_eq!(paid_amount(&said), Some(Fen(1280)), "{what}: {said:?}");
                }
                Behaviour::Decline => assert!(matches!(said, Pay::Failed(_) | Pay::Unknown(_)), "{what}: {said:?}"),
                Behaviour::Timeout => {
                    assert!(matches!(said, Pay::Waiting(..) | Pay::Unknown(_)), "{what}: {said:?}");
                    pair.pass(20);
                    let undone = (0..6).find_map(|_| match pair.reverse(&attempt).unwrap() {
                        Undone::Busy | Undone::Unknown(_) => {
                            pair.pass(10);
                            None
                        }
                        done => Some(done),
                    });
                    assert!(matches!(undone, Some(Undone::Closed | Undone::Returned)), "{what}: {undone:?}");
                    let after = pair.query(&mut attempt);
                    assert!(matches!(after, Pay::Reversed | Pay::Closed | Pay::Failed(_)), "{what}: {after:?}");
                }
            }
            assert_eq!(pair.booth.sim.ledger().audit(), Ok(()), "{what}");
        }
    }
}

#[test]
fn a_paid_barcode_that_is_reversed_gives_the_money_back() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let rule = pair.methods(true)[0].reverse;
        assert!(rule.is_some(), "{}: a barcode can be reversed", cast.what);
        let (mut attempt, order, _) = shown(&mut pair, Behaviour::Pay, 9);
        let _ = pair.pay(&mut attempt, &order);
        pair.pass(rule.map_or(0, |rule| rule.earliest_s));
        let said = pair.reverse(&attempt).unwrap();
        let entry = pair.booth.sim.ledger().get(&attempt.number).unwrap().clone();
        match said {
            Undone::Closed | Undone::Returned => assert_eq!(entry.remaining(), Fen::ZERO, "{}", cast.what),
            // Some channels cancel only what was not paid: the gateway then refunds.
            Undone::Paid | Undone::Refused(_) => assert_eq!(entry.remaining(), Fen(1280), "{}", cast.what),
            other => panic!("{}: {other:?}", cast.what),
        }
    }
}

/// B1: a payment whose answer is lost is found by asking.
#[test]
fn a_charge_whose_answer_was_lost_is_found_by_its_number() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let (mut attempt, order, _) = shown(&mut pair, Behaviour::Pay, 3);
        pair.booth.add(Rule { api: Api::Pay, fault: Fault::LoseResponse, probability_ppm: 1_000_000, left: Some(1) });
        assert!(pair.pay(&mut attempt, &order).is_none(), "{}: the answer is lost", cast.what);
        let said = pair.query(&mut attempt);
        assert_eq!(paid_amount(&said), Some(Fen(1280)), "{}: {said:?}", cast.what);
        assert_eq!(pair.booth.sim.ledger().get(&attempt.number).unwrap().charges, 1, "{}", cast.what);
    }
}

/// B4: a refund whose answer is lost is the same refund when it is asked about, and when it is sent again where that is allowed.
#[test]
fn a_refund_whose_answer_was_lost_is_one_refund() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let profile = first_online(&pair);
        let attempt = paid(&mut pair, &profile, &number("ALR", 1));
        pair.booth.add(Rule { api: Api::Refund, fault: Fault::LoseResponse, probability_ppm: 1_000_000, left: Some(1) });
        let mut refund = refund_of(&attempt, &number("RLR", 1), 300, &pair);
        assert!(pair.refund(&refund).is_none(), "{}", cast.what);
        if pair.channel.profile().refund.can_repeat {
            let _ = pair.refund(&refund);
        }
        assert!(matches!(settled(&mut pair, &mut refund), Refund::Succeeded(_)), "{}", cast.what);
        assert_eq!(pair.booth.sim.ledger().get(&attempt.number).unwrap().refunds.len(), 1, "{}", cast.what);
    }
}

/// B7: nothing that is unsigned, unreadable or about something else is ever "paid", "failed" or "closed".
#[test]
fn no_lie_or_noise_of_the_channel_is_believed() {
    for cast in casts::all() {
        for fault in [Fault::Error500, Fault::BadSignature, Fault::Garbage, Fault::WrongAmount, Fault::WrongOrder] {
            let (mut pair, what) = (cast.pair(), format!("{} {fault:?}", cast.what));
            let profile = first_online(&pair);
            let (mut attempt, content) = placed(&mut pair, &profile, &number("ALI", 1));
            pair.scan(&content, Outcome::Pay);
            pair.booth.add(Rule { api: Api::Query, fault, probability_ppm: 1_000_000, left: None });
            let said = pair.query(&mut attempt);
            assert!(matches!(said, Pay::Unknown(_)), "{what}: {said:?}");
            pair.booth.clear();
            pair.booth.add(Rule { api: Api::Callback, fault, probability_ppm: 1_000_000, left: Some(1) });
            for callback in pair.callbacks() {
                assert!(callback.claims.contradiction(&attempt).is_some(), "{what}: {callback:?}");
            }
            pair.booth.clear();
            assert_eq!(paid_amount(&pair.query(&mut attempt)), Some(Fen(1280)), "{what}");
        }
    }
}

/// Bytes changed by dice that are the same in every run: flipped, cut, doubled, dropped, replaced.
struct Mutations(u64);

impl Mutations {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }

    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        let at = self.next(out.len());
        match self.next(6) {
            0 if !out.is_empty() => out[at] ^= 1 << self.next(8),
            1 => out.truncate(at),
            2 if !out.is_empty() => drop(out.remove(at)),
            3 => out.extend_from_slice(bytes),
            4 if !out.is_empty() => out[at] = b'0' + u8::try_from(self.next(10)).unwrap(),
            _ => out.insert(at, b"\"{}&=9 "[self.next(7)]),
        }
        out
    }
}

fn with_body(reply: &HttpReply, body: Vec<u8>) -> HttpReply {
    HttpReply { body: sluice_contract::Body::Bytes(body), ..reply.clone() }
}

/// The exchange of a step, and what the channel answers to it.
fn answered<T>(pair: &mut Pair, step: Step<T>) -> Option<(Exchange<T>, HttpReply)> {
    let Step::Send(exchange) = step else { return None };
    let reply = pair.reply(&exchange)?;
    Some((exchange, reply))
}

/// B7, 200 mutants of an honest answer per verb and channel: of a mutant nothing may follow but what the honest answer itself says.
#[test]
fn no_mutant_of_an_answer_says_anything_else() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let (profile, mut mutations, mut refused) = (first_online(&pair), Mutations(20_261_126), 0);
        let (attempt, _) = placed(&mut pair, &profile, &number("AMU", 1));
        let taken = paid(&mut pair, &profile, &number("AMU", 2));
        for (n, asked) in [(201, attempt), (202, taken)] {
            let env = sluice_contract::Env { now: pair.now.second(), entropy: [n; 32], notify_url: "http://gateway.test/notify/x" };
            let step = pair.channel.query(&asked, &env);
            let Some((exchange, reply)) = answered(&mut pair, step) else { continue };
            let honest = match exchange.read(&reply, &env) {
                Reading::Is(said) => Some(said),
                _ => None,
            };
            for _ in 0..200 {
                let mutant = with_body(&reply, mutations.mutate(reply.bytes()));
                match exchange.read(&mutant, &env) {
                    Reading::Is(Pay::Unknown(_)) | Reading::NeedKeys(_) => refused += 1,
                    Reading::Is(said) => assert_eq!(Some(said), honest, "{}: a mutant was believed", cast.what),
                    Reading::Then(_) => {}
                }
            }
        }
        assert!(refused >= 380, "{}: only {refused} of 400 mutants were refused", cast.what);
        let refund = refund_of(&paid(&mut pair, &profile, &number("AMU", 3)), &number("RMU", 1), 300, &pair);
        let env = sluice_contract::Env { now: pair.now.second(), entropy: [203; 32], notify_url: "http://gateway.test/notify/x" };
        let step = pair.channel.refund(&refund, &env);
        if let Some((exchange, reply)) = answered(&mut pair, step) {
            let honest = matches!(exchange.read(&reply, &env), Reading::Is(Refund::Failed(_)));
            for _ in 0..200 {
                let mutant = with_body(&reply, mutations.mutate(reply.bytes()));
                let failed = matches!(exchange.read(&mutant, &env), Reading::Is(Refund::Failed(_)));
                assert!(!failed || honest, "{}: a mutant failed a refund", cast.what);
            }
        }
    }
}

/// C1, C2: changed callbacks, callbacks with another key, and callbacks whose algorithm words were changed are never believed.
#[test]
fn no_forged_callback_is_believed() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let profile = pair.methods(false).into_iter().find(|m| m.calls_back).unwrap();
        let (attempt, content) = placed(&mut pair, &profile, &number("AFO", 1));
        pair.scan(&content, Outcome::Pay);
        let honest = pair.deliveries().into_iter().next().unwrap_or_else(|| panic!("{}: no callback", cast.what));
        let told = pair.hear(&honest).unwrap_or_else(|why| panic!("{}: {why:?}", cast.what));
        assert_eq!(told.claims.contradiction(&attempt), None, "{}", cast.what);
        let mut mutations = Mutations(99);
        for n in 0..200 {
            let forged = Delivery { body: mutations.mutate(&honest.body), ..honest.clone() };
            if let Ok(believed) = pair.hear(&forged) {
                // Some bytes carry no meaning (white space, an encoding's case): then nothing else may have changed.
                assert_eq!((believed.claims, believed.says), (told.claims.clone(), told.says.clone()), "{}: forgery {n}", cast.what);
            }
        }
        for gone in 0..honest.headers.0.len() {
            let mut forged = honest.clone();
            forged.headers.0.remove(gone);
            if let Ok(believed) = pair.hear(&forged) {
                assert_eq!(believed.claims, told.claims, "{}: without {:?}", cast.what, honest.headers.0[gone]);
            }
        }
        let none = Delivery { body: Vec::new(), ..honest.clone() };
        assert!(pair.hear(&none).is_err(), "{}: an empty body", cast.what);
        another_key(&cast, &mut pair);
    }
}

/// The same channel with other keys: a callback that is right in everything but its signer.
fn another_key(cast: &Cast, ours: &mut Pair) {
    let mut theirs = Pair::with(cast.listed, (cast.listed.sandbox)(3));
    let profile = theirs.methods(false).into_iter().find(|m| m.calls_back).unwrap();
    let (_, content) = placed(&mut theirs, &profile, &number("AFO", 1));
    theirs.scan(&content, Outcome::Pay);
    let foreign = theirs.deliveries().into_iter().next().unwrap();
    assert!(theirs.hear(&foreign).is_ok(), "{}: it is good where it belongs", cast.what);
    assert!(ours.hear(&foreign).is_err(), "{}: another key was believed", cast.what);
}

/// What a channel would refuse is refused by the adapter first, with the field it is about.
#[test]
fn what_the_profile_excludes_is_refused_before_anything_is_sent() {
    for cast in casts::all() {
        let mut pair = cast.pair();
        let profile = first_online(&pair);
        let limits = pair.channel.profile().clone();
        let good = pair.attempt(&number("AEX", 1), profile.method, &order());
        let too_much = AttemptRef { amount: limits.amount_max.plus(Fen(1)).unwrap(), memo: Notes::new(), ..good.clone() };
        let too_long = AttemptRef { expires_at: good.at.plus(profile.expires_in_max_s + 1), memo: Notes::new(), ..good.clone() };
        let nothing = AttemptRef { amount: Fen(0), memo: Notes::new(), ..good.clone() };
        for (bad, field) in [(too_much, "amount"), (too_long, "expires_in"), (nothing, "amount")] {
            let refused = pair.channel.admit(&bad, &order()).expect_err(field);
            assert_eq!(refused.kind, sluice_contract::RefusalKind::Field(field), "{}: {refused:?}", cast.what);
        }
        for profile in pair.methods(true) {
            let bare = pair.channel.admit(&AttemptRef { method: profile.method, ..good.clone() }, &order()).expect_err("no code");
            assert_eq!(bare.kind, sluice_contract::RefusalKind::Field("auth_code"), "{}", cast.what);
        }
    }
}

/// What `GET /credentials` tells an independent client opens the account that the table describes.
#[test]
fn credentials_are_told_whole() {
    for cast in casts::usual() {
        let sim = (cast.listed.fixed)(7);
        let told = sim.credentials("http://channel.test");
        assert_eq!(told["base_url"], "http://channel.test", "{}", cast.what);
        let table: toml::Table = sim.account_toml("http://channel.test").parse().unwrap();
        for name in cast.listed.identity_keys.iter().filter(|name| **name != "mode") {
            assert_eq!(told[*name].as_str(), table["account"][0]["credentials"][*name].as_str(), "{}: {name}", cast.what);
        }
    }
}
