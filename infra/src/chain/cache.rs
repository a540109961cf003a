//! A small map that forgets.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// At most `capacity` answers, each believed for `ttl`. When full it forgets what is too old, or
/// else everything: cheaper than keeping an order, and as safe.
#[derive(Debug)]
pub(super) struct TtlCache<K, V> {
    ttl: Duration,
    capacity: usize,
    answers: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash, V: Copy> TtlCache<K, V> {
    pub(super) fn new(ttl: Duration, capacity: usize) -> Self {
        Self { ttl, capacity, answers: Mutex::default() }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(key).filter(|(at, _)| at.elapsed() < self.ttl).map(|(_, answer)| *answer)
    }

    pub(super) fn put(&self, key: K, answer: V) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= self.capacity && !answers.contains_key(&key) {
            answers.retain(|_, (at, _)| at.elapsed() < self.ttl);
            if answers.len() >= self.capacity {
                answers.clear();
            }
        }
        answers.insert(key, (Instant::now(), answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_forgotten_with_time_and_when_there_are_too_many() {
        let cache = TtlCache::new(Duration::from_secs(60), 2);
        for key in 0..3 {
            cache.put(key, key);
        }
        assert_eq!((cache.get(&0), cache.get(&2)), (None, Some(2)));
        let stale = TtlCache::new(Duration::ZERO, 2);
        stale.put(1, 1);
        assert_eq!(stale.get(&1), None);
    }
}
