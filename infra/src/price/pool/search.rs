//! Finding the block at a given time with few questions.

use crate::chain::Block;

/// A search for the last block at or before a time: back from the head in growing steps, then by
/// halves. Block times never descend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    time_s: u64,
    step: u64,
    /// The newest block known to be early enough.
    early: Option<Block>,
    /// The oldest block known to be too late.
    late: Block,
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The block of this number must be shown to [`Search::learn`].
    Ask(u64),
    /// This is the block.
    Found(Block),
    /// The chain begins after that time.
    None,
}

impl Search {
    /// Blocks come about every `block_time_ms`.
    pub(super) fn new(head: Block, time_s: u64, block_time_ms: u64) -> Self {
        let ago_ms = head.timestamp.saturating_sub(time_s).saturating_mul(1_000);
        let step = (ago_ms / block_time_ms.max(1)).max(1);
        let mut search = Self { time_s, step, early: None, late: head };
        search.learn(head);
        search
    }

    pub(super) fn next(&self) -> Next {
        let late = self.late.at.number;
        match &self.early {
            Some(early) if late.saturating_sub(early.at.number) <= 1 => Next::Found(*early),
            Some(early) => Next::Ask(early.at.number.midpoint(late)),
            None if late == 0 => Next::None,
            None => Next::Ask(late.saturating_sub(self.step)),
        }
    }

    pub(super) fn learn(&mut self, found: Block) {
        if found.timestamp <= self.time_s {
            self.early = Some(found);
        } else {
            self.late = found;
            self.step = self.step.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use domain::event::BlockRef;

    use super::*;

    fn block(number: u64, timestamp: u64) -> Block {
        let at = BlockRef { number, hash: B256::ZERO };
        let (parent, base_fee_per_gas, gas_limit) = (B256::ZERO, 0, 0);
        Block { at, parent, timestamp, base_fee_per_gas, gas_limit }
    }

    /// What is found, by number, and how many blocks were asked for.
    fn find(times: &[u64], time_s: u64, block_time_ms: u64) -> (Option<u64>, u32) {
        let at = |number: u64| block(number, times[usize::try_from(number).unwrap()]);
        let mut search = Search::new(at(times.len() as u64 - 1), time_s, block_time_ms);
        for asked in 0.. {
            match search.next() {
                Next::Ask(number) => search.learn(at(number)),
                Next::Found(block) => return (Some(block.at.number), asked),
                Next::None => return (None, asked),
            }
        }
        unreachable!("the search ends")
    }

    #[test]
    fn the_last_block_at_or_before_a_time_is_found_however_unevenly_they_come() {
        let even: Vec<u64> = (0..300).map(|n| 1_000 + n * 12).collect();
        // several in one second, then long silences
        let uneven: Vec<u64> = (0..300).map(|n: u64| 1_000 + n / 4 + (n / 50) * 5_000).collect();
        let one = vec![1_000];
        for times in [even, uneven, one] {
            let ends = times.last().unwrap();
            for time_s in (990..ends + 20).step_by(3).chain([0, u64::MAX]) {
                let expected = times.iter().rposition(|time| *time <= time_s);
                for block_time_ms in [0, 1_000, 12_000, u64::MAX] {
                    let (found, asked) = find(&times, time_s, block_time_ms);
                    assert_eq!(found, expected.map(|at| at as u64), "{time_s}");
                    assert!(asked <= 20, "{asked} questions for {time_s}");
                }
            }
        }
    }

    #[test]
    fn on_a_chain_that_keeps_its_pace_few_blocks_are_asked_for() {
        let times: Vec<u64> = (0..100_000).map(|n| 1_000 + n * 12).collect();
        let head_s = *times.last().unwrap();
        let (found, asked) = find(&times, head_s - 1_800, 12_000);
        assert_eq!(found, Some(100_000 - 1 - 150));
        assert!(asked <= 10, "{asked}");
    }
}
