//! From a screen to its HTML.

use super::pay::other;
use super::qr;
use super::screen::{Screen, left_until};
use super::words::{Word, reason, way};
use crate::domain::RefundStatus;
use crate::domain::life::{Attempt, Life, Refund};
use crate::http::html::Html;
use crate::http::lang::Lang;
use sluice_contract::{Action, Failure, Method, Millis, Notes};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page adds of its own accord to what the order shows. It says nothing of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Limit,
    Unavailable,
    Busy,
    Often,
    Cancelled,
    Unidentified,
}

impl Said {
    pub fn from_word(word: &str) -> Option<Said> {
        Some(match word {
            "limit" => Said::Limit,
            "unavailable" => Said::Unavailable,
            "busy" => Said::Busy,
            "often" => Said::Often,
            "cancelled" => Said::Cancelled,
            "unidentified" => Said::Unidentified,
            _ => return None,
        })
    }

    const fn word(self) -> Word {
        match self {
            Said::Limit => Word::OverLimit,
            Said::Unavailable => Word::Unavailable,
            Said::Busy => Word::Busy,
            Said::Often => Word::TooOften,
            Said::Cancelled => Word::Cancelled,
            Said::Unidentified => Word::Unidentified,
        }
    }
}

/// Everything that a page shows.
pub struct Page<'a> {
    pub life: &'a Life,
    pub screen: Screen<'a>,
    pub token: &'a str,
    pub lang: Lang,
    pub nonce: &'a str,
    pub key: String,
    /// This page's own address.
    pub link: String,
    pub payee: String,
    pub ways: Vec<Method>,
    pub other_ways: Vec<Method>,
    /// The payer comes back from a bridge or a channel's page.
    pub confirming: bool,
    pub said: Option<Said>,
    pub in_wrong_app: bool,
    /// What to say where no way is offered.
    pub nothing: Word,
    /// The sandbox's phone, for trying.
    pub phone: Option<&'a str>,
}

/// A page of no order.
pub fn bad_link(lang: Lang, nonce: &str) -> String {
    let mut html = Html::default();
    head(&mut html, lang, nonce, Word::BadLink.of(lang), None);
    html.raw("<body><main><h1>").raw(Word::BadLink.of(lang)).raw("</h1></main></body></html>");
    html.into_string()
}

/// `more`: a refresh without a script, or a page's own style.
pub fn head(html: &mut Html, lang: Lang, nonce: &str, title: &str, more: Option<More>) {
    html.raw("<!doctype html><html lang=\"").raw(lang.tag()).raw("\"><head><meta charset=\"utf-8\"><title>").text(title);
    html.raw("</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    if more == Some(More::Refresh) {
        html.raw("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>");
    }
    html.raw("<style nonce=\"").text(nonce).raw("\">").raw(STYLE);
    if let Some(More::Style(style)) = more {
        html.raw(style);
    }
    html.raw("</style></head>");
}

/// Who is paid, in which language it is told, and whether in earnest.
pub fn top(html: &mut Html, lang: Lang, payee: &str, livemode: bool) {
    html.raw("<body><header>");
    if !livemode {
        html.raw("<p class=\"test\">").raw(Word::Test.of(lang)).raw("</p>");
    }
    let (next, name) = other(lang);
    html.raw("<div class=\"top\"><span>").raw(Word::Payee.of(lang)).raw(" ").text(payee).raw("</span><a href=\"?lang=");
    html.raw(next.word()).raw("\" lang=\"").raw(next.tag()).raw("\">").raw(name).raw("</a></div></header>");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    Refresh,
    Style(&'static str),
}

impl Page<'_> {
    pub fn render(&self) -> String {
        let mut html = Html::default();
        let headline = self.headline();
        let refreshes = self.screen.waits() && !matches!(self.screen, Screen::Choose { .. });
        let more = refreshes.then_some(More::Refresh);
        head(&mut html, self.lang, self.nonce, &format!("{headline} · {}", self.payee), more);
        top(&mut html, self.lang, &self.payee, self.life.order.livemode);
        html.raw("<main data-state=\"").text(&self.key).raw("\" data-offline=\"").raw(self.word(Word::Offline)).raw("\"");
        if self.screen.waits() {
            html.raw(" data-poll=\"").text(self.token).raw("/state\"");
        }
        html.raw("><h1>").text(&headline).raw("</h1><p class=\"amount\">¥").text(&self.life.order.amount.to_yuan()).raw("</p><p>");
        html.text(&self.life.order.facts.subject).raw("</p><p id=\"note\" class=\"say\" role=\"status\">");
        if let Some(said) = self.said.filter(|_| self.screen.waits()) {
            html.raw(self.word(said.word()));
        }
        html.raw("</p>");
        self.body(&mut html);
        self.receipt(&mut html);
        self.ending(&mut html);
        html.raw("</main><script nonce=\"").text(self.nonce).raw("\">").raw(SCRIPT).raw("</script></body></html>");
        html.into_string()
    }

    const fn is_cashier(&self) -> bool {
        self.life.order.method.is_none()
    }

    const fn word(&self, word: Word) -> &'static str {
        word.of(self.lang)
    }

    fn headline(&self) -> String {
        let word = match &self.screen {
            _ if self.confirming => Word::Confirming,
            _ if self.in_wrong_app => Word::WrongApp,
            Screen::Choose { failed: Some(failure) } => return self.not_paid(failure, Word::NotCharged),
            Screen::Choose { .. } if self.ways.is_empty() && self.other_ways.is_empty() => self.nothing,
            Screen::Choose { .. } => Word::Choose,
            Screen::Act { action: Action::QrCode { .. }, .. } => Word::Scan,
            Screen::Act { action: Action::App { .. }, .. } => Word::InShopsApp,
            // Its bridge belongs to the merchant's own page.
            Screen::Act { action: Action::Jsapi { .. }, .. } if !self.is_cashier() => Word::InShopsApp,
            Screen::Act { .. } => Word::Continue,
            Screen::Preparing => Word::Preparing,
            Screen::Closing => Word::Closing,
            Screen::Confirming => Word::Confirming,
            Screen::Paid => Word::Paid,
            Screen::Failed(Some(failure)) => return self.not_paid(failure, Word::NotChargedEnd),
            Screen::Failed(None) => Word::NotPaid,
            Screen::Closed { expired: true } => Word::Expired,
            Screen::Closed { expired: false } => Word::Closed,
            Screen::Reversed => Word::Reversed,
            Screen::Late => Word::Late,
        };
        self.word(word).to_owned()
    }

    /// Of a definite failure, and of nothing else: that nothing was charged.
    fn not_paid(&self, failure: &Failure, then: Word) -> String {
        let (colon, stop) = match self.lang {
            Lang::Zh => ("：", "。"),
            Lang::En => (": ", ". "),
        };
        let why = reason(failure.code, self.lang).map(|why| format!("{colon}{why}")).unwrap_or_default();
        format!("{}{why}{stop}{}", self.word(Word::NotPaid), self.word(then))
    }

    fn body(&self, html: &mut Html) {
        match &self.screen {
            _ if self.in_wrong_app => self.link(html),
            Screen::Choose { .. } => self.choices(html),
            Screen::Act { .. } if self.confirming => {
                self.done(html);
                html.raw("<p><a class=\"act plain\" href=\"?lang=")
                    .raw(self.lang.word())
                    .raw("\">")
                    .raw(self.word(Word::Again))
                    .raw("</a></p>");
            }
            Screen::Act { attempt, action } => {
                self.action(html, attempt, action);
                self.deadline(html, attempt);
            }
            _ => {}
        }
        let may_change = self.is_cashier() && matches!(self.screen, Screen::Act { .. });
        if may_change {
            html.raw("<p><a href=\"?choose=1&amp;lang=").raw(self.lang.word()).raw("\">").raw(self.word(Word::ChooseOther)).raw("</a></p>");
        }
        if let Some(phone) = self.phone.filter(|_| self.screen.waits()) {
            html.raw("<p><a href=\"").text(phone);
            // Where the payer chooses, his app opens this page; else it scans what the page shows.
            if self.is_cashier() {
                html.raw("open?url=").text(&self.link);
            }
            html.raw("\" target=\"_blank\" rel=\"noopener\">").raw(self.word(Word::TryIt)).raw("</a></p>");
        }
    }

    fn choices(&self, html: &mut Html) {
        if let Some(until) = left_until(self.life) {
            html.raw("<p class=\"say\">").raw(self.word(Word::LeftCode)).text(&clock(until)).raw("</p>");
        }
        self.offered(html, &self.ways, "act");
        if !self.other_ways.is_empty() {
            html.raw(if self.ways.is_empty() { "<details open>" } else { "<details>" });
            html.raw("<summary>").raw(self.word(Word::ByOtherPhone)).raw("</summary>");
            self.offered(html, &self.other_ways, "act plain");
            html.raw("</details>");
        }
        let nowhere = self.ways.is_empty() && self.other_ways.is_empty();
        if nowhere || self.said == Some(Said::Unidentified) {
            self.link(html);
        }
    }

    fn offered(&self, html: &mut Html, ways: &[Method], class: &'static str) {
        if ways.is_empty() {
            return;
        }
        html.raw("<form method=\"post\" action=\"?lang=").raw(self.lang.word()).raw("\">");
        for method in ways {
            html.raw("<button class=\"").raw(class).raw("\" name=\"method\" value=\"").raw(method.word()).raw("\">");
            html.raw(way(*method, self.lang)).raw("</button>");
        }
        html.raw("</form>");
    }

    fn action(&self, html: &mut Html, attempt: &Attempt, action: &Action) {
        match action {
            Action::QrCode { content } => self.code(html, attempt, content),
            Action::Redirect { url } if url.starts_with("https://") || url.starts_with("http://") => {
                html.raw("<p><a class=\"act\" href=\"").text(url).raw("\">").raw(way(attempt.method, self.lang)).raw("</a></p>");
                self.done(html);
            }
            Action::Form { url, fields } if url.starts_with("https://") || url.starts_with("http://") => {
                html.raw("<form method=\"post\" action=\"").text(url).raw("\">");
                for (name, value) in fields {
                    html.raw("<input type=\"hidden\" name=\"").text(name).raw("\" value=\"").text(value).raw("\">");
                }
                html.raw("<button class=\"act\">").raw(way(attempt.method, self.lang)).raw("</button></form>");
                self.done(html);
            }
            Action::Jsapi { params } if self.is_cashier() => self.bridge(html, params),
            _ => {}
        }
    }

    fn code(&self, html: &mut Html, attempt: &Attempt, content: &str) {
        let name = way(attempt.method, self.lang);
        if let Some(drawn) = qr::draw(content) {
            html.raw("<div class=\"qr\" role=\"img\" aria-label=\"").raw(self.word(Word::Code)).raw(" ¥");
            html.text(&self.life.order.amount.to_yuan()).raw(", ").raw(name).raw("\">").drawn(&drawn).raw("</div>");
        }
        html.raw("<p>").raw(self.word(Word::ScanWith)).raw(name).raw("</p>");
        self.link(html);
    }

    /// The way for whoever cannot scan, and out of an app that cannot pay: this page's address, elsewhere.
    fn link(&self, html: &mut Html) {
        html.raw("<p><button id=\"copy\" class=\"act plain\" type=\"button\" hidden data-link=\"").text(&self.link).raw("\" data-done=\"");
        html.raw(self.word(Word::Copied)).raw("\">").raw(self.word(Word::CopyLink)).raw("</button></p>");
        if !matches!(self.screen, Screen::Act { .. }) || self.in_wrong_app {
            html.raw("<label>").raw(self.word(Word::CopyLink)).raw("<input readonly value=\"").text(&self.link).raw("\"></label>");
        }
    }

    /// WeChat's and Alipay's own bridges are there without a script of theirs.
    fn bridge(&self, html: &mut Html, params: &Notes) {
        let name = if params.contains_key("tradeNO") { "AlipayJSBridge" } else { "WeixinJSBridge" };
        let text = serde_json::to_string(params).unwrap_or_default();
        html.raw("<p><button id=\"bridge\" class=\"act\" type=\"button\" hidden data-bridge=\"")
            .raw(name)
            .raw("\" data-params=\"")
            .text(&text);
        html.raw("\"");
        if self.said.is_none() {
            html.raw(" data-auto=\"1\"");
        }
        html.raw(">")
            .raw(self.word(Word::PayNow))
            .raw("</button></p><noscript><p>")
            .raw(self.word(Word::NeedsScript))
            .raw("</p></noscript>");
    }

    /// "I have paid": one question to the channel.
    fn done(&self, html: &mut Html) {
        html.raw("<form method=\"post\" action=\"?lang=")
            .raw(self.lang.word())
            .raw("\" data-late><button class=\"act plain\" name=\"paid\" value=\"1\">");
        html.raw(self.word(Word::Done)).raw("</button></form>");
    }

    fn deadline(&self, html: &mut Html, attempt: &Attempt) {
        let dies = attempt.notes.action_expires_at.unwrap_or(self.life.order.expires_at).min(self.life.order.expires_at);
        html.raw("<p>").raw(self.word(Word::PayUntil)).text(&clock(dies));
        html.raw("<span data-until=\"").text(&dies.0.to_string()).raw("\"></span></p>");
    }

    fn receipt(&self, html: &mut Html) {
        let (life, order) = (self.life, &self.life.order);
        html.raw("<table><tbody>");
        let mut row = |word: Word, value: &str| {
            html.raw("<tr><th scope=\"row\">").raw(word.of(self.lang)).raw("</th><td>").text(value).raw("</td></tr>");
        };
        if let Some(winner) = life.winning() {
            row(Word::By, way(winner.method, self.lang));
            if let Some(paid) = winner.notes.payer_amount.filter(|paid| *paid != order.amount) {
                row(Word::PayerPaid, &format!("¥{}", paid.to_yuan()));
                let discount = order.amount.minus(paid).unwrap_or_default();
                row(Word::Discount, &format!("¥{}", discount.to_yuan()));
            }
        }
        if let Some(at) = order.paid_at {
            row(Word::PaidAt, &day_and_clock(at));
        }
        for refund in &life.refunds {
            row(Word::Refund, &format!("¥{} {} {}", refund.amount.to_yuan(), self.word(of_refund(refund)), order.id.refund_id(refund.seq)));
        }
        row(Word::OrderNo, &order.merchant_order_no);
        row(Word::Number, order.id.as_str());
        row(Word::Created, &day_and_clock(order.created_at));
        html.raw("</tbody></table>");
    }

    fn ending(&self, html: &mut Html) {
        let back = self.life.order.facts.return_url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        if let Some(url) = back.filter(|_| !self.screen.waits()) {
            html.raw("<p><a class=\"act\" href=\"").text(url).raw("\">").raw(self.word(Word::BackToShop)).raw("</a></p>");
        }
    }
}

const fn of_refund(refund: &Refund) -> Word {
    match refund.status() {
        RefundStatus::Pending => Word::Refunding,
        RefundStatus::Succeeded => Word::Refunded,
        RefundStatus::Failed => Word::RefundFailed,
    }
}

/// `14:32:10`, in Shanghai.
fn clock(at: Millis) -> String {
    at.rfc3339().get(11..19).unwrap_or_default().to_owned()
}

fn day_and_clock(at: Millis) -> String {
    at.rfc3339().get(..19).unwrap_or_default().replace('T', " ")
}
