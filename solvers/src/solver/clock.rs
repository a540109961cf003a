//! The server's clock, as far as this machine can tell.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Unix milliseconds by this machine.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment of the server's clock and when it was told. Machines' clocks differ; auctions close
/// by the server's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    server_ms: u64,
    told: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self::set(now_ms())
    }
}

impl Clock {
    /// The server says it is `server_ms`.
    pub(super) fn set(server_ms: u64) -> Self {
        Self { server_ms, told: Instant::now() }
    }

    /// The time left until the server's `at_ms`; `None` if it has passed.
    pub(super) fn until(&self, at_ms: u64) -> Option<Duration> {
        let since_told = u64::try_from(self.told.elapsed().as_millis()).unwrap_or(u64::MAX);
        let left = at_ms.checked_sub(self.server_ms.saturating_add(since_told))?;
        (left > 0).then(|| Duration::from_millis(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_counted_on_the_servers_clock() {
        let clock = Clock::set(1_000_000);
        let left = clock.until(1_002_000).unwrap();
        assert!(left <= Duration::from_secs(2) && left > Duration::from_secs(1));
        assert_eq!(clock.until(1_000_000), None);
        assert_eq!(clock.until(0), None);
    }
}
