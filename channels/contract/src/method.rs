//! Payment methods (支付方式): what the payer does, not who serves it.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word used in the API, in config and in the store.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            #[must_use]
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Every method of the contract that an account can serve. `auto_barcode` and `cashier` are resolved before routing.
    Method {
        WechatNative = "wechat_native", WechatJsapi = "wechat_jsapi", WechatMini = "wechat_mini", WechatApp = "wechat_app",
        WechatH5 = "wechat_h5", WechatBarcode = "wechat_barcode",
        AlipayQr = "alipay_qr", AlipayBarcode = "alipay_barcode", AlipayJsapi = "alipay_jsapi", AlipayWap = "alipay_wap",
        AlipayPage = "alipay_page", AlipayApp = "alipay_app",
        UnionpayQr = "unionpay_qr", UnionpayBarcode = "unionpay_barcode", UnionpayWeb = "unionpay_web", UnionpayWap = "unionpay_wap",
        UnionpayApp = "unionpay_app", UnionpayB2b = "unionpay_b2b",
        IcbcQr = "icbc_qr", IcbcBarcode = "icbc_barcode", IcbcH5 = "icbc_h5", IcbcApp = "icbc_app",
        CmbQr = "cmb_qr", CmbBarcode = "cmb_barcode",
    }
}

words! {
    /// The wallet that really paid.
    Wallet { Wechat = "wechat", Alipay = "alipay", Unionpay = "unionpay", Icbc = "icbc", Cmb = "cmb", Ecny = "ecny" }
}

impl Method {
    /// The merchant scans the payer's code (被扫): synchronous, reversible, no action to show.
    #[must_use]
    pub const fn is_barcode(self) -> bool {
        matches!(self, Method::WechatBarcode | Method::AlipayBarcode | Method::UnionpayBarcode | Method::IcbcBarcode | Method::CmbBarcode)
    }
}
