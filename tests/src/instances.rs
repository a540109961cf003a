//! Winner determination problems to measure on: repeatable, each from a seed.

pub mod cats;
pub mod dex;
pub mod greedy;
pub mod market;

/// A set packing problem: the heaviest set of bids that exceeds no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// What each bid is worth.
    pub weights: Vec<u64>,
    /// Who sent each bid.
    pub solvers: Vec<u32>,
    /// What bids exclude each other by.
    pub rows: Vec<Row>,
}

/// A capacity and what bids take of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// How much there is.
    pub capacity: u64,
    /// Bid and amount, each bid at most once.
    pub uses: Vec<(usize, u64)>,
}

impl Instance {
    /// The instance in which bid `n` takes every row of `rows_of[n]` whole. Rows that nobody
    /// takes are left out.
    #[must_use]
    pub fn packing(weights: Vec<u64>, solvers: Vec<u32>, rows_of: &[Vec<usize>]) -> Self {
        let count = rows_of.iter().flatten().max().map_or(0, |last| last + 1);
        let mut rows = vec![Row { capacity: 1, uses: Vec::new() }; count];
        for (bid, mine) in rows_of.iter().enumerate() {
            for row in mine {
                rows[*row].uses.push((bid, 1));
            }
        }
        rows.retain(|row| !row.uses.is_empty());
        Self { weights, solvers, rows }
    }
}

/// A repeatable stream of numbers (splitmix64, Steele et al. 2014).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which must not be zero.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Numbers below `count` of which the n-th is drawn in proportion to 1/n (Zipf's law).
#[derive(Clone, Debug)]
pub struct Zipf(Vec<u64>);

impl Zipf {
    /// The law over `count` numbers.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let mut total = 0;
        let share = |n: u64| {
            total += (1 << 32) / (n + 1);
            total
        };
        Self((0..count as u64).map(share).collect())
    }

    /// The next number.
    pub fn next(&self, numbers: &mut Numbers) -> usize {
        let end = self.0.last().copied().unwrap_or(1);
        let at = numbers.below(end);
        self.0.partition_point(|total| *total <= at)
    }
}
