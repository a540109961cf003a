//! The observations a moving average needs, and no more.

use std::collections::VecDeque;

use super::{Average, Observation};
use crate::event::BlockRef;

/// Observations kept per window.
const PER_WINDOW: u64 = 64;
/// The most observations ever kept; two windows at that spacing, and a few.
const CAPACITY: usize = 160;

/// A pair's observations, oldest first: the newest always, the others spaced over two windows.
///
/// An average is taken over at least a window, and over no more than two: a longer one would be of
/// another time, a shorter one is cheap to move.
#[derive(Clone, Debug)]
pub struct History {
    window_s: u64,
    kept: VecDeque<Observation>,
}

impl History {
    /// An empty one for averages over `window_s` seconds.
    #[must_use]
    pub const fn new(window_s: u64) -> Self {
        Self { window_s, kept: VecDeque::new() }
    }

    /// Takes in what was seen in a block after all others; anything else is ignored.
    pub fn push(&mut self, seen: Observation) {
        let spacing = self.window_s / PER_WINDOW;
        match self.kept.back() {
            Some(newest) if seen.time_s <= newest.time_s => return,
            _ => {}
        }
        let before = self.kept.len().checked_sub(2).and_then(|at| self.kept.get(at));
        let close =
            before.zip(self.kept.back()).is_some_and(|(a, b)| b.time_s - a.time_s < spacing);
        if close || self.kept.len() >= CAPACITY {
            self.kept.pop_back();
        }
        self.kept.push_back(seen);
        self.forget();
    }

    /// Takes in what was seen in a block before all others, at start-up.
    pub fn begin_with(&mut self, seen: Observation) {
        if self.kept.front().is_none_or(|oldest| seen.time_s < oldest.time_s) {
            self.kept.push_front(seen);
            self.forget();
        }
    }

    /// Drops what is older than any average may reach, and what is before the one it begins with.
    fn forget(&mut self) {
        let Some(newest) = self.kept.back().map(|newest| newest.time_s) else { return };
        let reach = self.window_s.saturating_mul(2);
        while self.kept.front().is_some_and(|oldest| newest - oldest.time_s > reach) {
            self.kept.pop_front();
        }
        while self.kept.get(1).is_some_and(|next| newest - next.time_s >= self.window_s) {
            self.kept.pop_front();
        }
    }

    /// The block of the newest observation.
    #[must_use]
    pub fn newest(&self) -> Option<&Observation> {
        self.kept.back()
    }

    /// Forgets the newest observation: its block is not canonical any more.
    pub fn retract(&mut self, block: BlockRef) {
        if self.kept.back().is_some_and(|newest| newest.block == block) {
            self.kept.pop_back();
        }
    }

    /// The average up to the newest observation; `None` while there is nothing old enough.
    #[must_use]
    pub fn average(&self) -> Option<Average> {
        let (newest, oldest) = (self.kept.back()?, self.kept.front()?);
        let enough = newest.time_s - oldest.time_s >= self.window_s;
        if enough { newest.average_since(oldest) } else { None }
    }

    /// The time, in Unix seconds, before which an observation is missing to take an average.
    #[must_use]
    pub fn lacks(&self) -> Option<u64> {
        match self.average() {
            Some(_) => None,
            None => Some(self.kept.back()?.time_s.saturating_sub(self.window_s)),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U256};
    use proptest::prelude::*;

    use super::*;

    const WINDOW: u64 = 1_800;

    /// A pair whose price is `time_s` and so has grown by its square's half; what matters is that
    /// no two observations are alike.
    fn seen(time_s: u64) -> Observation {
        let block = BlockRef { number: time_s, hash: B256::from(U256::from(time_s)) };
        Observation { block, time_s, cumulative: U256::from(time_s) << 112 }
    }

    fn of(times: impl IntoIterator<Item = u64>) -> History {
        let mut history = History::new(WINDOW);
        times.into_iter().for_each(|time_s| history.push(seen(time_s)));
        history
    }

    #[test]
    fn a_history_shorter_than_the_window_gives_no_average_and_says_what_it_lacks() {
        let history = of([10_000, 10_012, 11_799]);
        assert_eq!(history.average(), None);
        assert_eq!(history.lacks(), Some(9_999));
        assert_eq!(History::new(WINDOW).lacks(), None);
        let mut history = history;
        history.begin_with(seen(9_990));
        assert_eq!(history.average().unwrap().elapsed_s(), 1_809);
        assert_eq!(history.lacks(), None);
    }

    #[test]
    fn an_average_does_not_reach_across_a_silence_of_more_than_two_windows() {
        let history = of([10_000, 10_000 + 2 * WINDOW]);
        assert_eq!(history.average().unwrap().elapsed_s(), 2 * WINDOW);
        let history = of([10_000, 10_001 + 2 * WINDOW]);
        assert_eq!(history.average(), None);
    }

    #[test]
    fn what_was_seen_in_a_block_that_is_gone_is_forgotten() {
        let mut history = of([10_000, 10_900, 11_800]);
        let gone = history.newest().unwrap().block;
        history.retract(seen(10_900).block);
        assert_eq!(history.newest().unwrap().block, gone);
        history.retract(gone);
        assert_eq!(history.newest().unwrap().time_s, 10_900);
        assert_eq!(history.average(), None);
    }

    proptest! {
        #[test]
        fn an_average_covers_a_window_at_least_and_two_at_most_and_memory_is_bounded(
            steps in prop::collection::vec(0_u64..400, 1..600),
        ) {
            let mut history = History::new(WINDOW);
            let (mut time_s, begun_s) = (1_000_000, 1_000_000 + steps[0]);
            for step in steps {
                time_s += step;
                history.push(seen(time_s));
                prop_assert!(history.kept.len() <= 2 * PER_WINDOW as usize + 3);
                prop_assert_eq!(history.newest().unwrap().time_s, time_s);
                let average = history.average();
                prop_assert_eq!(average.is_some(), time_s - begun_s >= WINDOW);
                if let Some(average) = average {
                    prop_assert!((WINDOW..=2 * WINDOW).contains(&average.elapsed_s()));
                }
                let times: Vec<u64> = history.kept.iter().map(|seen| seen.time_s).collect();
                prop_assert!(times.is_sorted_by(|a, b| a < b));
            }
        }

        #[test]
        fn with_a_block_every_few_seconds_the_average_covers_hardly_more_than_the_window(
            steps in prop::collection::vec(1_u64..=12, 400..800),
        ) {
            let mut history = History::new(WINDOW);
            let mut time_s = 1_000_000;
            for step in steps {
                time_s += step;
                history.push(seen(time_s));
                if let Some(average) = history.average() {
                    prop_assert!(average.elapsed_s() <= WINDOW + WINDOW / PER_WINDOW + 2 * 12);
                }
            }
        }
    }
}
