//! Group commit of queued bids.

use infra::pg::{
    Pool, StoreError,
    bid::{self, PlacedBid},
};

use crate::problem::Failure;

/// Writes a group in one statement. If it fails and the database is there, each row by itself.
pub(crate) async fn keep(
    pool: Pool,
    chain_id: u64,
    group: Vec<PlacedBid>,
) -> Vec<Result<(), Failure>> {
    match insert(&pool, chain_id, &group).await {
        Ok(()) => group.iter().map(|_| Ok(())).collect(),
        Err(error @ StoreError::Unavailable(_)) => {
            let failure = Failure::from(&error);
            group.iter().map(|_| Err(failure)).collect()
        }
        Err(error) => {
            tracing::warn!(%error, rows = group.len(), "a group of bids failed; one by one");
            let mut answers = Vec::with_capacity(group.len());
            for one in &group {
                let answer = insert(&pool, chain_id, std::slice::from_ref(one)).await;
                answers.push(answer.map_err(|error| Failure::from(&error)));
            }
            answers
        }
    }
}

async fn insert(pool: &Pool, chain_id: u64, group: &[PlacedBid]) -> Result<(), StoreError> {
    let mut conn = pool.acquire().await?;
    bid::insert(&mut conn, chain_id, group).await
}
