//! Every word of the console in both languages, and what the words of the API mean to a person.

use crate::http::lang::{Lang, words};

words! {
    Console: "运营台", "Console";
    Skip: "跳到内容", "Skip to content";
    Test: "沙箱：无真实资金", "Sandbox: no real money";
    Today: "今日", "Today";
    Orders: "订单", "Orders";
    Order: "订单详情", "Order";
    Cases: "待人工", "Cases";
    Accounts: "账户", "Accounts";
    Limits: "限额", "Limits";
    Notifications: "通知", "Notifications";
    Reconcile: "对账", "Reconcile";
    Audit: "审计", "Audit";
    Sessions: "会话", "Sessions";
    Me: "我的登录", "My sign-in";

    SignIn: "登录", "Sign in";
    SignOut: "退出", "Sign out";
    Name: "用户名", "Name";
    Password: "密码", "Password";
    Code: "验证码（六位）", "Code (six digits)";
    CodeHint: "来自你的验证器应用；没有配置的沙箱用户留空", "From your authenticator app; empty where none was set up in a sandbox";
    WrongSignIn: "用户名、密码或验证码不正确。验证码只能用一次。", "The name, the password or the code is not right. A code works once.";
    TooManyTries: "尝试次数过多，请等待后再试。等待分钟数：", "Too many tries. Wait this many minutes: ";
    NewPassword: "新密码（至少 12 个字符）", "New password (at least 12 characters)";
    ChangePassword: "修改密码", "Change password";
    MustChange: "这是一次性密码，请先修改。", "This password works once: please change it first.";
    OldPassword: "当前密码", "Current password";
    WrongPassword: "当前密码不正确。", "The current password is not right.";
    YourSessions: "你的会话", "Your sessions";
    ThisSession: "当前", "this one";
    Revoke: "撤销", "Revoke";
    Operator: "操作员", "Operator";
    Address: "地址", "Address";
    Browser: "浏览器", "Browser";
    SignedInAt: "登录时间", "Signed in";
    SeenAt: "最近使用", "Last used";

    WhatWaits: "现在需要人处理的", "What needs a person now";
    Overdue: "超时未完成", "Overdue";
    Suspended: "待人工处理", "For a person";
    Parked: "停发的通知", "Parked notifications";
    Discrepancies: "未结差错", "Open discrepancies";
    NearLimits: "接近上限的限额", "Limits nearly used";
    Unwell: "不可用的账户", "Accounts not well";
    TakenToday: "今日收款", "Taken today";
    OrdersToday: "今日订单", "Orders today";
    PaidToday: "今日已支付", "Paid today";
    NotWhole: "订单较多，只统计了最新的一部分。", "There are many orders: only the newest of them are counted.";
    OfOrdersMadeToday: "按今日创建的订单统计", "Of orders made today";

    Search: "查找", "Search";
    SearchHint: "任意单号，或金额加时间：12.80 14:30", "Any number, or an amount with a time: 12.80 14:30";
    Merchant: "商户", "Merchant";
    Status: "状态", "Status";
    Any: "全部", "Any";
    From: "创建起（含）", "Made from";
    To: "创建止（不含）", "Made before";
    Filter: "筛选", "Filter";
    Next: "下一页", "Next page";
    Nothing: "没有符合的记录。", "There is nothing here.";
    SearchedAmong: "已查找的时间范围（按创建）：", "Searched among orders made: ";
    SearchedPart: "这段时间付款较多，只查了最新的一部分。请给出更准确的时间。", "There were many payments then: only the newest were looked at. Give a closer time.";
    Hit: "命中", "Found by";
    Numbers: "单号", "Numbers";
    OrderId: "平台订单号", "Order id";
    MerchantNo: "商户订单号", "Merchant's number";
    ChannelNo: "渠道订单号", "Channel order number";
    TradeNo: "渠道流水号", "Channel trade number";
    Amount: "金额", "Amount";
    Subject: "商品", "Subject";
    Method: "支付方式", "Method";
    Account: "账户", "Account";
    Created: "创建", "Made";
    PaidAt: "支付", "Paid";
    Expires: "过期", "Expires";
    PayerPaid: "实付", "Payer paid";
    Refunded: "已退款", "Refunded";
    Fee: "手续费", "Fee";

    HeadPaid: "渠道已确认收款：", "The channel has confirmed the payment: ";
    HeadSuspended: "结果未知，渠道既不告知也无法撤销：需要人工处理", "The outcome is not known, and the channel neither tells it nor undoes it: a person has to act";
    HeadUnknown: "结果未知，正在向渠道查询", "The outcome is not known; the channel is being asked";
    HeadWaiting: "等待付款", "Waiting for the payer";
    HeadChoosing: "付款人尚未选择支付方式", "The payer has not chosen a method yet";
    HeadUndoing: "正在关闭或撤销，结果待渠道确认", "Being closed or reversed; the channel has yet to confirm";
    HeadFailed: "支付失败：", "The payment failed: ";
    HeadClosed: "订单已关闭", "The order is closed";
    HeadReversed: "订单已撤销", "The order was reversed";
    HeadLate: "订单结束后又有款项到账，见付款尝试与退款", "Money arrived after the end of the order: see attempts and refunds";
    HeadNotice: "商户通知：", "The merchant's notification: ";
    NextTry: "下次", "next";
    Tries: "次数", "Tries";
    NextAsk: "下次查询：", "Asked again at ";

    Attempts: "付款尝试", "Attempts";
    Refunds: "退款", "Refunds";
    Trail: "操作轨迹", "Trail";
    LimitEntries: "限额变动", "Limit entries";
    Risk: "风控", "Risk control";
    Why: "为何选此账户", "Why this account";
    Inner: "渠道往来（已脱敏）", "Exchanges (redacted)";
    At: "时间", "At";
    What: "事项", "What";
    Detail: "详情", "Detail";
    Acts: "操作", "Acts";
    AskChannel: "向渠道查询", "Ask the channel";
    Close: "关单", "Close";
    Reverse: "撤销", "Reverse";
    Replay: "重发通知", "Send again";
    Reason: "原因", "Reason";
    Retype: "再次输入平台订单号末 4 位", "Type the last 4 of the order id again";
    NoPaidButton: "没有“置为已支付”：只有渠道的答复能改变结果。", "There is no \"set paid\": only the channel's answer changes an outcome.";

    SaidDone: "已完成，结果见下方。", "Done; see below.";
    SaidAccepted: "已受理，结果待渠道确认。", "Accepted; the channel has yet to confirm the outcome.";
    SaidAgain: "这张表单已提交过，没有重复执行。", "This form was sent before; nothing was done twice.";
    SaidRetype: "末 4 位不一致，未执行。", "The last 4 do not agree; nothing was done.";
    SaidProposed: "已提出，需另一人同意。", "Proposed: another person has to agree.";
    SaidPassword: "密码已修改，其他会话已结束。", "The password was changed; your other sessions were ended.";
    SaidOut: "已退出。", "You are signed out.";

    State: "开关", "Switch";
    Health: "健康", "Health";
    Weight: "权重", "Weight";
    WeightHint: "0 到 1000；留空按规则", "0 to 1000; empty: as the rules say";
    Success: "近期成功率", "Recent success";
    Answers: "应答 / 故障", "Answers / faults";
    AnswerTime: "平均应答", "Mean answer";
    Channel: "渠道", "Channel";
    Enable: "启用", "Enable";
    Disable: "停用", "Disable";
    Drain: "只出不进", "Drain";
    SetWeight: "设权重", "Set weight";
    Shut: "不在营业时间", "Not open now";
    Maintenance: "维护中", "Under maintenance";
    PassedOverUntil: "暂时绕过至", "passed over until";

    Limit: "限额", "Limit";
    Window: "周期", "Window";
    SubjectOf: "对象", "Subject";
    Used: "已用", "Used";
    Confirmed: "已确认", "Confirmed";
    Reserved: "预占", "Reserved";
    Overrun: "超出", "Overrun";
    Left: "剩余", "Left";
    Max: "上限", "Max";
    RunsOut: "预计用完", "Runs out";
    SuspendedLimit: "已暂停", "suspended";
    PerOrder: "单笔限额没有累计。", "A limit of one order adds nothing up.";

    Event: "事件", "Event";
    Last: "最近一次", "Last try";
    Kind: "种类", "Kind";
    Day: "日期", "Day";
    Ours: "我方", "Ours";
    Theirs: "渠道", "Theirs";
    Gap: "差额（渠道减我方）", "Gap (channel minus ours)";
    Settle: "平账", "Settle";
    ProposedBy: "已提出：", "Proposed by ";
    Runs: "当日对账", "Runs of the day";
    Matched: "相符 / 行数", "Matched / rows";
    Who: "谁", "Who";
    Role: "角色", "Role";
    About: "对象", "About";

    Refused: "未能执行", "Not done";
    RequestNo: "参考号", "Reference";
    Back: "返回", "Back";
}

/// What a word of the API means to a person; itself where nobody has told.
pub fn state(word: &str, lang: Lang) -> &str {
    let known = STATES.iter().find(|(known, _, _)| *known == word);
    known.map_or(word, |(_, zh, en)| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })
}

const STATES: &[(&str, &str, &str)] = &[
    // Orders, attempts, refunds.
    ("pending", "处理中", "pending"),
    ("paid", "已支付", "paid"),
    ("failed", "失败", "failed"),
    ("closed", "已关闭", "closed"),
    ("reversed", "已撤销", "reversed"),
    ("sending", "提交中", "sending"),
    ("awaiting_payer", "待付款", "awaiting payer"),
    ("unknown", "结果未知", "unknown"),
    ("succeeded", "成功", "succeeded"),
    ("abandoned", "已放弃，码未失效", "abandoned"),
    ("merchant", "商户", "merchant"),
    ("late_payment", "迟到付款", "late payment"),
    ("duplicate_payment", "重复付款", "duplicate payment"),
    ("reversal", "撤销", "reversal"),
    // Accounts.
    ("enabled", "启用", "enabled"),
    ("draining", "只出不进", "draining"),
    ("disabled", "停用", "disabled"),
    ("well", "正常", "well"),
    ("open", "未结 / 绕过", "open"),
    ("probing", "试探中", "probing"),
    // Notifications.
    ("parked", "停发", "parked"),
    ("waiting", "待发", "waiting"),
    ("delivered", "已送达", "delivered"),
    ("kept", "仅留存", "kept"),
    // Discrepancies.
    ("carried", "结转", "carried"),
    ("settled", "已平", "settled"),
    ("missing_here", "我方缺", "missing here"),
    ("missing_there", "渠道缺", "missing there"),
    ("amount", "金额不符", "amount"),
    ("status", "状态不符", "status"),
    ("duplicate", "重复", "duplicate"),
    ("fee", "手续费不符", "fee"),
    // What the search box hit.
    ("id", "平台订单号", "order id"),
    ("channel_order_no", "渠道订单号", "channel order number"),
    ("refund", "退款号", "refund id"),
    ("event", "事件号", "event id"),
    ("merchant_order_no", "商户订单号", "merchant's number"),
    ("merchant_refund_no", "商户退款号", "merchant's refund number"),
    ("channel_trade_no", "渠道流水号", "channel trade number"),
    ("payer_amount", "实付金额", "payer's amount"),
    // Roles.
    ("viewer", "查看", "viewer"),
    ("operator", "运营", "operator"),
    ("finance", "财务", "finance"),
    ("admin", "管理员", "admin"),
    ("day", "日", "day"),
    ("month", "月", "month"),
    ("lifetime", "累计", "lifetime"),
    ("transaction", "单笔", "transaction"),
];
