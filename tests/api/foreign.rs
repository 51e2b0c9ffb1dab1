//! D6, API1, API5: whoever is not the owner cannot tell an object from none. Generated from the OpenAPI document, so that a new
//! path is covered the day it is written.

use crate::harness::{Answer, World, order};
use serde_json::{Value, json};

/// An answer without what differs between any two requests.
fn told(answer: &Answer, id: &str) -> (u16, Value) {
    let mut body = answer.json.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
    }
    (answer.status, serde_json::from_str(&body.to_string().replace(id, "ID")).unwrap())
}

fn well_formed_but_unknown(id: &str) -> String {
    format!("{}{}", &id[..id.len() - 6], "ZZZZZZ")
}

#[tokio::test]
async fn a_foreign_object_answers_as_one_that_is_not_there() {
    let world = World::shared();
    let paid = world.paid(&order("wechat_native", 500)).await;
    let id = paid["id"].as_str().unwrap();
    let body = json!({"merchant_refund_no": format!("RF-{id}"), "amount": 100});
    let refund = world.demo.post(&format!("/v1/orders/{id}/refunds"), &body).await.expect(201);
    let refund_id = refund["id"].as_str().unwrap();
    let api = crate::harness::client::send(world.demo.http.get(format!("{}/openapi.json", world.demo.base))).await.unwrap().expect(200);
    let mut covered = 0;
    for (path, operations) in api["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v1/") && path.contains('{')) {
        let mine = if path.starts_with("/v1/refunds/") { refund_id } else { id };
        for method in operations.as_object().unwrap().keys().filter(|m| ["get", "post"].contains(&m.as_str())) {
            let post_body = path.ends_with("/refunds").then(|| json!({"merchant_refund_no": "SOMEBODY-ELSES", "amount": 1}));
            let post_body = post_body.filter(|_| method == "post");
            let ask = async |some_id: &str| {
                let target = path.replacen("{id}", some_id, 1);
                world.other.call(&method.to_uppercase(), &target, post_body.as_ref()).await
            };
            let unknown_id = well_formed_but_unknown(mine);
            let (foreign, unknown) = (ask(mine).await, ask(&unknown_id).await);
            assert_eq!(foreign.status, 404, "{method} {path}: {}", foreign.text());
            assert_eq!(told(&foreign, mine), told(&unknown, &unknown_id), "{method} {path}");
            covered += 1;
        }
    }
    assert!(covered >= 9, "only {covered} operations with an id were found in the document");
    let number = paid["merchant_order_no"].as_str().unwrap();
    assert_eq!(world.other.get(&format!("/v1/orders?merchant_order_no={number}")).await.expect(200)["data"], json!([]));
    assert_eq!(world.other.get(&format!("/v1/refunds?merchant_refund_no=RF-{id}")).await.expect(200)["data"], json!([]));
    assert_eq!(world.demo.get(&format!("/v1/refunds?merchant_refund_no=RF-{id}")).await.expect(200)["data"][0]["id"], refund_id);
    let after = world.demo.order(id).await;
    assert_eq!(after["refunds"], paid["refunds"]);
    assert_eq!(after["status"], "paid");
}
