//! Why a call is refused: the codes of the pack's §2.6, and which of them come without a signature.

macro_rules! snags {
    ($($(#[$doc:meta])* $name:ident = $code:literal $short:literal $text:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Snag { $($(#[$doc])* $name),+ }

        impl Snag {
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Snag::$name => $code),+ }
            }

            /// Refused at the door: `returnCode` FAIL, short and unsigned.
            const fn short(self) -> bool {
                match self { $(Snag::$name => $short),+ }
            }

            const fn text(self) -> &'static str {
                match self { $(Snag::$name => $text),+ }
            }
        }
    };
}

snags! {
    Sign = "SIGN_ERROR" true "签名错误",
    Version = "VERSION_ERROR" true "版本号错误",
    Encoding = "ENCODING_ERROR" true "编码方式错误",
    SignMethod = "SIGNMETHOD_ERROR" true "签名方法错误",
    Empty = "POST_DATA_EMPTY" true "请求报文为空",
    Json = "JSON_FORMAT_ERROR" true "JSON格式错误",
    Undefined = "UNDEFINED_PRAM" false "参数未定义或不合法",
    /// Really spelled so.
    System = "SYSTERM_ERROR" false "系统错误",
    Maintaining = "SYSTERM_MAINTAINING" false "系统维护中",
    Reserved = "MCH_RESERVED_NOT_LAWFUL" false "商户保留域不合法",
    OrderTwice = "ORDERID_DUPLICATION" false "商户订单号重复",
    OrderInvalid = "ORDERID_INVALID" false "订单已失效或已关闭",
    OrderPaid = "ORDER_PAID" false "订单已支付",
    AmountDiffers = "AMT_MISMATCHED_ORDER" false "金额与原订单不一致",
    NoOrder = "ORDERID_NOT_EXIST" false "商户订单号不存在",
    NoCmbOrder = "CMBORDERID_NOT_EXIST" false "平台订单号不存在",
    Unpaid = "UNPAIED_ORDER" false "订单未支付",
    NoMerchant = "MERID_NOT_EXIST" false "商户号不存在",
    User = "USERID_CHECK_FAILED" false "收银员校验失败",
    AuthCode = "AUTHCODE_NOT_LAWFUL" false "授权码不合法",
    TxnAmount = "TXNAMT_NOT_LAWFUL" false "交易金额不合法",
    SingleLimit = "TRADEAMOUNT_LIMITED" false "超过单笔限额",
    DailyQuota = "MCH_DAILY_QUOTA_EXCEED" false "超过商户日限额",
    NotEnough = "NOT_ENOUGH" false "商户可退金额不足",
    Overdue = "TRADE_OVERDUE" false "超过退款期限",
    TradeState = "TRADESTATE_NOT_LAWFUL" false "交易状态不允许",
    RefundTotal = "TXNAMT_ERROR" false "原交易金额错误",
    RefundAmount = "REFUNDAMT_ERROR" false "退款金额错误",
    NotAllowed = "NOT_ALLOWED" false "不允许撤销",
    TooOften = "OPERATING_FREQUENTLY" false "操作过于频繁",
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) code: String,
    /// `respMsg`.
    pub(crate) text: String,
    /// `errDescription`: what it is about.
    pub(crate) about: String,
    pub(crate) short: bool,
}

impl From<Snag> for Fail {
    fn from(snag: Snag) -> Fail {
        snag.about("")
    }
}

impl Snag {
    pub(crate) fn about(self, what: &str) -> Fail {
        let text = self.text().to_owned();
        let about = if what.is_empty() { text.clone() } else { what.to_owned() };
        Fail { code: self.code().to_owned(), text, about, short: self.short() }
    }
}

impl Fail {
    /// A code that a test chose.
    pub(crate) fn chosen(code: &str) -> Fail {
        Fail { code: code.to_owned(), text: "沙箱指定的应答".to_owned(), about: code.to_owned(), short: false }
    }
}
