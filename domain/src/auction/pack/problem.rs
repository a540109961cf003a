//! Items, rows, and which rows can exclude anything.

use std::ops::Range;

use alloy_primitives::{U256, U512};

use super::core::binding;

/// One whole row, in the units shares are counted in.
pub(super) const ONE: i64 = 1 << 16;

/// A capacity and what items take of it.
#[derive(Clone, Debug)]
pub struct RowSpec {
    /// How much there is.
    pub capacity: U256,
    /// Item and amount: items ascending, each once, amounts above zero and at most the capacity.
    pub uses: Vec<(usize, U256)>,
    /// Whether it is a row of the whole batch. Those are looked at only if the best set without
    /// them exceeds one.
    pub global: bool,
}

/// Items with the rows that can exclude some of them.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) weights: Vec<i128>,
    pub(super) rows: Vec<Row>,
    /// Rows from here on are global.
    pub(super) globals: usize,
    /// How many of the weights' lowest bits only decide between what is equal in the others.
    pub(super) minor: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) capacity: U256,
    pub(super) parts: Vec<Part>,
    /// Whether any two of its items exceed it.
    pub(super) clique: bool,
}

/// A row's item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) item: u32,
    /// At most the amount, in [`ONE`]ths of the row's capacity: bounds stay bounds.
    pub(super) share: i64,
    pub(super) amount: U256,
}

impl Problem {
    /// Keeps the rows that can bind. `weights` must be positive and add up to less than 2^120.
    #[must_use]
    pub fn new(weights: Vec<i128>, specs: Vec<RowSpec>) -> Self {
        let (globals, locals): (Vec<_>, Vec<_>) = specs.into_iter().partition(|spec| spec.global);
        let mut rows: Vec<Row> = locals.iter().filter_map(Row::binding).collect();
        drop_covered(weights.len(), &mut rows);
        let first_global = rows.len();
        rows.extend(globals.iter().filter_map(Row::binding));
        Self { weights, rows, globals: first_global, minor: 0 }
    }

    /// The same, where so many of the weights' lowest bits only decide between what is equal in the
    /// others: no set found is less than greedy by the others alone.
    #[must_use]
    pub fn with_minor_bits(mut self, minor: u32) -> Self {
        self.minor = minor;
        self
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there is nothing to choose from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }
}

impl Problem {
    /// Whether a set keeps within the rows of the whole batch.
    pub(super) fn batch_holds(&self, set: &[usize]) -> bool {
        self.rows[self.globals..].iter().all(|row| {
            let mut mine =
                row.parts.iter().filter(|part| set.binary_search(&(part.item as usize)).is_ok());
            let total = mine.try_fold(U256::ZERO, |sum, part| sum.checked_add(part.amount));
            total.is_some_and(|total| total <= row.capacity)
        })
    }
}

/// The n-th range of a list of ends.
pub(super) fn range(ends: &[u32], n: usize) -> Range<usize> {
    ends[n] as usize..ends[n + 1] as usize
}

impl Row {
    fn binding(spec: &RowSpec) -> Option<Self> {
        if spec.uses.len() < 2 {
            return None;
        }
        let amounts = spec.uses.iter().map(|(_, amount)| *amount);
        let (binds, clique) = binding(spec.capacity, amounts);
        if !binds {
            return None;
        }
        let part = |(item, amount): &(usize, U256)| Part {
            item: *item as u32,
            share: if clique { ONE } else { share(*amount, spec.capacity) },
            amount: *amount,
        };
        let parts = spec.uses.iter().map(part).collect();
        Some(Self { capacity: spec.capacity, parts, clique })
    }

    /// Whether every item of `self` is one of `other`'s.
    fn within(&self, other: &Self) -> bool {
        let mut theirs = other.parts.iter();
        self.parts.iter().all(|part| theirs.any(|their| their.item == part.item))
    }
}

/// Leaves out cliques whose items all stand in another clique.
fn drop_covered(items: usize, rows: &mut Vec<Row>) {
    let mut of_item = vec![Vec::new(); items];
    for (n, row) in rows.iter().enumerate().filter(|(_, row)| row.clique) {
        for part in &row.parts {
            of_item[part.item as usize].push(n);
        }
    }
    let mut covered = vec![false; rows.len()];
    for (n, row) in rows.iter().enumerate().filter(|(_, row)| row.clique) {
        let Some(first) = row.parts.first() else { continue };
        covered[n] = of_item[first.item as usize].iter().any(|m| {
            let other = &rows[*m];
            // of two equal ones the first stays
            let larger = (other.parts.len(), n) > (row.parts.len(), *m);
            *m != n && larger && row.within(other)
        });
    }
    let mut n = 0;
    rows.retain(|_| {
        n += 1;
        !covered[n - 1]
    });
}

/// `amount / capacity` in [`ONE`]ths, rounded down.
pub(super) fn share(amount: U256, capacity: U256) -> i64 {
    let scaled = (U512::from(amount) << 16_usize) / U512::from(capacity);
    i64::try_from(scaled).unwrap_or(ONE)
}
