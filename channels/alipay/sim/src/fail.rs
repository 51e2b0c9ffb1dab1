//! Why a call is refused: the codes of the pack's §3.2 and §3.3 that a server can come to.

use serde_json::{Map, Value, json};

macro_rules! snags {
    ($($(#[$doc:meta])* $name:ident = $code:literal $sub_code:literal $text:literal),+ $(,)?) => {
        /// A refusal: `code`, `sub_code`, and the words for people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Snag { $($(#[$doc])* $name),+ }

        impl Snag {
            const fn row(self) -> (&'static str, &'static str, &'static str) { match self { $(Snag::$name => ($code, $sub_code, $text)),+ } }
        }
    };
}

snags! {
    Unknown = "20000" "isp.unknow-error" "系统繁忙",
    UnknownAcq = "20000" "aop.ACQ.SYSTEM_ERROR" "系统异常",
    AppToken = "20001" "aop.invalid-app-auth-token" "无效的应用授权令牌",
    AppTokenOld = "20001" "aop.app-auth-token-time-out" "应用授权令牌已过期",
    MissingAppId = "40001" "isv.missing-app-id" "缺少AppID参数",
    MissingMethod = "40001" "isv.missing-method" "缺少方法名参数",
    MissingSign = "40001" "isv.missing-signature" "缺少签名参数",
    MissingSignType = "40001" "isv.missing-signature-type" "缺少签名类型参数",
    MissingTimestamp = "40001" "isv.missing-timestamp" "缺少时间戳参数",
    MissingCharset = "40001" "isv.missing-charset" "缺少编码参数",
    MissingVersion = "40001" "isv.missing-version" "缺少版本参数",
    MissingBiz = "40001" "isv.missing-biz-content" "缺少业务参数",
    MissingAppSn = "40001" "isv.missing-app-cert-sn" "缺少应用公钥证书序列号",
    MissingRootSn = "40001" "isv.missing-alipay-root-cert-sn" "缺少支付宝根证书序列号",
    AppId = "40002" "isv.invalid-app-id" "无效的AppID参数",
    Method = "40002" "isv.invalid-method" "不存在的方法名",
    Format = "40002" "isv.invalid-format" "无效的数据格式",
    Charset = "40002" "isv.invalid-charset" "无效的编码",
    SignType = "40002" "isv.invalid-signature-type" "无效的签名类型",
    Sign = "40002" "isv.invalid-signature" "验签出错",
    Timestamp = "40002" "isv.invalid-timestamp" "非法的时间戳参数",
    AppCert = "40002" "isv.app-cert-not-exist" "应用公钥证书不存在",
    Encrypt = "40002" "isv.invalid-encrypt-type" "无效的加密类型",
    Json = "40002" "isv.illegal-json" "业务参数不是合法的JSON",
    Attack = "40002" "isv.suspected-attack" "可疑的攻击请求",
    Address = "40002" "isv.invalid-parameter" "notify_url或return_url无效",
    Arguments = "40002" "isv.invalid-arguments" "无效的参数",
    CodeInvalid = "40002" "isv.code-invalid" "授权码code无效",
    GrantType = "40002" "isv.grant-type-invalid" "grant_type无效",
    RefreshToken = "40002" "isv.refresh-token-invalid" "刷新令牌无效",
    RefreshTokenOld = "40002" "isv.refresh-token-time-out" "刷新令牌已过期",
    Decrypt = "40003" "isv.decryption-error-unknown" "解密出错, 未知错误",
    Limited = "40005" "isv.app-call-limited" "应用调用次数超限",
    System = "40004" "ACQ.SYSTEM_ERROR" "系统错误",
    Param = "40004" "ACQ.INVALID_PARAMETER" "参数无效",
    Forbidden = "40004" "ACQ.ACCESS_FORBIDDEN" "没有权限使用该产品",
    Receiver = "40004" "ACQ.INVALID_RECEIVE_ACCOUNT" "收款账户无效",
    HasSuccess = "40004" "ACQ.TRADE_HAS_SUCCESS" "交易已被支付",
    HasClose = "40004" "ACQ.TRADE_HAS_CLOSE" "交易已经关闭",
    Inconsistent = "40004" "ACQ.CONTEXT_INCONSISTENT" "交易信息被篡改",
    Expired = "40004" "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR" "当前时间已晚于订单失效时间",
    TooMuchFee = "40004" "ACQ.TOTAL_FEE_EXCEED" "订单总金额不在允许范围内",
    Itself = "40004" "ACQ.BUYER_SELLER_EQUAL" "买卖家不能相同",
    NoBuyer = "40004" "ACQ.BUYER_NOT_EXIST" "买家不存在",
    CodeAgain = "40004" "ACQ.APPLY_PC_MERCHANT_CODE_ERROR" "申请二维码失败",
    AuthCode = "40004" "ACQ.PAYMENT_AUTH_CODE_INVALID" "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款",
    Balance = "40004" "ACQ.BUYER_BALANCE_NOT_ENOUGH" "顾客余额不足",
    DayLimit = "40004" "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR" "顾客付款限额已超",
    PaymentFail = "40004" "ACQ.PAYMENT_FAIL" "支付失败",
    ReceiptLimit = "40004" "ACQ.BEYOND_PER_RECEIPT_RESTRICTION" "商户收款金额超过限额",
    Blocked = "40004" "ACQ.SELLER_BEEN_BLOCKED" "商家账号被冻结",
    NoTrade = "40004" "ACQ.TRADE_NOT_EXIST" "交易不存在",
    /// The refund query's own spelling (pack §3.3, trap 17).
    NoTradeBare = "40004" "TRADE_NOT_EXIST" "交易不存在",
    CancelLate = "40004" "ACQ.TRADE_CANCEL_TIME_OUT" "超过撤销时间范围",
    CancelNot = "40004" "ACQ.CANCEL_NOT_ALLOWED" "不允许撤销",
    SellerBalance = "40004" "ACQ.SELLER_BALANCE_NOT_ENOUGH" "商户的支付宝账户中无足够的资金",
    Status = "40004" "ACQ.TRADE_STATUS_ERROR" "交易状态不合法",
    StatusReason = "40004" "ACQ.REASON_TRADE_STATUS_INVALID" "交易状态异常",
    HasFinished = "40004" "ACQ.TRADE_HAS_FINISHED" "交易已完结",
    Discordant = "40004" "ACQ.DISCORDANT_REPEAT_REQUEST" "请求信息不一致",
    RefundFee = "40004" "ACQ.REASON_TRADE_REFUND_FEE_ERR" "退款金额错误",
    RefundPartial = "40004" "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL" "退款金额与订单金额不一致",
    RefundNot = "40004" "ACQ.TRADE_NOT_ALLOW_REFUND" "当前交易不允许退款",
    BillType = "40004" "TYPE_NOT_SUPPORTED" "不支持的账单类型",
}

/// A refusal as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) code: String,
    pub(crate) sub_code: String,
    sub_msg: String,
    /// Nobody knows which key to answer with: an unknown app (pack §1.4).
    pub(crate) unsigned: bool,
}

impl From<Snag> for Fail {
    fn from(snag: Snag) -> Fail {
        let (code, sub_code, text) = snag.row();
        let unsigned = matches!(snag, Snag::AppId | Snag::MissingAppId);
        Fail { code: code.to_owned(), sub_code: sub_code.to_owned(), sub_msg: text.to_owned(), unsigned }
    }
}

impl Fail {
    pub(crate) fn new(code: &str, sub_code: &str) -> Fail {
        Fail { code: code.to_owned(), sub_code: sub_code.to_owned(), sub_msg: "测试".to_owned(), unsigned: false }
    }

    /// With what it is about.
    pub(crate) fn about(snag: Snag, what: &str) -> Fail {
        let mut fail = Fail::from(snag);
        fail.sub_msg = format!("{}：{what}", fail.sub_msg);
        fail
    }

    pub(crate) fn node(&self) -> Map<String, Value> {
        let msg = match self.code.as_str() {
            "10003" => "order success pay inprocess",
            "20000" => "Service Currently Unavailable",
            "20001" => "Insufficient Token Permissions",
            "40001" => "Missing Required Arguments",
            "40002" => "Invalid Arguments",
            "40003" => "Insufficient Conditions",
            "40005" => "Call Limited",
            "40006" => "Insufficient Permissions",
            _ => "Business Failed",
        };
        let mut node = Map::new();
        for (name, value) in [("code", self.code.as_str()), ("msg", msg), ("sub_code", &self.sub_code), ("sub_msg", &self.sub_msg)] {
            node.insert(name.to_owned(), json!(value));
        }
        node
    }
}
