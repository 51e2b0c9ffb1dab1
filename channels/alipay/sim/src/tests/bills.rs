//! Pack §2.10.

use super::{Client, code};
use encoding_rs::GBK;
use serde_json::json;
use sluice_contract::{Day, Discount, DiscountKind, Fen, FundedBy, Headers, Verb};
use sluice_simkit::{Call, Discrepancy, Outcome, Scan, Simulator};
use std::io::{Cursor, Read};

/// The columns of the vector `bill_trade_day`.
const COLUMNS: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";

fn today() -> Day {
    Day::parse("2026-11-23").unwrap()
}

impl Client {
    fn link(&mut self) -> String {
        let node = self.ask("alipay.data.dataservice.bill.downloadurl.query", &json!({"bill_type": "trade", "bill_date": "2026-11-23"}));
        node["bill_download_url"].as_str().unwrap().to_owned()
    }

    fn fetch(&mut self, url: &str) -> sluice_contract::HttpReply {
        let target = url.strip_prefix("https://openapi.alipay.com").unwrap().to_owned();
        self.raw(&Call { verb: Verb::Get, target, headers: Headers::default(), body: Vec::new() })
    }

    /// Names and texts of the archive's files, read by another zip library.
    fn bill(&mut self) -> Vec<(String, String)> {
        let url = self.link();
        let reply = self.fetch(&url);
        let mut archive = zip::ZipArchive::new(Cursor::new(reply.bytes().to_vec())).unwrap();
        let read = |at: usize| {
            let mut file = archive.by_index(at).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (GBK.decode(file.name_raw()).0.into_owned(), GBK.decode(&bytes).0.into_owned())
        };
        (0..2).map(read).collect()
    }

    /// The detail's data rows as trimmed cells.
    fn rows(&mut self) -> Vec<Vec<String>> {
        let text = self.bill().remove(0).1;
        let lines = text.lines().filter(|l| !l.starts_with('#') && !l.starts_with("支付宝交易号"));
        lines.map(|l| l.split(',').map(|c| c.trim_end_matches('\t').to_owned()).collect()).collect()
    }

    fn trade(&mut self) {
        self.precreate("BILL1", "100.00");
        let off = [Discount { kind: DiscountKind::Merchant, funded_by: FundedBy::Merchant, amount: Fen(500) }];
        self.sim.scan(&Scan { discounts: &off, ..Scan::of("BILL1", Outcome::Pay) }, self.now).unwrap();
        self.pass_ms(1_000);
        self.refund("BILL1", "RF1", "30.00");
        self.pass_ms(1_000);
        self.charge("BILL2", "2.00", "289901000000000000");
        self.pass_ms(1_000);
        self.ask("alipay.trade.cancel", &json!({"out_trade_no": "BILL2"}));
        self.charge("BILL3", "3.00", "289903000000000000");
    }
}

#[test]
fn the_archive_has_two_gbk_files_of_the_documented_shape() {
    let mut client = Client::new();
    client.trade();
    let files = client.bill();
    assert_eq!(files[0].0, "20880000000001000156_20261123_业务明细.csv");
    assert_eq!(files[1].0, "20880000000001000156_20261123_业务明细(汇总).csv");
    let lines: Vec<&str> = files[0].1.lines().collect();
    assert_eq!(
        &lines[..3],
        &[
            "#支付宝业务明细查询",
            "#账号：[20880000000001000156]",
            "#起始日期：[2026年11月23日 00:00:00]   终止日期：[2026年11月24日 00:00:00]"
        ]
    );
    assert!(lines[3].starts_with("#-----") && lines[4] == COLUMNS);
    assert_eq!(lines[lines.len() - 3], "#交易合计：2笔，商家实收共97.00元，商家优惠共5.00元");
    assert_eq!(lines[lines.len() - 2], "#退款合计：2笔，商家实收退款共-32.00元，商家优惠退款共0.00元");
    let rows = client.rows();
    let shown = |n: usize| [1, 2, 11, 12, 16, 21, 22].map(|at: usize| rows[n][at].as_str());
    assert!(rows.iter().all(|row| row.len() == 25));
    assert_eq!(shown(0), ["BILL1", "交易", "100.00", "95.00", "5.00", "", "-0.57"]);
    assert_eq!(shown(1), ["BILL1", "退款", "-30.00", "-30.00", "0.00", "RF1", "0.18"]);
    assert_eq!(shown(2), ["BILL2", "交易", "2.00", "2.00", "0.00", "", "-0.01"]);
    assert_eq!(shown(3), ["BILL2", "退款", "-2.00", "-2.00", "0.00", "BILL2", "0.01"]);
    assert_eq!(rows.len(), 4, "what was not paid is not in it");
    assert!(files[1].1.contains("\n合计\t,\t,2,2,70.00,65.00,0.00,5.00,0.00,-0.39,0.00,64.61\n"), "{}", files[1].1);
}

#[test]
fn a_link_lives_half_a_minute_and_an_empty_day_has_none() {
    let mut client = Client::new();
    let absent = |client: &mut Client| {
        client.ask("alipay.data.dataservice.bill.downloadurl.query", &json!({"bill_type": "trade", "bill_date": "2026-11-22"}))
    };
    assert_eq!(code(&absent(&mut client)), ("40004", "isp.bill_not_exist"));
    client.hook("bill_absent BILL_NOT_EXIST");
    assert_eq!(code(&absent(&mut client)), ("40004", "BILL_NOT_EXIST"));
    client.trade();
    let url = client.link();
    client.pass_ms(30_000);
    assert_eq!(client.fetch(&url).status, 200);
    client.pass_ms(1);
    assert_eq!(client.fetch(&url).status, 403);
    let other =
        client.ask("alipay.data.dataservice.bill.downloadurl.query", &json!({"bill_type": "signcustomer", "bill_date": "2026-11-23"}));
    assert_eq!(code(&other).1, "TYPE_NOT_SUPPORTED");
}

#[test]
fn planted_differences_are_in_the_bill_and_not_in_the_books() {
    for kind in [
        Discrepancy::MissingHere,
        Discrepancy::MissingThere,
        Discrepancy::Amount,
        Discrepancy::Status,
        Discrepancy::Duplicate,
        Discrepancy::Fee,
    ] {
        let mut client = Client::new();
        client.trade();
        let clean = client.rows();
        let before = client.entry("BILL1");
        let planted = client.sim.plant(kind, 1, today()).unwrap();
        let rows = client.rows();
        let of = |rows: &[Vec<String>], sort: &str| rows.iter().filter(|r| r[1] == planted[0] && r[2] == sort).cloned().collect::<Vec<_>>();
        let (paid, back) = (of(&rows, "交易"), of(&rows, "退款"));
        match kind {
            Discrepancy::MissingHere => assert_eq!((planted[0].as_str(), paid.len(), rows.len()), ("BILL0", 1, clean.len() + 1)),
            Discrepancy::MissingThere => assert_eq!((paid.len(), back.len()), (0, 1)),
            Discrepancy::Amount => assert_eq!((paid[0][11].as_str(), paid[0][12].as_str()), ("100.01", "95.01")),
            Discrepancy::Status => assert_eq!((paid.len(), back.len(), back.iter().any(|r| r[21] == "BILL1")), (1, 2, true)),
            Discrepancy::Duplicate => assert_eq!((paid.len(), paid[0] == paid[1]), (2, true)),
            Discrepancy::Fee => assert_eq!(paid[0][22], "-0.58"),
        }
        assert_eq!((client.entry("BILL1"), client.sim.ledger().audit()), (before, Ok(())));
        assert!(client.sim.plant(kind, 5, today()).is_err());
    }
}
