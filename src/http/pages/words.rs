//! Every word that a payer reads, in both languages. "Not charged" is said only where it is certain: of a definite failure.

use super::agent::Agent;
use crate::http::lang::{Lang, words};
use sluice_contract::{FailureCode, Method};

words! {
    Test: "测试订单，无真实资金", "Test order, no real money";
    Choose: "选择支付方式", "Choose how to pay";
    ChooseOther: "换一种方式", "Pay another way";
    ByOtherPhone: "请用另一部手机扫码支付", "Scan with another phone";
    Scan: "请扫一扫付款", "Scan to pay";
    ScanWith: "请使用这个应用扫码：", "Scan with this app: ";
    Code: "付款二维码，金额", "Payment code, amount";
    Continue: "去支付", "Continue to pay";
    PayNow: "立即支付", "Pay now";
    NeedsScript: "这种方式需要开启 JavaScript；也可以换一种方式。", "This way needs JavaScript; you can also pay another way.";
    InShopsApp: "请回到商户的应用中完成支付", "Please finish the payment in the shop's app";
    Preparing: "正在准备支付，请稍候", "Preparing the payment, one moment";
    Closing: "正在关闭上一种支付方式，请稍候，不要用它付款", "Closing the way you left, one moment. Do not pay with it any more";
    Confirming: "正在确认支付结果，请勿重复付款", "Confirming. Please do not pay again";
    Done: "我已完成支付", "I have paid";
    Again: "继续支付", "Continue paying";
    Paid: "支付成功", "Paid";
    NotPaid: "支付未成功", "Not paid";
    NotCharged: "未扣款，可换一种方式", "You were not charged. You can pay another way";
    NotChargedEnd: "未扣款", "You were not charged";
    Cancelled: "已取消，可继续支付", "Cancelled. You can continue";
    Expired: "订单已超时关闭，请勿再扫此码", "This order has expired. Do not use its code";
    Closed: "订单已关闭，请勿再扫此码", "This order is closed. Do not use its code";
    Reversed: "订单已撤销", "This order was reversed";
    Late: "付款在订单关闭后到账，将原路退回", "Received after closing; being refunded";
    Refunded: "已退款，到账以支付应用的通知为准", "Refunded; your payment app tells when it arrives";
    Refunding: "退款处理中", "Refund in progress";
    RefundFailed: "退款未成功，请联系商户", "The refund failed; please ask the shop";
    WrongApp: "这里无法付款，请用手机浏览器或支付宝打开本页", "You cannot pay here. Please open this page in your phone's browser or in Alipay";
    NothingHere: "暂无可用的支付方式，请联系商户", "No way to pay is available now; please ask the shop";
    OverLimit: "这种方式超出限额，请换一种方式", "This way is over its limit; please choose another";
    Unidentified: "支付应用没有告诉我们付款人是谁。请重试；如果页面提示“使用完整服务”，请先点它", "Your app did not tell us who pays. Please try again; if the page offers its full service, open that first";
    Unavailable: "这种方式暂不可用，请换一种方式", "This way is not available now; please choose another";
    Busy: "系统繁忙，请稍后再试", "Busy; please try again in a moment";
    TooOften: "尝试次数过多，请重新下单", "Tried too often; please order again";
    LeftCode: "之前的支付码在此时间前仍可能有效，请勿重复付款：", "The code you left may still work until this time; do not pay twice: ";
    PayUntil: "请在此时间前支付：", "Please pay before: ";
    Offline: "网络不稳定，正在重试。如已付款，请勿重复支付", "Network trouble, retrying. If you paid, do not pay again";
    CopyLink: "复制本页链接", "Copy this page's link";
    Copied: "已复制", "Copied";
    BackToShop: "返回商户", "Back to the shop";
    TryIt: "沙箱手机：在这里试着付款", "Sandbox phone: try paying here";
    PayTo: "付款给", "Pay";
    EnterAmount: "请输入金额", "Enter amount";
    AmountYuan: "金额（元）", "Amount (yuan)";
    Note: "备注（可不填，30 字以内）", "Note (optional, up to 30 characters)";
    PayNext: "下一步", "Continue";
    Erase: "删除", "Delete";
    Between: "单笔金额范围：", "Amounts taken: ";
    AmountMissing: "请输入金额", "Enter the amount";
    AmountUnclear: "金额看不懂，请只输入数字，例如 12.80", "This amount cannot be read. Type digits only, such as 12.80";
    AmountDecimals: "金额最多两位小数", "An amount has two decimals at most";
    AmountZero: "金额必须大于 0", "The amount must be more than 0";
    AmountTooMuch: "金额过大", "The amount is too large";
    AmountBelow: "金额不能小于", "The amount must be at least";
    AmountAbove: "金额不能大于", "The amount must be at most";
    AmountLimit: "超出限额，请减少金额", "Over a limit. Please pay less";
    NoteFault: "备注最多 30 个字，不能有特殊字符", "A note has 30 characters at most, and no special ones";
    Stale: "页面已过期，请重新输入金额", "This page was open too long. Please enter the amount again";
    TooManyOrders: "下单过于频繁，请一分钟后再试", "Too many orders; please try again in a minute";
    StoreUnavailable: "暂时无法付款，请联系店员", "Payment is not possible right now; please ask the staff";
    Paused: "商户暂停收款，请联系店员", "This store is not accepting payments. Please ask the staff";
    UnknownCode: "收款码无效或已更换，请联系店员", "This code is not valid or was replaced. Please ask the staff";
    OpenIn: "请用这些应用扫码付款：", "Please scan with one of these apps: ";
    StoreCode: "收款码", "Payment code of the store";
    BadLink: "链接无效或已过期", "Link not valid";
    Payee: "收款方", "Paid to";
    OrderNo: "订单号", "Order";
    Number: "流水号", "Number";
    Created: "下单时间", "Created";
    PaidAt: "支付时间", "Paid at";
    By: "支付方式", "Paid by";
    PayerPaid: "实付", "You paid";
    Discount: "优惠", "Discount";
    Refund: "退款", "Refund";
}

/// A payer's name for a way.
pub const fn way(method: Method, lang: Lang) -> &'static str {
    let (zh, en) = match method {
        Method::WechatNative => ("微信支付（扫码）", "WeChat Pay (scan)"),
        Method::WechatJsapi | Method::WechatMini | Method::WechatApp | Method::WechatH5 | Method::WechatBarcode => {
            ("微信支付", "WeChat Pay")
        }
        Method::AlipayQr => ("支付宝（扫码）", "Alipay (scan)"),
        Method::AlipayPage => ("支付宝（登录网页）", "Alipay (log in)"),
        Method::AlipayJsapi | Method::AlipayWap | Method::AlipayApp | Method::AlipayBarcode => ("支付宝", "Alipay"),
        Method::UnionpayQr => ("云闪付（扫码）", "UnionPay (scan)"),
        Method::UnionpayWeb => ("银联（网页）", "UnionPay (web)"),
        Method::UnionpayWap | Method::UnionpayApp | Method::UnionpayBarcode => ("云闪付", "UnionPay"),
        Method::UnionpayB2b => ("企业网银", "Company bank account"),
        Method::IcbcQr => ("工商银行（扫码）", "ICBC (scan)"),
        Method::IcbcH5 | Method::IcbcApp | Method::IcbcBarcode => ("工商银行", "ICBC"),
        Method::CmbQr => ("招商银行（扫码）", "CMB (scan)"),
        Method::CmbBarcode => ("招商银行", "CMB"),
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// What an app is called.
pub const fn app(agent: Agent, lang: Lang) -> &'static str {
    match (agent, lang) {
        (Agent::Wechat | Agent::WechatDesktop, Lang::Zh) => "微信",
        (Agent::Wechat | Agent::WechatDesktop, Lang::En) => "WeChat",
        (Agent::Alipay, Lang::Zh) => "支付宝",
        (Agent::Alipay, Lang::En) => "Alipay",
        (Agent::Unionpay, Lang::Zh) => "云闪付",
        (Agent::Unionpay, Lang::En) => "UnionPay",
        (Agent::Phone | Agent::Desktop, Lang::Zh) => "浏览器",
        (Agent::Phone | Agent::Desktop, Lang::En) => "a browser",
    }
}

/// Why a payment failed, as far as it helps the payer; `None`: it is not his affair.
pub const fn reason(code: FailureCode, lang: Lang) -> Option<&'static str> {
    let (zh, en) = match code {
        FailureCode::InsufficientFunds => ("余额不足", "insufficient balance"),
        FailureCode::PayerDeclined => ("付款被拒绝", "declined"),
        FailureCode::PayerAccount => ("付款账户受限", "your account cannot pay this"),
        FailureCode::CardNotSupported => ("不支持此卡", "this card is not supported"),
        FailureCode::ChannelLimit => ("超出支付渠道限额", "over the limit of the payment channel"),
        _ => return None,
    };
    Some(match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })
}
