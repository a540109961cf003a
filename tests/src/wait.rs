//! Awaiting conditions instead of sleeping.

use std::time::{Duration, Instant};

/// A condition that did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("{what} did not come true within {patience:?}; last seen: {last}")]
pub struct TimedOut {
    what: String,
    patience: Duration,
    last: String,
}

/// Asks `probe` again and again until it answers `Ok`; what it last said is in the error.
///
/// # Errors
/// [`TimedOut`] after `patience`.
pub async fn until<T, F, Fut>(what: &str, patience: Duration, mut probe: F) -> Result<T, TimedOut>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + patience;
    loop {
        match probe().await {
            Ok(value) => return Ok(value),
            Err(last) if Instant::now() > deadline => {
                return Err(TimedOut { what: what.to_owned(), patience, last });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
