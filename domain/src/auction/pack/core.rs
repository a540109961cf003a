//! What of a problem is left to decide: items with what they are worth, and the rows they share.

use std::collections::{BTreeMap, btree_map::Entry};

use alloy_primitives::U256;

use super::problem::{ONE, Problem, range};

/// Items and rows, numbered from zero, in arrays that lie close together.
#[derive(Clone, Debug, Default)]
pub(super) struct Core {
    pub(super) profit: Vec<i128>,
    /// Each item's number one level below; in the first level its number in the problem.
    pub(super) below: Vec<u32>,
    pub(super) rows: Vec<CoreRow>,
    of_item: Vec<u32>,
    uses: Vec<Use>,
    of_row: Vec<u32>,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct CoreRow {
    /// The row of the problem this is what is left of.
    pub(super) origin: u32,
    /// Whether any two of its items exceed it.
    pub(super) clique: bool,
}

/// An item's row, and where the item stands in the problem's row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    pub(super) row: u32,
    pub(super) at: u32,
    share: u32,
}

/// A row's item, and where it stands in the problem's row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) item: u32,
    pub(super) at: u32,
    share: u32,
}

/// A whole row, as it is kept beside an item: of a clique every item takes all.
const WHOLE: u32 = ONE as u32;

impl Use {
    /// What the item takes, in parts of the row, rounded down.
    pub(super) const fn share(&self) -> i64 {
        self.share as i64
    }
}

impl Part {
    /// What the item takes, in parts of the row, rounded down.
    pub(super) const fn share(&self) -> i64 {
        self.share as i64
    }
}

/// No item, no place.
pub(super) const NONE: u32 = u32::MAX;

impl Core {
    /// The active items of a problem, with the rows of the whole batch or without.
    pub(super) fn first(problem: &Problem, active: &[bool], globals: bool) -> Self {
        let items = 0..problem.len() as u32;
        let below: Vec<u32> = items.filter(|item| active[*item as usize]).collect();
        let number = numbers(problem.len(), &below);
        let profit = below.iter().map(|item| problem.weights[*item as usize]).collect();
        let mut core = Self { profit, below, of_row: vec![0], ..Self::default() };
        let last = if globals { problem.rows.len() } else { problem.globals };
        for (origin, row) in (0u32..).zip(&problem.rows[..last]) {
            let parts = (0u32..).zip(&row.parts);
            let parts = parts.map(|(at, part)| Part {
                item: number[part.item as usize],
                at,
                share: part.share as u32,
            });
            core.push(problem, CoreRow { origin, clique: row.clique }, parts);
        }
        core.by_item();
        core
    }

    /// Some of the items, ascending, with these profits.
    pub(super) fn restrict(&self, problem: &Problem, keep: &[u32], profit: &[i128]) -> Self {
        let number = numbers(self.len(), keep);
        let profit = keep.iter().map(|item| profit[*item as usize]).collect();
        let mut core = Self { profit, below: keep.to_vec(), of_row: vec![0], ..Self::default() };
        for (n, row) in (0u32..).zip(&self.rows) {
            let parts = self.parts(n).iter();
            let parts = parts.map(|part| Part { item: number[part.item as usize], ..*part });
            core.push(problem, *row, parts);
        }
        core.by_item();
        core
    }

    /// The same with more items in each clique. Of equal cliques one is enough; its price is that
    /// of all of them.
    pub(super) fn lifted(&self, more: &[Vec<u32>], price: &mut [i128]) -> Self {
        let (profit, below) = (self.profit.clone(), self.below.clone());
        let mut core = Self { profit, below, of_row: vec![0], ..Self::default() };
        let mut seen = BTreeMap::new();
        for (n, (row, more)) in (0u32..).zip(self.rows.iter().zip(more)) {
            let from = core.parts.len();
            core.parts.extend(self.parts(n));
            core.parts.extend(more.iter().map(|item| Part { item: *item, at: NONE, share: WHOLE }));
            core.parts[from..].sort_unstable_by_key(|part| part.item);
            if row.clique {
                let items: Vec<u32> = core.parts[from..].iter().map(|part| part.item).collect();
                match seen.entry(items) {
                    Entry::Vacant(place) => drop(place.insert(row.origin)),
                    Entry::Occupied(equal) => {
                        price[*equal.get() as usize] +=
                            std::mem::take(&mut price[row.origin as usize]);
                        core.parts.truncate(from);
                        continue;
                    }
                }
            }
            core.rows.push(*row);
            core.of_row.push(core.parts.len() as u32);
        }
        core.by_item();
        core
    }

    /// Adds a row if what is left of it can bind.
    fn push(&mut self, problem: &Problem, mut row: CoreRow, parts: impl Iterator<Item = Part>) {
        let from = self.parts.len();
        self.parts.extend(parts.filter(|part| part.item != NONE));
        let mine = &mut self.parts[from..];
        let binds = mine.len() > 1
            && (row.clique || {
                let origin = &problem.rows[row.origin as usize];
                let amounts = mine.iter().map(|part| origin.parts[part.at as usize].amount);
                let (binds, clique) = binding(origin.capacity, amounts);
                if clique {
                    row.clique = true;
                    mine.iter_mut().for_each(|part| part.share = WHOLE);
                }
                binds
            });
        if binds {
            self.rows.push(row);
            self.of_row.push(self.parts.len() as u32);
        } else {
            self.parts.truncate(from);
        }
    }

    fn by_item(&mut self) {
        let items = self.profit.len();
        let mut ends = vec![0u32; items + 1];
        for part in &self.parts {
            ends[part.item as usize + 1] += 1;
        }
        for n in 0..items {
            ends[n + 1] += ends[n];
        }
        let mut next = ends.clone();
        self.uses = vec![Use::default(); self.parts.len()];
        for row in 0..self.rows.len() {
            for part in &self.parts[range(&self.of_row, row)] {
                let place = &mut next[part.item as usize];
                self.uses[*place as usize] =
                    Use { row: row as u32, at: part.at, share: part.share };
                *place += 1;
            }
        }
        self.of_item = ends;
    }

    pub(super) fn len(&self) -> usize {
        self.profit.len()
    }

    /// An item's rows, ascending.
    pub(super) fn uses(&self, item: u32) -> &[Use] {
        &self.uses[range(&self.of_item, item as usize)]
    }

    /// A row's items, ascending.
    pub(super) fn parts(&self, row: u32) -> &[Part] {
        &self.parts[range(&self.of_row, row as usize)]
    }

    pub(super) fn is_clique(&self, row: u32) -> bool {
        self.rows[row as usize].clique
    }

    /// How much an item takes of a row that is no clique.
    pub(super) fn amount(&self, problem: &Problem, row: u32, at: u32) -> U256 {
        let origin = self.rows[row as usize].origin as usize;
        problem.rows[origin].parts[at as usize].amount
    }

    /// What there is of a row.
    pub(super) fn capacity(&self, problem: &Problem, row: u32) -> U256 {
        problem.rows[self.rows[row as usize].origin as usize].capacity
    }

    /// Items that hang together by rows; each component ascending, by first item.
    pub(super) fn components(&self) -> Vec<Vec<u32>> {
        let mut leader: Vec<u32> = (0..self.len() as u32).collect();
        for row in 0..self.rows.len() as u32 {
            let parts = self.parts(row);
            for pair in parts.windows(2) {
                let a = find(&mut leader, pair[0].item);
                let b = find(&mut leader, pair[1].item);
                leader[a.max(b) as usize] = a.min(b);
            }
        }
        let mut place = vec![NONE; self.len()];
        let mut components: Vec<Vec<u32>> = Vec::new();
        for item in 0..self.len() as u32 {
            let place = &mut place[find(&mut leader, item) as usize];
            if *place == NONE {
                *place = components.len() as u32;
                components.push(Vec::new());
            }
            components[*place as usize].push(item);
        }
        components
    }
}

/// Whether all these amounts exceed a capacity, and whether any two of them do.
pub(super) fn binding(capacity: U256, amounts: impl Iterator<Item = U256>) -> (bool, bool) {
    let (mut total, mut least) = (Some(U256::ZERO), [U256::MAX; 2]);
    for amount in amounts {
        total = total.and_then(|total| total.checked_add(amount));
        if amount < least[0] {
            least = [amount, least[0]];
        } else if amount < least[1] {
            least[1] = amount;
        }
    }
    let exceeds = |sum: Option<U256>| sum.is_none_or(|sum| sum > capacity);
    (exceeds(total), exceeds(least[0].checked_add(least[1])))
}

/// The position of each number below `end` in `list`.
fn numbers(end: usize, list: &[u32]) -> Vec<u32> {
    let mut numbers = vec![NONE; end];
    for (n, item) in (0u32..).zip(list) {
        numbers[*item as usize] = n;
    }
    numbers
}

fn find(leader: &mut [u32], item: u32) -> u32 {
    let mut top = item;
    while leader[top as usize] != top {
        top = leader[top as usize];
    }
    let mut at = item;
    while leader[at as usize] != top {
        at = std::mem::replace(&mut leader[at as usize], top);
    }
    top
}
