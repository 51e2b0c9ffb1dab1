//! The engine for more than one gateway: any number of nodes over one PostgreSQL, none of them special.
//!
//! A batch takes two round trips ([`batch`]); [`sql`] has the statements of the first, [`spell`] those of the second; [`engine`] keeps a
//! writer's session and settles what a lost connection left open; [`read`] answers questions on connections of its own; [`partitions`] makes and drops months.

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
use crate::store::lanes::{Lanes, prune};
use crate::store::months::keep_from;
use crate::store::{Answer, Command, OnPanic, Outcome, Query, Store, StoreError, Ticket};
use futures_util::FutureExt;
use sluice_contract::Millis;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Batches under way at once: while one waits for its COMMIT the next is being loaded.
const WRITERS: usize = 2;
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
        partitions::make_ahead(&mut readers.client().await?).await?;
        let lanes = Arc::<Lanes>::default();
        for _ in 0..WRITERS {
            tokio::spawn(write_until_closed(Engine::new(target.clone()), Arc::clone(&lanes), on_panic));
        }
        Ok(PostgresStore { lanes, readers })
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
            let mut client = self.readers.client().await?;
            partitions::make_ahead(&mut client).await?;
            let Some(months) = keep_months else { return Ok(false) };
            // What could not go with its month, because one order in it is not over, goes piece by piece.
            Ok(partitions::drop_one(&mut client, &keep_from(now, months)).await? || prune(&self.lanes, now, keep_months).await?)
        })
    }

    fn read(&self, query: Query) -> Ticket<'_, Answer> {
        Box::pin(async move { self.readers.answer(&query).await })
    }
}
