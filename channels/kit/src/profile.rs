//! What profiles say in the same words.

use sluice_contract::{Method, MethodProfile, NotFoundFrom, SubField};

pub const DAY_S: i64 = 86_400;

/// A `sub` table of ids only, without secrets.
#[must_use]
pub fn sub_fields(required: &[&'static str], optional: &[&'static str]) -> Vec<SubField> {
    let names = required.iter().map(|name| (*name, true)).chain(optional.iter().map(|name| (*name, false)));
    names.map(|(name, required)| SubField { name, required, secret: false }).collect()
}

/// A method before its channel has said anything: it can nothing and is never sure, so that nothing is promised by silence. Not repeated,
/// closed or reversed; a missing order may come yet; nothing is asked of it but its life of a minute or more.
#[must_use]
pub const fn bare(method: Method) -> MethodProfile {
    MethodProfile {
        method,
        required: &[],
        required_one_of: &[],
        can_repeat: false,
        expires_in_min_s: 60,
        expires_in_max_s: 60,
        code_life_s: None,
        can_close: false,
        reverse: None,
        not_found_final_after_s: i64::MAX,
        not_found_from: NotFoundFrom::Payer,
        refund_window_s: None,
        query_at_s: &[],
        query_then_every_s: 1800,
        calls_back: true,
    }
}

#[cfg(test)]
mod tests {
    use super::{bare, sub_fields};
    use sluice_contract::{Method, NotFoundFrom};

    #[test]
    fn fields_keep_their_order_and_hold_no_secret() {
        let fields = sub_fields(&["mer_id"], &["store_code"]);
        let told: Vec<_> = fields.iter().map(|field| (field.name, field.required, field.secret)).collect();
        assert_eq!(told, [("mer_id", true, false), ("store_code", false, false)]);
    }

    #[test]
    fn a_bare_method_promises_nothing() {
        let bare = bare(Method::AlipayQr);
        assert!(!bare.can_repeat && !bare.can_close && bare.reverse.is_none());
        assert_eq!((bare.not_found_final_after_s, bare.not_found_from), (i64::MAX, NotFoundFrom::Payer));
    }
}
