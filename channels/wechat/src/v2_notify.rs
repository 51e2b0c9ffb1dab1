//! v2 callbacks: XML, and only ever a hint (CONTRACT 7). What they say is asked for again by a query.

use crate::config::{Account, V2};
use crate::v2_sign::{self, SignType};
use crate::{v2, xml};
use sluice_contract::{Callback, Notes, Rejected, Says};
use sluice_kit::callback::{forged, unreadable};
use sluice_kit::ensure::ensure;

/// Reads a payment notice (signed) or a refund notice (`req_info`, encrypted and unsigned).
pub(crate) fn read(account: &Account, v2: &V2, body: &[u8]) -> Result<Callback, Rejected> {
    let members = xml::read(body).ok_or_else(|| unreadable("the body is no XML of WeChat Pay"))?;
    let is_ours = members.get("mch_id") == Some(&account.signer.mchid);
    ensure(is_ours, || forged("the merchant is not this account's", number(&members)))?;
    let mut claims = v2::claims(&members);
    if let Some(req_info) = members.get("req_info") {
        let plain = v2.keys.iter().find_map(|key| v2_sign::open_req_info(req_info, key)).and_then(|plain| xml::read(&plain));
        let plain = plain.ok_or_else(|| forged("req_info does not decrypt", None))?;
        let inner = v2::claims(&plain);
        claims.number = inner.number;
        claims.refund_number = inner.refund_number;
    } else if !is_signed(v2, &members) {
        return Err(forged("the sign does not hold", number(&members)));
    }
    ensure(claims.number.is_some(), || unreadable("the notice does not name an order"))?;
    Ok(Callback { claims, says: Says::Ask, event_id: None })
}

/// A notice says its own sign type, MD5 when it says none.
fn is_signed(v2: &V2, members: &Notes) -> bool {
    let kind = match v2::given(members, "sign_type") {
        None | Some("MD5") => SignType::Md5,
        Some("HMAC-SHA256") => SignType::HmacSha256,
        Some(_) => return false,
    };
    v2.keys.iter().any(|key| v2_sign::verifies(members, key, kind))
}

/// The number a forgery names: readable without trust, worth a query at most.
fn number(members: &Notes) -> Option<&str> {
    members.get("out_trade_no").map(String::as_str).filter(|number| (6..=32).contains(&number.len()))
}
