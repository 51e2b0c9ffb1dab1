//! Who takes part: the one merchant, and the card that pays everything.

/// The plain test merchant of the official demos (pack §7). The real test environment refuses it the statement; here it may.
pub const MER_ID: &str = "777290058110048";
/// What `credentials` and the account of a platform merchant name as sub-merchant: id, name, short name.
pub const SUB_MERCHANT: (&str, &str, &str) = ("100000000000001", "测试二级商户", "测试商户");

pub(crate) const CARD: &str = "6216261000000000018";
/// UnionPay shows a payer's card masked even where it encrypts it (pack §1.8).
pub(crate) const CARD_MASKED: &str = "6216***********0018";
