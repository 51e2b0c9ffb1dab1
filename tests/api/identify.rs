//! Silent authorisation from outside: a payer whom the merchant did not name walks through the channel's page and back. Every way that this can
//! go wrong ends on the order's page with a word and another way, and nobody's id is shown.

use crate::harness::page::{ALIPAY, Payer, WECHAT, pay_shown};
use crate::harness::till::id_of;
use crate::harness::{Answer, World, order, with};
use serde_json::json;

const NOBODY: &str = "没有告诉我们付款人是谁";

/// A cashier order, its payer on the way to the channel's page: the answer that sends him there.
async fn sent_away(world: &World, agent: &'static str, method: &str) -> (String, Payer, Answer) {
    let placed = world.demo.place(&order("cashier", 1280)).await;
    let payer = Payer::of(&placed, agent);
    let away = payer.post(&format!("method={method}")).await;
    assert_eq!(away.status, 303, "{}", away.text());
    (id_of(&placed).to_owned(), payer, away)
}

/// Where the channel sends him back, and the cookie that he has.
async fn sent_back(payer: &Payer, away: &Answer) -> (String, String) {
    let page = away.header("location").split('#').next().unwrap().to_owned();
    let back = payer.visit(&page, "").await;
    assert_eq!(back.status, 302, "{}", back.text());
    (back.header("location").to_owned(), cookie(away))
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn in_both_apps_a_payer_whom_nobody_named_is_known_when_he_comes_back() {
    let world = World::shared();
    for (agent, method, path) in [(WECHAT, "wechat_jsapi", "/connect/oauth2/authorize?"), (ALIPAY, "alipay_jsapi", "/oauth2/publicAppAuthorize.htm?")] {
        let placed = world.demo.place(&order("cashier", 1280)).await;
        assert!(Payer::of(&placed, agent).look().await.ways().contains(&method.to_owned()));
        let (id, payer, away) = sent_away(&world, agent, method).await;
        assert!(away.header("location").contains(path), "{}", away.header("location"));
        let mark = away.header("set-cookie");
        assert!(mark.contains("HttpOnly") && mark.contains("SameSite=Lax") && mark.contains("Path=/identified"), "{mark}");
        let (seen, at) = payer.follow(away).await;
        assert!(at.starts_with(&payer.url) && !at.contains("code=") && !at.contains("state="), "{at}");
        seen.shows("data-bridge").hides(NOBODY);
        assert_eq!(pay_shown(&world, &id, &seen).await.expect(200)["paid"], true);
        let paid = world.demo.until_status(&id, "paid").await;
        let payer_ids: Vec<&str> = paid["payer"].as_object().unwrap().values().filter_map(|id| id.as_str()).collect();
        let receipt = payer.look().await;
        receipt.shows("支付成功");
        let log = world.gateway_log();
        for id in payer_ids {
            assert!(id.len() >= 8 && !seen.html.contains(id) && !receipt.html.contains(id) && !log.contains(id), "{id} is told");
        }
    }
}

/// Going back, reloading, two at once: the code is spent once, and one attempt stands.
#[tokio::test]
async fn a_state_is_good_once() {
    let world = World::shared();
    let (id, payer, away) = sent_away(&world, WECHAT, "wechat_jsapi").await;
    let (back, cookie) = sent_back(&payer, &away).await;
    let (one, two) = tokio::join!(payer.visit(&back, &cookie), payer.visit(&back, &cookie));
    for answer in [one, two, payer.visit(&back, &cookie).await] {
        assert_eq!(answer.status, 303);
        assert!(answer.header("location").starts_with(&payer.url), "{}", answer.header("location"));
    }
    payer.look().await.shows("data-bridge");
    let attempts = world.demo.expanded(&id).await["attempts"].clone();
    assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts}");
}

#[tokio::test]
async fn a_return_that_is_forged_borrowed_or_anothers_identifies_nobody() {
    let world = World::shared();
    let (id, payer, away) = sent_away(&world, WECHAT, "wechat_jsapi").await;
    let (back, own) = sent_back(&payer, &away).await;
    let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert!(state.len() <= 100 && state.bytes().all(|b| b.is_ascii_alphanumeric()), "{state}");
    let (stem, last) = state.split_at(state.len() - 1);
    let forged = format!("{stem}{}", if last == "0" { "1" } else { "0" });
    let base = &world.demo.base;
    for unknown in [
        back.replace(&state, &forged),
        back.replace(&state, ""),
        back.replace(&state, &state.to_lowercase()),
        format!("{base}/identified/ali-main/wechat_jsapi?code=1&state={state}"),
        format!("{base}/identified/wx-main/wechat_mini?code=1&state={state}"),
        format!("{base}/identified/wx-main/nothing?code=1&state={state}"),
        format!("{base}/identified/wx-main/wechat_jsapi"),
    ] {
        let answer = payer.visit(&unknown, "").await;
        assert_eq!(answer.status, 404, "{unknown}");
        assert!(answer.text().contains("链接无效或已过期") && !answer.text().contains(&id));
    }
    // Another browser has the address but was not sent away with it; and his own comes with another state than it keeps.
    let (_, _, others) = sent_away(&world, WECHAT, "wechat_jsapi").await;
    let others = cookie(&others);
    for (back, cookie) in [(&back, ""), (&back, &others), (&back, "sluice_=x; x"), (&back.replace(&state, &forged), &own), (&back.replace(&state, ""), &own)] {
        let answer = payer.visit(back, cookie).await;
        assert_eq!(answer.status, 303);
        let (seen, _) = payer.follow(answer).await;
        seen.shows(NOBODY);
        assert_eq!(seen.ways(), ["wechat_jsapi"]);
    }
    assert_eq!(world.demo.expanded(&id).await["attempts"], json!([]));
    // All that spent nothing: he himself comes back and is known.
    let (seen, _) = payer.follow(payer.visit(&back, &own).await).await;
    seen.shows("data-bridge");
}

/// What the pack says can go wrong at WeChat's: nothing of it is a dead end.
#[tokio::test]
async fn every_failure_of_the_channels_page_ends_on_ours_with_another_way() {
    let world = World::plan().start();
    for (fault, known) in [("busy", true), ("snapshot", false), ("no_openid", true), ("no_code", true)] {
        world.control.hook(&format!("oauth {fault}")).await;
        let (id, payer, away) = sent_away(&world, WECHAT, "wechat_jsapi").await;
        let (seen, at) = payer.follow(away).await;
        assert!(at.starts_with(&payer.url), "{fault}: {at}");
        seen.hides("未扣款").hides("支付成功");
        if known {
            seen.shows("data-bridge");
        } else {
            seen.shows(NOBODY).shows(&payer.url);
            assert_eq!((seen.ways(), &world.demo.expanded(&id).await["attempts"]), (vec!["wechat_jsapi".to_owned()], &json!([])), "{fault}");
            payer.choose("wechat_jsapi").await.shows("data-bridge");
        }
    }
    // The state is lost on the way: his browser still knows whose page it was.
    world.control.hook("oauth lost_state").await;
    let (_, payer, away) = sent_away(&world, WECHAT, "wechat_jsapi").await;
    let (seen, at) = payer.follow(away).await;
    assert!(at.starts_with(&payer.url), "{at}");
    seen.shows(NOBODY);
    // Alipay's exchange is busy once, then its code is spent: the payer is sent round once more.
    world.control.at("alipay").hook("odd oauth_busy").await;
    let (_, payer, away) = sent_away(&world, ALIPAY, "alipay_jsapi").await;
    let (seen, _) = payer.follow(away).await;
    seen.shows("data-bridge");
    // A code of nobody's, twice: asked for again once, and then no longer.
    let (_, payer, away) = sent_away(&world, WECHAT, "wechat_jsapi").await;
    let (back, own) = sent_back(&payer, &away).await;
    let spoil = |back: &str| back.replace("code=", "code=x");
    let again = payer.visit(&spoil(&back), &own).await;
    assert!(again.header("location").contains("/connect/oauth2/authorize?"), "{}", again.header("location"));
    let (back, own) = sent_back(&payer, &again).await;
    let (seen, _) = payer.follow(payer.visit(&spoil(&back), &own).await).await;
    seen.shows(NOBODY);
}

/// An openid is one app's: the order goes to the account that gave it, whatever the rules would choose, and stays there.
#[tokio::test]
async fn the_order_goes_to_the_account_that_knows_its_payer() {
    let second = |old: String| {
        let table = crate::harness::limits::wechat_account(&old);
        format!("{old}\n{}", table.replace("id = \"wx-main\"", "id = \"wx-second\""))
    };
    let turns = "[[rule]]\nname = \"turns\"\nwhen = \"true\"\nstrategy = \"round_robin\"\naccounts = [{ id = \"wx-main\" }, { id = \"wx-second\" }]\n";
    let bound = |old: String| old.replacen("\n[[merchant.binding]]\naccount = \"wx-main\"\n", "\n[[merchant.binding]]\naccount = \"wx-main\"\n\n[[merchant.binding]]\naccount = \"wx-second\"\n", 1);
    let world = World::plan().edit("channels.toml", second).edit("merchants.toml", bound).append("routing.toml", turns).start();
    let mut accounts = Vec::new();
    for _ in 0..6 {
        let (id, payer, away) = sent_away(&world, WECHAT, "wechat_jsapi").await;
        let asked = away.header("location").split("redirect_uri=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        payer.follow(away).await.0.shows("data-bridge");
        let attempt = world.demo.expanded(&id).await["attempts"][0].clone();
        let account = attempt["account"].as_str().unwrap().to_owned();
        assert!(asked.contains(&format!("identified%2F{account}%2F")), "{asked}: {attempt}");
        accounts.push(account);
    }
    accounts.sort();
    accounts.dedup();
    assert_eq!(accounts, ["wx-main", "wx-second"]);
}

/// What the merchant knows goes before: nobody is sent anywhere.
#[tokio::test]
async fn a_payer_whom_the_merchant_named_is_not_asked() {
    let world = World::shared();
    let payer = json!({"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"});
    let placed = world.demo.place(&with(order("cashier", 100), json!({"payer": payer}))).await;
    let answer = Payer::of(&placed, WECHAT).post("method=wechat_jsapi").await;
    assert!(answer.header("location").starts_with(placed["receipt_url"].as_str().unwrap()), "{}", answer.header("location"));
}
