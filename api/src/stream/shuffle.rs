//! The order in which subscribers hear of an event: a fresh random one each time, so that nobody
//! is always first.

use std::hash::{BuildHasher, RandomState};

/// A small generator, seeded from the system's randomness. Fair, not secret.
#[derive(Debug)]
pub(super) struct Shuffler(u64);

impl Shuffler {
    pub(super) fn new() -> Self {
        // a RandomState is keyed by the system's randomness
        Self(RandomState::new().hash_one(0u64) | 1)
    }

    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `bound`, each number as likely as any other but for 2^-32.
    fn below(&mut self, bound: usize) -> usize {
        let high = self.next() >> 32;
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        usize::try_from((high * bound) >> 32).unwrap_or(0)
    }

    /// Fisher-Yates.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subscriber_is_first_about_equally_often() {
        let mut shuffler = Shuffler::new();
        let mut first = [0u32; 4];
        let mut items = [0usize, 1, 2, 3];
        for _ in 0..8_000 {
            shuffler.shuffle(&mut items);
            first[items[0]] += 1;
        }
        assert!(first.iter().all(|count| (1_700..2_300).contains(count)), "{first:?}");
    }
}
