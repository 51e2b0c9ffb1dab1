//! What an adapter costs beside its own cryptography: one order is its request built and signed, and its reply verified and read.
//! The yardstick is the same number of signatures and verifications by the same libraries over bytes of the same length, timed in
//! turn with it.

use crate::Bench;
use crate::meter::thread_cpu;
use crate::subject::Done;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::{rand::SystemRandom, signature};
use sluice::channels::{CHANNELS, Listed};
use sluice_contract::{
    AccountConfig, AttemptRef, Channel, Env, Exchange, Fen, HttpReply, HttpRequest, Millis, Notes, Pay, PayOrder, Reader, Reading, Step,
};
use sluice_kit::rsa::{PublicKey, Strength};
use sluice_simkit::{Call, Simulator};
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use std::hint::black_box;
use std::time::Duration;

/// Enough that a tick of the kernel's clock (10 ms) is 4 µs of an order.
const ORDERS: u32 = 2_500;
const ROUNDS: usize = 5;
pub const NOW: Millis = Millis(1_795_395_600_000);
/// The most an adapter may cost, in its own cryptography.
const BAR: f64 = 1.2;

/// One signature and one verification, as a channel makes them.
enum Crypto {
    Rsa { sign: KeyPair, verify: PublicKey, length: usize },
    Sm2(Box<(SigningKey, VerifyingKey, Signature)>),
}

impl Crypto {
    fn of(channel: &str, sim: &dyn Simulator) -> Done<Crypto> {
        if channel == "cmb" {
            let sign = SigningKey::from_slice("1234567812345678", &[7; 32])?;
            let verify = sign.verifying_key().clone();
            let signature = sign.sign(b"any");
            return Ok(Crypto::Sm2(Box::new((sign, verify, signature))));
        }
        let sign = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "a key")?;
        // ICBC's gateway answers with RSA-1024 and SHA-1; all others with RSA-2048 and SHA-256.
        let (verify, length) = if channel == "icbc" {
            let told = sim.credentials("http://icbc.test");
            (PublicKey::read(told["gateway_public_key"].as_str().unwrap_or_default(), Strength::Sha1Short)?, 128)
        } else {
            let spki: PublicKeyX509Der<'_> = sign.public_key().as_der().map_err(|_| "a key")?;
            (PublicKey::from_der(spki.as_ref(), Strength::Sha256)?, 256)
        };
        Ok(Crypto::Rsa { sign, verify, length })
    }

    fn run(&self, request: &[u8], reply: &[u8]) {
        match self {
            Crypto::Rsa { sign, verify, length } => {
                let mut signed = vec![0; sign.public_modulus_len()];
                let _ = black_box(sign.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), request, &mut signed));
                // A signature that does not hold costs what one that holds does.
                black_box(verify.verifies(reply, &vec![1; *length]));
            }
            Crypto::Sm2(keys) => {
                let (sign, verify, signature) = keys.as_ref();
                black_box(sign.sign(request));
                let _ = black_box(verify.verify(reply, signature));
            }
        }
    }
}

/// An adapter and its pretend channel, without sockets: the same each time it is opened.
pub struct Desk {
    pub sim: Box<dyn Simulator>,
    pub channel: Box<dyn Channel>,
    base: String,
    notify_url: String,
    orders: u64,
}

impl Desk {
    pub fn open(listed: &Listed) -> Done<Desk> {
        let sim = (listed.fixed)(7);
        let base = format!("http://{}.test", listed.name);
        let table: toml::Table = sim.account_toml(&base).parse()?;
        let account = serde_json::to_value(&table["account"][0])?;
        let credentials = Reader::root("credentials", &account["credentials"]);
        let config = AccountConfig { id: "bench", base_url: &base, sandbox: true, methods: None, credentials, previous: None };
        let channel = (listed.open)(config).map_err(|problems| format!("{problems:?}"))?;
        Ok(Desk { sim, channel, base, notify_url: "http://gateway.test/notify/bench".to_owned(), orders: 0 })
    }

    pub fn env(&self, nth: u64) -> Env<'_> {
        let mut entropy = [7; 32];
        entropy[..8].copy_from_slice(&nth.to_le_bytes());
        Env { now: NOW.second(), entropy, notify_url: &self.notify_url }
    }

    pub fn attempt(&mut self) -> Done<(AttemptRef, PayOrder, u64)> {
        self.orders += 1;
        let profile = self.channel.profile().methods.iter().find(|m| !m.method.is_barcode() && m.required.is_empty()).ok_or("a method")?;
        let order = PayOrder { subject: "一箱苹果".into(), ..PayOrder::default() };
        let mut attempt = AttemptRef {
            number: format!("A{:0>26}", self.orders),
            amount: Fen(1280),
            method: profile.method,
            at: NOW.second(),
            expires_at: NOW.second().plus(900),
            app_id: None,
            sub: Notes::new(),
            memo: Notes::new(),
            handles: Notes::new(),
        };
        attempt.memo = self.channel.admit(&attempt, &order).map_err(|refusal| refusal.inner)?;
        Ok((attempt, order, self.orders))
    }

    /// What the pretend channel answers.
    pub fn served(&mut self, request: &HttpRequest) -> HttpReply {
        let mut headers = request.headers.clone();
        headers.push("Host", self.base.trim_start_matches("http://"));
        let target = request.url.trim_start_matches(&self.base).to_owned();
        self.sim.serve(&Call { verb: request.verb, target, headers, body: request.body.clone() }, NOW, None)
    }

    /// Processor time of building and of reading `ORDERS` orders, and the bytes of the last one.
    fn round(&mut self) -> Done<(Duration, Vec<u8>, Vec<u8>)> {
        let asked = (0..ORDERS).map(|_| self.attempt()).collect::<Done<Vec<_>>>()?;
        let before = thread_cpu();
        let steps: Vec<Step<Pay>> = asked.iter().map(|(attempt, order, nth)| self.channel.pay(attempt, order, &self.env(*nth))).collect();
        let mut spent = thread_cpu() - before;
        let exchanges: Vec<Exchange<Pay>> =
            steps.into_iter().filter_map(|step| if let Step::Send(exchange) = step { Some(exchange) } else { None }).collect();
        let mut replies = Vec::new();
        for exchange in &exchanges {
            replies.push(self.served(&exchange.request));
        }
        let before = thread_cpu();
        for (nth, (exchange, reply)) in (1_000_000..).zip(exchanges.iter().zip(&replies)) {
            if !matches!(exchange.read(reply, &self.env(nth)), Reading::Is(Pay::Waiting(..))) {
                return Err("a reply was not read as a placed order".into());
            }
        }
        spent += thread_cpu() - before;
        let last = exchanges.last().zip(replies.last()).ok_or("no order was sent")?;
        Ok((spent, last.0.request.body.clone(), last.1.bytes().to_vec()))
    }
}

impl Bench {
    pub fn adapters(&mut self) -> Done {
        println!(
            "adapters: an order's request built and signed, its reply verified and read; {ROUNDS} rounds of {ORDERS} in turn, the least of each:"
        );
        for listed in CHANNELS {
            let mut desk = Desk::open(listed)?;
            let crypto = Crypto::of(listed.name, desk.sim.as_ref())?;
            let (mut adapter, mut bare) = (Duration::MAX, Duration::MAX);
            for _ in 0..ROUNDS {
                let (spent, request, reply) = desk.round()?;
                adapter = adapter.min(spent / ORDERS);
                let before = thread_cpu();
                (0..ORDERS).for_each(|_| crypto.run(&request, &reply));
                bare = bare.min((thread_cpu() - before) / ORDERS);
            }
            println!("    {:<9} {adapter:>9.1?} of which cryptography {bare:>9.1?}", listed.name);
            self.line(
                &format!("{}: an order at the adapter", listed.name),
                adapter.as_secs_f64() / bare.as_secs_f64(),
                "× its cryptography",
                Some(BAR),
            );
        }
        Ok(())
    }
}
