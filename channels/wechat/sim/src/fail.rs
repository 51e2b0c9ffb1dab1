//! Why a call is refused: one table for both dialects (pack §8).

use serde_json::{Map, Value, json};

macro_rules! snags {
    ($($(#[$doc:meta])* $name:ident = $status:literal $v3:literal $v2:literal $text:literal),+ $(,)?) => {
        /// A refusal: HTTP status and code of v3, `err_code` of v2, and the words for people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Snag { $($(#[$doc])* $name),+ }

        impl Snag {
            pub(crate) const fn status(self) -> u16 { match self { $(Snag::$name => $status),+ } }
            pub(crate) const fn v3(self) -> &'static str { match self { $(Snag::$name => $v3),+ } }
            pub(crate) const fn v2(self) -> &'static str { match self { $(Snag::$name => $v2),+ } }
            pub(crate) const fn text(self) -> &'static str { match self { $(Snag::$name => $text),+ } }
        }
    };
}

snags! {
    Param = 400 "PARAM_ERROR" "PARAM_ERROR" "参数错误",
    Lack = 400 "PARAM_ERROR" "LACK_PARAMS" "缺少参数",
    InvalidRequest = 400 "INVALID_REQUEST" "INVALID_REQUEST" "请求不符合业务规则",
    AppidMchid = 400 "APPID_MCHID_NOT_MATCH" "APPID_MCHID_NOT_MATCH" "appid与商户号不匹配",
    OrderClosed = 400 "ORDER_CLOSED" "ORDERCLOSED" "订单已关闭",
    OrderReversed = 400 "ORDER_CLOSED" "ORDERREVERSED" "订单已撤销",
    OrderExpired = 400 "INVALID_REQUEST" "INVALID_REQUEST" "订单已过期",
    ReverseExpired = 400 "INVALID_REQUEST" "REVERSE_EXPIRE" "订单超过7天，请走退款",
    TradeOverdue = 400 "INVALID_REQUEST" "TRADE_OVERDUE" "订单已超过可退款的最大期限",
    TooMuch = 400 "INVALID_REQUEST" "ERROR" "退款金额超过订单可退金额",
    TooManyRefunds = 400 "INVALID_REQUEST" "ERROR" "一笔订单最多退款50次",
    NoStatement = 400 "NO_STATEMENT_EXIST" "20002" "账单文件不存在",
    // The v3 forms of the barcode errors are the v2 ones with underscores (pack §8.2, UNCONFIRMED).
    CodeInvalid = 400 "AUTH_CODE_INVALID" "AUTH_CODE_INVALID" "付款码无效，请扫描微信支付付款码",
    CodeUsed = 400 "AUTH_CODE_ERROR" "AUTH_CODE_ERROR" "付款码仅限使用一次，请刷新再试",
    CodeExpired = 400 "AUTH_CODE_EXPIRED" "AUTHCODEEXPIRE" "付款码已过期，请刷新再试",
    Sign = 401 "SIGN_ERROR" "SIGNERROR" "错误的签名，验签失败",
    NumberUsed = 403 "OUT_TRADE_NO_USED" "OUT_TRADE_NO_USED" "201 商户订单号重复",
    OrderPaid = 403 "OUT_TRADE_NO_USED" "ORDERPAID" "该订单已支付",
    NotEnough = 403 "NOT_ENOUGH" "NOTENOUGH" "余额不足",
    NoAuth = 403 "NO_AUTH" "NOAUTH" "商户无此接口权限",
    TradeError = 403 "TRADE_ERROR" "TRADE_ERROR" "交易失败",
    AccountError = 403 "ACCOUNT_ERROR" "TRADE_ERROR" "用户账户异常",
    OrderNotExist = 404 "ORDER_NOT_EXIST" "ORDERNOTEXIST" "订单不存在",
    NoResource = 404 "RESOURCE_NOT_EXISTS" "ORDERNOTEXIST" "查询的资源不存在",
    NoRefund = 404 "RESOURCE_NOT_EXISTS" "REFUNDNOTEXIST" "退款单不存在",
    NoPath = 404 "NOT_FOUND" "INVALID_REQUEST" "接口不存在",
    Method = 405 "METHOD_NOT_ALLOWED" "REQUIRE_POST_METHOD" "请求方法错误",
    Frequency = 429 "FREQUENCY_LIMITED" "FREQUENCY_LIMITED" "频率限制",
    System = 500 "SYSTEM_ERROR" "SYSTEMERROR" "系统繁忙，请稍后重试",
    Bank = 500 "BANK_ERROR" "BANKERROR" "银行系统异常",
    /// The payer is typing the password.
    UserPaying = 202 "USERPAYING" "USERPAYING" "需要用户输入支付密码",
    /// What a close answers meanwhile (pack §5.4).
    ClosePaying = 202 "USER_PAYING" "USERPAYING" "用户支付中，请稍后再试",
}

/// A refusal with what it is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fail {
    pub(crate) snag: Snag,
    /// A JSON pointer for the body, a bare name elsewhere.
    field: Option<(String, Value, String, &'static str)>,
}

impl From<Snag> for Fail {
    fn from(snag: Snag) -> Fail {
        Fail { snag, field: None }
    }
}

impl Fail {
    pub(crate) fn at(snag: Snag, field: &str, value: Value, issue: &str, location: &'static str) -> Fail {
        Fail { snag, field: Some((field.to_owned(), value, issue.to_owned(), location)) }
    }

    /// A member of the body is wrong; `pointer` is a JSON pointer.
    pub(crate) fn body(pointer: &str, value: Option<&Value>, issue: &str) -> Fail {
        Fail::at(Snag::Param, pointer, value.cloned().unwrap_or(Value::String(String::new())), issue, "body")
    }

    pub(crate) fn query(name: &str, value: &str, issue: &str) -> Fail {
        Fail::at(Snag::Param, name, json!(value), issue, "query")
    }

    pub(crate) fn sign(field: &str, issue: &str) -> Fail {
        Fail::at(Snag::Sign, field, json!(""), issue, "authorization")
    }

    /// The v3 error body (pack §8.1).
    pub(crate) fn json(&self) -> Value {
        let mut body = Map::new();
        body.insert("code".to_owned(), json!(self.snag.v3()));
        body.insert("message".to_owned(), json!(self.snag.text()));
        if let Some((field, value, issue, location)) = &self.field {
            body.insert("detail".to_owned(), json!({"field": field, "value": value, "issue": issue, "location": location}));
        }
        Value::Object(body)
    }

    /// The words of v2's `err_code_des`.
    pub(crate) fn words(&self) -> String {
        match &self.field {
            Some((field, _, issue, _)) => format!("{}: {field} {issue}", self.snag.text()),
            None => self.snag.text().to_owned(),
        }
    }
}
