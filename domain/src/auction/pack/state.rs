//! A partial decision: which items are in, which are out, and what the rows have left.

use alloy_primitives::U256;

use super::problem::{ONE, Problem};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Undecided, and there is room for it.
    Live,
    In,
    Out,
}

/// Decisions can be taken back in reverse order.
#[derive(Debug)]
pub(super) struct State<'a> {
    pub(super) problem: &'a Problem,
    pub(super) status: Vec<Status>,
    /// What items taken in weigh.
    pub(super) weight: i128,
    /// At least what is left of each row, in [`ONE`]ths.
    pub(super) left: Vec<i64>,
    /// Live items of each row.
    pub(super) live: Vec<usize>,
    room: Vec<U256>,
    trail: Vec<usize>,
}

impl<'a> State<'a> {
    pub(super) fn new(problem: &'a Problem) -> Self {
        Self {
            problem,
            status: vec![Status::Live; problem.len()],
            weight: 0,
            left: vec![ONE; problem.rows.len()],
            live: problem.rows.iter().map(|row| row.spec.uses.len()).collect(),
            room: problem.rows.iter().map(|row| row.spec.capacity).collect(),
            trail: Vec::new(),
        }
    }

    pub(super) fn is_live(&self, item: usize) -> bool {
        self.status[item] == Status::Live
    }

    pub(super) fn live_items(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.status.len()).filter(|item| self.is_live(*item))
    }

    /// The items taken in, ascending.
    pub(super) fn taken(&self) -> Vec<usize> {
        (0..self.status.len()).filter(|item| self.status[*item] == Status::In).collect()
    }

    /// Takes a live item in, and out goes every other one there is no more room for.
    pub(super) fn take(&mut self, item: usize) {
        let problem = self.problem;
        self.settle(item, Status::In);
        self.weight += problem.weights[item];
        for part in problem.uses(item) {
            self.left[part.row] -= part.share;
            self.room[part.row] -= part.amount;
        }
        for part in problem.uses(item) {
            let row = &problem.rows[part.row];
            for (other, amount) in &row.spec.uses {
                if self.is_live(*other) && (row.clique || *amount > self.room[part.row]) {
                    self.settle(*other, Status::Out);
                }
            }
        }
    }

    /// Leaves a live item out.
    pub(super) fn leave(&mut self, item: usize) {
        self.settle(item, Status::Out);
    }

    fn settle(&mut self, item: usize, status: Status) {
        self.status[item] = status;
        self.trail.push(item);
        for part in self.problem.uses(item) {
            self.live[part.row] -= 1;
        }
    }

    /// A point that [`Self::back`] returns to.
    pub(super) fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Takes back every decision since `mark`.
    pub(super) fn back(&mut self, mark: usize) {
        let problem = self.problem;
        while self.trail.len() > mark {
            let Some(item) = self.trail.pop() else { return };
            for part in problem.uses(item) {
                self.live[part.row] += 1;
            }
            if self.status[item] == Status::In {
                self.weight -= problem.weights[item];
                for part in problem.uses(item) {
                    self.left[part.row] += part.share;
                    self.room[part.row] += part.amount;
                }
            }
            self.status[item] = Status::Live;
        }
    }
}
