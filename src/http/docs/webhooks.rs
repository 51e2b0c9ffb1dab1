//! `/docs/webhooks`: what a merchant is told, and how he knows that it is from us.

use super::page::Text;
use super::vectors;
use crate::flow::pace::NOTIFY_AFTER_S;
use crate::http::lang::Lang;
use crate::http::openapi::NOTIFICATIONS;

const BEFORE_ZH: &str = include_str!("webhooks.zh.md");
const BEFORE_EN: &str = include_str!("webhooks.en.md");

pub fn text(lang: Lang) -> Text {
    let head = lang.pick("| 事件 | 何时 | `data` |", "| event | when | `data` |");
    let rows: String = NOTIFICATIONS.iter().map(|kind| row(kind, lang)).collect();
    let waits: Vec<String> = NOTIFY_AFTER_S.iter().map(|seconds| duration(*seconds)).collect();
    let guide: &str = lang.pick(BEFORE_ZH, BEFORE_EN);
    let markdown = guide
        .replace("{{events}}", &format!("{head}\n|---|---|---|\n{rows}"))
        .replace("{{schedule}}", &waits.join(", "))
        .replace("{{vectors}}", &vectors::webhook());
    Text::new(lang.pick("通知", "Notifications"), markdown)
}

fn row(kind: &str, lang: Lang) -> String {
    let (zh, en) = told(kind);
    let data = if kind.starts_with("refund.") { "Refund" } else { "Order" };
    let word = lang.word();
    format!("| `{kind}` | {} | [{data}](/docs/api?lang={word}#{data}) |\n", lang.pick(zh, en))
}

fn told(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "order.paid" => ("订单已支付", "the order is paid"),
        "order.failed" => ("订单失败，没有扣款", "the order failed, nothing was taken"),
        "order.closed" => ("订单未支付而关闭或超时", "the order was closed unpaid or expired"),
        "order.reversed" => ("付款码订单已撤销，款项退回", "a barcode order was reversed, what was taken goes back"),
        "order.paid_late" => (
            "订单结束后才到账的款项，正在自动退回；订单状态不变",
            "money came after the order's end and is being refunded; its status stays",
        ),
        "refund.succeeded" => ("退款成功", "a refund succeeded"),
        "refund.failed" => ("退款失败，余额已释放", "a refund failed, its amount can be refunded again"),
        "refund.attention" => {
            ("退款需要人处理（商户余额不足、收款账户异常）", "a refund waits for a person (merchant's balance, payee's account)")
        }
        _ => ("", ""),
    }
}

/// `30s`, `3m`, `24h`.
fn duration(seconds: i64) -> String {
    match seconds {
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{NOTIFICATIONS, text, told};
    use crate::http::lang::Lang;

    #[test]
    fn every_event_is_explained_in_both_languages() {
        for kind in NOTIFICATIONS {
            let (zh, en) = told(kind);
            assert!(!zh.is_empty() && !en.is_empty(), "{kind}");
        }
        for lang in [Lang::Zh, Lang::En] {
            let text = text(lang).markdown;
            assert!(!text.contains("{{") && text.contains("5s, 15s, 30s, 3m, 10m, 30m, 1h, 2h, 6h, 15h, 24h"), "{text}");
        }
    }
}
