//! The engine for more than one gateway: any number of nodes over one PostgreSQL, none of them special.
//!
//! A batch takes two round trips ([`batch`]); [`sql`] has the statements of the first, [`spell`] those of the second; [`engine`] keeps a
//! writer's session and settles what a lost connection left open; [`read`] answers questions on connections of its own;
//! [`partitions`] makes and drops months.

mod batch;
mod columns;
mod engine;
mod link;
mod load;
mod partitions;
mod read;
mod scan;
mod spell;
mod sql;
mod trip;

pub use engine::Engine;
pub use link::Target;
pub use read::Readers;

use crate::config::PostgresUrl;
use crate::domain::months::keep_from;
use crate::store::lanes::{Lanes, prune};
use crate::store::{Answer, Command, OnPanic, Outcome, Query, Store, StoreError, Ticket};
use deadpool_postgres::Client;
use futures_util::FutureExt;
use sluice_contract::Millis;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Batches under way at once: while one waits for its COMMIT the next is being loaded.
const WRITERS: usize = 2;
/// A silent link must not hold up whoever keeps the house: the same task prunes nonces and renews keys.
const HOUSE_MAX: Duration = Duration::from_secs(10);

/// The store of a gateway that shares its books with others.
pub struct PostgresStore {
    lanes: Arc<Lanes>,
    readers: Readers,
}

impl PostgresStore {
    /// Brings the schema up to date and starts the writers, which end with the runtime or when this is dropped.
    pub async fn open(url: &PostgresUrl, on_panic: OnPanic) -> Result<PostgresStore, StoreError> {
        let target = Target::new(url)?;
        target.migrate().await?;
        let readers = Readers::new(&target)?;
        partitions::make_ahead(&mut Client::take(readers.client().await?)).await?;
        let lanes = Arc::<Lanes>::default();
        for _ in 0..WRITERS {
            tokio::spawn(write_until_closed(Engine::new(target.clone()), Arc::clone(&lanes), on_panic));
        }
        Ok(PostgresStore { lanes, readers })
    }

    /// On a connection that is not given back when this does not end: whoever got it next would wait as long.
    async fn keep_months(&self, now: Millis, keep_months: Option<u32>) -> Result<bool, StoreError> {
        let mut client = Client::take(self.readers.client().await?);
        partitions::make_ahead(&mut client).await?;
        match keep_months {
            Some(months) => partitions::drop_one(&mut client, &keep_from(now, months)).await,
            None => Ok(false),
        }
    }
}

async fn write_until_closed(mut engine: Engine, lanes: Arc<Lanes>, on_panic: OnPanic) {
    let writing = async {
        while let Some(batch) = lanes.take().await {
            let outcomes = engine.apply(&batch.commands()).await;
            batch.answer(outcomes);
        }
    };
    if AssertUnwindSafe(writing).catch_unwind().await.is_err() {
        on_panic();
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.lanes.close();
    }
}

impl Store for PostgresStore {
    fn submit(&self, command: Command) -> Ticket<'_, Outcome> {
        self.lanes.submit(command)
    }

    fn keep_house(&self, now: Millis, keep_months: Option<u32>) -> Ticket<'_, bool> {
        Box::pin(async move {
            let dropped = tokio::time::timeout(HOUSE_MAX, self.keep_months(now, keep_months)).await;
            let late = |_| Err(StoreError::Failed(format!("the months were not seen to within {} s", HOUSE_MAX.as_secs())));
            // What could not go with its month, because one order in it is not over, goes piece by piece.
            Ok(dropped.unwrap_or_else(late)? || prune(&self.lanes, now, keep_months).await?)
        })
    }

    fn read(&self, query: Query) -> Ticket<'_, Answer> {
        Box::pin(async move { self.readers.answer(&query).await })
    }
}
