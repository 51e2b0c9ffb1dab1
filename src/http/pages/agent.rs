//! Which app shows the page, guessed from its `User-Agent`, and what is offered there. A wrong guess costs a tap, never money: what is
//! offered is tried at the channel, and every app can be told to show all ways.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use sluice_contract::Method;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    Wechat,
    /// WeChat on a computer: its bridge is not known to work there.
    WechatDesktop,
    Alipay,
    /// 云闪付, and the banks' apps that say so.
    Unionpay,
    Phone,
    Desktop,
}

impl Agent {
    pub fn of(headers: &HeaderMap) -> Agent {
        Agent::named(headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default())
    }

    fn named(text: &str) -> Agent {
        let has = |token: &str| text.contains(token);
        if has("MicroMessenger") {
            return if has("WindowsWechat") || has("MacWechat") { Agent::WechatDesktop } else { Agent::Wechat };
        }
        if has("AlipayClient") {
            return Agent::Alipay;
        }
        if has("UnionPay/") {
            return Agent::Unionpay;
        }
        if has("Mobile") || has("Android") || has("iPhone") || has("HarmonyOS") { Agent::Phone } else { Agent::Desktop }
    }

    /// What works here, the likeliest first.
    pub const fn ways(self) -> &'static [Method] {
        match self {
            Agent::Wechat => &[Method::WechatJsapi],
            Agent::WechatDesktop => SCANNED,
            Agent::Alipay => &[Method::AlipayJsapi, Method::AlipayWap],
            Agent::Unionpay => &[Method::UnionpayWap],
            Agent::Phone => &[Method::WechatH5, Method::AlipayWap, Method::UnionpayWap, Method::IcbcH5],
            Agent::Desktop => &[
                Method::WechatNative,
                Method::AlipayQr,
                Method::UnionpayQr,
                Method::IcbcQr,
                Method::CmbQr,
                Method::AlipayPage,
                Method::UnionpayWeb,
            ],
        }
    }

    /// What works where nothing of [`Agent::ways`] is offered: another phone can scan a browser's screen. In an app of somebody's there is
    /// no such way: WeChat never pays a native code that it shows itself.
    pub const fn other_ways(self) -> &'static [Method] {
        match self {
            Agent::Phone => SCANNED,
            _ => &[],
        }
    }

    /// Whether it pays by itself, in the first of its ways that is offered.
    pub const fn is_an_app(self) -> bool {
        matches!(self, Agent::Wechat | Agent::Alipay | Agent::Unionpay)
    }

    /// Whether a code on this screen can be scanned by somebody.
    pub const fn shows_codes(self) -> bool {
        matches!(self, Agent::Phone | Agent::Desktop | Agent::WechatDesktop)
    }
}

const SCANNED: &[Method] = &[Method::WechatNative, Method::AlipayQr, Method::UnionpayQr, Method::IcbcQr, Method::CmbQr];

#[cfg(test)]
mod tests {
    use super::Agent;

    #[test]
    fn apps_are_known_by_their_tokens() {
        let table = [
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.44", Agent::Wechat),
            ("Mozilla/5.0 (Windows NT 10.0) MicroMessenger/3.9 WindowsWechat(0x63090a13)", Agent::WechatDesktop),
            ("Mozilla/5.0 (Linux; Android 14) AlipayClient/10.5.80", Agent::Alipay),
            ("Mozilla/5.0 (Linux; Android 14) UnionPay/1.0 CloudPay", Agent::Unionpay),
            ("Mozilla/5.0 (iPhone) UnionPay/1.0 CCBLoongPay", Agent::Unionpay),
            ("Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36", Agent::Phone),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140", Agent::Desktop),
            ("", Agent::Desktop),
        ];
        for (text, agent) in table {
            assert_eq!(Agent::named(text), agent, "{text}");
        }
    }
}
