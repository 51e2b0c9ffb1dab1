//! What each hint of `signature_debug` means. A hint without its line does not compile.

use crate::http::lang::Lang;
use crate::merchant_auth::help::Hint;

/// What the sender seems to have done.
#[must_use]
pub const fn meaning(hint: Hint, lang: Lang) -> &'static str {
    let (zh, en) = match hint {
        Hint::TrailingNewlineMissing => ("第五行之后少了换行符", "the line feed behind the fifth line is missing"),
        Hint::Crlf => ("用了 CRLF，应只用 LF", "lines end with CRLF instead of LF"),
        Hint::QueryReordered => ("签名时查询参数的顺序与发送时不同", "the query was signed in another order than it was sent"),
        Hint::QueryEncoding => {
            ("签名时查询的百分号编码与发送时不同", "the query was signed with another percent-encoding than it was sent")
        }
        Hint::QueryLeftOut => ("签名时漏了查询部分", "the query was left out"),
        Hint::PathWithoutPrefix => ("签名的路径少了前缀（如 `/v1`）", "the path was signed without its prefix (`/v1`)"),
        Hint::BodyReserialised => (
            "发送的请求体与签名的不是同样的字节：空格、转义、字段顺序或换行不同",
            "the body was written again between signing and sending: spaces, escapes, order or newlines differ",
        ),
        Hint::BodyLeftOut => ("签名时漏了请求体", "the body was left out"),
        Hint::TimestampInMs => ("时间戳用了毫秒，应为秒", "the timestamp is in milliseconds instead of seconds"),
        Hint::SecretDecoded => {
            ("密钥被按 base64 或十六进制解码了，应直接用其文本", "the secret was decoded from base64 or hex; its text is the key")
        }
        Hint::SecretWhitespace => ("密钥后面带了换行或空格", "a newline or space stands behind the secret"),
        Hint::UpperCaseHex => ("签名是大写十六进制，应为小写", "the signature is upper-case hex instead of lower-case"),
        Hint::OtherKey => ("用了本商户另一把密钥的密文", "the secret is that of the merchant's other key"),
        Hint::WebhookSecret => ("用了通知密钥（`whsec_…`）", "the webhook's secret (`whsec_…`) was used"),
    };
    lang.pick(zh, en)
}

/// All of them.
pub fn table(lang: Lang) -> String {
    let lead = lang.pick(
        "`signature_debug.hints` 只在沙箱，或运营人员为该密钥打开调试（24 小时）时才有内容。",
        "`signature_debug.hints` holds something in the sandbox only, or while an operator has put the key into debugging (24 hours).",
    );
    let head = lang.pick("| 提示词 | 您可能做了什么 |", "| hint | what you seem to have done |");
    let rows: String = Hint::ALL.iter().map(|hint| format!("| `{}` | {} |\n", hint.word(), meaning(*hint, lang))).collect();
    format!("{lead}\n\n{head}\n|---|---|\n{rows}")
}
