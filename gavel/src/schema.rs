//! Whether the database's tables are those of this binary.

use infra::pg::{Pool, StoreError};

/// What a look at the database found wrong.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The tables are not there, or are older than this binary.
    #[error("the database's tables are missing or older than this binary: run `gavel migrate`")]
    Behind,
    /// The database cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refuses a database that `gavel migrate` has not brought up to this binary.
pub(crate) async fn check(pool: &Pool) -> Result<(), SchemaError> {
    if infra::pg::is_migrated(pool).await? { Ok(()) } else { Err(SchemaError::Behind) }
}
