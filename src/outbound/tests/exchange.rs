//! Following: chains, keys, and which loss is which.

use super::channel::{Keys, Script, World, request};
use crate::outbound::{Class, Followed, Purpose, Renewals, WireError, follow};
use sluice_contract::{Exchange, HttpReply, Millis, Reading};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

fn answer(body: &str) -> Result<HttpReply, WireError> {
    Ok(HttpReply::new(200, &[], body))
}

fn not_sent() -> Result<HttpReply, WireError> {
    Err(WireError::NotSent("refused".into()))
}

fn maybe_sent() -> Result<HttpReply, WireError> {
    Err(WireError::MaybeSent("reset".into()))
}

/// Asks `deeper` more times before the reply counts.
fn chain(deeper: usize) -> Exchange<String> {
    Exchange::new(request("/chain"), move |reply, _| match deeper {
        0 => Reading::Is(String::from_utf8_lossy(reply.bytes()).into_owned()),
        _ => Reading::Then(chain(deeper - 1)),
    })
}

async fn run(answers: Vec<Result<HttpReply, WireError>>, step: Exchange<String>) -> (Followed<String>, usize) {
    let (script, world) = (Script::of(answers), World::default());
    let followed = follow(&script, &Keys::new(), step, &world).await;
    (followed, script.left())
}

#[tokio::test]
async fn a_reply_is_read_and_noted_without_its_secrets() {
    let (script, world) = (Script::of(vec![answer(r#"{"trade_state":"SUCCESS","payer":{"openid":"hush"}}"#)]), World::default());
    let step = Exchange::new(request("/v3/pay"), |reply, env| Reading::Is((reply.status, env.notify_url.to_owned())));
    let followed = follow(&script, &Keys::new(), step, &world).await;
    assert_eq!(followed, Followed::Is((200, "https://pay.example.com/notify/wx-main".to_owned())));
    let [noted] = &world.noted()[..] else { panic!("{:?}", world.noted()) };
    assert_eq!((noted.purpose, noted.class, noted.status, noted.ms), (Purpose::Asked, Class::Answered, Some(200), 7));
    assert_eq!(noted.place, "https://channel.example/v3/pay");
    assert_eq!(noted.text, r#"{"out_trade_no":"S1"} {"trade_state":"SUCCESS"} "#);
}

#[tokio::test]
async fn every_reading_gets_fresh_entropy_and_time() {
    let seen: Arc<Mutex<Vec<(u8, i64)>>> = Arc::default();
    let (script, world, channel) = (Script::of(vec![answer("locked"), answer("keys")]), World::default(), Keys::new());
    let (installed, seen_by) = (Arc::clone(&channel.installed), Arc::clone(&seen));
    world.clock.store(990, Ordering::SeqCst);
    let step = Exchange::new(request("/"), move |_, env| {
        seen_by.lock().unwrap().push((env.entropy[0], env.now.0));
        match installed.load(Ordering::SeqCst) {
            true => Reading::Is(()),
            false => Reading::NeedKeys(sluice_contract::KeyHint { key_id: "K9".into() }),
        }
    });
    assert_eq!(follow(&script, &channel, step, &world).await, Followed::Is(()));
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].0 != seen[1].0 && seen[1].1 >= 1, "{seen:?}");
}

#[tokio::test]
async fn a_chain_is_followed_four_exchanges_and_no_further() {
    for deeper in 0..4 {
        let (followed, left) = run(vec![answer("end"); deeper + 1], chain(deeper)).await;
        assert_eq!((followed, left), (Followed::Is("end".into()), 0));
    }
    let (followed, left) = run(vec![answer("end"); 5], chain(4)).await;
    assert!(matches!(followed, Followed::MaybeSent(_)), "{followed:?}");
    assert_eq!(left, 1);
}

#[tokio::test]
async fn only_a_first_request_that_never_left_is_not_sent() {
    assert_eq!(run(vec![not_sent()], chain(1)).await.0, Followed::NotSent("refused".into()));
    assert_eq!(run(vec![maybe_sent()], chain(1)).await.0, Followed::MaybeSent("reset".into()));
    assert_eq!(run(vec![answer(""), not_sent()], chain(1)).await.0, Followed::MaybeSent("refused".into()));
    assert_eq!(run(vec![answer(""), maybe_sent()], chain(1)).await.0, Followed::MaybeSent("reset".into()));
}

#[tokio::test]
async fn missing_keys_are_renewed_installed_stored_and_the_same_reply_is_read_again() {
    let (script, world, channel) = (Script::of(vec![answer("paid"), answer("keys")]), World::default(), Keys::new());
    let followed = follow(&script, &channel, channel.locked(), &world).await;
    assert_eq!(followed, Followed::Is("paid at 0".into()));
    assert_eq!(*world.stored.lock().unwrap(), ["K9"]);
    let purposes: Vec<Purpose> = world.noted().iter().map(|n| n.purpose).collect();
    assert_eq!(purposes, [Purpose::Asked, Purpose::Renewal]);
}

#[tokio::test]
async fn a_reply_that_stays_locked_is_maybe_sent_whatever_the_renewal_did() {
    let renewals = [vec![answer("keys, but signed with unknown keys")], vec![not_sent()], vec![maybe_sent()]];
    for renewal in renewals {
        let (script, world, channel) = (Script::of([vec![answer("paid")], renewal].concat()), World::default(), Keys::new());
        let followed = follow(&script, &channel, channel.locked(), &world).await;
        assert!(matches!(&followed, Followed::MaybeSent(why) if why.starts_with("keys unknown") && why.contains("K9")), "{followed:?}");
        assert_eq!((script.left(), world.stored.lock().unwrap().len()), (0, 0));
    }
    for (refuses_to_renew, refuses_to_install) in [(true, false), (false, true)] {
        let channel = Keys { refuses_to_renew, refuses_to_install, ..Keys::new() };
        let (script, world) = (Script::of(vec![answer("paid"), answer("keys")]), World::default());
        let followed = follow(&script, &channel, channel.locked(), &world).await;
        assert!(matches!(followed, Followed::MaybeSent(_)), "{followed:?}");
        assert_eq!(world.stored.lock().unwrap().len(), 0);
        assert_eq!(world.refused.lock().unwrap().len(), 0, "not for good");
    }
}

#[tokio::test]
async fn a_channel_that_will_not_renew_for_good_is_told_on() {
    let (script, world, channel) = (Script::of(vec![answer("paid"), answer("never")]), World::default(), Keys::new());
    let followed = follow(&script, &channel, channel.locked(), &world).await;
    assert!(matches!(&followed, Followed::MaybeSent(why) if why.contains("will not renew")), "{followed:?}");
    assert_eq!(*world.refused.lock().unwrap(), ["K9"]);
}

#[tokio::test]
async fn a_reader_that_asks_for_keys_for_ever_is_renewed_once() {
    let (script, world) = (Script::of(vec![answer("paid"), answer("keys"), answer("keys")]), World::default());
    let step: Exchange<()> = Exchange::new(request("/"), |_, _| Reading::NeedKeys(sluice_contract::KeyHint { key_id: "K".into() }));
    let followed = follow(&script, &Keys::new(), step, &world).await;
    assert!(matches!(followed, Followed::MaybeSent(_)), "{followed:?}");
    assert_eq!(script.left(), 1);
}

#[tokio::test]
async fn an_account_renews_once_a_minute() {
    let (world, channel) = (World::default(), Keys::new());
    let script = Script::of(vec![answer("paid"), maybe_sent(), answer("paid"), answer("paid"), answer("keys")]);
    assert!(matches!(follow(&script, &channel, channel.locked(), &world).await, Followed::MaybeSent(_)));
    // Within the minute: the reply is taken, no renewal is sent.
    let second = follow(&script, &channel, channel.locked(), &world).await;
    assert!(matches!(&second, Followed::MaybeSent(why) if why.contains("less than a minute")), "{second:?}");
    assert_eq!(script.left(), 2);
    world.clock.fetch_add(60_000, Ordering::SeqCst);
    assert!(matches!(follow(&script, &channel, channel.locked(), &world).await, Followed::Is(_)));
}

/// Found under load: the second of two replies with a new key was called unknown while the first one's renewal was under way.
#[tokio::test]
async fn whoever_needs_keys_that_are_being_fetched_waits_for_them() {
    let (script, world, channel) = (Script::of(vec![answer("paid"), answer("paid"), answer("keys")]), World::default(), Keys::new());
    let both = tokio::join!(follow(&script, &channel, channel.locked(), &world), follow(&script, &channel, channel.locked(), &world));
    assert_eq!(both, (Followed::Is("paid at 0".into()), Followed::Is("paid at 0".into())));
    assert_eq!(script.left(), 0, "one renewal served both");
}

#[test]
fn the_limit_is_per_account_and_survives_a_clock_set_back() {
    let renewals = Renewals::default();
    let at = |account, ms| renewals.may_renew(account, Millis(ms));
    assert_eq!((at("a", 0), at("a", 59_999), at("b", 59_999), at("a", 60_000)), (true, false, true, true));
    assert_eq!((at("a", 30_000), at("a", 89_999), at("a", 90_000)), (true, false, true));
}

#[test]
fn following_can_be_spawned() {
    fn spawnable<F: Future + Send>(future: F) {
        drop(future);
    }
    let (script, world, channel) = (Script::of(Vec::new()), World::default(), Keys::new());
    spawnable(follow(&script, &channel, channel.locked(), &world));
}
