//! The sandbox's till, as a cashier uses it in a real demo: every way a sale can stand has a screen of its own, and nothing is sold twice.

use super::docs::demo;
use crate::harness::until;
use reqwest::header::LOCATION;

/// A browser without script that follows no redirect by itself.
struct Cashier {
    http: reqwest::Client,
    till: String,
}

impl Cashier {
    fn at(till: &str) -> Cashier {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Cashier { http, till: till.to_owned() }
    }

    async fn page(&self, path: &str) -> String {
        self.http.get(format!("{}{path}", self.till)).send().await.unwrap().text().await.unwrap()
    }

    /// The form with a payer's code in its field: number, code.
    async fn shown(&self, wallet: &str, behaviour: &str) -> (String, String) {
        let page = self.page(&format!("/till/payer?wallet={wallet}&behaviour={behaviour}")).await;
        let value = |name: &str| {
            let field = page.split("<input").find(|field| field.contains(&format!("name=\"{name}\""))).unwrap();
            field.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        (value("number"), value("code"))
    }

    /// Status, where it leads, and the page.
    async fn send(&self, path: &str, fields: &[(&str, &str)], origin: &str) -> (u16, String, String) {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}{path}", self.till)).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.header("origin", origin).body(body).send().await.unwrap();
        let to = answer.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        (answer.status().as_u16(), to, answer.text().await.unwrap())
    }

    async fn charge(&self, number: &str, amount: &str, code: &str) -> (u16, String, String) {
        self.send("/till", &[("number", number), ("amount", amount), ("code", code)], &self.till).await
    }

    async fn becomes(&self, sale: &str, class: &str) -> String {
        until(&format!("{sale} to be {class}"), || async {
            Some(self.page(sale).await).filter(|page| page.contains(&format!("class=\"screen {class}\"")))
        })
        .await
    }
}

#[tokio::test]
async fn a_cashier_sells_refunds_and_is_told_what_is_not_known() {
    let demo = demo();
    let cashier = Cashier::at(&demo.phone);

    let (number, code) = cashier.shown("wechat", "pay").await;
    // A scanner's spaces do not matter.
    let spaced = format!(" {} {} ", &code[..4], &code[4..]);
    let (status, sale, _) = cashier.charge(&number, "12.80", &spaced).await;
    assert_eq!(status, 303);
    let paid = cashier.becomes(&sale, "paid").await;
    assert!(paid.contains("收款成功") && paid.contains("¥12.80") && !paid.contains("http-equiv=\"refresh\""), "{paid}");
    assert_eq!(cashier.charge(&number, "12.80", &code).await.1, sale, "the key was pressed twice: one sale");
    assert_eq!(cashier.page("/till").await.matches("/till/sales/").count(), 1);
    let (_, _, other) = cashier.charge(&number, "12.81", &code).await;
    assert!(other.contains("请勿重复收款") && !other.contains("没有发起扣款"), "this number was sold: {other}");

    let refund = format!("{sale}/refund");
    assert_eq!(cashier.send(&refund, &[], "http://elsewhere.example").await.0, 403);
    assert_eq!(cashier.send(&refund, &[], &cashier.till).await.0, 303);
    let page = cashier.page(&sale).await;
    assert!(!page.contains("accesskey=\"r\""), "nothing is left to refund: {page}");
    until("the refund", || async { Some(cashier.page(&sale).await).filter(|page| page.contains("已退 Refunded ¥12.80</p>")) }).await;

    let (number, code) = cashier.shown("alipay", "decline").await;
    let (_, sale, _) = cashier.charge(&number, "3", &code).await;
    cashier.becomes(&sale, "no").await;

    let (number, code) = cashier.shown("wechat", "password").await;
    let (_, sale, _) = cashier.charge(&number, "0.01", &code).await;
    let waits = cashier.becomes(&sale, "unknown").await;
    assert!(waits.contains("请勿重复收款") && waits.contains("http-equiv=\"refresh\""), "{waits}");
    assert_eq!(cashier.http.get(format!("{}/?confirm={code}", cashier.till)).send().await.unwrap().status().as_u16(), 303);
    cashier.becomes(&sale, "paid").await;
}

#[tokio::test]
async fn what_cannot_be_sold_says_which_field_and_sells_nothing() {
    let demo = demo();
    let cashier = Cashier::at(&demo.phone);
    let (number, code) = cashier.shown("wechat", "pay").await;
    for (amount, code, wrong) in [("", code.as_str(), 1), ("1.234", &code, 1), ("0", &code, 1), ("-1", &code, 1), ("1", "12", 1), ("x", "y", 2)] {
        let (_, to, page) = cashier.charge(&number, amount, code).await;
        assert_eq!((to.as_str(), page.matches("class=\"wrong\"").count()), ("", wrong), "{amount} {code}: {page}");
    }
    // No wallet's code: the gateway says no before any channel is asked.
    let (status, _, page) = cashier.charge(&number, "1", "9999999999999999").await;
    assert!(status == 200 && page.contains("class=\"screen no\"") && page.contains("没有发起扣款"), "{page}");
    let (_, _, page) = cashier.charge("<script>", "1", "<b>").await;
    assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
    assert_eq!(cashier.page("/till").await.matches("/till/sales/").count(), 0);
}
