//! Who takes part: one app, its merchant, and sub-merchants that it may act for.

use crate::check::Fields;
use crate::fail::Fail;

/// The app number, 20 digits.
pub const APP_ID: &str = "10000000000000099001";
/// The merchant's file number: 12 digits, a special merchant.
pub const MER_ID: &str = "020001020001";
/// The e-life number of its store.
pub const STORE_CODE: &str = "02000102000117";
/// The protocol number: the merchant's number and `0201` (pack §1.7).
pub const MER_PRTCL_NO: &str = "0200010200010201";
/// The account that takes the money.
pub const MER_ACCT: &str = "0200062009200123456";
/// The app's number in family B; the same app here.
pub const ICBC_APPID: &str = APP_ID;
/// The merchant's own WeChat app.
pub const SHOP_APPID: &str = "wx8888888888888888";
/// Sub-merchants: number, protocol, store.
pub const SUB_MERCHANTS: [(&str, &str, &str); 2] =
    [("020001020002", "0200010200020201", "02000102000217"), ("020001020003", "0200010200030201", "02000102000317")];

/// The merchant that a request names: the app's own or a sub-merchant.
pub(crate) fn merchant(fields: &Fields<'_>) -> Result<String, Fail> {
    let mer_id = fields.must("mer_id", 15)?;
    if protocol_of(mer_id).is_some() { Ok(mer_id.to_owned()) } else { Err(Fail::of("mer_id", "is no merchant of this app")) }
}

/// The protocol number, where it is told, belongs to the merchant.
pub(crate) fn protocol(fields: &Fields<'_>, mer_id: &str, required: bool) -> Result<(), Fail> {
    let given = if required { Some(fields.must("mer_prtcl_no", 32)?) } else { fields.text("mer_prtcl_no", 32)? };
    match given {
        Some(given) if Some(given) != protocol_of(mer_id) => Err(Fail::of("mer_prtcl_no", "is not this merchant's")),
        _ => Ok(()),
    }
}

/// The app number inside the business fields, where it is told.
pub(crate) fn own_app(fields: &Fields<'_>) -> Result<(), Fail> {
    match fields.text("icbc_appid", 32)? {
        Some(given) if given != ICBC_APPID => Err(Fail::of("icbc_appid", "is not the app that signed")),
        _ => Ok(()),
    }
}

fn protocol_of(mer_id: &str) -> Option<&'static str> {
    if mer_id == MER_ID {
        return Some(MER_PRTCL_NO);
    }
    SUB_MERCHANTS.iter().find(|(known, _, _)| *known == mer_id).map(|(_, protocol, _)| *protocol)
}
