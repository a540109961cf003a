//! Section 4.2: lots on a square map, related to their neighbours.

use super::{Dice, Ledger, bundle};

/// The probability that a lot lacks one of its four neighbours (1 - `three_prob`).
const LOSES_A_NEIGHBOUR: f64 = 0.1;
/// The probability of a diagonal neighbour, and of another one after it (`additional_neighbor`).
const DIAGONAL: f64 = 0.2;
/// The probability of a lot somewhere else (`jump_prob`).
const JUMP: f64 = 0.05;

pub(super) fn fill(dice: &mut Dice, goods: usize, ledger: &mut Ledger) {
    let map = Map::drawn(dice, goods.isqrt());
    let near = map.near.into_iter();
    let near = near.map(|near| near.into_iter().map(|other| (other, 1.0)).collect()).collect();
    bundle::fill(dice, &bundle::Relations { near, jump: JUMP }, ledger);
}

struct Map {
    side: usize,
    near: Vec<Vec<usize>>,
}

impl Map {
    fn drawn(dice: &mut Dice, side: usize) -> Self {
        let mut map = Self { side, near: vec![Vec::new(); side * side] };
        for lot in 0..side * side {
            let (x, y) = (lot % side, lot / side);
            if x + 1 < side {
                map.connect(lot, lot + 1);
            }
            if y + 1 < side {
                map.connect(lot, lot + side);
            }
        }
        for lot in 0..side * side {
            if map.near[lot].len() >= 4 && dice.chance(LOSES_A_NEIGHBOUR) {
                let lost = map.near[lot][dice.int(0, 3)];
                map.part(lot, lost);
            }
        }
        for lot in 0..side * side {
            while dice.chance(DIAGONAL) && map.add_diagonal(dice, lot) {}
        }
        map
    }

    fn connect(&mut self, one: usize, other: usize) {
        self.near[one].push(other);
        self.near[other].push(one);
    }

    fn part(&mut self, one: usize, other: usize) {
        self.near[one].retain(|lot| *lot != other);
        self.near[other].retain(|lot| *lot != one);
    }

    /// Connects a lot with one of its diagonal neighbours, unless that crosses another diagonal.
    fn add_diagonal(&mut self, dice: &mut Dice, lot: usize) -> bool {
        let (x, y, side) = (lot % self.side, lot / self.side, self.side);
        let mut free = Vec::new();
        for (right, down) in [(false, false), (false, true), (true, false), (true, true)] {
            let across = if right { Some(x + 1).filter(|x| *x < side) } else { x.checked_sub(1) };
            let along = if down { Some(y + 1).filter(|y| *y < side) } else { y.checked_sub(1) };
            let (Some(across), Some(along)) = (across, along) else { continue };
            let other = along * side + across;
            let crossing = (y * side + across, along * side + x);
            if !self.near[lot].contains(&other) && !self.near[crossing.0].contains(&crossing.1) {
                free.push(other);
            }
        }
        let Some(last) = free.len().checked_sub(1) else { return false };
        let other = free[dice.int(0, last)];
        self.connect(lot, other);
        true
    }
}
