//! What a statement's query asks for: merchants and operators ask alike.

use crate::domain::statement::csv::Language;
use crate::domain::statement::show::Asked as Shown;
use crate::domain::statement::{Period, Place};
use crate::flow::Gateway;
use crate::flow::statement::{Wanted, kept_from, refusal};
use crate::http::errors::Fail;
use crate::http::params::Params;
use sluice_contract::Millis;

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// The parameters that both know.
pub const KNOWN: [&str; 6] = ["day", "month", "format", "lang", "limit", "cursor"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
}

#[derive(Debug)]
pub struct Asked {
    pub wanted: Wanted,
    pub now: Millis,
    kept_from: Option<Millis>,
    pub format: Format,
    pub language: Language,
    /// Lines on a page.
    pub limit: usize,
    pub behind: Option<Place>,
}

impl Asked {
    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> Shown<'_> {
        let Wanted { merchant_id, period, livemode } = &self.wanted;
        Shown { merchant: merchant_id.as_deref(), period: *period, livemode: *livemode, now: self.now, kept_from: self.kept_from }
    }

    /// A file's name: letters, digits, `_`, `-` and one `.`, whatever the merchant is called.
    #[must_use]
    pub fn file_name(&self) -> String {
        let merchant = self.wanted.merchant_id.as_deref().unwrap_or("all");
        let safe: String = merchant.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect();
        format!("statement-{safe}-{}.csv", self.wanted.period.name())
    }
}

/// Reads the query, or names every bad parameter at once.
pub fn read(gateway: &Gateway, mut params: Params, merchant_id: Option<String>) -> Result<Asked, Fail> {
    let now = gateway.now();
    let kept_from = kept_from(now, gateway.keep_months);
    let period = period(&mut params, now, kept_from);
    let format = params.read("format", "must be json or csv", |word| match word {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        _ => None,
    });
    let language = params.read("lang", "must be zh or en", Language::from_word);
    let limit = params.limit_up_to(LIMIT_DEFAULT, LIMIT_MAX);
    let behind = params.cursor_to(Place::parse);
    let format = format.unwrap_or(Format::Json);
    if params.text("lang").is_some() && format == Format::Json {
        params.problem("lang", "is for format=csv: JSON has one language");
    }
    let pages = format == Format::Json && merchant_id.is_some() && matches!(period, Some(Period::Day(_)));
    for name in ["limit", "cursor"] {
        if params.text(name).is_some() && !pages {
            params.problem(name, "is for the lines of a merchant's day in JSON: nothing else comes in pages");
        }
    }
    params.check()?;
    let period = period.ok_or_else(|| crate::flow::Refused::inner("a statement without a period"))?;
    let wanted = Wanted { merchant_id, period, livemode: gateway.directory.load().livemode() };
    let (limit, language) = (usize::try_from(limit).unwrap_or(usize::MAX), language.unwrap_or_default());
    Ok(Asked { wanted, now, kept_from, format, language, limit, behind })
}

fn period(params: &mut Params, now: Millis, kept_from: Option<Millis>) -> Option<Period> {
    let day = params.read("day", "must be a day such as 2026-11-25", Period::day);
    let month = params.read("month", "must be a month such as 2026-11", Period::month);
    match (params.text("day").is_some(), params.text("month").is_some()) {
        (true, true) => params.problem("month", "stands beside day: give one of them"),
        (false, false) => params.problem("day", "is needed, such as 2026-11-25, or else month, such as 2026-11"),
        _ => {}
    }
    for (field, period) in [("day", day), ("month", month)] {
        if let Some(why) = period.and_then(|period| refusal(period, now, kept_from)) {
            params.problem(field, &why);
        }
    }
    day.or(month)
}
