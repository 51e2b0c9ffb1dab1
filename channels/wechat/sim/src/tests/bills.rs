//! §13 "Bills".

use super::{Client, code};
use crate::Options;
use flate2::read::GzDecoder;
use serde_json::json;
use sha1::{Digest, Sha1};
use sluice_contract::{Day, Verb};
use sluice_simkit::{Discrepancy, Simulator};
use std::io::Read;

/// Header and summary header of the vector `all-lf`.
const ALL: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const ALL_SUMMARY: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

impl Client {
    /// Fetches the file behind the link and checks its hash; the download is signed by us and unsigned by them.
    fn bill(&mut self, query: &str) -> String {
        let (status, link) = self.get(&format!("/v3/bill/tradebill?bill_date=2026-11-23{query}"));
        assert_eq!(status, 200, "{link}");
        let url = link["download_url"].as_str().unwrap();
        let target = url.strip_prefix("https://api.mch.weixin.qq.com").unwrap().to_owned();
        let call = self.call(Verb::Get, &target, "");
        let reply = self.raw(&call);
        assert_eq!((reply.status, reply.headers.get("wechatpay-signature")), (200, None));
        let mut bytes = reply.bytes().to_vec();
        if target.ends_with("&tartype=gzip") {
            bytes.clear();
            GzDecoder::new(reply.bytes()).read_to_end(&mut bytes).unwrap();
        }
        assert_eq!(hex::encode(Sha1::digest(&bytes)), link["hash_value"].as_str().unwrap());
        String::from_utf8(bytes).unwrap()
    }

    /// The data rows, split as the pack says.
    fn bill_rows(&mut self) -> Vec<Vec<String>> {
        let text = self.bill("");
        let lines = text.lines().skip(1).take_while(|l| l.starts_with('`'));
        lines.map(|l| l.trim_start_matches('`').split(",`").map(str::to_owned).collect()).collect()
    }

    /// A payment with a refund, and a barcode order that was reversed.
    fn trade(&mut self) {
        self.paid("BILL0001", 100);
        let refund = json!({"out_trade_no": "BILL0001", "out_refund_no": "RB1", "amount": {"refund": 50, "total": 100, "currency": "CNY"}});
        self.pass_ms(1_000);
        assert_eq!(self.post("/v3/refund/domestic/refunds", &refund).0, 200);
        self.pass_ms(1_000);
        assert_eq!(self.codepay("BILL0002", 200, "139901000000000000").0, 200);
        self.pass_ms(1_000);
        let undo = json!({"appid": crate::APP_ID, "mchid": crate::MCHID});
        assert_eq!(self.post("/v3/pay/transactions/out-trade-no/BILL0002/reverse", &undo).0, 200);
    }
}

#[test]
fn the_file_has_the_documented_shape() {
    let mut client = Client::with(Options { bill_bom: false, bill_crlf: false, ..Options::fixed(1) });
    client.trade();
    let text = client.bill("&bill_type=ALL");
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!((lines[0], lines[5]), (ALL, ALL_SUMMARY));
    assert_eq!(lines[6], "`4,`3.00,`2.50,`0.00,`0.02000,`3.00,`2.50");
    assert_eq!(lines[7], "");
    let rows = client.bill_rows();
    assert!(rows.iter().all(|row| row.len() == 27));
    let told: Vec<_> =
        rows.iter().map(|r| (r[6].as_str(), r[9].as_str(), r[15].as_str(), r[22].as_str(), r[24].as_str(), r[25].as_str())).collect();
    assert_eq!(
        told,
        [
            ("BILL0001", "SUCCESS", "0", "0.01000", "1.00", "0.00"),
            ("BILL0001", "REFUND", "RB1", "0.00000", "0.00", "0.50"),
            ("BILL0002", "SUCCESS", "0", "0.01000", "2.00", "0.00"),
            ("BILL0002", "REVOKED", "BILL0002", "0.00000", "0.00", "2.00"),
        ]
    );
    assert_eq!(rows[0][0], "2026-11-23 09:00:00");
    assert_eq!(client.bill("&bill_type=SUCCESS").lines().nth(1).unwrap().split(",`").count(), 20);
    assert_eq!(client.bill("&bill_type=REFUND").lines().nth(1).unwrap().split(",`").count(), 29);
}

#[test]
fn bom_line_ends_and_gzip() {
    let mut client = Client::new();
    client.trade();
    let text = client.bill("&tar_type=GZIP");
    assert!(text.starts_with('\u{feff}') && text.ends_with("\r\n"));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert_eq!(text, client.bill(""));
}

#[test]
fn a_day_without_trade_and_wrong_questions() {
    let mut client = Client::new();
    assert_eq!(code(&client.get("/v3/bill/tradebill?bill_date=2026-11-23")), (400, "NO_STATEMENT_EXIST"));
    assert_eq!(code(&client.get("/v3/bill/tradebill?bill_date=23.11.2026")), (400, "PARAM_ERROR"));
    client.trade();
    let link = client.get("/v3/bill/tradebill?bill_date=2026-11-23").1["download_url"].as_str().unwrap().to_owned();
    let target = link.strip_prefix("https://api.mch.weixin.qq.com").unwrap().to_owned();
    client.pass_ms(300_001);
    assert_eq!(client.send(Verb::Get, &target, "").0, 400, "the link lives five minutes");
}

#[test]
fn the_link_stays_on_the_host_the_client_used() {
    let mut client = Client::new();
    client.trade();
    client.sim.account_toml("http://127.0.0.1:9001");
    let mut call = client.call(Verb::Get, "/v3/bill/tradebill?bill_date=2026-11-23", "");
    let link = String::from_utf8(client.raw(&call).bytes().to_vec()).unwrap();
    assert!(link.contains("http://127.0.0.1:9001/v3/billdownload/file?token="), "{link}");
    call.headers.push("Host", "localhost:9002");
    let link = String::from_utf8(client.raw(&call).bytes().to_vec()).unwrap();
    assert!(link.contains("http://localhost:9002/v3/billdownload/file?token="), "{link}");
}

#[test]
fn differences_are_planted_in_the_bill_and_not_in_the_books() {
    let day = Day::parse("2026-11-23").unwrap();
    let of = |kind: Discrepancy| {
        let mut client = Client::new();
        client.paid("PLANT001", 100);
        client.paid("PLANT005", 100);
        let planted = client.sim.plant(kind, 1, day).unwrap();
        assert!(client.sim.plant(kind, 2, day).is_err(), "one payment is left");
        let rows = client.bill_rows().into_iter().map(|r| (r[6].clone(), r[9].clone(), r[22].clone(), r[24].clone()));
        (planted[0].clone(), rows.map(|(n, s, f, t)| format!("{n} {s} {f} {t}")).collect::<Vec<_>>())
    };
    let right = |n: u8| format!("PLANT00{n} SUCCESS 0.01000 1.00");
    let is = |kind, planted: &str, rows: &[String]| assert_eq!(of(kind), (planted.to_owned(), rows.to_vec()), "{kind:?}");
    is(Discrepancy::MissingHere, "PLANT000", &[right(0), right(1), right(5)]);
    is(Discrepancy::MissingThere, "PLANT001", &[right(5)]);
    is(Discrepancy::Amount, "PLANT001", &["PLANT001 SUCCESS 0.01000 1.01".to_owned(), right(5)]);
    is(Discrepancy::Fee, "PLANT001", &["PLANT001 SUCCESS 0.02000 1.00".to_owned(), right(5)]);
    is(Discrepancy::Status, "PLANT001", &["PLANT001 PAYERROR 0.01000 1.00".to_owned(), right(5)]);
    is(Discrepancy::Duplicate, "PLANT001", &[right(1), right(1), right(5)]);
}
