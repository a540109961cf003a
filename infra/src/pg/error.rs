//! What can go wrong with Postgres, by cause.

use sqlx::migrate::MigrateError;

/// A statement or transaction that failed. Nothing it did remains, except that after
/// [`StoreError::Unavailable`] on a commit the outcome is unknown: read before writing again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection, no answer in time, or the server is starting, stopping or full.
    #[error("Postgres is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Another transaction was in the way (deadlock, serialisation); trying again helps.
    #[error("a transaction lost against another: {0}")]
    Conflict(#[source] sqlx::Error),
    /// The named constraint does not allow it.
    #[error("constraint {0}")]
    Constraint(String),
    /// The lease has passed to another holder: whoever holds the old one must stop.
    #[error("the lease has passed to another holder")]
    Fenced,
    /// A stored value is not what it must be; names it.
    #[error("corrupt value: {0}")]
    Corrupt(&'static str),
    /// The statement and the tables do not fit each other.
    #[error("query: {0}")]
    Query(#[source] sqlx::Error),
    /// The database's history of migrations and ours disagree.
    #[error("migration: {0}")]
    Migration(#[source] MigrateError),
}

impl StoreError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Conflict(_) => true,
            Self::Constraint(_)
            | Self::Fenced
            | Self::Corrupt(_)
            | Self::Query(_)
            | Self::Migration(_) => false,
        }
    }

    /// The constraint that was broken, if that is the cause.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint(name) => Some(name),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(database) => {
                if let Some(name) = database.constraint() {
                    return Self::Constraint(name.to_owned());
                }
                match database.code().as_deref().map(cause) {
                    Some(Cause::Unavailable) => Self::Unavailable(error),
                    Some(Cause::Conflict) => Self::Conflict(error),
                    Some(Cause::Query) | None => Self::Query(error),
                }
            }
            _ => Self::Query(error),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => Self::from(error),
            other => Self::Migration(other),
        }
    }
}

enum Cause {
    Unavailable,
    Conflict,
    Query,
}

/// By SQLSTATE: class 08 connection, 53 resources, 57 operator (shutdown, statement timeout),
/// 25P03 idle transaction ended, 55P03 lock not available, class 40 rollback.
fn cause(code: &str) -> Cause {
    match code {
        "25P03" | "55P03" => Cause::Unavailable,
        "40001" | "40P01" => Cause::Conflict,
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
            Cause::Unavailable
        }
        _ => Cause::Query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_causes_that_pass_are_retryable() {
        assert!(StoreError::from(sqlx::Error::PoolTimedOut).retryable());
        assert!(!StoreError::from(sqlx::Error::RowNotFound).retryable());
        assert!(!StoreError::Fenced.retryable());
        assert!(matches!(cause("57P01"), Cause::Unavailable));
        assert!(matches!(cause("40P01"), Cause::Conflict));
        assert!(matches!(cause("42P01"), Cause::Query));
    }
}
