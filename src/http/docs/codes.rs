//! What each code means: the one table of `/errors/{CODE}`, of the problem's `title` and of the docs. A code without its line does not
//! compile.

use crate::flow::Code;
use crate::http::lang::Lang;

/// Whether money may have moved: what somebody with a customer before him asks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Refused before a channel was asked.
    Nothing,
    /// Not by this request; by an earlier one of the same number perhaps.
    Earlier,
    /// This call changed nothing; the order may be paid or still be payable.
    Unchanged,
    /// Nobody knows yet.
    Perhaps,
}

impl Taken {
    pub const fn words(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Taken::Nothing, Lang::Zh) => "没有。请求在联系任何渠道之前就被拒绝了。",
            (Taken::Nothing, Lang::En) => "No. The request was refused before any channel was asked.",
            (Taken::Earlier, Lang::Zh) => "这个请求没有；但之前用过这个单号或 nonce 的请求可能已经执行，先查询再决定。",
            (Taken::Earlier, Lang::En) => {
                "Not by this request. An earlier one with this number or nonce may have been carried out: look it up before you decide."
            }
            (Taken::Unchanged, Lang::Zh) => "这个调用什么也没有改变；订单本身可能已付款，也可能仍可付款：请读取订单。",
            (Taken::Unchanged, Lang::En) => "This call changed nothing. The order itself may be paid or may still be payable: read it.",
            (Taken::Perhaps, Lang::Zh) => "可能。结果未知：用同一单号重试或查询，切勿换新单号。",
            (Taken::Perhaps, Lang::En) => {
                "Perhaps. The outcome is not known: repeat it with the same number or look it up, and never take a new number."
            }
        }
    }
}

/// A code's line.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    title: [&'static str; 2],
    pub taken: Taken,
    advice: [&'static str; 2],
    /// A `detail` that comes with it. The API speaks English.
    pub example: &'static str,
}

impl Meaning {
    pub const fn title(&self, lang: Lang) -> &'static str {
        let [zh, en] = self.title;
        lang.pick(zh, en)
    }

    pub const fn advice(&self, lang: Lang) -> &'static str {
        let [zh, en] = self.advice;
        lang.pick(zh, en)
    }
}

macro_rules! meanings {
    ($($code:ident: $title:tt, $taken:ident, $advice:tt, $example:literal;)+) => {
        /// What the code means, the same for every occurrence.
        #[must_use]
        pub const fn meaning(code: Code) -> Meaning {
            match code {
                $(Code::$code => Meaning { title: $title, taken: Taken::$taken, advice: $advice, example: $example }),+
            }
        }
    };
}

meanings! {
    InvalidRequest:
        ["请求不合格", "The request is not acceptable"], Nothing,
        ["按 errors 修正其中的每个字段，换新的 nonce 重新签名再发。",
         "Repair every field that errors names, and send the request again with a fresh nonce."],
        "amount must be a whole number from 1 to 10000000000";
    UnknownAuthCode:
        ["付款码不属于任何钱包", "No wallet has payment codes like this one"], Nothing,
        ["请付款人刷新付款码后重新扫描；可能扫到了商户自己的收款码。",
         "Ask the payer to refresh the payment code and scan it again; it may be a merchant's own QR code that was scanned."],
        "auth_code is not a payment code of any wallet";
    MethodNotAvailable:
        ["商户不能使用这种支付方式", "The merchant cannot use this method"], Nothing,
        ["`GET /v1/methods` 列出商户现在能用的方式。",
         "`GET /v1/methods` lists what the merchant can use now."],
        "no account of this merchant serves the method";
    BadSignature:
        ["签名不正确", "The signature is not right"], Nothing,
        ["对照 `signature_debug` 里我们收到并计算的内容：方法、原样的路径与查询、时间戳、nonce、原始请求体，各占一行，每行以一个换行符结尾。`sluice sign --explain` 逐行显示正确的待签名串。",
         "Compare what we received and hashed, in `signature_debug`, with what you signed: method, path and query as sent, timestamp, nonce and raw body, each ended by one line feed. `sluice sign --explain` shows the right string line by line."],
        "the signature is not that of this request under this key";
    StaleTimestamp:
        ["时间戳相差超过 300 秒", "The timestamp is more than 300 seconds away"], Nothing,
        ["校准客户端时钟，或重新签名：一个签名 300 秒内有效。`GET /v1/whoami` 告诉时钟差。",
         "Set the client's clock, or sign again: a request is good for 300 seconds. `GET /v1/whoami` tells the clocks' difference."],
        "the timestamp is more than 300 seconds from our clock, which says 1763880000";
    NonceReused:
        ["nonce 已经用过", "The nonce was used before"], Earlier,
        ["换新的 nonce 重新签名。之前那个请求可能已经执行：用同一单号重发即可得到它的结果。",
         "Sign again with a fresh nonce. The earlier request may have been carried out: repeat it by its number."],
        "this nonce was used before; sign again with a fresh one";
    UnknownKey:
        ["密钥不存在", "The key is not known"], Nothing,
        ["检查 key_id；吊销过的密钥不会恢复。运营接口：检查令牌。",
         "Check the key id; a key that was revoked stays unknown. For operators' calls: check the token."],
        "there is no live key of this id";
    Forbidden:
        ["角色没有此权限", "The role does not allow this"], Nothing,
        ["请有权限的运营人员操作。",
         "Ask an operator whose role allows it."],
        "the role viewer may not do this";
    OrderNotFound:
        ["没有这个订单", "There is no such order"], Nothing,
        ["检查订单号；别的商户的订单看起来也是这样。",
         "Check the id; another merchant's order looks the same."],
        "there is no such order";
    RefundNotFound:
        ["没有这个退款", "There is no such refund"], Nothing,
        ["检查退款号；别的商户的退款看起来也是这样。",
         "Check the id; another merchant's refund looks the same."],
        "there is no such refund";
    NotFound:
        ["这里什么也没有", "There is nothing here"], Nothing,
        ["检查路径。",
         "Check the path."],
        "there is nothing here; GET /openapi.json lists every path";
    MethodNotAllowed:
        ["此路径不支持该 HTTP 方法", "The path has no such method"], Nothing,
        ["响应头 Allow 列出可用的方法。",
         "The header Allow lists the methods of this path."],
        "this path has no such method; see Allow";
    RequestTimeout:
        ["请求传送太慢", "The request took too long to arrive"], Nothing,
        ["请重新发送。",
         "Send the request again."],
        "the body took too long to arrive";
    OrderConflict:
        ["此单号已用于另一笔订单", "The number names another order"], Earlier,
        ["一个单号只对应一份内容：新订单请用新单号；要重试，请原样重发。",
         "A number is used for one content only: take a new number for something new, repeat the same content for a retry."],
        "this merchant_order_no names another order; use a new number for a new order";
    RefundConflict:
        ["此单号已用于另一笔退款", "The number names another refund"], Earlier,
        ["一个退款单号只对应一份内容：新退款请用新单号；要重试，请原样重发。",
         "A number is used for one content only: take a new number for something new, repeat the same content for a retry."],
        "this merchant_refund_no names another refund; use a new number for a new refund";
    InvalidState:
        ["当前状态不允许此操作", "The state does not allow this"], Unchanged,
        ["先读取订单，它的 status 说明还能做什么。",
         "Read the order first; its status says what is still possible."],
        "the order is paid; only a pending order can be closed";
    InProgress:
        ["仍在处理中", "It is still under way"], Unchanged,
        ["稍后再读取订单，或用同一单号重试。",
         "Read the order again in a moment, or repeat the call."],
        "the first request to the channel is still under way";
    AccountInUse:
        ["渠道账户已有支付尝试", "The account has attempts"], Nothing,
        ["不要删除或改名：让账户停止接新单（draining）。",
         "Drain the account instead of removing or renaming it."],
        "ACCOUNT_IN_USE: wx-main has attempts";
    BodyTooLarge:
        ["请求体过大", "The body is too large"], Nothing,
        ["请求体最多 65536 字节。",
         "Send at most 65536 bytes."],
        "the body may have at most 65536 bytes";
    UnsupportedMediaType:
        ["不支持的内容类型", "The content type is not supported"], Nothing,
        ["请发送 Content-Type: application/json。",
         "Send Content-Type: application/json."],
        "send Content-Type: application/json";
    LimitExceeded:
        ["达到限额", "A limit is reached"], Nothing,
        ["等到 opens_at，减少金额，换一种支付方式，或联系网关运营方。",
         "Wait until opens_at, ask for less, take another method, or ask the operator of the gateway."],
        "the limit daily-50k is reached";
    RiskRefused:
        ["被风控拒绝", "Risk control refused the payment"], Nothing,
        ["不要重试：付款人、客户、地址或付款码被拦截，网关运营方知道原因。",
         "Do not try again: the payer, the customer, the address or the code is blocked. The operator of the gateway knows which."],
        "risk control refused this payment; ask the operator of this gateway";
    NoRoute:
        ["现在没有账户能承接订单", "No account can take the order now"], Nothing,
        ["稍后再试，或问网关运营方哪些账户停用了。",
         "Try again later, or ask the operator which accounts are off."],
        "no account can take this order now: the ones that serve the method are disabled";
    RefundExceedsPaid:
        ["退款超过剩余可退金额", "The refund is larger than what is left"], Nothing,
        ["最多申请 errors 里给出的金额。",
         "Ask for at most what errors names."],
        "at most 980 fen of this order can still be refunded";
    RefundWindowPassed:
        ["订单太旧，渠道不再退款", "The order is too old to be refunded"], Nothing,
        ["请用其他方式退还款项。",
         "Return the money another way."],
        "the channel no longer refunds an order this old";
    ChannelRejected:
        ["渠道拒绝了此操作", "The channel will not do this"], Unchanged,
        ["什么都没有改变；detail 里是渠道给出的原因。",
         "Nothing was changed; the detail holds the channel's reason."],
        "the channel will not close this order: ORDERPAID";
    RateLimited:
        ["请求过于频繁", "Too many requests"], Nothing,
        ["等待响应头 Retry-After 给出的秒数，用同一单号重试。",
         "Try again after the seconds in Retry-After, with the same number."],
        "too many requests; try again after Retry-After";
    Internal:
        ["我们这边出错了", "Something went wrong on our side"], Perhaps,
        ["用同一单号重试；若仍出现，把 request_id 告诉网关运营方。",
         "Repeat the request with the same number; tell the operator the request id if it stays."],
        "something went wrong on our side; the request id names it";
    StoreUnavailable:
        ["存储暂不可用", "The store cannot be reached"], Perhaps,
        ["等待响应头 Retry-After 给出的秒数，用同一单号重试。detail 说明是否已确定没有存储。",
         "Try again after the seconds in Retry-After, with the same number. The detail says whether it is certain that nothing was stored."],
        "nothing was stored and nothing was sent; try again";
}
