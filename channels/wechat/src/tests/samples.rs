//! The pack's sample bodies: every reply is understood, and what we send has the samples' shape.

use super::{NOW, attempt, direct, env, json_of, order, partner, read, refund_of, request_of, sealed, str_of, vectors};
use crate::{refund::Told, trade};
use serde_json::Value;
use sluice_contract::{Channel, Method, Pay, Refund, Step, Undone};

/// The type of every member that both have must be the same; `optional` may be ours alone.
fn same_shape(ours: &Value, sample: &Value, optional: &[&str], path: &str) {
    let Some(members) = ours.as_object() else {
        assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(sample), "{path}");
        return;
    };
    for (name, value) in members {
        match sample.get(name) {
            Some(other) => same_shape(value, other, optional, &format!("{path}.{name}")),
            None => assert!(optional.contains(&name.as_str()), "{path}.{name} is not in the sample"),
        }
    }
}

#[test]
fn what_we_send_has_the_shape_of_the_samples() {
    let optional = ["time_expire", "scene_info", "currency", "notify_url", "out_trade_no", "sp_openid"];
    for sample in vectors!("samples") {
        let wechat = if sample["mode"] == "partner" { partner() } else { direct() };
        let pay = |method| wechat.pay(&attempt(&wechat, method), &order(), &env(NOW));
        let body = match str_of(&sample, "id") {
            "jsapi" | "partner-jsapi" => json_of(&pay(Method::WechatJsapi)),
            "native" | "partner-native" => json_of(&pay(Method::WechatNative)),
            "h5" => json_of(&pay(Method::WechatH5)),
            "codepay" | "partner-codepay" => json_of(&pay(Method::WechatBarcode)),
            "reverse" => json_of(&wechat.reverse(&attempt(&wechat, Method::WechatBarcode), &env(NOW))),
            "close" => json_of(&wechat.close(&attempt(&wechat, Method::WechatNative), &env(NOW))),
            "refund-create" => json_of(&wechat.refund(&refund_of(attempt(&wechat, Method::WechatNative)), &env(NOW))),
            _ => continue,
        };
        same_shape(&body, &sample["request"], &optional, str_of(&sample, "id"));
    }
}

#[test]
fn every_sample_reply_is_understood() {
    let wechat = direct();
    let native = || attempt(&wechat, Method::WechatNative);
    let query = wechat.query(&native(), &env(NOW));
    for sample in vectors!("samples") {
        let id = str_of(&sample, "id");
        let status = u16::try_from(sample["status"].as_u64().unwrap()).unwrap();
        let text = if sample["response"].is_null() { String::new() } else { sample["response"].to_string() };
        let reply = sealed(status, &text);
        let pay = |method| read(&wechat.pay(&attempt(&wechat, method), &order(), &env(NOW)), &reply);
        match id {
            "jsapi" | "partner-jsapi" => assert!(matches!(pay(Method::WechatJsapi), Pay::Waiting(..)), "{id}"),
            "native" | "partner-native" => assert!(matches!(pay(Method::WechatNative), Pay::Waiting(..)), "{id}"),
            "h5" => assert!(matches!(pay(Method::WechatH5), Pay::Waiting(..)), "{id}"),
            "codepay" | "partner-codepay" | "query-by-id" | "query-by-out-trade-no" => {
                let trade = trade::read(&sample["response"]).unwrap();
                assert_eq!(trade.claims.number.as_deref(), sample["response"]["out_trade_no"].as_str());
                assert!(matches!(trade.says(true), Pay::Paid(payment) if payment.paid_at.is_some()), "{id}");
            }
            "close" => assert_eq!(read(&wechat.close(&native(), &env(NOW)), &reply), Undone::Closed),
            "refund-create" => assert!(matches!(Told::read(&sample["response"], "status").unwrap().says(), Refund::Accepted(_))),
            "refund-abnormal" => assert!(matches!(Told::read(&sample["response"], "status").unwrap().says(), Refund::Succeeded(_))),
            "codepay-userpaying" => assert!(matches!(pay(Method::WechatBarcode), Pay::Waiting(..))),
            "err-sign" | "err-param" => assert!(matches!(pay(Method::WechatNative), Pay::Failed(_)), "{id}"),
            "err-order-not-exist" => assert_eq!(read(&query, &reply), Pay::NotFound),
            "err-frequency" => assert!(matches!(read(&wechat.refund(&refund_of(native()), &env(NOW)), &reply), Refund::Unknown(_))),
            "reverse" => assert_eq!(request_path(&wechat.reverse(&attempt(&wechat, Method::WechatBarcode), &env(NOW))), "/reverse"),
            // Bills have their own tests.
            "err-bill-not-exist" | "err-bill-creating" | "bill-apply" => {}
            other => panic!("the sample {other} is new"),
        }
    }
}

fn request_path(step: &Step<Undone>) -> String {
    let url = &request_of(step).url;
    url.get(url.rfind('/').unwrap()..).unwrap().to_owned()
}
