//! Runs and discrepancies as people and their programs see them: one rendering for the command line and the operators' API.

use super::discrepancy::View;
use super::record::{BillRun, Stored};
use serde_json::{Value, json};
use sluice_contract::Millis;

#[must_use]
pub fn discrepancy(stored: &Stored) -> Value {
    let found = &stored.found;
    let refund = (found.number != found.channel_order_no).then_some(&found.number);
    let proposal = stored.proposal.as_ref();
    json!({
        "id": stored.id(), "account": stored.account, "day": found.day.to_string(), "kind": found.kind,
        "channel_order_no": found.channel_order_no, "refund_no": refund, "ours": found.ours, "theirs": found.theirs, "gap": found.gap,
        "viewpoint": View::of(found.gap), "status": found.standing, "evidence": found.evidence, "next_step": found.kind.next_step(),
        "first_seen": stored.first_seen.rfc3339(), "last_seen": stored.last_seen.rfc3339(),
        "proposal": proposal.map(|p| json!({"by": p.by, "reason": p.reason, "at": p.at.rfc3339()})),
        "settled_by": stored.settled_by, "settled_at": stored.settled_at.map(Millis::rfc3339), "reason": stored.reason,
    })
}

#[must_use]
pub fn run(run: &BillRun) -> Value {
    json!({
        "account": run.account, "day": run.day.to_string(), "at": run.at.rfc3339(), "state": run.state.word(), "why": run.why,
        "rows": run.rows, "matched": run.matched,
    })
}
