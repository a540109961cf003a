//! Transactions: how they begin, and the market's lock.

use sqlx::{PgConnection, Postgres, Transaction};

use super::{Pool, StoreError, to_bigint};

/// A transaction.
pub type Tx<'a> = Transaction<'a, Postgres>;

/// Begins a transaction. Every transaction begins here, and not with the library's own method: if
/// a caller is given up while that one waits for the answer to BEGIN (a client hangs up, a task is
/// aborted), the connection goes back to the pool inside a transaction that the library knows
/// nothing of, and what others write on it afterwards is not committed. Here BEGIN is always
/// waited for, and a transaction nobody waits for any more is rolled back.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn begin(pool: &Pool) -> Result<Tx<'static>, StoreError> {
    let conn = pool.acquire().await?;
    // the task ends with the server's answer, or with the connection
    let begun = tokio::spawn(Transaction::begin(conn, None));
    Ok(begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
}

/// How [`market_lock`] is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// By the cut of an auction, and by whoever queues a batch: alone.
    Exclusive,
    /// By a cancellation: with other cancellations.
    Shared,
}

/// Waits for the market's lock and holds it until the transaction ends. It is the first statement
/// after the fence (if there is one), so that a cancellation is wholly before a cut or wholly
/// after it.
///
/// # Errors
/// [`StoreError::Unavailable`] if the lock or the database is not to be had in time.
pub async fn market_lock(
    conn: &mut PgConnection,
    chain_id: u64,
    hold: Hold,
) -> Result<(), StoreError> {
    const EXCLUSIVE: &str =
        "SELECT pg_advisory_xact_lock(hashtext('gavel.market')::bigint # $1::bigint)";
    const SHARED: &str =
        "SELECT pg_advisory_xact_lock_shared(hashtext('gavel.market')::bigint # $1::bigint)";
    let query = match hold {
        Hold::Exclusive => EXCLUSIVE,
        Hold::Shared => SHARED,
    };
    sqlx::query(query).bind(to_bigint(chain_id)?).execute(conn).await?;
    Ok(())
}
