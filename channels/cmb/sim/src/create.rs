//! Making a pay QR: qrcodeapply (pack §2.4). Any wallet may scan it; once one has, only that one may pay.

use crate::check::{Fields, Party};
use crate::fail::{Fail, Snag};
use crate::order::{Kind, Order};
use crate::sim::CmbSim;
use crate::wire::Answer;
use serde_json::{Map, json};
use sluice_contract::Millis;

/// The issuer of the text is CMB.
pub(crate) const QR_PREFIX: &str = "https://qr.95516.com/03080000/";

impl CmbSim {
    pub(crate) fn apply(&mut self, fields: &Fields<'_>, now: Millis) -> Answer {
        let party = fields.party()?;
        let number = fields.number("orderId")?.to_owned();
        let mut order = common(Kind::Qr, party, fields, now)?;
        let total = fields.fen("txnAmt", Snag::TxnAmount)?;
        fields.text("termId", 8)?;
        order.pay_until = now.plus_s(self.pay_valid_s(fields)?);
        self.free(&number, total)?;
        self.within_limits(total, now)?;
        order.cmb_order_id = self.cmb_order_id(now);
        let token = self.draw.text(24);
        order.token = Some(token.clone());
        let mut out = Map::new();
        let told = [
            ("merId", crate::account::MER_ID),
            ("orderId", &number),
            ("cmbOrderId", &order.cmb_order_id),
            ("qrCode", &format!("{QR_PREFIX}{token}")),
            ("txnTime", &now.second().compact()),
        ];
        for (name, value) in told {
            out.insert(name.to_owned(), json!(value));
        }
        self.tokens.insert(token, number.clone());
        self.admit(&number, total, order, now);
        Ok(out.into())
    }

    /// Seconds; the pack gives no bounds.
    fn pay_valid_s(&self, fields: &Fields<'_>) -> Result<i64, Fail> {
        let Some(text) = fields.text("payValidTime", 9)? else { return Ok(self.options.pay_valid_default_s) };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let seconds = if digits { text.parse::<i64>().ok() } else { None };
        seconds.filter(|s| *s > 0).ok_or_else(|| Snag::Undefined.about("payValidTime must be seconds"))
    }
}

/// What both kinds of order share.
pub(crate) fn common(kind: Kind, party: Party, fields: &Fields<'_>, now: Millis) -> Result<Order, Fail> {
    fields.currency()?;
    Ok(Order {
        kind,
        party,
        subject: fields.text("body", 128)?.unwrap_or_default().to_owned(),
        notify_url: fields.must_url("notifyUrl")?.to_owned(),
        mch_reserved: fields.reserved()?,
        attach: fields.text("attach", 127)?.map(str::to_owned),
        cmb_order_id: String::new(),
        at: now,
        pay_until: Millis(i64::MAX),
        expired: false,
        token: None,
        auth_code: None,
        terminal: None,
        wallet: None,
        stubborn: false,
        settled: None,
    })
}
