//! The product table (pack §2): which address and which four codes each method travels under.

use sluice_contract::Method;

/// Every method of this channel.
pub(crate) const METHODS: &[Method] =
    &[Method::UnionpayQr, Method::UnionpayBarcode, Method::UnionpayWeb, Method::UnionpayWap, Method::UnionpayApp, Method::UnionpayB2b];

pub(crate) const FRONT: &str = "/gateway/api/frontTransReq.do";
pub(crate) const BACK: &str = "/gateway/api/backTransReq.do";
pub(crate) const QUERY: &str = "/gateway/api/queryTrans.do";
pub(crate) const APP: &str = "/gateway/api/appTransReq.do";

/// A consume (txnType 01) of one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// For logs and the trail.
    pub(crate) api: &'static str,
    pub(crate) path: &'static str,
    pub(crate) sub_type: &'static str,
    pub(crate) biz_type: &'static str,
    pub(crate) channel_type: &'static str,
    /// The reply's field that the payer needs; empty when there is none.
    pub(crate) brings: &'static str,
}

const fn product(
    api: &'static str,
    path: &'static str,
    sub_type: &'static str,
    biz_type: &'static str,
    channel_type: &'static str,
    brings: &'static str,
) -> Product {
    Product { api, path, sub_type, biz_type, channel_type, brings }
}

/// What a method is at UnionPay. Of the two app bizTypes in the wild we take that of the official demo.
pub(crate) const fn of(method: Method) -> Option<Product> {
    Some(match method {
        Method::UnionpayQr => product("qr.apply", BACK, "07", "000000", "08", "qrCode"),
        Method::UnionpayBarcode => product("qr.consume", BACK, "06", "000000", "08", ""),
        Method::UnionpayWeb => product("front.web", FRONT, "01", "000201", "07", ""),
        Method::UnionpayWap => product("front.wap", FRONT, "01", "000201", "08", ""),
        Method::UnionpayB2b => product("front.b2b", FRONT, "01", "000202", "07", ""),
        Method::UnionpayApp => product("app.order", APP, "01", "000201", "08", "tn"),
        _ => return None,
    })
}

/// The payer's browser posts it: nothing is sent by us, and the order exists once the payer has arrived.
pub(crate) const fn is_form(method: Method) -> bool {
    matches!(method, Method::UnionpayWeb | Method::UnionpayWap | Method::UnionpayB2b)
}
