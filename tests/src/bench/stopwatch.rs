//! Time of one thread that computes and waits for nothing.

use std::{
    fs,
    time::{Duration, Instant},
};

/// Counts from its start. What the kernel says the thread waited for a processor is left out: two
/// cores that also carry other work would otherwise be measured with it. Where the kernel does not
/// say, it is the time on the wall.
pub(super) struct Stopwatch {
    begun: Instant,
    waited: Duration,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        let waited = waited();
        Self { begun: Instant::now(), waited }
    }

    pub(super) fn elapsed(&self) -> Duration {
        let elapsed = self.begun.elapsed();
        elapsed.saturating_sub(waited().saturating_sub(self.waited))
    }

    pub(super) fn microseconds(&self) -> f64 {
        self.elapsed().as_secs_f64() * 1e6
    }
}

/// How long this thread stood in a run queue so far: the second figure, in nanoseconds.
fn waited() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').nth(1).and_then(|figure| figure.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
