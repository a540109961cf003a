//! Rate limits: one bucket per key, in a bounded map.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How often a key may come: `per_second` on average, `burst` at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

impl Rate {
    /// `None` where the rate is zero: no limit.
    pub(crate) fn new(per_second: u32, burst: u32) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        Some(Self { per_second, burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN) })
    }

    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_second.get()
    }
}

/// The buckets. Each is one instant: when it would be full again (GCRA), so that nothing has to
/// be refilled, and a bucket whose instant is past is the same as none.
#[derive(Debug)]
pub(crate) struct Limiter<K> {
    rate: Option<Rate>,
    capacity: usize,
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// Limits to `rate` per key, remembering at most `capacity` keys.
    pub(crate) fn new(rate: Option<Rate>, capacity: usize) -> Self {
        Self { rate, capacity, full_at: Mutex::new(HashMap::new()) }
    }

    /// Takes one token of `key`, or says how long to wait for it.
    pub(crate) fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let Some(rate) = self.rate else { return Ok(()) };
        let mut buckets = match self.full_at.lock() {
            Ok(buckets) => buckets,
            Err(poisoned) => poisoned.into_inner(),
        };
        let interval = rate.interval();
        let full_at = buckets.get(key).copied().unwrap_or(now).max(now);
        let next = full_at + interval;
        let excess =
            next.saturating_duration_since(now).saturating_sub(interval * rate.burst.get());
        if !excess.is_zero() {
            return Err(excess);
        }
        if let Some(bucket) = buckets.get_mut(key) {
            *bucket = next;
            return Ok(());
        }
        if buckets.len() >= self.capacity {
            buckets.retain(|_, full_at| *full_at > now);
        }
        if buckets.len() >= self.capacity {
            // more busy keys than we remember: forget one, which at worst gives it a new burst
            if let Some(victim) = buckets.keys().next().cloned() {
                buckets.remove(&victim);
            }
        }
        buckets.insert(key.clone(), next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_per_interval() {
        let limiter = Limiter::new(Rate::new(10, 3), 8);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limiter.take(&1, start), Ok(()));
        }
        assert_eq!(limiter.take(&1, start), Err(Duration::from_millis(100)));
        assert_eq!(limiter.take(&2, start), Ok(()), "another key has its own bucket");
        let later = start + Duration::from_millis(100);
        assert_eq!(limiter.take(&1, later), Ok(()));
        assert!(limiter.take(&1, later).is_err());
    }

    #[test]
    fn the_map_stays_within_its_capacity() {
        let limiter = Limiter::new(Rate::new(1, 1), 4);
        let now = Instant::now();
        for key in 0..100 {
            assert_eq!(limiter.take(&key, now), Ok(()));
        }
        assert!(limiter.full_at.lock().unwrap().len() <= 4);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let limiter = Limiter::new(Rate::new(0, 5), 4);
        let now = Instant::now();
        assert!((0..1000).all(|_| limiter.take(&1, now).is_ok()));
    }
}
