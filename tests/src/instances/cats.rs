//! Families of hard auctions: Leyton-Brown, Pearson and Shoham, "Towards a Universal Test Suite for
//! Combinatorial Auction Algorithms" (EC 2000), section 4, from the paper's description and with its
//! parameters. They are much harder than what a market of swaps looks like, and that is their use.
//!
//! Goods are rows of capacity one. Bids of one bidder that exclude each other share a dummy good.
//! A bid that asks for as much as another and offers no more is dominated and left out, as CATS
//! does, and bidders are added until the number of bids is reached.
#![allow(clippy::float_arithmetic, reason = "draws of a generator; prices are integers once drawn")]

mod arbitrary;
mod bundle;
mod ledger;
mod matching;
mod paths;
mod regions;
mod scheduling;
#[cfg(test)]
mod tests;

use super::{Instance, Numbers};
use ledger::Ledger;

/// One of the paper's five domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// 4.1: trucks, pipes or packets; paths in a near-planar network, edges are goods.
    Paths,
    /// 4.2: real estate or radio spectrum; neighbourhoods on a map, lots are goods.
    Regions,
    /// 4.3: parts or collectibles; bundles of goods related to each other in any way.
    Arbitrary,
    /// 4.4: airport slots; a take-off and a landing that fit each other.
    Matching,
    /// 4.5: jobs on one machine; blocks of time before deadlines.
    Scheduling,
}

impl Family {
    /// All of them, as the paper orders them.
    pub const ALL: [Self; 5] =
        [Self::Paths, Self::Regions, Self::Arbitrary, Self::Matching, Self::Scheduling];

    /// Its name in CATS.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paths => "paths",
            Self::Regions => "regions",
            Self::Arbitrary => "arbitrary",
            Self::Matching => "matching",
            Self::Scheduling => "scheduling",
        }
    }

    /// An auction with exactly so many bids: the same one for the same seed. Weights are prices in
    /// millionths.
    #[must_use]
    pub fn instance(self, seed: u64, bids: usize) -> Instance {
        let mut dice = Dice(Numbers::new(seed));
        let mut ledger = Ledger::new(bids);
        let goods = goods(bids);
        match self {
            Self::Paths => paths::fill(&mut dice, goods, &mut ledger),
            Self::Regions => regions::fill(&mut dice, goods, &mut ledger),
            Self::Arbitrary => arbitrary::fill(&mut dice, goods, &mut ledger),
            Self::Matching => matching::fill(&mut dice, goods, &mut ledger),
            Self::Scheduling => scheduling::fill(&mut dice, goods, &mut ledger),
        }
        ledger.into_instance()
    }
}

/// Goods on sale: the 256 for 1,000 bids that the literature has settled on, and squares beside it.
const fn goods(bids: usize) -> usize {
    match bids {
        0..=99 => 64,
        100..=3_000 => 256,
        _ => 1_024,
    }
}

/// Draws as the paper writes them.
#[derive(Debug)]
struct Dice(Numbers);

impl Dice {
    /// `rand(from, to)`: a real number.
    fn real(&mut self, from: f64, to: f64) -> f64 {
        const STEPS: u64 = 1 << 53;
        from + (to - from) * (self.0.below(STEPS) as f64 / STEPS as f64)
    }

    /// `rand_int(from, to)`, both included.
    fn int(&mut self, from: usize, to: usize) -> usize {
        from + self.0.below((to - from + 1) as u64) as usize
    }

    /// Whether an event of this probability happens.
    fn chance(&mut self, probability: f64) -> bool {
        self.real(0.0, 1.0) <= probability
    }

    /// A place, likelier the larger its weight; none if all are zero.
    fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let total: f64 = weights.iter().sum();
        let mut at = self.real(0.0, total);
        let mut last = None;
        for (place, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            last = Some(place);
            at -= weight;
            if at < 0.0 {
                break;
            }
        }
        last
    }
}
