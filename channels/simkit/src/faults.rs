//! Faults on purpose. The dice are seeded; the same seed and the same calls give the same faults.

use crate::simulator::{Call, Delivery, Simulator};
use sluice_contract::{HttpReply, Millis};

/// What a fault is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Pay,
    Query,
    Close,
    Reverse,
    Refund,
    QueryRefund,
    Bill,
    Callback,
}

impl Api {
    #[must_use]
    pub fn from_word(word: &str) -> Option<Api> {
        Some(match word {
            "pay" => Api::Pay,
            "query" => Api::Query,
            "close" => Api::Close,
            "reverse" => Api::Reverse,
            "refund" => Api::Refund,
            "query_refund" => Api::QueryRefund,
            "bill" => Api::Bill,
            "callback" => Api::Callback,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes before the request is executed.
    LoseRequest,
    /// Executed; the connection closes without an answer.
    LoseResponse,
    Error500,
    /// The connection is reset before the request is executed.
    Reset,
    /// Executed; the answer comes this much later.
    Delay {
        ms: u64,
    },
    BadSignature,
    Garbage,
    /// Executed twice over (callbacks: sent twice).
    Duplicate,
    /// Callbacks: kept back until the faults are cleared. Calls: executed, answered when cleared or after a minute.
    Hold,
    /// A validly signed lie.
    WrongAmount,
    WrongOrder,
}

impl Fault {
    /// `delay:250` carries its milliseconds.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Fault> {
        if let Some(ms) = word.strip_prefix("delay:") {
            return ms.parse().ok().map(|ms| Fault::Delay { ms });
        }
        Some(match word {
            "lose_request" => Fault::LoseRequest,
            "lose_response" => Fault::LoseResponse,
            "error_500" => Fault::Error500,
            "reset" => Fault::Reset,
            "bad_signature" => Fault::BadSignature,
            "garbage" => Fault::Garbage,
            "duplicate" => Fault::Duplicate,
            "hold" => Fault::Hold,
            "wrong_amount" => Fault::WrongAmount,
            "wrong_order" => Fault::WrongOrder,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub api: Api,
    pub fault: Fault,
    /// 1_000_000 is always.
    pub probability_ppm: u32,
    /// How often it still strikes; `None`: without end.
    pub left: Option<u32>,
}

/// What the shell around a simulator has to do with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    Reply(HttpReply),
    /// Answer after this long.
    Late {
        after_ms: u64,
        reply: HttpReply,
    },
    /// Close the connection without an answer.
    Closed,
    Reset,
}

/// A simulator with its dice.
pub struct Booth {
    pub sim: Box<dyn Simulator>,
    dice: Dice,
}

impl Booth {
    #[must_use]
    pub fn new(sim: Box<dyn Simulator>, seed: u64) -> Booth {
        Booth { sim, dice: Dice { rules: Vec::new(), state: seed | 1 } }
    }

    pub fn add(&mut self, rule: Rule) {
        self.dice.rules.push(rule);
    }

    /// No faults from now on; what they held back goes out.
    pub fn clear(&mut self) {
        self.dice.rules.clear();
        self.sim.release();
    }

    /// Draws the fault of one use of an API: the first rule that strikes.
    pub fn draw(&mut self, api: Api) -> Option<Fault> {
        self.dice.draw(api)
    }

    /// The callbacks due by `now`, each with the fault drawn for it.
    pub fn due(&mut self, now: Millis) -> Vec<Delivery> {
        let dice = &mut self.dice;
        self.sim.due(now, &mut || dice.draw(Api::Callback))
    }

    /// One call, with the fault drawn for it.
    pub fn serve(&mut self, call: &Call, now: Millis) -> Served {
        let fault = self.sim.api_of(call).and_then(|api| self.draw(api));
        match fault {
            Some(Fault::LoseRequest) => Served::Closed,
            Some(Fault::Reset) => Served::Reset,
            Some(Fault::LoseResponse) => {
                self.sim.serve(call, now, None);
                Served::Closed
            }
            Some(Fault::Delay { ms }) => Served::Late { after_ms: ms, reply: self.sim.serve(call, now, None) },
            Some(Fault::Hold) => Served::Late { after_ms: 60_000, reply: self.sim.serve(call, now, None) },
            Some(Fault::Duplicate) => {
                self.sim.serve(call, now, None);
                Served::Reply(self.sim.serve(call, now, None))
            }
            other => Served::Reply(self.sim.serve(call, now, other)),
        }
    }
}

/// The rules and the seeded chance that applies them.
struct Dice {
    rules: Vec<Rule>,
    state: u64,
}

impl Dice {
    fn draw(&mut self, api: Api) -> Option<Fault> {
        for index in 0..self.rules.len() {
            let roll = self.roll();
            if let Some(rule) = self.rules.get_mut(index)
                && rule.api == api
                && rule.left != Some(0)
                && roll % 1_000_000 < u64::from(rule.probability_ppm)
            {
                rule.left = rule.left.map(|n| n.saturating_sub(1));
                return Some(rule.fault);
            }
        }
        None
    }

    /// xorshift64*: small, seeded, good enough for dice.
    fn roll(&mut self) -> u64 {
        let mut x = self.state;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.state = x;
        x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }
}

#[cfg(test)]
mod tests {
    use super::{Api, Dice, Fault, Rule};

    fn rule(api: Api, probability_ppm: u32, left: Option<u32>) -> Rule {
        Rule { api, fault: Fault::Error500, probability_ppm, left }
    }

    #[test]
    fn a_counted_rule_strikes_that_often_and_only_its_api() {
        let mut dice = Dice { rules: vec![rule(Api::Pay, 1_000_000, Some(2))], state: 7 };
        assert_eq!(dice.draw(Api::Query), None);
        assert_eq!((0..4).filter(|_| dice.draw(Api::Pay).is_some()).count(), 2);
    }

    #[test]
    fn the_same_seed_gives_the_same_faults_at_about_the_asked_rate() {
        let run = || {
            let mut dice = Dice { rules: vec![rule(Api::Pay, 250_000, None)], state: 41 };
            (0..4_000).map(|_| dice.draw(Api::Pay).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        let struck = run().into_iter().filter(|s| *s).count();
        assert!((850..1_150).contains(&struck), "{struck} of 4000");
    }
}
