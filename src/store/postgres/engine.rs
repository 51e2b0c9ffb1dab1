//! A writer's engine: carries out batches on a session of its own, opens a new one when that is lost, and finds out what became of a
//! batch whose COMMIT was not answered.

use super::batch::{DROP_CLAIM, DROP_NONCE, Ended, FIX_CLAIM, Outcomes, Session};
use super::link::{Target, told};
use super::trip::Prepared;
use crate::store::command::Command;
use crate::store::{StoreError, writes};
use std::time::Duration;
use tokio_postgres::Client;

/// How long the fate of an unanswered COMMIT is looked for before it is called unknown.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// A session is opened within this time, or not at all: a server that takes connections may still never answer.
const OPEN_MAX: Duration = Duration::from_secs(8);
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

const REGISTER: &str = "INSERT INTO writers (batch_no) VALUES (0) RETURNING id";
const CLEAR_AWAY: &str =
    "DELETE FROM writers WHERE id IN (SELECT id FROM writers WHERE seen_at < now() - interval '1 day' FOR UPDATE SKIP LOCKED)";
/// The session that was lost may live on at the server and hold its locks. It is ours, by its name.
const END_FORMER: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()";
/// Waits for the end of the transaction that holds the row. Written and committed, not just read: with a synchronous standby this
/// commit is answered only when everything before it, the batch in question too, has reached the standby.
const SETTLE: &str = "UPDATE writers SET settled = settled + 1 WHERE id = $1 RETURNING batch_no";

pub struct Engine {
    target: Target,
    session: Option<Session>,
    /// Kept over sessions: what was unsettled in one is settled in the next.
    mark: Option<i64>,
    batch_no: i64,
}

/// What became of a batch that was not carried out.
enum Fate {
    /// Nothing was stored; the server did not want it.
    Refused(String),
    /// Nothing was stored.
    Failed(String),
    Unknown(String),
}

impl From<Fate> for StoreError {
    fn from(fate: Fate) -> StoreError {
        match fate {
            Fate::Refused(why) | Fate::Failed(why) => StoreError::Failed(why),
            Fate::Unknown(why) => StoreError::Unknown(why),
        }
    }
}

impl Engine {
    #[must_use]
    pub const fn new(target: Target) -> Engine {
        Engine { target, session: None, mark: None, batch_no: 0 }
    }

    /// Carries out a batch in one transaction and answers in the order given. If the server refuses the batch as a whole, each command
    /// runs alone, so that one bad command harms no other.
    pub async fn apply(&mut self, batch: &[&Command]) -> Outcomes {
        match self.settled(batch).await {
            Ok(outcomes) => outcomes,
            Err(Fate::Refused(why)) if batch.len() > 1 => {
                tracing::warn!(%why, commands = batch.len(), "a batch was refused: its commands run one by one");
                let mut outcomes = Vec::with_capacity(batch.len());
                for command in batch {
                    match self.settled(&[command]).await {
                        Ok(alone) => outcomes.extend(alone),
                        Err(fate) => outcomes.push(Err(fate.into())),
                    }
                }
                outcomes
            }
            Err(fate) => {
                let error = StoreError::from(fate);
                batch.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    /// Carries out a batch whatever happens to the connection: one that was certainly not stored is begun again, once; one that may have
    /// been is looked up, never repeated.
    async fn settled(&mut self, batch: &[&Command]) -> Result<Outcomes, Fate> {
        let mut begun_again = false;
        loop {
            let batch_no = self.batch_no.saturating_add(1);
            self.batch_no = batch_no;
            let why = match self.session().await.map_err(Fate::Failed)?.carry_out(batch, batch_no).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(Ended::Refused(why)) => return Err(Fate::Refused(why)),
                Err(Ended::Gone(why)) => {
                    self.session = None;
                    why
                }
                // Looking it up opens the next session.
                Err(Ended::Unsettled(outcomes, why)) => match self.took_place(batch_no).await {
                    Some(true) => return Ok(outcomes),
                    Some(false) => why,
                    None => return Err(Fate::Unknown(why)),
                },
            };
            tracing::warn!(%why, begun_again, "the connection to the store was lost: nothing of the batch was stored");
            if begun_again {
                return Err(Fate::Failed(why));
            }
            begun_again = true;
        }
    }

    /// Whether the batch was committed; `None` if that could not be found out in time.
    async fn took_place(&mut self, batch_no: i64) -> Option<bool> {
        let look = async {
            loop {
                match self.open().await {
                    Ok(last) => {
                        let took_place = last.map(|last| last == batch_no);
                        tracing::info!(batch_no, ?took_place, "an unanswered commit was looked up");
                        return took_place;
                    }
                    Err(why) => tracing::warn!(%why, "the last batch's fate is not known yet: the store does not answer"),
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a pause between two connections to a real server; the seeded world has none"
                )]
                tokio::time::sleep(SETTLE_PAUSE).await;
            }
        };
        tokio::time::timeout(SETTLE_MAX, look).await.ok().flatten()
    }

    async fn session(&mut self) -> Result<&Session, String> {
        if self.session.as_ref().is_none_or(|session| session.client.is_closed()) {
            self.open().await?;
        }
        self.session.as_ref().ok_or_else(|| "there is no session".to_owned())
    }

    /// Opens a new session under this writer's mark. Answers the number of the last batch that was committed under the mark; `None` for
    /// a mark that is new.
    async fn open(&mut self) -> Result<Option<i64>, String> {
        tokio::time::timeout(OPEN_MAX, self.begin()).await.unwrap_or_else(|_| Err(format!("no session within {} s", OPEN_MAX.as_secs())))
    }

    async fn begin(&mut self) -> Result<Option<i64>, String> {
        self.session = None;
        let client = self.target.connect().await.map_err(|e| e.to_string())?;
        let last = match self.mark {
            Some(mark) => settle(&client, mark).await.map_err(|e| told(&e))?,
            None => None,
        };
        let mark = match self.mark.filter(|_| last.is_some()) {
            Some(mark) => mark,
            None => register(&client).await.map_err(|e| told(&e))?,
        };
        self.mark = Some(mark);
        client.batch_execute(&format!("SET application_name = '{}'", name(mark))).await.map_err(|e| told(&e))?;
        let written: Vec<_> = writes::ALL.into_iter().chain([&FIX_CLAIM, &DROP_CLAIM, &DROP_NONCE]).collect();
        let prepared = Prepared::new(&client, &written).await.map_err(|lost| StoreError::from(lost).to_string())?;
        self.session = Some(Session { client, prepared, mark });
        Ok(last)
    }
}

fn name(mark: i64) -> String {
    format!("sluice-writer-{mark}")
}

async fn settle(client: &Client, mark: i64) -> Result<Option<i64>, tokio_postgres::Error> {
    client.execute(END_FORMER, &[&name(mark)]).await?;
    client.query_opt(SETTLE, &[&mark]).await?.map(|row| row.try_get(0)).transpose()
}

async fn register(client: &Client) -> Result<i64, tokio_postgres::Error> {
    client.execute(CLEAR_AWAY, &[]).await?;
    client.query_one(REGISTER, &[]).await?.try_get(0)
}
