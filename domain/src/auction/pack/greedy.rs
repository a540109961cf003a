//! Sets that keep every capacity: a first one, and better ones by exchanging single items.

use alloy_primitives::U256;

use super::problem::Problem;

/// Rounds of exchanges; each round only ever gains.
const ROUNDS: usize = 8;

/// A set of items that fits.
#[derive(Clone, Debug)]
pub(crate) struct Packing<'a> {
    problem: &'a Problem,
    inside: Vec<bool>,
    /// The items inside of each row.
    holders: Vec<Vec<(usize, U256)>>,
    room: Vec<U256>,
    weight: i128,
}

impl<'a> Packing<'a> {
    /// Takes items in the given order as long as they fit.
    pub(crate) fn of(problem: &'a Problem, order: impl IntoIterator<Item = usize>) -> Self {
        let mut packing = Self {
            problem,
            inside: vec![false; problem.len()],
            holders: vec![Vec::new(); problem.rows.len()],
            room: problem.rows.iter().map(|row| row.spec.capacity).collect(),
            weight: 0,
        };
        for item in order {
            if packing.fits(item) {
                packing.insert(item);
            }
        }
        packing
    }

    pub(super) const fn weight(&self) -> i128 {
        self.weight
    }

    /// The items, ascending.
    pub(super) fn items(&self) -> Vec<usize> {
        (0..self.inside.len()).filter(|item| self.inside[*item]).collect()
    }

    fn fits(&self, item: usize) -> bool {
        let uses = self.problem.uses(item);
        !self.inside[item] && uses.iter().all(|part| part.amount <= self.room[part.row])
    }

    fn insert(&mut self, item: usize) {
        self.inside[item] = true;
        self.weight += self.problem.weights[item];
        for part in self.problem.uses(item) {
            self.room[part.row] -= part.amount;
            self.holders[part.row].push((item, part.amount));
        }
    }

    fn remove(&mut self, item: usize) {
        self.inside[item] = false;
        self.weight -= self.problem.weights[item];
        for part in self.problem.uses(item) {
            self.room[part.row] += part.amount;
            self.holders[part.row].retain(|(other, _)| *other != item);
        }
    }

    /// Items that would have to leave to make room for `item`: of every row that is too full the
    /// lightest ones, as few as are enough.
    pub(crate) fn blockers(&self, item: usize) -> Vec<usize> {
        let problem = self.problem;
        let mut blockers: Vec<usize> = Vec::new();
        for part in problem.uses(item) {
            if part.amount <= self.room[part.row] {
                continue;
            }
            let holders = &self.holders[part.row];
            let mut room = self.room[part.row];
            for (other, amount) in holders {
                if blockers.contains(other) {
                    room += *amount;
                }
            }
            while room < part.amount {
                let staying = holders.iter().filter(|(other, _)| !blockers.contains(other));
                let lightest = staying.min_by_key(|(other, _)| (problem.weights[*other], *other));
                let Some((other, amount)) = lightest else { break };
                room += *amount;
                blockers.push(*other);
            }
        }
        blockers
    }

    /// Exchanges items for what blocks them while that gains weight, and fills up what is left.
    pub(super) fn polish(&mut self) {
        for _ in 0..ROUNDS {
            let before = self.weight;
            for item in 0..self.problem.len() {
                if self.inside[item] {
                    continue;
                }
                let blockers = self.blockers(item);
                let lost: i128 = blockers.iter().map(|other| self.problem.weights[*other]).sum();
                if lost < self.problem.weights[item] {
                    for other in blockers {
                        self.remove(other);
                    }
                    self.insert(item);
                }
            }
            if self.weight == before {
                return;
            }
        }
    }
}
