//! Reductions: what cannot be in the best set leaves before anything is searched.
//!
//! - An item that shares no row is in.
//! - Of the items whose only row is one clique just the best can win, and it wins wherever nothing
//!   else takes that row. So it becomes the row's default: it leaves the problem, and every other
//!   item of the row is worth that much less.
//! - An item worth no more than the defaults it displaces is out.
//! - An item is out if another one, no less worth, takes only rows that it takes too.
//!
//! What is left is reduced again, level by level, until nothing changes. Equal worth is decided by
//! the order of sets (see [`Levels::prefers`]), so the reductions keep the one best set.

use std::cmp::Ordering;

use super::{
    core::{Core, NONE},
    problem::Problem,
};

/// Of a row's items so many are looked at for those that an item makes useless: a bound on the work.
const MOST: usize = 256;

/// Items by number, and how often each is in or, negative, out.
pub(super) type Counts = Vec<(u32, i32)>;

/// From counts below the first level to counts of the problem's items.
pub(super) type Around<'a> = dyn Fn(Counts) -> Counts + 'a;

/// The first set in, the second out.
pub(super) fn signed(these: &[u32], those: &[u32]) -> Counts {
    let these = these.iter().map(|item| (*item, 1));
    these.chain(those.iter().map(|item| (*item, -1))).collect()
}

/// One level: what was decided on the way to the next.
#[derive(Debug)]
struct Level {
    core: Core,
    /// Items without a row.
    free: Vec<u32>,
    /// Each row's default.
    defaults: Vec<u32>,
}

/// A problem with its reductions.
#[derive(Debug)]
pub(super) struct Levels {
    levels: Vec<Level>,
    /// What is left to decide; its items are numbered in the last level.
    pub(super) core: Core,
    /// What the items decided already are worth, if none of the core is taken.
    pub(super) base: i128,
}

impl Levels {
    pub(super) fn new(problem: &Problem, first: Core, around: &Around<'_>) -> Self {
        let mut all = Self { levels: Vec::new(), core: first, base: 0 };
        while all.reduce(problem, around) {}
        all
    }

    /// What defaults took off the worth of the problem's rows.
    pub(super) fn defaults(&self) -> impl Iterator<Item = (u32, i128)> + '_ {
        self.levels.iter().flat_map(|level| {
            let rows = level.core.rows.iter().zip(&level.defaults);
            let rows = rows.filter(|(_, default)| **default != NONE);
            rows.map(|(row, default)| (row.origin, level.core.profit[*default as usize]))
        })
    }

    /// The number of an item of the core below the first level.
    pub(super) fn below(&self, item: u32) -> u32 {
        let item = self.core.below[item as usize];
        self.levels.iter().rev().fold(item, |item, level| level.core.below[item as usize])
    }

    /// One more level, if that leaves less.
    fn reduce(&mut self, problem: &Problem, around: &Around<'_>) -> bool {
        let core = &self.core;
        let mut free = Vec::new();
        let mut defaults = vec![NONE; core.rows.len()];
        let mut rest = Vec::new();
        for item in 0..core.len() as u32 {
            match core.uses(item) {
                [] => free.push(item),
                [only] if core.is_clique(only.row) => {
                    let default = &mut defaults[only.row as usize];
                    if *default == NONE || self.better(around, item, *default) {
                        *default = item;
                    }
                }
                _ => rest.push(item),
            }
        }
        let mut profit = core.profit.clone();
        let mut left = Vec::with_capacity(rest.len());
        for item in rest {
            let taken = core.uses(item).iter().map(|part| defaults[part.row as usize]);
            let taken = taken.filter(|default| *default != NONE);
            profit[item as usize] -=
                taken.map(|default| core.profit[default as usize]).sum::<i128>();
            let keep = match profit[item as usize].cmp(&0) {
                Ordering::Less => false,
                Ordering::Greater => true,
                Ordering::Equal => self.wins_tie(around, item, &defaults),
            };
            if keep {
                left.push(item);
            }
        }
        let changed = left.len() < core.len();
        let decided = free.iter().chain(defaults.iter().filter(|default| **default != NONE));
        self.base += decided.map(|item| core.profit[*item as usize]).sum::<i128>();
        let next = core.restrict(problem, &left, &profit);
        let core = std::mem::replace(&mut self.core, next);
        self.levels.push(Level { core, free, defaults });
        let dominated = self.drop_dominated(problem, around);
        changed || dominated
    }

    /// Drops items that another one of the same core makes useless.
    fn drop_dominated(&mut self, problem: &Problem, around: &Around<'_>) -> bool {
        let core = &self.core;
        let mut out = vec![false; core.len()];
        for item in 0..core.len() as u32 {
            let mine = core.uses(item);
            if out[item as usize] {
                // what drops it drops what it would
                continue;
            }
            if mine.iter().any(|part| !core.is_clique(part.row)) {
                continue;
            }
            let rarest = mine.iter().min_by_key(|part| core.parts(part.row).len());
            let Some(rarest) = rarest else { continue };
            for part in core.parts(rarest.row).iter().take(MOST) {
                let other = part.item;
                if other == item || out[other as usize] || core.uses(other).len() < mine.len() {
                    continue;
                }
                let worth = core.profit[item as usize].cmp(&core.profit[other as usize]);
                if worth.is_lt() {
                    continue;
                }
                let mut theirs = core.uses(other).iter();
                let within = mine.iter().all(|part| theirs.any(|their| their.row == part.row));
                out[other as usize] |=
                    within && (worth.is_gt() || self.prefers(around, &[item], &[other]));
            }
        }
        if out.iter().all(|out| !out) {
            return false;
        }
        let keep: Vec<u32> = (0..core.len() as u32).filter(|item| !out[*item as usize]).collect();
        let mut next = core.restrict(problem, &keep, &core.profit);
        for item in &mut next.below {
            *item = core.below[*item as usize];
        }
        self.core = next;
        true
    }

    /// Whether `item` is worth more than `other`, both of the core.
    fn better(&self, around: &Around<'_>, item: u32, other: u32) -> bool {
        let profit = &self.core.profit;
        match profit[item as usize].cmp(&profit[other as usize]) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => self.prefers(around, &[item], &[other]),
        }
    }

    /// Whether taking `item` of the core is preferred to the defaults it displaces, at equal worth.
    fn wins_tie(&self, around: &Around<'_>, item: u32, defaults: &[u32]) -> bool {
        let displaced: Vec<u32> = self
            .core
            .uses(item)
            .iter()
            .map(|part| defaults[part.row as usize])
            .filter(|default| *default != NONE)
            .collect();
        self.prefers(around, &[item], &displaced)
    }

    /// Of two sets of the core that are worth the same, whether the first makes the sorted list of
    /// all items the smaller one.
    ///
    /// Sets of equal worth: none contains the other, so their lists differ first at the smallest
    /// item that only one of them has, and the one that has it is smaller. What taking an item
    /// does to the whole set, itself in and defaults out, adds up over items; so sets compare by
    /// the smallest number that is left in the difference.
    fn prefers(&self, around: &Around<'_>, these: &[u32], those: &[u32]) -> bool {
        let found = around(self.lower(signed(these, those)));
        found.first().is_some_and(|(_, count)| *count > 0)
    }

    /// What items of the core being in (or out, if negative) makes of the items below the first
    /// level, by number.
    pub(super) fn lower(&self, counts: Counts) -> Counts {
        let mut found = merged(counts);
        let mut above = &self.core;
        for level in self.levels.iter().rev() {
            let mut next = Vec::with_capacity(found.len() * 4);
            for (item, count) in found {
                let item = above.below[item as usize];
                next.push((item, count));
                for part in level.core.uses(item) {
                    let default = level.defaults[part.row as usize];
                    if default != NONE {
                        next.push((default, -count));
                    }
                }
            }
            found = merged(next);
            above = &level.core;
        }
        for (item, _) in &mut found {
            *item = above.below[*item as usize];
        }
        found
    }

    /// The whole set, ascending, that taking these items of the core makes.
    pub(super) fn whole(&self, taken: &[u32]) -> Vec<u32> {
        let mut taken: Vec<u32> = taken.to_vec();
        let mut above = &self.core;
        for level in self.levels.iter().rev() {
            let mut covered = vec![false; level.core.rows.len()];
            for item in &mut taken {
                *item = above.below[*item as usize];
                for part in level.core.uses(*item) {
                    covered[part.row as usize] = true;
                }
            }
            let defaults = level.defaults.iter().zip(covered);
            taken.extend(
                defaults
                    .filter(|(item, covered)| **item != NONE && !covered)
                    .map(|(item, _)| *item),
            );
            taken.extend(&level.free);
            above = &level.core;
        }
        for item in &mut taken {
            *item = above.below[*item as usize];
        }
        taken.sort_unstable();
        taken
    }
}

pub(super) fn merged(mut counts: Counts) -> Counts {
    counts.sort_unstable_by_key(|(item, _)| *item);
    let mut out: Vec<(u32, i32)> = Vec::with_capacity(counts.len());
    for (item, count) in counts {
        match out.last_mut() {
            Some((last, sum)) if *last == item => *sum += count,
            _ => out.push((item, count)),
        }
    }
    out.retain(|(_, count)| *count != 0);
    out
}
