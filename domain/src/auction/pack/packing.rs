//! Sets that keep every capacity: a first one, and better ones by exchanging items.

use alloy_primitives::U256;

use super::{
    core::{Core, NONE},
    problem::Problem,
};

/// Rounds of exchanges; each round only ever gains.
const ROUNDS: usize = 8;
/// What an exchange frees is filled up from rows of so many items at most: a bound on the work.
const WIDEST: usize = 64;

/// An item that blocks more than so many times its worth is not tried: the sets found weigh the same
/// without that, in a twentieth less time.
const HOPELESS: i128 = 2;

/// A set of items that fits.
#[derive(Clone, Debug)]
pub(super) struct Packing<'a> {
    problem: &'a Problem,
    core: &'a Core,
    inside: Vec<bool>,
    /// The item inside of each clique.
    holder: Vec<u32>,
    /// The items inside of each row that is none, and what they leave.
    holders: Vec<Vec<(u32, U256)>>,
    room: Vec<U256>,
    worth: i128,
}

impl<'a> Packing<'a> {
    /// Takes items in the given order as long as they fit.
    pub(super) fn of(
        problem: &'a Problem,
        core: &'a Core,
        order: impl IntoIterator<Item = u32>,
    ) -> Self {
        let mut packing = Self {
            problem,
            core,
            inside: vec![false; core.len()],
            holder: vec![NONE; core.rows.len()],
            holders: vec![Vec::new(); core.rows.len()],
            room: (0..core.rows.len() as u32).map(|row| core.capacity(problem, row)).collect(),
            worth: 0,
        };
        for item in order {
            if packing.fits(item) {
                packing.insert(item);
            }
        }
        packing
    }

    pub(super) const fn worth(&self) -> i128 {
        self.worth
    }

    /// The items, ascending.
    pub(super) fn items(&self) -> Vec<u32> {
        (0..self.inside.len() as u32).filter(|item| self.inside[*item as usize]).collect()
    }

    pub(super) fn holds(&self, item: u32) -> bool {
        self.inside[item as usize]
    }

    pub(super) fn fits(&self, item: u32) -> bool {
        !self.inside[item as usize]
            && self.core.uses(item).iter().all(|part| {
                if self.core.is_clique(part.row) {
                    self.holder[part.row as usize] == NONE
                } else {
                    self.core.amount(self.problem, part.row, part.at)
                        <= self.room[part.row as usize]
                }
            })
    }

    fn insert(&mut self, item: u32) {
        self.inside[item as usize] = true;
        self.worth += self.core.profit[item as usize];
        for part in self.core.uses(item) {
            let row = part.row as usize;
            if self.core.is_clique(part.row) {
                self.holder[row] = item;
            } else {
                let amount = self.core.amount(self.problem, part.row, part.at);
                self.room[row] -= amount;
                self.holders[row].push((item, amount));
            }
        }
    }

    fn remove(&mut self, item: u32) {
        self.inside[item as usize] = false;
        self.worth -= self.core.profit[item as usize];
        for part in self.core.uses(item) {
            let row = part.row as usize;
            if self.core.is_clique(part.row) {
                self.holder[row] = NONE;
            } else {
                self.room[row] += self.core.amount(self.problem, part.row, part.at);
                self.holders[row].retain(|(other, _)| *other != item);
            }
        }
    }

    /// Items that would have to leave to make room for `item`: of every row that is too full the
    /// ones that are worth least, as few as are enough.
    pub(super) fn blockers(&self, item: u32, blockers: &mut Vec<u32>) {
        blockers.clear();
        let core = self.core;
        for part in core.uses(item) {
            let row = part.row as usize;
            if core.is_clique(part.row) {
                let holder = self.holder[row];
                if holder != NONE && !blockers.contains(&holder) {
                    blockers.push(holder);
                }
                continue;
            }
            let wanted = core.amount(self.problem, part.row, part.at);
            if wanted <= self.room[row] {
                continue;
            }
            let mut room = self.room[row];
            for (other, amount) in &self.holders[row] {
                if blockers.contains(other) {
                    room += *amount;
                }
            }
            while room < wanted {
                let staying =
                    self.holders[row].iter().filter(|(other, _)| !blockers.contains(other));
                let least = staying.min_by_key(|(other, _)| (core.profit[*other as usize], *other));
                let Some((other, amount)) = least else { break };
                room += *amount;
                blockers.push(*other);
            }
        }
    }

    /// Exchanges items for what blocks them, and fills up what that frees, while that gains.
    pub(super) fn polish(&mut self) {
        let mut blockers = Vec::new();
        let mut fill: Vec<u32> = Vec::new();
        for _ in 0..ROUNDS {
            let before = self.worth;
            for item in 0..self.core.len() as u32 {
                if !self.inside[item as usize] {
                    self.exchange(item, &mut blockers, &mut fill);
                }
            }
            if self.worth == before {
                return;
            }
        }
    }

    fn exchange(&mut self, item: u32, blockers: &mut Vec<u32>, fill: &mut Vec<u32>) {
        let core = self.core;
        let before = self.worth;
        self.blockers(item, blockers);
        let given: i128 = blockers.iter().map(|other| core.profit[*other as usize]).sum();
        if given > HOPELESS * core.profit[item as usize] {
            return;
        }
        for other in blockers.iter() {
            self.remove(*other);
        }
        self.insert(item);
        fill.clear();
        for other in blockers.iter() {
            for part in core.uses(*other) {
                let row = core.parts(part.row);
                let full = core.is_clique(part.row) && self.holder[part.row as usize] != NONE;
                if full || row.len() > WIDEST {
                    continue;
                }
                for candidate in row {
                    if candidate.item != item && self.fits(candidate.item) {
                        fill.push(candidate.item);
                    }
                }
            }
        }
        fill.sort_unstable_by_key(|other| {
            (std::cmp::Reverse(core.profit[*other as usize]), *other)
        });
        let mut added = 0;
        for n in 0..fill.len() {
            if self.fits(fill[n]) {
                self.insert(fill[n]);
                fill[added] = fill[n];
                added += 1;
            }
        }
        if self.worth > before {
            return;
        }
        for other in &fill[..added] {
            self.remove(*other);
        }
        self.remove(item);
        for other in blockers.iter() {
            self.insert(*other);
        }
    }
}
