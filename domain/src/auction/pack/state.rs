//! A partial decision: which items are in, which are out, and what the rows have left.

use alloy_primitives::U256;

use super::{
    core::Core,
    problem::{ONE, Problem},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Undecided, and there is room for it.
    Live,
    In,
    Out,
}

/// Decisions can be taken back in reverse order.
#[derive(Clone, Debug)]
pub(super) struct State<'a> {
    pub(super) problem: &'a Problem,
    pub(super) core: &'a Core,
    pub(super) status: Vec<Status>,
    /// What items taken in are worth.
    pub(super) worth: i128,
    /// At least what is left of each row, in [`ONE`]ths.
    pub(super) left: Vec<i64>,
    /// Live items of each row.
    pub(super) live: Vec<u32>,
    /// How many items are live.
    pub(super) lives: usize,
    room: Vec<U256>,
    trail: Vec<u32>,
}

impl<'a> State<'a> {
    pub(super) fn new(problem: &'a Problem, core: &'a Core) -> Self {
        let rows = core.rows.len();
        Self {
            problem,
            core,
            status: vec![Status::Live; core.len()],
            worth: 0,
            left: vec![ONE; rows],
            live: (0..rows as u32).map(|row| core.parts(row).len() as u32).collect(),
            lives: core.len(),
            room: (0..rows as u32).map(|row| core.capacity(problem, row)).collect(),
            trail: Vec::with_capacity(core.len()),
        }
    }

    pub(super) fn is_live(&self, item: u32) -> bool {
        self.status[item as usize] == Status::Live
    }

    pub(super) fn is_in(&self, item: u32) -> bool {
        self.status[item as usize] == Status::In
    }

    pub(super) fn live_items(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.status.len() as u32).filter(|item| self.is_live(*item))
    }

    /// The items taken in, ascending.
    pub(super) fn taken(&self) -> Vec<u32> {
        let taken = |item: &u32| self.status[*item as usize] == Status::In;
        (0..self.status.len() as u32).filter(taken).collect()
    }

    /// Takes a live item in, and out goes every other one there is no more room for.
    pub(super) fn take(&mut self, item: u32) {
        let core = self.core;
        self.settle(item, Status::In);
        self.worth += core.profit[item as usize];
        for part in core.uses(item) {
            let row = part.row as usize;
            if core.is_clique(part.row) {
                self.left[row] = 0;
                for other in core.parts(part.row) {
                    if self.is_live(other.item) {
                        self.settle(other.item, Status::Out);
                    }
                }
                continue;
            }
            self.left[row] -= part.share();
            self.room[row] -= core.amount(self.problem, part.row, part.at);
            for other in core.parts(part.row) {
                if self.is_live(other.item)
                    && core.amount(self.problem, part.row, other.at) > self.room[row]
                {
                    self.settle(other.item, Status::Out);
                }
            }
        }
    }

    /// Leaves a live item out.
    pub(super) fn leave(&mut self, item: u32) {
        self.settle(item, Status::Out);
    }

    fn settle(&mut self, item: u32, status: Status) {
        self.status[item as usize] = status;
        self.trail.push(item);
        self.lives -= 1;
        for part in self.core.uses(item) {
            self.live[part.row as usize] -= 1;
        }
    }

    /// A point that [`Self::back`] returns to.
    pub(super) fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Takes back every decision since `mark`.
    pub(super) fn back(&mut self, mark: usize) {
        let core = self.core;
        while self.trail.len() > mark {
            let Some(item) = self.trail.pop() else { return };
            let taken = self.status[item as usize] == Status::In;
            for part in core.uses(item) {
                let row = part.row as usize;
                self.live[row] += 1;
                if taken && core.is_clique(part.row) {
                    self.left[row] = ONE;
                } else if taken {
                    self.left[row] += part.share();
                    self.room[row] += core.amount(self.problem, part.row, part.at);
                }
            }
            if taken {
                self.worth -= core.profit[item as usize];
            }
            self.status[item as usize] = Status::Live;
            self.lives += 1;
        }
    }
}
