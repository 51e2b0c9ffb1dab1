//! `verify-webhook`: says which part of a notification fails, and what its receiver seems to have done with the body. The request is read
//! as it was received: its headers, an empty line, the raw body. A request that was kept is old: its age is told and fails nothing.

use super::Failed;
use crate::clock::{Clock, SystemClock};
use crate::merchant_auth::shapes;
use crate::outbound::webhook::{ID, SIGNATURE, Secret, TIMESTAMP, TOLERANCE_S, Unverified, verify};
use sluice_contract::{Headers, Second};
use std::io::Read;

/// A notification has at most an order with a full trail of metadata in it.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

pub fn run(secret: &str) -> Result<(), Failed> {
    let mut raw = Vec::new();
    std::io::stdin().lock().take(BYTES_MAX).read_to_end(&mut raw).map_err(|e| Failed::Error(format!("standard input: {e}")))?;
    let (report, holds) = judged(secret, &raw, SystemClock.now().second()).map_err(Failed::Usage)?;
    report.iter().for_each(|line| println!("{line}"));
    if holds { Ok(()) } else { Err(Failed::Error("the notification does not verify".into())) }
}

/// The report, a line for each part, and whether the signature holds.
fn judged(secret: &str, raw: &[u8], now: Second) -> Result<(Vec<String>, bool), String> {
    let key = Secret::parse(secret).map_err(|why| format!("--secret {why}"))?;
    let (head, body) = parted(raw).ok_or("no empty line was found: give the headers, an empty line, and the body as it came")?;
    let headers = headers(head);
    let mut report: Vec<String> = [ID, TIMESTAMP, SIGNATURE].iter().map(|name| told(&headers, name, now)).collect();
    report.push(format!("body               {} bytes", body.len()));
    let at = headers.only(TIMESTAMP).and_then(|text| text.parse().ok()).map_or(now, Second);
    let judgement = verify(&key, &headers, body, at);
    report.push(match judgement {
        Ok(()) => "signature          holds".into(),
        Err(Unverified::Signature) => format!("signature          WRONG: {}", why(&key, &headers, body, at)),
        Err(_) => "signature          cannot be checked: see above".into(),
    });
    Ok((report, judgement.is_ok()))
}

/// At the first empty line, with either way of ending lines.
fn parted(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = |gap: &[u8]| raw.windows(gap.len()).position(|w| w == gap).map(|at| (at, at.saturating_add(gap.len())));
    let (head, body) = [end(b"\r\n\r\n"), end(b"\n\n")].into_iter().flatten().min()?;
    raw.get(..head).zip(raw.get(body..))
}

/// Lines with a colon; a request line has none before its first space and is passed over.
fn headers(head: &[u8]) -> Headers {
    let text = String::from_utf8_lossy(head);
    let line = |line: &str| line.split_once(':').filter(|(name, _)| !name.contains(' ')).map(|(n, v)| (n.to_owned(), v.trim().to_owned()));
    Headers(text.lines().filter_map(line).collect())
}

fn told(headers: &Headers, name: &str, now: Second) -> String {
    let Some(value) = headers.only(name) else { return format!("{name:18} MISSING, or there twice") };
    if name != TIMESTAMP {
        return format!("{name:18} {value}");
    }
    let Ok(at) = value.parse::<i64>() else { return format!("{name:18} WRONG: {value:?} is no Unix time in seconds") };
    let age = now.0.saturating_sub(at);
    let late = if age.saturating_abs() > TOLERANCE_S { format!("; a receiver refuses more than {TOLERANCE_S} s") } else { String::new() };
    format!("{name:18} {value}: {age} s ago by this machine's clock{late}")
}

fn why(key: &Secret, headers: &Headers, body: &[u8], at: Second) -> &'static str {
    if shapes::forms(body).iter().any(|form| verify(key, headers, form, at).is_ok()) {
        return "this body was written again on its way (whitespace, escapes, order of names, a newline at its end): keep the raw bytes";
    }
    if !headers.only(SIGNATURE).unwrap_or_default().split(' ').any(|one| one.starts_with("v1,")) {
        return "none of the signatures begins with v1,";
    }
    "another secret, or another id, timestamp or body than was signed"
}

#[cfg(test)]
mod tests {
    use super::judged;
    use crate::outbound::webhook::Secret;
    use sluice_contract::Second;

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const BODY: &str = r#"{"type":"order.paid","data":{"amount":1280}}"#;

    fn raw(end: &str, body: &str) -> Vec<u8> {
        let lines = Secret::parse(SECRET).unwrap().headers("evt_1", Second(1000), BODY.as_bytes());
        let lines: Vec<String> = lines.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("POST /hook HTTP/1.1{end}{}{end}{end}{body}", lines.join(end)).into_bytes()
    }

    fn report(raw: &[u8]) -> (String, bool) {
        let (lines, holds) = judged(SECRET, raw, Second(1500)).unwrap();
        (lines.join("\n"), holds)
    }

    #[test]
    fn a_kept_request_verifies_whatever_its_age_which_is_told() {
        for end in ["\r\n", "\n"] {
            let (text, holds) = report(&raw(end, BODY));
            assert!(holds && text.contains("500 s ago") && text.contains("refuses more than 300 s"), "{text}");
        }
    }

    #[test]
    fn the_part_that_fails_is_named() {
        type Change = fn(String) -> String;
        let as_is = |change: Change| report(change(String::from_utf8(raw("\n", BODY)).unwrap()).as_bytes());
        let cases: [(Change, &str); 6] = [
            (|raw| raw.replace("{\"type\":", "{ \"type\": "), "written again"),
            (|raw| raw + "\n", "written again"),
            (|raw| raw.replace("1280", "1281"), "another secret"),
            (|raw| raw.replace("webhook-id: evt_1\n", ""), "webhook-id         MISSING"),
            (|raw| raw.replace("timestamp: 1000", "timestamp: 1e3"), "no Unix time"),
            (|raw| raw.replace("v1,", "v2,"), "begins with v1,"),
        ];
        for (change, says) in cases {
            let (text, holds) = as_is(change);
            assert!(!holds && text.contains(says), "{says}: {text}");
        }
        assert!(judged("secret", &raw("\n", BODY), Second(1000)).is_err());
        assert!(judged(SECRET, b"no headers", Second(1000)).is_err());
    }
}
