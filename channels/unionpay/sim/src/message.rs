//! A request's fields, read one by one as the gateway checks them: absent is 13, malformed is 10 (pack §1.3, §8.3).

use crate::fail::Fail;
use crate::party::MER_ID;
use crate::sign::Fields;
use sluice_contract::{Fen, Millis, Second};
use sluice_simkit::form;

/// Reads a form; a name that stands twice, or text that cannot be decoded, is no message at all.
pub(crate) fn read(text: &str) -> Option<Fields> {
    let mut fields = Fields::new();
    for (name, value) in form::pairs(text)? {
        if fields.insert(name, value).is_some() {
            return None;
        }
    }
    Some(fields)
}

pub(crate) struct Ask<'a> {
    fields: &'a Fields,
}

impl<'a> Ask<'a> {
    pub(crate) const fn of(fields: &'a Fields) -> Ask<'a> {
        Ask { fields }
    }

    /// A value that is there and not blank.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.fields.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    pub(crate) fn must(&self, name: &str) -> Result<&'a str, Fail> {
        self.get(name).ok_or_else(|| Fail::missing(name))
    }

    /// Text of at most `max` bytes, if any.
    pub(crate) fn text(&self, name: &str, max: usize) -> Result<Option<String>, Fail> {
        match self.get(name) {
            Some(value) if value.len() > max => Err(Fail::format(name)),
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// Digits that must be there.
    pub(crate) fn digits(&self, name: &str, min: usize, max: usize) -> Result<&'a str, Fail> {
        let value = self.must(name)?;
        if (min..=max).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit()) { Ok(value) } else { Err(Fail::format(name)) }
    }

    /// An order's number: 8 to 32 letters and digits (pack §6; the newer 40 do not fit the statement).
    pub(crate) fn number(&self, name: &str) -> Result<&'a str, Fail> {
        let value = self.must(name)?;
        if is_number(value) { Ok(value) } else { Err(Fail::format(name)) }
    }

    /// Whole fen, above zero.
    pub(crate) fn amount(&self) -> Result<Fen, Fail> {
        let text = self.digits("txnAmt", 1, 12)?;
        text.parse().ok().map(Fen).filter(|fen| fen.is_positive()).ok_or_else(|| Fail::format("txnAmt"))
    }

    /// CNY; consumptions must say so, refunds may (pack §1.3).
    pub(crate) fn currency(&self, required: bool) -> Result<(), Fail> {
        match self.get("currencyCode") {
            Some("156") => Ok(()),
            Some(_) => Err(Fail::format("currencyCode")),
            None if required => Err(Fail::missing("currencyCode")),
            None => Ok(()),
        }
    }

    /// Beijing time of 14 digits that is a time.
    pub(crate) fn time(&self, name: &str) -> Result<Millis, Fail> {
        let text = self.digits(name, 14, 14)?;
        Second::from_local("%Y%m%d%H%M%S", text).map(Second::millis).ok_or_else(|| Fail::format(name))
    }

    /// txnTime of a new transaction: about now.
    pub(crate) fn fresh_time(&self, now: Millis, window_s: i64) -> Result<(), Fail> {
        let apart_ms = now.since_ms(self.time("txnTime")?).saturating_abs();
        if apart_ms <= window_s.saturating_mul(1000) { Ok(()) } else { Err(Fail::format("txnTime")) }
    }

    /// An http or https address; its query is allowed (trap T7 is the client's).
    pub(crate) fn url(&self, name: &str) -> Result<Option<&'a str>, Fail> {
        let Some(url) = self.get(name) else { return Ok(None) };
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).and_then(|rest| rest.split(['/', '?']).next());
        if host.is_some_and(|h| !h.is_empty()) && url.len() <= 256 { Ok(Some(url)) } else { Err(Fail::format(name)) }
    }

    pub(crate) fn back_url(&self) -> Result<String, Fail> {
        self.must("backUrl")?;
        self.url("backUrl").map(|url| url.unwrap_or_default().to_owned())
    }

    /// The till: eight digits; letters were refused as a format error (pack §1.3).
    pub(crate) fn term_id(&self) -> Result<Option<String>, Fail> {
        if self.get("termId").is_none() {
            return Ok(None);
        }
        self.digits("termId", 8, 8).map(|id| Some(id.to_owned()))
    }

    /// What every signed message must have, once its signature holds.
    pub(crate) fn common(&self) -> Result<(), Fail> {
        self.digits("txnType", 2, 2)?;
        self.digits("txnSubType", 2, 2)?;
        self.digits("bizType", 6, 6)?;
        self.time("txnTime")?;
        let access = self.digits("accessType", 1, 1)?;
        if self.must("merId")? != MER_ID {
            return Err(Fail::of("31"));
        }
        match access {
            "0" | "1" | "2" => {}
            _ => return Err(Fail::format("accessType")),
        }
        self.text("reqReserved", 1024)?;
        self.text("reserved", 2048)?;
        Ok(())
    }

    /// Which institution or sub-merchant stands behind a consumption (pack §1.3).
    pub(crate) fn parties(&self) -> Result<(), Fail> {
        let needed: &[&str] = match self.must("accessType")? {
            "1" => &["acqInsCode", "merName", "merAbbr", "merCatCode"],
            "2" => &["subMerId", "subMerName", "subMerAbbr"],
            _ => &[],
        };
        for name in needed {
            self.must(name)?;
        }
        self.text("subMerId", 15)?;
        Ok(())
    }

    /// 07 computer, 08 mobile, 05 voice, 16 set-top box.
    pub(crate) fn channel_type(&self) -> Result<&'a str, Fail> {
        match self.digits("channelType", 2, 2)? {
            known @ ("05" | "07" | "08" | "16") => Ok(known),
            _ => Err(Fail::format("channelType")),
        }
    }
}

pub(crate) fn is_number(text: &str) -> bool {
    (8..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
