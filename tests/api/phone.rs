//! The sandbox's phone: the whole walk of a store's code, in every app that it plays, by plain forms.

use crate::harness::client::{http, send};
use crate::harness::page::{DESKTOP, Payer};
use crate::harness::{Answer, World};

/// The phone's browser: its cookies are those of its own pages.
async fn tap(world: &World, method: &str, path: &str, body: &str, cookie: &str) -> Answer {
    let url = format!("{}{path}", world.control.base);
    let request = http().request(method.parse().unwrap(), url).header("user-agent", DESKTOP).header("cookie", cookie).header("accept-language", "zh");
    let request = if method == "POST" { request.header("content-type", "application/x-www-form-urlencoded") } else { request };
    send(request.body(body.to_owned())).await.unwrap()
}

/// Follows the phone's own redirects.
async fn walk(world: &World, mut answer: Answer) -> (Answer, String) {
    let (mut at, mut cookie) = (String::new(), String::new());
    while answer.status / 100 == 3 {
        at = answer.header("location").split('#').next().unwrap().to_owned();
        assert!(at.starts_with("/phone/"), "it leaves the phone: {at}");
        cookie.push_str(&format!("{}; ", answer.header("set-cookie").split(';').next().unwrap()));
        answer = tap(world, "GET", &at, "", &cookie).await;
    }
    assert_eq!(answer.status, 200, "{at}: {}", answer.text());
    (answer, at)
}

fn hidden<'a>(html: &'a str, name: &str) -> &'a str {
    let found = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {html}"));
    found.1.split('"').next().unwrap()
}

#[tokio::test]
async fn every_app_of_the_phone_opens_the_stores_code_and_pays() {
    let world = World::plan().start();
    let listed = world.ops.get("/ops/v1/merchants/m_demo/stores").await.expect(200);
    let url = listed["data"][0]["page_url"].as_str().unwrap();
    for (app, bridge) in [("wechat", "WeixinJSBridge"), ("alipay", "AlipayJSBridge"), ("unionpay", ""), ("bank", "")] {
        let opened = tap(&world, "GET", &format!("/open?url={url}&app={app}"), "", "").await;
        let (page, at) = walk(&world, opened).await;
        let html = page.text();
        assert!(html.contains("付款给 Demo store") && html.contains(&format!("app = '{app}'")), "{html}");
        let ordered = tap(&world, "POST", &at, &format!("load={}&amount=12.80", hidden(&html, "load")), "").await;
        let (page, at) = walk(&world, ordered).await;
        let html = page.text();
        let id = at.split("/pay/").nth(1).unwrap()[..27].to_owned();
        if bridge.is_empty() {
            // The channel's page, which the app shows as its own question.
            let form = html.split("<form method=\"post\" action=\"/phone/").nth(1).unwrap_or_else(|| panic!("no form: {html}"));
            let action = format!("/phone/{}", form.split('"').next().unwrap().replace("&amp;", "&"));
            let fields = form.split("</form>").next().unwrap().split("<input type=\"hidden\" name=\"").skip(1);
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pairs = fields.map(|field| {
                let (name, rest) = field.split_once("\" value=\"").unwrap();
                format!("{name}={}", encode(&rest.split('"').next().unwrap().replace("&#39;", "'").replace("&quot;", "\"").replace("&amp;", "&")))
            });
            let question = tap(&world, "POST", &action, &pairs.collect::<Vec<_>>().join("&"), "").await.text();
            assert!(question.contains("支付密码") && question.contains("12.80"), "{question}");
            let plain = |name: &str| encode(&hidden(&question, name).replace("&amp;", "&").replace("&quot;", "\""));
            let paid = tap(&world, "POST", "/act", &format!("outcome=pay&content={}&back={}", plain("content"), plain("back")), "").await;
            let (_, back) = walk(&world, paid).await;
            assert!(back.contains(&format!("/pay/{id}")), "{back}");
        } else {
            assert!(html.contains(&format!("data-bridge=\"{bridge}\"")), "{html}");
            let params: serde_json::Value = serde_json::from_str(&hidden_params(&html)).unwrap();
            let content = params["tradeNO"].as_str().or(params["package"].as_str()).unwrap();
            assert_eq!(tap(&world, "POST", "/act", &format!("outcome=pay&content={content}&back="), "").await.status, 200);
        }
        world.demo.until_status(&id, "paid").await;
    }
}

fn hidden_params(html: &str) -> String {
    html.split("data-params=\"").nth(1).unwrap().split('"').next().unwrap().replace("&quot;", "\"").replace("&amp;", "&")
}

#[tokio::test]
async fn the_phone_reaches_this_machine_only_and_obeys_its_own_pages_only() {
    let world = World::shared();
    for path in ["/phone/wechat/example.com/", "/phone/wechat/169.254.169.254/latest", "/phone/wechat/127.0.0.1.example.com:80/x"] {
        assert_eq!(tap(&world, "GET", path, "", "").await.status, 403, "{path}");
    }
    assert_eq!(tap(&world, "GET", &format!("/phone/nothing/{}/", world.address()), "", "").await.status, 404);
    let evil = http().post(format!("{}/act", world.control.base)).header("origin", "https://evil.example").body("outcome=pay&content=x");
    assert_eq!(send(evil).await.unwrap().status, 403);
    let rebound = http().get(format!("{}/phone/wechat/{}/livez", world.control.base, world.address())).header("host", "rebound.example");
    assert_eq!(send(rebound).await.unwrap().status, 403);
    // What is no page of this machine is paid as any scanned code.
    let scan = tap(&world, "GET", "/open?url=weixin%3A%2F%2Fwxpay%2Fbizpayurl%3Fpr%3Dx&app=wechat", "", "").await;
    assert_eq!(scan.header("location"), "/scan?content=weixin%3A%2F%2Fwxpay%2Fbizpayurl%3Fpr%3Dx");
    Payer::at(&format!("{}/open?url={}/q/X", world.control.base, world.demo.base), DESKTOP).look().await.shows("云闪付 UnionPay").shows("/q/X");
}
