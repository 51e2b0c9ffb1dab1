//! A merchant's statement: which questions find its lines, and what of an answer belongs on it. A walk asks and takes, and whoever walks
//! it does the reading: the gateway its store, `sluice statement` a reader beside it.

use super::{Directory, Gateway, Refused, open_pay_order};
use crate::domain::Order;
use crate::domain::months::Month;
use crate::domain::statement::show::Till;
use crate::domain::statement::{Booking, Period, Place, SOON_MS};
use crate::store::{Answer, Query, Sealer, Slice};
use sluice_contract::Millis;

/// Rows a question visits: the embedded store answers on the thread that asks, and nobody else uses that thread meanwhile.
const SLICE: u32 = 250;

/// Whose statement of when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `None`: every merchant's.
    pub merchant_id: Option<String>,
    pub period: Period,
    /// Sandbox and live money are never on one statement.
    pub livemode: bool,
}

/// A walk over the lines of a statement, a slice at a time.
#[derive(Debug)]
pub struct Walk<'a> {
    wanted: &'a Wanted,
    place: Option<Place>,
}

impl<'a> Walk<'a> {
    /// From the first line, or behind one: a cursor's.
    #[must_use]
    pub fn new(wanted: &'a Wanted, behind: Option<Place>) -> Walk<'a> {
        let first = Place::first(wanted.period);
        let place = match (behind, &first) {
            // A cursor of an earlier period would only make the way longer.
            (Some(Place::Soon(id)), Place::Soon(begin)) if id < *begin => first,
            (Some(place), _) => place,
            (None, _) => first,
        };
        Walk { wanted, place: Some(place) }
    }

    /// What to ask the store; `None`: there is no more.
    #[must_use]
    pub fn ask(&self) -> Option<Query> {
        let (merchant_id, period) = (self.wanted.merchant_id.clone(), self.wanted.period);
        let slice = |after| Slice { merchant_id, from: period.begins(), to: period.ends(), after, limit: SLICE };
        self.place.clone().map(|after| Query::Booked(slice(after)))
    }

    /// Takes the answer: the lines that are on the statement, each with its place.
    ///
    /// # Errors
    /// It is no answer to what was asked.
    pub fn take(&mut self, answer: Answer) -> Result<Vec<(Place, Booking)>, Refused> {
        let (Answer::Booked { found, next }, Some(part)) = (answer, self.place.take()) else {
            return Err(Refused::inner("an unexpected answer to Booked"));
        };
        self.place = next.or_else(|| part.next_part(self.wanted.period));
        let belongs = |line: &Booking| line.order.livemode == self.wanted.livemode && self.wanted.period.holds(line.at());
        Ok(found.into_iter().filter(belongs).map(|line| (part.behind(&line), line)).collect())
    }
}

/// What of a line only its sealed part tells.
///
/// # Errors
/// It was sealed with another key, or cannot be read.
pub fn till(sealer: &Sealer, order: &Order) -> Result<Till, Refused> {
    let placed = open_pay_order(sealer, &order.sealed).map_err(Refused::inner)?;
    Ok(Till { store: placed.store.map(|store| store.id), operator_id: placed.operator_id })
}

/// Why there can be no statement of this period; `None`: there can. `kept_from`: before it orders are put away.
#[must_use]
pub fn refusal(period: Period, now: Millis, kept_from: Option<Millis>) -> Option<String> {
    if period.begins() > now {
        return Some("has not begun: days are Beijing's".to_owned());
    }
    // What was made on the day before it may have been paid in it.
    let kept = kept_from.filter(|kept| period.begins().plus_ms(-SOON_MS) < *kept)?;
    Some(format!("is older than what is kept: the orders made from {} on", kept.second().day()))
}

/// Before this moment orders are put away, and their refunds with them.
#[must_use]
pub fn kept_from(now: Millis, keep_months: Option<u32>) -> Option<Millis> {
    keep_months.map(|months| Month::of(now).plus(i32::try_from(months).unwrap_or(i32::MAX).saturating_neg()).begins())
}

impl Directory {
    /// Whether this gateway moves real money: sandbox and live accounts never mix.
    #[must_use]
    pub fn livemode(&self) -> bool {
        self.accounts.iter().any(|account| !account.sandbox)
    }
}

impl Gateway {
    /// The next lines of a walk; `None`: there are no more.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn stride(&self, walk: &mut Walk<'_>) -> Result<Option<Vec<(Place, Booking)>>, Refused> {
        let Some(query) = walk.ask() else { return Ok(None) };
        walk.take(self.store.read(query).await.map_err(Refused::from)?).map(Some)
    }
}
