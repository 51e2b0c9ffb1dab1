//! Commands that name no rows beforehand: leases and pruning, one statement each in the batch's transaction.

use super::columns::Columns;
use super::spell::{Param, ints, texts};
use super::sql::Sql;
use super::trip::{Place, Trip};
use crate::domain::OrderId;
use crate::store::command::{Command, Outcome};
use crate::store::rows::{self, Row, Unreadable};

pub fn ask<'a>(trip: &mut Trip<'a>, command: &'a Command) -> Option<Place> {
    match command {
        Command::ClaimOrders { now, limit, lease_until } => {
            Some(trip.ask(Sql::ClaimOrders, vec![Box::new(now.0), Box::new(i64::from(*limit)), Box::new(lease_until.0)]))
        }
        Command::ClaimNotices { now, limit, lease_until, after, in_flight, each_max } => {
            let busy = (texts(in_flight.keys().map(String::as_str)), ints(in_flight.values().map(|count| i64::from(*count))));
            let (limit, each_max) = (i64::from(*limit), i64::from(*each_max));
            let turn: Param<'a> = Box::new(after.as_str());
            let params = vec![Box::new(now.0), Box::new(limit), turn, Box::new(each_max), busy.0, busy.1, Box::new(lease_until.0)];
            Some(trip.ask(Sql::ClaimNotices, params))
        }
        Command::PruneOrders { before, limit } => {
            Some(trip.ask(Sql::PruneOrders, vec![Box::new(before.as_str()), Box::new(i64::from(*limit))]))
        }
        Command::Recount { key, .. } => {
            let (limit, subject): (Param<'a>, Param<'a>) = (Box::new(key.limit.as_str()), Box::new(key.subject.as_str()));
            Some(trip.ask(Sql::Recount, vec![limit, Box::new(key.start), subject, Box::new(key.holder.as_str())]))
        }
        Command::PruneNonces { before_bucket } => Some(trip.ask(Sql::PruneNonces, vec![Box::new(*before_bucket)])),
        _ => None,
    }
}

pub fn read(found: &[tokio_postgres::Row], command: &Command) -> Result<Outcome, Unreadable> {
    match command {
        Command::ClaimOrders { .. } => {
            let due = |row: &tokio_postgres::Row| {
                let row = Columns::of(row);
                Ok((row.int(1)?, row.text(0)?))
            };
            let mut due: Vec<(i64, String)> = found.iter().map(due).collect::<Result<_, Unreadable>>()?;
            due.sort_unstable();
            Ok(Outcome::Orders(due.iter().filter_map(|(_, id)| OrderId::parse(id)).collect()))
        }
        Command::ClaimNotices { .. } => {
            Ok(Outcome::Notices(found.iter().map(|row| rows::notice(&Columns::of(row))).collect::<Result<_, _>>()?))
        }
        Command::PruneOrders { .. } => Ok(Outcome::Pruned(u32::try_from(found.len()).unwrap_or(u32::MAX))),
        _ => Ok(Outcome::Done),
    }
}
