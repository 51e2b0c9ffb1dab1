//! What profiles say in the same words.

use sluice_contract::SubField;

pub const DAY_S: i64 = 86_400;

/// A `sub` table of ids only, without secrets.
#[must_use]
pub fn sub_fields(required: &[&'static str], optional: &[&'static str]) -> Vec<SubField> {
    let names = required.iter().map(|name| (*name, true)).chain(optional.iter().map(|name| (*name, false)));
    names.map(|(name, required)| SubField { name, required, secret: false }).collect()
}

#[cfg(test)]
mod tests {
    use super::sub_fields;

    #[test]
    fn fields_keep_their_order_and_hold_no_secret() {
        let fields = sub_fields(&["mer_id"], &["store_code"]);
        let told: Vec<_> = fields.iter().map(|field| (field.name, field.required, field.secret)).collect();
        assert_eq!(told, [("mer_id", true, false), ("store_code", false, false)]);
    }
}
