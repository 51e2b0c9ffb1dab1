//! Return codes (pack §1.8). No complete list is public: what the pack does not name has a code of ours, from 99000001 on,
//! marked `sandbox`. To a client those are what any unlisted code is: unknown, to be asked about.

use serde_json::{Value, json};

macro_rules! snags {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal),+ $(,)?) => {
        /// What a call came to, by code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Snag { $($(#[$doc])* $name),+ }

        impl Snag {
            pub(crate) const fn code(self) -> &'static str { match self { $(Snag::$name => $code),+ } }
            pub(crate) const fn text(self) -> &'static str { match self { $(Snag::$name => $text),+ } }
        }
    };
}

snags! {
    Ok = "0" "success",
    Param = "400011" "参数错误",
    Sign = "400017" "签名校验失败",
    Repeat = "00005031" "订单已下单，不可重复下单",
    NoOrder = "5940021" "订单不存在",
    NoOrderId = "5940022" "订单不存在",
    NoBankOrder = "12001081" "未查到银行订单号",
    /// The third party has not been paid yet; comes with `pay_status` 2.
    ThirdUnpaid = "20000002" "第三方未支付",
    RefundExists = "93008595" "该笔退货已存在",
    AllRefunded = "5920006" "订单已全额退货",
    RefundPending = "00070038" "退款处理中",
    MessageUsed = "99000001" "sandbox: msg_id 重复",
    NotEnough = "99000002" "sandbox: 余额不足",
    Declined = "99000003" "sandbox: 客户取消支付",
    CodeUnknown = "99000004" "sandbox: 付款码无效",
    CodeExpired = "99000005" "sandbox: 付款码已过期",
    CodeUsed = "99000006" "sandbox: 付款码已使用",
    /// A limit of the payer's means of authentication (pack §6.3).
    OverLimit = "99000007" "sandbox: 超过认证方式限额",
    TooMuch = "99000008" "sandbox: 退货金额超过可退金额",
    NoFunds = "99000009" "sandbox: 商户余额不足",
    State = "99000010" "sandbox: 订单状态不允许",
    DayOver = "99000011" "sandbox: 已过冲正日",
    Unsure = "99000012" "sandbox: 交易结果未知",
    Expired = "99000013" "sandbox: 订单已过期",
    System = "99000014" "sandbox: 系统错误",
}

/// The two API families: their state digits mean opposite things (pack §1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    A,
    B,
}

impl Snag {
    /// A number in family A, text in family B (pack §1.4). What begins with a zero is no JSON number: text as well.
    pub(crate) fn json(self, family: Family) -> Value {
        let code = self.code();
        let number = code.parse::<i64>().ok().filter(|_| code == "0" || !code.starts_with('0'));
        match (family, number) {
            (Family::A, Some(number)) => json!(number),
            _ => json!(code),
        }
    }
}

/// A refusal with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) snag: Snag,
    field: Option<String>,
}

impl From<Snag> for Fail {
    fn from(snag: Snag) -> Fail {
        Fail { snag, field: None }
    }
}

impl Fail {
    /// A parameter is wrong.
    pub(crate) fn of(field: &str, issue: &str) -> Fail {
        Fail { snag: Snag::Param, field: Some(format!("{field} {issue}")) }
    }

    pub(crate) fn words(&self) -> String {
        match &self.field {
            Some(field) => format!("{}: {field}", self.snag.text()),
            None => self.snag.text().to_owned(),
        }
    }
}
