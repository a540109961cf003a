//! Group commit of new intents.

use std::time::Duration;

use infra::{
    batch::Bounds,
    config::Config,
    pg::{
        Pool, StoreError,
        intent::{self, Inserted, NewIntent},
    },
};

use crate::problem::Failure;

/// The bounds of a group: what came while the last two commits were under way, 256 at most.
pub(crate) fn keep_bounds(config: &Config) -> Bounds {
    Bounds { queue: config.api.intake_permits, size: 256, wait: Duration::ZERO, flights: 2 }
}

/// Writes a group in one statement, which is one transaction: its commit is the promise to every
/// wallet in it. If the group fails and the database is there, one row is at fault or lost
/// against another writer, so each is tried by itself.
pub(crate) async fn keep(
    pool: Pool,
    chain_id: u64,
    group: Vec<NewIntent>,
) -> Vec<Result<Inserted, Failure>> {
    match insert(&pool, chain_id, &group).await {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(error @ StoreError::Unavailable(_)) => {
            let failure = Failure::from(&error);
            group.iter().map(|_| Err(failure)).collect()
        }
        Err(error) => {
            tracing::warn!(%error, rows = group.len(), "a group of intents failed; one by one");
            let mut answers = Vec::with_capacity(group.len());
            for one in &group {
                let answer = insert(&pool, chain_id, std::slice::from_ref(one)).await;
                let answer = answer.and_then(|mut answers| {
                    answers.pop().ok_or(StoreError::Corrupt("intent: an insert without an answer"))
                });
                answers.push(answer.map_err(|error| Failure::from(&error)));
            }
            answers
        }
    }
}

async fn insert(
    pool: &Pool,
    chain_id: u64,
    group: &[NewIntent],
) -> Result<Vec<Inserted>, StoreError> {
    let mut conn = pool.acquire().await?;
    intent::insert(&mut conn, chain_id, group).await
}
