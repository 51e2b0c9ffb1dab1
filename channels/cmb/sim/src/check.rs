//! Reading the fields of biz_content: every one is text, none is blank, lengths are the pack's (§2.1, §2.4).

use crate::account::{MER_ID, SUB_MERCHANTS, UNKNOWN_USER};
use crate::fail::{Fail, Snag};
use serde_json::{Map, Value};
use sluice_contract::{Day, Fen};

/// An amount has at most 13 digits (pack §2.1).
const AMOUNT_DIGITS: usize = 13;

pub(crate) struct Fields<'a>(&'a Map<String, Value>);

/// Whose call it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) user_id: String,
    pub(crate) sub_mer_id: Option<String>,
    pub(crate) sub_store_id: Option<String>,
}

impl<'a> Fields<'a> {
    /// Optional fields must not be sent empty, null or blank (pack §2.1); numbers and objects are no text.
    pub(crate) fn of(biz: &'a Map<String, Value>) -> Result<Fields<'a>, Fail> {
        for (name, value) in biz {
            if value.as_str().is_none_or(|text| text.trim().is_empty()) {
                return Err(Snag::Undefined.about(&format!("{name} must be text and not blank")));
            }
        }
        Ok(Fields(biz))
    }

    pub(crate) fn text(&self, name: &str, max: usize) -> Result<Option<&'a str>, Fail> {
        let Some(text) = self.0.get(name).and_then(Value::as_str) else { return Ok(None) };
        if text.chars().count() > max {
            return Err(Snag::Undefined.about(&format!("{name} is longer than {max}")));
        }
        Ok(Some(text))
    }

    pub(crate) fn must(&self, name: &str, max: usize) -> Result<&'a str, Fail> {
        self.text(name, max)?.ok_or_else(|| Snag::Undefined.about(&format!("{name} is missing")))
    }

    /// An order or refund number: 32 visible ASCII characters at most.
    pub(crate) fn number(&self, name: &str) -> Result<&'a str, Fail> {
        let text = self.must(name, 32)?;
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if visible { Ok(text) } else { Err(Snag::Undefined.about(&format!("{name} must be letters and digits"))) }
    }

    /// Integer fen as text, positive, without leading zeros; `snag` is this field's own refusal.
    pub(crate) fn fen(&self, name: &str, snag: Snag) -> Result<Fen, Fail> {
        let text = self.must(name, 32)?;
        let digits = text.len() <= AMOUNT_DIGITS && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let amount = if digits { text.parse().ok() } else { None };
        amount.map(Fen).ok_or_else(|| snag.about(name))
    }

    /// Like [`Fields::fen`], for one that may be absent or zero.
    pub(crate) fn fen_or_zero(&self, name: &str, snag: Snag) -> Result<Option<Fen>, Fail> {
        match self.text(name, 32)? {
            None => Ok(None),
            Some("0") => Ok(Some(Fen::ZERO)),
            Some(_) => self.fen(name, snag).map(Some),
        }
    }

    pub(crate) fn currency(&self) -> Result<(), Fail> {
        match self.text("currencyCode", 3)? {
            None | Some("156") => Ok(()),
            Some(_) => Err(Snag::Undefined.about("currencyCode must be 156")),
        }
    }

    pub(crate) fn url(&self, name: &str) -> Result<Option<&'a str>, Fail> {
        let Some(url) = self.text(name, 256)? else { return Ok(None) };
        let http = url.starts_with("https://") || url.starts_with("http://");
        if http { Ok(Some(url)) } else { Err(Snag::Undefined.about(&format!("{name} must be an http address"))) }
    }

    pub(crate) fn must_url(&self, name: &str) -> Result<&'a str, Fail> {
        self.url(name)?.ok_or_else(|| Snag::Undefined.about(&format!("{name} is missing")))
    }

    pub(crate) fn reserved(&self) -> Result<Option<String>, Fail> {
        let text = self.text("mchReserved", 128).map_err(|_| Snag::Reserved)?;
        Ok(text.map(str::to_owned))
    }

    /// yyyyMMdd.
    pub(crate) fn day(&self, name: &str) -> Result<Day, Fail> {
        let text = self.must(name, 8)?;
        let parts = (text.get(..4), text.get(4..6), text.get(6..8));
        let (Some(year), Some(month), Some(day)) = parts else { return Err(Snag::Undefined.about(name)) };
        Day::parse(&format!("{year}-{month}-{day}")).ok_or_else(|| Snag::Undefined.about(&format!("{name} must be yyyyMMdd")))
    }

    pub(crate) fn merchant(&self) -> Result<(), Fail> {
        if self.must("merId", 32)? == MER_ID { Ok(()) } else { Err(Snag::NoMerchant.into()) }
    }

    /// Merchant, cashier and sub-merchant. An unknown sub-merchant has no code of its own.
    pub(crate) fn party(&self) -> Result<Party, Fail> {
        self.merchant()?;
        let user_id = self.must("userId", 32)?;
        if user_id == UNKNOWN_USER || !user_id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Snag::User.into());
        }
        let sub_mer_id = self.text("subMerId", 32)?.map(str::to_owned);
        if sub_mer_id.as_deref().is_some_and(|sub| !SUB_MERCHANTS.contains(&sub)) {
            return Err(Snag::NoMerchant.about("subMerId"));
        }
        let sub_store_id = self.text("subStoreId", 32)?.map(str::to_owned);
        Ok(Party { user_id: user_id.to_owned(), sub_mer_id, sub_store_id })
    }
}
