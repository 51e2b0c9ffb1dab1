//! Refusals: the code of the pack's §4, and words. The words are ours (nobody may read them for logic), except the three that
//! the pack quotes; the seven digits at the end are ours as well.

/// A definite answer that is not success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) code: &'static str,
    /// Which field.
    pub(crate) field: String,
}

impl Fail {
    pub(crate) fn of(code: &'static str) -> Fail {
        Fail { code, field: String::new() }
    }

    /// A required element is not there.
    pub(crate) fn missing(field: &str) -> Fail {
        Fail { code: "13", field: field.to_owned() }
    }

    pub(crate) fn format(field: &str) -> Fail {
        Fail { code: "10", field: field.to_owned() }
    }

    pub(crate) fn message(&self) -> String {
        let colon = if self.field.is_empty() { "" } else { ":" };
        format!("{}{colon}{}[{}]", words(self.code), self.field, detail(self.code))
    }
}

/// The text behind a code.
pub(crate) fn message(code: &str) -> String {
    format!("{}[{}]", words(code), detail(code))
}

fn detail(code: &str) -> String {
    match code {
        "34" => "2600000".to_owned(),
        "35" => "2011000".to_owned(),
        other => format!("{other:0>7}"),
    }
}

fn words(code: &str) -> &'static str {
    match code {
        "00" => "成功",
        "A6" => "有缺陷的成功",
        "01" => "交易失败",
        "02" => "系统未开放",
        "03" => "交易通讯超时",
        "04" => "交易状态未明",
        "05" => "交易已受理，请稍后查询交易结果",
        "06" => "系统繁忙",
        "10" => "报文格式错误",
        "11" => "验证签名失败",
        "12" => "重复交易",
        "13" => "报文要素缺失",
        "30" => "交易未通过",
        "31" => "商户状态不正确",
        "32" => "无此交易权限",
        "33" => "交易金额超限",
        "34" => "查无此交易",
        "35" => "原交易不存在或状态不正确",
        "36" => "与原交易信息不符",
        "37" => "查询过于频繁",
        "42" => "扣款成功但超过允许的时间",
        "45" => "原交易已被退货或撤销",
        "46" => "交易已被冲正",
        "64" => "余额不足",
        "65" => "密码或有效期错误",
        "70" => "等待持卡人输入",
        "83" => "发卡行处理中",
        "88" => "无此二维码",
        "98" => "文件不存在",
        _ => "其他",
    }
}
