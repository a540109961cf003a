//! Postgres: the pool, its errors, and one file per family of tables.
//!
//! Functions with one statement take `&mut PgConnection`, functions with several take
//! `&mut Tx<'_>`; both are `&mut *tx`. Amounts travel as text (`$1::text::numeric`, `col::text`),
//! addresses and digests as `bytea`. No transaction is held across another network call.

pub mod auction;
pub mod bid;
mod error;
pub mod event;
pub mod index;
pub mod intent;
pub mod lease;
pub mod settlement;
pub mod strike;
pub mod timeline;
mod tx;

use std::{str::FromStr, time::Duration};

use sqlx::{
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::config::PostgresConfig;

pub use error::StoreError;
pub use tx::{Hold, Tx, begin, market_lock};

/// Connections to one database.
pub type Pool = sqlx::PgPool;

/// A pool that connects when it is first used, so that a database which is down delays nobody's
/// start; [`ping`] tells.
///
/// # Errors
/// [`StoreError::Query`] if the URL is none.
pub fn connect(config: &PostgresConfig) -> Result<Pool, StoreError> {
    let options =
        PgConnectOptions::from_str(config.url.expose())?.application_name("gavel").options([
            ("statement_timeout", config.statement_timeout_ms.to_string()),
            ("idle_in_transaction_session_timeout", config.idle_transaction_timeout_ms.to_string()),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .connect_lazy_with(options))
}

/// Whether the database answers.
///
/// # Errors
/// [`StoreError::Unavailable`] if it does not.
pub async fn ping(pool: &Pool) -> Result<(), StoreError> {
    const QUERY: &str = "SELECT 1";
    sqlx::query(QUERY).execute(pool).await?;
    Ok(())
}

/// The tables of this binary's version.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Brings the tables up to this binary's version. Several processes may do it at once.
///
/// # Errors
/// [`StoreError::Unavailable`], or [`StoreError::Migration`] if the database's history and ours
/// disagree.
pub async fn migrate(pool: &Pool) -> Result<(), StoreError> {
    MIGRATIONS.run(pool).await?;
    Ok(())
}

/// Whether every migration of this binary has been applied. Changes nothing.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn is_migrated(pool: &Pool) -> Result<bool, StoreError> {
    const THERE: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success";
    let there: bool = sqlx::query_scalar(THERE).fetch_one(pool).await?;
    if !there {
        return Ok(false);
    }
    let applied: Vec<i64> = sqlx::query_scalar(APPLIED).fetch_all(pool).await?;
    Ok(MIGRATIONS.iter().all(|migration| applied.contains(&migration.version)))
}

/// A number as Postgres' `bigint`.
///
/// # Errors
/// [`StoreError::Corrupt`] above 2^63 - 1.
pub fn to_bigint(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Corrupt("a number above 2^63 - 1"))
}

/// Postgres' `bigint` as a number; `what` names the column.
///
/// # Errors
/// [`StoreError::Corrupt`] if it is negative.
pub fn from_bigint(number: i64, what: &'static str) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt(what))
}
