//! A bill of a million rows, as WeChat packs it, read by the adapter and matched with a million payments: rows a second of one core, and
//! the most memory that it took.

use crate::Bench;
use crate::channel::now;
use crate::meter::{memory_mib, thread_cpu};
use crate::subject::Done;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::{digest, rand::SystemRandom, signature};
use serde_json::{Value, json};
use sluice::domain::OrderId;
use sluice::domain::recon::{Books, Matching};
use sluice::store::rows::{self, Row, Unreadable};
use sluice_contract::{
    AccountConfig, Body, Channel, Day, Env, Exchange, Headers, HttpReply, Millis, Reader, Reading, Second, Statement, Step,
};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const ROWS: u64 = 1_000_000;
const BASE: &str = "https://wechat.test";
const KEY_ID: &str = "PUB_KEY_ID_BENCH";

impl Bench {
    pub fn reconcile(&mut self) -> Done {
        println!("reconcile, {ROWS} rows of a WeChat bill and as many payments:");
        let day = now().second().day().plus(-1);
        let file = std::env::temp_dir().join(format!("sluice-bench-bill-{}", std::process::id()));
        let sha1 = write_bill(day, &file)?;
        let desk = Desk::open(&self.account_toml)?;
        // The most from here on.
        std::fs::write("/proc/self/clear_refs", "5")?;
        let before = memory_mib(std::process::id(), "VmRSS:");
        let began = thread_cpu();
        let mut matching = Matching::new(books(day, desk.channel.profile().statement.ok_or("a bill")?)?);
        let loaded = thread_cpu();
        for row in desk.rows(day, &sha1, &file)? {
            matching.take(row?)?;
        }
        let outcome = matching.finish(true);
        let read = thread_cpu() - loaded;
        std::fs::remove_file(&file)?;
        if (outcome.rows, outcome.matched, outcome.found.len()) != (ROWS, ROWS, 0) {
            return Err(format!("{} rows, {} matched, {} found", outcome.rows, outcome.matched, outcome.found.len()).into());
        }
        println!("    our side packed in {:?}; {:.0} rows a second", loaded - began, ROWS as f64 / read.as_secs_f64());
        self.line("a million rows unpacked, hashed, parsed and matched", read.as_secs_f64(), "s", Some(5.0));
        let peak = memory_mib(std::process::id(), "VmHWM:");
        println!("    {before:.0} MiB before, {peak:.0} MiB at the most");
        self.line("memory it took at the most", peak - before, "MiB", Some(200.0));
        Ok(())
    }
}

fn order(nth: u64, day: Day) -> (OrderId, Second) {
    let at = day.start().plus(i64::try_from(nth % 80_000).unwrap_or_default() + 3_600);
    (OrderId::new(at.millis(), u128::from(nth).to_be_bytes()), at)
}

fn amount(nth: u64) -> i64 {
    i64::try_from(nth % 100_000).unwrap_or_default() + 100
}

/// A paid attempt as the store has it.
struct Paid {
    amount: i64,
    at: Millis,
    notes: String,
}

impl Row for Paid {
    fn text(&self, column: usize) -> Result<String, Unreadable> {
        Ok(match column {
            1 => "wx-main".to_owned(),
            2 => "wechat".to_owned(),
            3 => "succeeded".to_owned(),
            _ => self.notes.clone(),
        })
    }
    fn text_or_null(&self, _: usize) -> Result<Option<String>, Unreadable> {
        Ok(None)
    }
    fn int(&self, column: usize) -> Result<i64, Unreadable> {
        Ok(match column {
            0 => 1,
            4 | 5 => self.amount,
            9 => self.at.0,
            _ => 0,
        })
    }
    fn int_or_null(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        Ok((column == 14).then_some(self.at.0))
    }
    fn bytes(&self, _: usize) -> Result<Vec<u8>, Unreadable> {
        Ok(Vec::new())
    }
}

fn books(day: Day, rule: sluice_contract::StatementRule) -> Done<Books> {
    let mut books = Books::new("wx-main", day, &rule, now());
    let first = rows::attempt(&Paid { amount: 1, at: Millis(0), notes: notes() })?;
    for nth in 0..ROWS {
        let (id, at) = order(nth, day);
        let mut attempt = first.clone();
        (attempt.amount, attempt.captured) = (sluice_contract::Fen(amount(nth)), sluice_contract::Fen(amount(nth)));
        (attempt.at, attempt.ended_at, attempt.notes.paid_at) = (at.millis(), Some(at.millis()), Some(at.millis()));
        books.attempt(&id, &attempt);
    }
    Ok(books)
}

fn notes() -> String {
    json!({"app_id": null, "sub": {}, "memo": {}, "handles": {}, "action": null, "action_expires_at": null, "failure": null, "declined": null,
        "fee": "0.006", "route": null, "channel_trade_no": null, "wallet": "wechat", "payer_amount": null, "discounts": [],
        "settle_date": null, "payer_sealed": null, "call_ended_at": null, "last_unknown": null})
    .to_string()
}

const HEAD: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,\
    微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";

/// Writes the packed bill, newest payment first; the hash of its text.
fn write_bill(day: Day, file: &Path) -> Done<String> {
    let mut gzip = Command::new("gzip").arg("-6").stdin(Stdio::piped()).stdout(std::fs::File::create(file)?).spawn()?;
    let mut packed = gzip.stdin.take().ok_or("gzip takes no input")?;
    let mut sha1 = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    let mut put = |text: &str| -> Done {
        sha1.update(text.as_bytes());
        Ok(packed.write_all(text.as_bytes())?)
    };
    put(&format!("\u{feff}{HEAD}\r\n"))?;
    for nth in (0..ROWS).rev() {
        let (id, at) = order(nth, day);
        let fen = |fen: i64| format!("{}.{:02}", fen / 100, fen % 100);
        let (total, fee) = (fen(amount(nth)), fen((amount(nth) * 6 + 500) / 1000));
        put(&format!(
            "`{},`wx2421b1c4370ec43b,`10000100,`0,`,`42000{nth:023},`{},`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`NATIVE,`SUCCESS,`OTHERS,`CNY,\
             `{total},`0.00,`0,`0,`0.00,`0.00,`,`,`一箱苹果,`,`{fee}000,`0.60%,`{total},`0.00,`\r\n",
            at.plain(),
            id.attempt_number(1)
        ))?;
    }
    put("总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`1000000,`0,`0,`0,`0,`0,`0\r\n")?;
    drop(packed);
    if !gzip.wait()?.success() {
        return Err("gzip failed".into());
    }
    Ok(sha1.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The adapter, with a platform key that is ours.
struct Desk {
    channel: Box<dyn Channel>,
    key: KeyPair,
}

impl Desk {
    fn open(account_toml: &str) -> Done<Desk> {
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "a key")?;
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| "a key")?;
        let table: toml::Table = account_toml.parse()?;
        let mut credentials = serde_json::to_value(&table["account"][0]["credentials"])?;
        credentials["public_key_id"] = json!(KEY_ID);
        credentials["public_key"] = json!(pem(spki.as_ref())?);
        let credentials = Reader::root("credentials", &credentials);
        let config = AccountConfig { id: "wx-main", base_url: BASE, sandbox: true, methods: None, credentials, previous: None };
        let listed = sluice::channels::CHANNELS.iter().find(|listed| listed.name == "wechat").ok_or("wechat")?;
        Ok(Desk { channel: (listed.open)(config).map_err(|problems| format!("{problems:?}"))?, key })
    }

    fn rows(&self, day: Day, sha1: &str, file: &Path) -> Done<Box<dyn Iterator<Item = Result<sluice_contract::BillRow, String>> + Send>> {
        let env = Env { now: now().second(), entropy: [7; 32], notify_url: "http://gateway.test/notify/wx-main" };
        let Step::Send(link) = self.channel.statement(day, None, &env) else { return Err("no exchange".into()) };
        let tree = json!({"hash_type": "SHA1", "hash_value": sha1, "download_url": format!("{BASE}/v3/billdownload/file?token=t")});
        let bill: Exchange<Statement> = match link.read(&self.signed(&tree, env.now)?, &env) {
            Reading::Then(bill) => bill,
            other => return Err(format!("{other:?}").into()),
        };
        let reply = HttpReply { status: 200, headers: Headers::default(), body: Body::File(file.to_path_buf()) };
        match bill.read(&reply, &env) {
            Reading::Is(Statement::Rows(rows)) => Ok(rows),
            other => Err(format!("{other:?}").into()),
        }
    }

    fn signed(&self, tree: &Value, at: Second) -> Done<HttpReply> {
        let body = tree.to_string();
        let mut signed = vec![0; self.key.public_modulus_len()];
        let text = format!("{}\nbench\n{body}\n", at.0);
        self.key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signed).map_err(|_| "a signature")?;
        let signature = base64(&signed)?;
        let (time, serial) = (at.0.to_string(), KEY_ID);
        let headers = [
            ("Wechatpay-Timestamp", time.as_str()),
            ("Wechatpay-Nonce", "bench"),
            ("Wechatpay-Serial", serial),
            ("Wechatpay-Signature", signature.as_str()),
        ];
        Ok(HttpReply::new(200, &headers, body.into_bytes()))
    }
}

fn base64(bytes: &[u8]) -> Done<String> {
    let mut child = Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("base64 takes no input")?.write_all(bytes)?;
    Ok(String::from_utf8(child.wait_with_output()?.stdout)?)
}

fn pem(der: &[u8]) -> Done<String> {
    let text = base64(der)?;
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    Ok(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
}
