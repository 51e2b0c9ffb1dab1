//! What a store's page shows, as HTML. It works without a script; with one it has keys to press.

use super::Viewer;
use crate::domain::typed::AmountFault;
use crate::flow::store_page::{Door, Offer};
use crate::http::html::Html;
use crate::http::lang::Lang;
use crate::http::pages::agent::Agent;
use crate::http::pages::qr;
use crate::http::pages::render::{More, head, top};
use crate::http::pages::words::{Word, app};
use sluice_contract::Fen;

const STYLE: &str = include_str!("amount.css");
const SCRIPT: &str = include_str!("amount.js");
const KEYS: [&str; 11] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", ".", "0"];

/// What the payer has to mend, under the field it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Amount(AmountFault),
    Below(Fen),
    Above(Fen),
    Limit,
    Note,
    Stale,
    Often,
    Busy,
    Unavailable,
}

/// The form, as it was sent.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Which load of the page it is; empty: a new one.
    pub load: String,
    pub amount: String,
    pub note: String,
    pub fault: Option<Fault>,
}

impl Form {
    pub fn read(bytes: &[u8]) -> Form {
        let mut form = Form::default();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            match name.as_ref() {
                "load" => form.load = value.into_owned(),
                "amount" => form.amount = value.into_owned(),
                "note" => form.note = value.into_owned(),
                _ => {}
            }
        }
        form
    }

    /// For another load of the page.
    pub fn anew(self, fault: Fault) -> Form {
        Form { load: String::new(), fault: Some(fault), ..self }
    }
}

pub enum Shown {
    Amount {
        form: Form,
        offer: Offer,
    },
    /// Nothing works in this app; these would do.
    WrongApp(Vec<Agent>),
    Paused,
    Unknown,
}

pub struct Page<'a> {
    pub viewer: Viewer,
    pub nonce: &'a str,
    pub door: Option<&'a Door>,
    /// This page's own address.
    pub link: String,
    pub shown: Shown,
    pub livemode: bool,
    /// The sandbox's phone, for trying.
    pub phone: Option<&'a str>,
}

impl Page<'_> {
    pub fn render(&self) -> String {
        let (mut html, lang) = (Html::default(), self.viewer.lang);
        let name = self.door.map(Door::name).unwrap_or_default();
        let headline = match &self.shown {
            Shown::Amount { .. } => format!("{} {name} · {}", self.word(Word::PayTo), self.word(Word::EnterAmount)),
            Shown::WrongApp(apps) if apps.is_empty() => self.word(Word::StoreUnavailable).to_owned(),
            Shown::WrongApp(apps) => format!("{}{}", self.word(Word::OpenIn), names(apps, lang)),
            Shown::Paused => self.word(Word::Paused).to_owned(),
            Shown::Unknown => self.word(Word::UnknownCode).to_owned(),
        };
        head(&mut html, lang, self.nonce, &headline, Some(More::Style(STYLE)));
        let payee = self.door.map(|door| door.merchant.merchant.name.as_str()).unwrap_or_default();
        top(&mut html, lang, payee, self.livemode);
        html.raw("<main><h1>").text(&headline).raw("</h1>");
        match &self.shown {
            Shown::Amount { form, offer } => self.form(&mut html, form, offer),
            Shown::WrongApp(_) => self.elsewhere(&mut html),
            Shown::Paused | Shown::Unknown => {}
        }
        if let Some(phone) = self.phone.filter(|_| self.door.is_some()) {
            html.raw("<p><a href=\"").text(phone).raw("open?url=").text(&self.link).raw("\" target=\"_blank\" rel=\"noopener\">");
            html.raw(self.word(Word::TryIt)).raw("</a></p>");
        }
        html.raw("</main><script nonce=\"").text(self.nonce).raw("\">").raw(SCRIPT).raw("</script></body></html>");
        html.into_string()
    }

    const fn word(&self, word: Word) -> &'static str {
        word.of(self.viewer.lang)
    }

    fn form(&self, html: &mut Html, form: &Form, offer: &Offer) {
        let fault = form.fault.map(|fault| self.told(fault)).unwrap_or_default();
        let of_note = form.fault == Some(Fault::Note);
        html.raw("<form method=\"post\" action=\"?lang=").raw(self.viewer.lang.word()).raw("\" id=\"pay\">");
        html.raw("<input type=\"hidden\" name=\"load\" value=\"").text(&form.load).raw("\">");
        html.raw("<label for=\"amount\">").raw(self.word(Word::AmountYuan)).raw("</label>");
        html.raw("<input id=\"amount\" name=\"amount\" class=\"sum\" inputmode=\"decimal\" autocomplete=\"off\" maxlength=\"16\" ");
        html.raw("placeholder=\"0.00\" aria-describedby=\"fault range\" value=\"").text(&form.amount).raw("\"");
        html.raw(if fault.is_empty() || of_note { ">" } else { " aria-invalid=\"true\">" });
        html.raw("<p id=\"fault\" class=\"fault\" role=\"alert\">").text(&fault).raw("</p>");
        self.range(html, offer);
        html.raw("<div id=\"keys\" class=\"keys\" hidden>");
        for key in KEYS {
            html.raw("<button type=\"button\" data-key=\"").raw(key).raw("\">").raw(key).raw("</button>");
        }
        html.raw("<button type=\"button\" data-key=\"\" aria-label=\"").raw(self.word(Word::Erase)).raw("\">⌫</button></div>");
        html.raw("<button class=\"act\">").raw(self.word(Word::PayNext)).raw("</button>");
        html.raw("<label for=\"text\">").raw(self.word(Word::Note)).raw("</label>");
        html.raw("<input id=\"text\" name=\"note\" autocomplete=\"off\" maxlength=\"30\" value=\"").text(&form.note).raw("\"");
        html.raw(if of_note { " aria-invalid=\"true\" aria-describedby=\"fault\"></form>" } else { "></form>" });
    }

    /// Between which amounts, where that is narrower than any order.
    fn range(&self, html: &mut Html, offer: &Offer) {
        html.raw("<p id=\"range\" class=\"say\">");
        if offer.is_narrow() {
            html.raw(self.word(Word::Between)).raw("¥").text(&offer.amount_min.to_yuan()).raw(" – ¥").text(&offer.amount_max.to_yuan());
        }
        html.raw("</p>");
    }

    /// For whoever has another phone, or another app on this one.
    fn elsewhere(&self, html: &mut Html) {
        if let Some(drawn) = qr::draw(&self.link).filter(|_| self.viewer.agent.shows_codes()) {
            html.raw("<div class=\"qr\" role=\"img\" aria-label=\"").raw(self.word(Word::StoreCode)).raw("\">").drawn(&drawn).raw("</div>");
        }
        html.raw("<label>").raw(self.word(Word::CopyLink)).raw("<input readonly value=\"").text(&self.link).raw("\"></label>");
    }

    fn told(&self, fault: Fault) -> String {
        let (word, bound) = match fault {
            Fault::Amount(AmountFault::Missing) => (Word::AmountMissing, None),
            Fault::Amount(AmountFault::Unclear) => (Word::AmountUnclear, None),
            Fault::Amount(AmountFault::Decimals) => (Word::AmountDecimals, None),
            Fault::Amount(AmountFault::Zero) => (Word::AmountZero, None),
            Fault::Amount(AmountFault::TooMuch) => (Word::AmountTooMuch, None),
            Fault::Below(min) => (Word::AmountBelow, Some(min)),
            Fault::Above(max) => (Word::AmountAbove, Some(max)),
            Fault::Limit => (Word::AmountLimit, None),
            Fault::Note => (Word::NoteFault, None),
            Fault::Stale => (Word::Stale, None),
            Fault::Often => (Word::TooManyOrders, None),
            Fault::Busy => (Word::Busy, None),
            Fault::Unavailable => (Word::StoreUnavailable, None),
        };
        let bound = bound.map(|fen| format!(" ¥{}", fen.to_yuan())).unwrap_or_default();
        format!("{}{bound}", self.word(word))
    }
}

fn names(apps: &[Agent], lang: Lang) -> String {
    let separator = match lang {
        Lang::Zh => "、",
        Lang::En => ", ",
    };
    apps.iter().map(|agent| app(*agent, lang)).collect::<Vec<_>>().join(separator)
}
