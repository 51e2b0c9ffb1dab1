//! The bill: link, zip, rows, and every planted difference.

use super::Client;
use crate::MER_ID;
use serde_json::json;
use sluice_contract::{Day, Verb, Wallet};
use sluice_simkit::{Call, Discrepancy, Simulator};
use std::io::{Cursor, Read};

fn link(client: &mut Client, host: Option<&str>) -> String {
    let biz = json!({"merId": MER_ID, "billDate": "20261123", "billType": "zip", "urlType": "inner"});
    let mut call = client.call("statementurl", Client::members(&biz));
    if let Some(host) = host {
        call.headers.push("Host", host);
    }
    client.send(&call).get("fileDownloadUrl").to_owned()
}

fn get(client: &mut Client, url: &str) -> (u16, Vec<u8>) {
    let target = url.split_once("://").unwrap().1.split_once('/').unwrap().1;
    let call = Call { verb: Verb::Get, target: format!("/{target}"), headers: Default::default(), body: Vec::new() };
    assert_eq!(client.sim.api_of(&call), None);
    let reply = client.raw(&call);
    (reply.status, reply.bytes().to_vec())
}

/// Rows as cells, the heading first.
fn bill(client: &mut Client) -> Vec<Vec<String>> {
    let url = link(client, None);
    let (status, zip) = get(client, &url);
    assert_eq!(status, 200);
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    assert_eq!((archive.len(), archive.by_index(0).unwrap().name().unwrap().into_owned()), (1, "cmb_20261123.csv".to_owned()));
    let mut text = String::new();
    archive.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn day() -> Day {
    Day::parse("2026-11-23").unwrap()
}

#[test]
fn today_has_its_bill_with_payments_and_refunds() {
    let mut client = Client::new();
    assert_eq!(bill(&mut client).len(), 1, "the heading alone");
    client.paid("BILL0001", 1_250, Some(Wallet::Alipay));
    client.apply("UNPAID01", 100);
    client.pass_ms(1_000);
    let refund = client.refund("BILL0001", "RBILL1", 1_250, 250);
    let rows = bill(&mut client);
    let cells = |n: usize| rows[n][..8].join("|");
    let cmb = client.query("BILL0001").get("cmbOrderId").to_owned();
    assert_eq!(cells(0), "交易类型|商户订单号|商户退款单号|平台订单号|交易金额|手续费|交易状态|交易时间");
    assert_eq!(cells(1), format!("支付|BILL0001||{cmb}|1250|8|S|20261123090000"));
    assert_eq!(cells(2), format!("退款|BILL0001|RBILL1|{}|250|0|S|20261123090001", refund.get("cmbOrderId")));
    assert_eq!(rows.len(), 3);
}

#[test]
fn the_link_is_on_the_host_that_was_called_and_dies() {
    let mut client = Client::new();
    client.sim.account_toml("http://127.0.0.1:9001");
    assert!(link(&mut client, Some("sandbox.test:81")).starts_with("http://sandbox.test:81/polypay/v1.0/mchorders/statementfile?token="));
    let url = link(&mut client, None);
    assert!(url.starts_with("http://127.0.0.1:9001/polypay/"));
    assert_eq!(get(&mut client, &url).0, 200);
    client.pass_ms(300_001);
    assert_eq!(get(&mut client, &url).0, 404);
    for wrong in [json!({"merId": MER_ID, "billDate": "2026-11-23"}), json!({"merId": MER_ID, "billDate": "20261323"})] {
        let call = client.call("statementurl", Client::members(&wrong));
        assert_eq!(client.send(&call).err(), "UNDEFINED_PRAM");
    }
}

#[test]
fn every_planted_difference_is_in_the_bill_and_not_in_the_books() {
    let kinds = [
        Discrepancy::MissingHere,
        Discrepancy::MissingThere,
        Discrepancy::Amount,
        Discrepancy::Status,
        Discrepancy::Duplicate,
        Discrepancy::Fee,
    ];
    for kind in kinds {
        let mut client = Client::new();
        client.paid("PLANT001", 1_000, None);
        let before = bill(&mut client)[1].clone();
        let told = client.sim.plant(kind, 1, day()).unwrap();
        assert!(client.sim.plant(kind, 1, day()).is_err(), "no second payment");
        let rows = bill(&mut client);
        let column = |n: usize| rows[1..].iter().map(|row| row[n].as_str()).collect::<Vec<_>>();
        match kind {
            Discrepancy::MissingHere => assert_eq!((column(1), told), (vec!["PLANT000", "PLANT001"], vec!["PLANT000".to_owned()])),
            Discrepancy::MissingThere => assert!(column(1).is_empty()),
            Discrepancy::Amount => assert_eq!(column(4), ["1001"]),
            Discrepancy::Status => assert_eq!(column(6), ["F"]),
            Discrepancy::Duplicate => assert!(rows[1] == before && rows[2] == before && rows.len() == 3),
            Discrepancy::Fee => assert_eq!(column(5), ["7"]),
        }
        assert_eq!(client.sim.ledger().audit(), Ok(()));
        assert_eq!(client.entry("PLANT001").total.0, 1_000);
    }
}
