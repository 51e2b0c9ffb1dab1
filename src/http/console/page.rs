//! The frame of every page: head, navigation, what came of the last form; and the few pieces that pages are made of. There is no script.

use super::visit::{Door, Visit};
use super::words::{Word, state};
use crate::http::errors::Fail;
use crate::http::html::Html;
use crate::http::lang::Lang;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use sluice_contract::Fen;

const STYLE: &str = include_str!("console.css");

/// The pages of the navigation. Each stands where its call may be made.
const PAGES: &[(Word, &str)] = &[
    (Word::Today, "/console"),
    (Word::Orders, "/console/orders"),
    (Word::Cases, "/console/cases"),
    (Word::Accounts, "/console/accounts"),
    (Word::Limits, "/console/limits"),
    (Word::Notifications, "/console/notifications"),
    (Word::Reconcile, "/console/discrepancies"),
    (Word::Audit, "/console/audit"),
    (Word::Sessions, "/console/sessions"),
];

/// Columns of numbers stand to the right, their names too.
const NUMBERS: &[Word] = &[
    Word::Amount,
    Word::OrdersToday,
    Word::PaidToday,
    Word::TakenToday,
    Word::Answers,
    Word::AnswerTime,
    Word::Weight,
    Word::Confirmed,
    Word::Reserved,
    Word::Overrun,
    Word::Left,
    Word::Max,
    Word::Ours,
    Word::Theirs,
    Word::Gap,
    Word::Tries,
    Word::Matched,
];

/// What came of a form, in an address that anybody may type: it says nothing that a page would not show.
const SAID: &[(&str, Word)] = &[
    ("done", Word::SaidDone),
    ("accepted", Word::SaidAccepted),
    ("again", Word::SaidAgain),
    ("retype", Word::SaidRetype),
    ("proposed", Word::SaidProposed),
    ("password", Word::SaidPassword),
    ("wrong", Word::WrongPassword),
    ("out", Word::SaidOut),
];

/// Back to a page, with a word of what came of it.
pub fn back_to(path: &str, said: &str) -> Response {
    Redirect::to(&href(path, &[("said", said)])).into_response()
}

/// An address of ours with its query.
pub fn href(path: &str, query: &[(&str, &str)]) -> String {
    let pairs = query.iter().filter(|(_, value)| !value.is_empty());
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
}

/// A member of an answer as text; nothing where there is none.
pub fn text<'a>(of: &'a Value, path: &str) -> &'a str {
    of.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

pub fn int(of: &Value, path: &str) -> Option<i64> {
    of.pointer(path).and_then(Value::as_i64)
}

pub fn yuan(of: &Value, path: &str) -> String {
    int(of, path).map(|fen| format!("¥{}", Fen(fen).to_yuan())).unwrap_or_default()
}

/// `2026-11-23 14:32:10`, in Shanghai.
pub fn moment(of: &Value, path: &str) -> String {
    text(of, path).get(..19).unwrap_or_default().replace('T', " ")
}

pub fn rows(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

pub struct Page {
    html: Html,
    lang: Lang,
}

impl Page {
    pub fn of(visit: &Visit, title: Word) -> Page {
        Page::named(visit, title.of(visit.door.lang))
    }

    /// A page about one thing, named in its title.
    pub fn named(visit: &Visit, title: &str) -> Page {
        let mut page = Page::bare(&visit.door, title);
        page.raw("<header><a class=\"skip\" href=\"#main\">")
            .word(Word::Skip)
            .raw("</a><strong>Sluice ")
            .word(Word::Console)
            .raw("</strong>");
        if visit.door.sandbox {
            page.raw("<span class=\"test\">").word(Word::Test).raw("</span>");
        }
        page.raw("<nav aria-label=\"").word(Word::Console).raw("\"><ul>");
        let here = visit.door.uri.path();
        for (word, path) in PAGES.iter().filter(|(_, path)| visit.may("GET", &super::gate::call_of(path))) {
            let is_here = here == *path || (*path != "/console" && here.starts_with(&format!("{path}/")));
            page.raw("<li><a href=\"")
                .raw(path)
                .raw(if is_here { "\" aria-current=\"page\">" } else { "\">" })
                .word(*word)
                .raw("</a></li>");
        }
        page.raw("</ul></nav><div class=\"me\"><a href=\"/console/me\">").text(&visit.who.name).raw(" · ");
        page.text(state(visit.role().word(), visit.door.lang)).raw("</a>").other_lang(&visit.door);
        page.raw("<form method=\"post\" action=\"/console/sign-out\"><button>").word(Word::SignOut).raw("</button></form></div></header>");
        page.main(&visit.door, title);
        page
    }

    /// A page for nobody in particular.
    pub fn outside(door: &Door, title: Word) -> Page {
        let mut page = Page::bare(door, title.of(door.lang));
        page.raw("<header><strong>Sluice ").word(Word::Console).raw("</strong><div class=\"me\">").other_lang(door).raw("</div></header>");
        page.main(door, title.of(door.lang));
        page
    }

    fn bare(door: &Door, title: &str) -> Page {
        let mut page = Page { html: Html::default(), lang: door.lang };
        page.raw("<!doctype html><html lang=\"").raw(door.lang.tag()).raw("\"><head><meta charset=\"utf-8\"><title>").text(title);
        page.raw(
            " · Sluice</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" href=\"data:,\">",
        );
        page.raw("<style nonce=\"").text(&door.nonce).raw("\">").raw(STYLE).raw("</style></head><body>");
        page
    }

    fn main(&mut self, door: &Door, title: &str) {
        self.raw("<main id=\"main\"><h1>").text(title).raw("</h1>");
        let said = door.asked("said").and_then(|word| SAID.iter().find(|(known, _)| *known == word)).map(|(_, word)| *word);
        if let Some(word) = said {
            self.raw("<p class=\"say\" role=\"status\">").word(word).raw("</p>");
        }
    }

    /// The same page in the other language, what it was asked for kept.
    fn other_lang(&mut self, door: &Door) -> &mut Page {
        let (lang, name) = match door.lang {
            Lang::Zh => (Lang::En, "English"),
            Lang::En => (Lang::Zh, "中文"),
        };
        let known = url::form_urlencoded::parse(door.uri.query().unwrap_or_default().as_bytes()).into_owned();
        let kept: Vec<(String, String)> = known.filter(|(name, _)| !matches!(name.as_str(), "lang" | "said")).collect();
        let query: Vec<(&str, &str)> = kept.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain([("lang", lang.word())]).collect();
        self.raw("<a href=\"").text(&href(door.uri.path(), &query)).raw("\" lang=\"").raw(lang.tag()).raw("\">").raw(name).raw("</a>")
    }

    pub fn end(mut self) -> Response {
        self.raw("</main></body></html>");
        ([(CONTENT_TYPE, "text/html; charset=utf-8")], self.html.into_string()).into_response()
    }

    pub fn raw(&mut self, markup: &'static str) -> &mut Page {
        self.html.raw(markup);
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Page {
        self.html.text(text);
        self
    }

    pub fn word(&mut self, word: Word) -> &mut Page {
        self.html.raw(word.of(self.lang));
        self
    }

    pub fn state(&mut self, word: &str) -> &mut Page {
        self.html.text(state(word, self.lang));
        self
    }

    pub fn heading(&mut self, word: Word) -> &mut Page {
        self.raw("<h2>").word(word).raw("</h2>")
    }

    pub fn note(&mut self, word: Word) -> &mut Page {
        self.raw("<p class=\"note\">").word(word).raw("</p>")
    }

    /// Begins a table that a narrow screen can scroll. [`Page::table_end`] ends it.
    pub fn table(&mut self, name: Word, columns: &[Word]) -> &mut Page {
        self.raw("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"").word(name).raw("\"><table><thead><tr>");
        for column in columns {
            let is_number = NUMBERS.contains(column);
            self.raw(if is_number { "<th scope=\"col\" class=\"n\">" } else { "<th scope=\"col\">" }).word(*column).raw("</th>");
        }
        self.raw("</tr></thead><tbody>")
    }

    pub fn table_end(&mut self) -> &mut Page {
        self.raw("</tbody></table></div>")
    }

    pub fn cell(&mut self, text: &str) -> &mut Page {
        self.raw("<td>").text(text).raw("</td>")
    }

    pub fn number(&mut self, text: &str) -> &mut Page {
        self.raw("<td class=\"n\">").text(text).raw("</td>")
    }

    pub fn state_cell(&mut self, word: &str) -> &mut Page {
        self.raw("<td><span class=\"tag ").text(word).raw("\">").state(word).raw("</span></td>")
    }

    pub fn link(&mut self, to: &str, text: &str) -> &mut Page {
        self.raw("<a href=\"").text(to).raw("\">").text(text).raw("</a>")
    }

    /// A line of a list of facts; nothing where there is none.
    pub fn fact(&mut self, name: Word, text: &str) -> &mut Page {
        if !text.is_empty() {
            self.raw("<dt>").word(name).raw("</dt><dd>").text(text).raw("</dd>");
        }
        self
    }

    /// Begins a form that is carried out once, however often it is sent. A button ends it.
    pub fn form(&mut self, action: &str, act_id: &str) -> &mut Page {
        self.raw("<form class=\"act\" method=\"post\" action=\"").text(action).raw("\"><input type=\"hidden\" name=\"act_id\" value=\"");
        self.text(act_id).raw("\">")
    }

    pub fn field(&mut self, name: &'static str, label: Word, more: &'static str) -> &mut Page {
        self.raw("<label>").word(label).raw(" <input name=\"").raw(name).raw("\" ").raw(more).raw("></label>")
    }

    pub fn reason(&mut self) -> &mut Page {
        self.field("reason", Word::Reason, "required minlength=\"4\" maxlength=\"160\" autocomplete=\"off\"")
    }

    pub fn button(&mut self, word: Word) -> &mut Page {
        self.raw("<button>").word(word).raw("</button></form>")
    }

    /// The next page of a list, with what was asked for.
    pub fn next(&mut self, door: &Door, path: &str, known: &[&str], cursor: &str) -> &mut Page {
        if cursor.is_empty() {
            return self;
        }
        let kept: Vec<(&str, String)> =
            known.iter().filter(|name| **name != "cursor").filter_map(|name| Some((*name, door.asked(name)?))).collect();
        let query: Vec<(&str, &str)> = kept.iter().map(|(n, v)| (*n, v.as_str())).chain([("cursor", cursor)]).collect();
        self.raw("<p><a class=\"next\" href=\"").text(&href(path, &query)).raw("\">").word(Word::Next).raw("</a></p>")
    }
}

/// A refusal, in words, with a way back.
pub fn refusal(door: &Door, visit: Option<&Visit>, fail: &Fail, request_id: &str) -> Response {
    let mut page = visit.map_or_else(|| Page::outside(door, Word::Refused), |visit| Page::of(visit, Word::Refused));
    page.raw("<p class=\"say\" role=\"alert\">").text(&fail.refused.detail).raw("</p>");
    for problem in &fail.refused.errors {
        page.raw("<p>").text(&problem.field).raw(": ").text(&problem.reason).raw("</p>");
    }
    page.raw("<p class=\"note\">").text(fail.refused.code.facts().0).raw(" · ").word(Word::RequestNo).raw(" ").text(request_id).raw("</p>");
    let order = door.uri.path().strip_prefix("/console/orders/").and_then(|rest| rest.split('/').next());
    let back = order.map_or_else(|| "/console".to_owned(), |id| format!("/console/orders/{id}"));
    let back = if back == door.uri.path() { "/console" } else { back.as_str() };
    page.raw("<p>").link(back, Word::Back.of(door.lang)).raw("</p>");
    page.end()
}
