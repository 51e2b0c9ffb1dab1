//! UnionPay.
