//! Risk and limits around a new order: what each candidate asks, and what a merchant is told when nothing is left.

use super::candidates::Walk;
use super::directory::{Account, Directory};
use super::place_order::OrderRequest;
use super::{Code, Gateway, Refused};
use crate::domain::limit::{Asked, PassedOver, Per, Subjects, Why};
use crate::domain::risk::{Decision, Question};
use crate::domain::when::{self, Facts};
use crate::store::{Answer, Query};
use serde_json::json;
use sluice_contract::{Fen, Millis, Problem};
use std::net::IpAddr;

/// Who pays and for whom, as keyed hashes: counters and block lists never hold an id.
#[derive(Clone, Debug, Default)]
pub struct Hashed {
    pub payers: Vec<String>,
    pub customer: Option<String>,
}

impl Gateway {
    /// The keyed hash of one of a payer's ids.
    #[must_use]
    pub fn payer_hash(&self, id: &str) -> String {
        self.sealer.token("limit payer", id)
    }

    /// A customer is a merchant's own: the same id of another merchant is somebody else.
    #[must_use]
    pub fn customer_hash(&self, merchant_id: &str, customer_id: &str) -> String {
        self.sealer.token("limit customer", &format!("{merchant_id}\n{customer_id}"))
    }

    pub(super) fn hashed(&self, directory: &Directory, merchant_id: &str, request: &OrderRequest) -> Hashed {
        let payer = &request.payer;
        let ids = [&payer.openid, &payer.buyer_id, &payer.buyer_open_id].into_iter().flatten();
        let wanted = |per: Per| directory.limits.count_by(per) || directory.has_blocks;
        Hashed {
            payers: ids.filter(|_| wanted(Per::Payer)).map(|id| self.payer_hash(id)).collect(),
            customer: payer.customer_id.as_ref().filter(|_| wanted(Per::Customer)).map(|id| self.customer_hash(merchant_id, id)),
        }
    }

    /// Before the limits, before anything is stored.
    pub(super) fn judge_risk(
        &self,
        directory: &Directory,
        merchant_id: &str,
        request: &OrderRequest,
        hashed: &Hashed,
    ) -> Result<Decision, Refused> {
        let decision = risk_of(directory, merchant_id, request, hashed);
        let Decision::Refuse { by, rule } = &decision else { return Ok(decision) };
        self.metrics.risk_refused(by);
        tracing::warn!(merchant = merchant_id, merchant_order_no = request.merchant_order_no, by, rule, "risk control refused an order");
        Err(risk_refused())
    }

    /// What the merchant learns: the rules by name and when the first of them opens; never what others have used.
    pub(super) async fn over_limit(&self, passed: Vec<PassedOver>, amount: Fen, now: Millis) -> Refused {
        passed.iter().for_each(|passed| self.metrics.limit(&passed.limit, "refused"));
        let limits: Vec<&str> = passed.iter().map(|passed| passed.limit.as_str()).collect();
        tracing::info!(amount = amount.0, ?limits, "an order was refused by a limit");
        self.refusal_of_limits(passed, now).await
    }

    /// The same without counting it.
    pub(super) async fn refusal_of_limits(&self, mut passed: Vec<PassedOver>, now: Millis) -> Refused {
        for passed in &mut passed {
            self.look_up_opening(passed, now).await;
        }
        let opens_first = |p: &&PassedOver| (p.opens_at.is_none(), p.opens_at);
        let Some(first) = passed.iter().min_by_key(opens_first) else { return Refused::new(Code::LimitExceeded, "a limit is reached") };
        let retryable = passed.iter().any(|p| matches!(p.why, Why::Error(_)));
        let members = vec![("limit", json!(first.limit)), ("opens_at", json!(first.opens_at.map(Millis::rfc3339)))];
        let mut errors: Vec<Problem> = passed.iter().map(problem).collect();
        errors.dedup();
        let inner = passed.iter().find_map(|p| if let Why::Error(why) = &p.why { Some(format!("limit {}: {why}", p.limit)) } else { None });
        Refused { errors, inner, retryable: Some(retryable), members, ..Refused::new(Code::LimitExceeded, sentence(first)) }
    }

    /// A rolling window opens by what leaves it.
    async fn look_up_opening(&self, passed: &mut PassedOver, now: Millis) {
        let Why::Full { key, need, rolling_ms: Some(ms) } = &passed.why else { return };
        let query = Query::Leaves { key: key.as_ref().clone(), edge: now.plus_ms(ms.saturating_neg()), need: *need };
        if let Ok(Answer::Leaves(at)) = self.store.read(query).await {
            passed.opens_at = at.map(|at| at.plus_ms(*ms));
        }
    }
}

/// What risk control says of a request.
pub(super) fn risk_of(directory: &Directory, merchant_id: &str, request: &OrderRequest, hashed: &Hashed) -> Decision {
    let canonical = |ip: &String| ip.parse::<IpAddr>().ok().map(|ip| ip.to_canonical().to_string());
    let client_ip = request.client_ip.as_ref().filter(|_| directory.has_blocks).and_then(canonical);
    directory.risk.judge(&Question {
        merchant_id,
        amount_fen: request.amount.0,
        payers: &hashed.payers,
        customer: hashed.customer.as_deref(),
        client_ip: client_ip.as_deref(),
        auth_code: request.auth_code.as_deref(),
    })
}

pub(super) fn risk_refused() -> Refused {
    Refused::new(Code::RiskRefused, "risk control refused this payment; ask the operator of this gateway")
}

impl Walk<'_> {
    /// What the order asks of the limits at this account.
    pub(super) fn ask_limits(&self, account: &Account) -> Result<Asked, PassedOver> {
        let hashed = self.hashed;
        let subjects = Subjects { payer: hashed.payers.first().map(String::as_str), customer: hashed.customer.as_deref() };
        self.directory.limits.ask(&facts(self, Some(account)), subjects, self.order.expires_at)
    }
}

/// The order as predicates see it; without a candidate where none is chosen yet.
pub(super) fn facts<'a>(walk: &'a Walk<'_>, candidate: Option<&'a Account>) -> Facts<'a> {
    let request = walk.request;
    Facts {
        order: when::Asked {
            merchant_order_no: &request.merchant_order_no,
            amount: request.amount,
            currency: "CNY",
            subject: &request.subject,
            method: walk.method.word(),
            app_id: request.app_id.as_deref(),
            store: request.store.as_deref(),
            operator_id: request.operator_id.as_deref(),
            auth_means: request.auth_means.as_deref(),
            h5_type: request.h5_type.as_deref(),
            client_ip: request.client_ip.as_deref(),
            expires_in: request.expires_in,
            account: request.account.as_deref(),
            terminal: request.terminal.as_ref(),
            metadata: &request.metadata,
        },
        payer: &request.payer,
        merchant_id: &walk.merchant.merchant.id,
        merchant_name: &walk.merchant.merchant.name,
        account: candidate.map_or("", |account| &account.id),
        channel: candidate.map_or("", |account| account.channel.profile().channel),
        now: walk.at,
    }
}

fn problem(passed: &PassedOver) -> Problem {
    let field = match &passed.why {
        Why::Missing(per) => per.field(),
        _ => "amount",
    };
    Problem::new(field, sentence(passed))
}

fn sentence(passed: &PassedOver) -> String {
    let name = &passed.limit;
    let opens = match passed.opens_at {
        Some(at) => format!("it opens again at {}", at.rfc3339()),
        None => "it does not open again by itself at a known time".to_owned(),
    };
    match &passed.why {
        Why::Full { .. } => format!("the limit {name} is reached; {opens}"),
        Why::OpenShare => format!(
            "the limit {name} lets unpaid orders of one merchant hold a share only, and yours hold it; it opens when they are paid or closed"
        ),
        Why::TooSmall { min } => format!("the limit {name} wants at least {} yuan", Fen(*min).to_yuan()),
        Why::TooLarge { max, counts_orders: false } => format!("the limit {name} allows at most {} yuan", Fen(*max).to_yuan()),
        Why::TooLarge { .. } => format!("the limit {name} allows no order"),
        Why::Missing(per) => format!("the limit {name} needs {}", per.field()),
        Why::Error(_) => format!("the limit {name} could not be checked; try again, or tell the operator of this gateway"),
    }
}
