//! Items, rows, and what of them matters.

use std::ops::Range;

use alloy_primitives::{U256, U512};

/// One whole row, in the units shares are counted in.
pub(super) const ONE: i64 = 1 << 16;

/// A capacity and what items take of it.
#[derive(Clone, Debug)]
pub(crate) struct RowSpec {
    pub(crate) capacity: U256,
    /// Item and amount, each item once, amounts above zero and at most the capacity.
    pub(crate) uses: Vec<(usize, U256)>,
    /// Whether it is a row of the whole batch; those do not make components hang together.
    pub(crate) global: bool,
}

/// Items with the rows that can exclude some of them.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(super) weights: Vec<i128>,
    pub(super) rows: Vec<Row>,
    uses: Vec<Use>,
    of_item: Vec<Range<usize>>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) spec: RowSpec,
    /// Whether any two of its items exceed it.
    pub(super) clique: bool,
}

/// An item's part of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) row: usize,
    pub(super) amount: U256,
    /// At most the amount, in [`ONE`]ths of the row's capacity: bounds stay bounds.
    pub(super) share: i64,
}

impl Problem {
    /// Keeps the rows that can bind. `weights` must be positive and add up to less than 2^120.
    pub(crate) fn new(weights: Vec<i128>, specs: Vec<RowSpec>) -> Self {
        let mut rows: Vec<Row> = specs.into_iter().filter_map(Row::binding).collect();
        drop_covered(&mut rows);
        let mut uses: Vec<(usize, Use)> = Vec::new();
        for (row, Row { spec, clique }) in rows.iter().enumerate() {
            for (item, amount) in &spec.uses {
                let share = if *clique { ONE } else { share(*amount, spec.capacity) };
                uses.push((*item, Use { row, amount: *amount, share }));
            }
        }
        uses.sort_by_key(|(item, _)| *item);
        let mut of_item = Vec::with_capacity(weights.len());
        let mut at = 0;
        for item in 0..weights.len() {
            let end = at + uses[at..].iter().take_while(|(owner, _)| *owner == item).count();
            of_item.push(at..end);
            at = end;
        }
        let uses = uses.into_iter().map(|(_, part)| part).collect();
        Self { weights, rows, uses, of_item }
    }

    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn uses(&self, item: usize) -> &[Use] {
        &self.uses[self.of_item[item].clone()]
    }

    /// The problem of some items alone, renumbered by their position in `items` (ascending).
    pub(super) fn restrict(&self, items: &[usize]) -> Self {
        let weights = items.iter().map(|item| self.weights[*item]).collect();
        let renumber = |(item, amount): &(usize, U256)| {
            items.binary_search(item).ok().map(|item| (item, *amount))
        };
        let specs = self.rows.iter().map(|row| RowSpec {
            capacity: row.spec.capacity,
            uses: row.spec.uses.iter().filter_map(renumber).collect(),
            global: row.spec.global,
        });
        Self::new(weights, specs.collect())
    }
}

impl Row {
    fn binding(spec: RowSpec) -> Option<Self> {
        let mut total = U256::ZERO;
        let mut least = [U256::MAX; 2];
        for (_, amount) in &spec.uses {
            total = total.saturating_add(*amount);
            if *amount < least[0] {
                least = [*amount, least[0]];
            } else if *amount < least[1] {
                least[1] = *amount;
            }
        }
        let clique = least[0].checked_add(least[1]).is_none_or(|sum| sum > spec.capacity);
        (total > spec.capacity).then_some(Self { spec, clique })
    }
}

/// Leaves out cliques whose items all stand in another clique.
fn drop_covered(rows: &mut Vec<Row>) {
    let items = |row: &Row| row.spec.uses.iter().map(|(item, _)| *item).collect::<Vec<_>>();
    let mut cliques: Vec<(Vec<usize>, usize)> = Vec::new();
    for (n, row) in rows.iter().enumerate().filter(|(_, row)| row.clique) {
        let mut items = items(row);
        items.sort_unstable();
        cliques.push((items, n));
    }
    cliques.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.cmp(b)));
    let mut by_first: std::collections::BTreeMap<usize, Vec<usize>> =
        std::collections::BTreeMap::new();
    let mut covered = vec![false; rows.len()];
    for (n, (items, row)) in cliques.iter().enumerate() {
        let Some(first) = items.first() else { continue };
        let larger = by_first.get(first).map_or(&[][..], Vec::as_slice);
        let holds = |m: &usize| items.iter().all(|item| cliques[*m].0.binary_search(item).is_ok());
        if larger.iter().any(holds) {
            covered[*row] = true;
            continue;
        }
        for item in items {
            by_first.entry(*item).or_default().push(n);
        }
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
