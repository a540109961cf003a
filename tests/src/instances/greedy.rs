//! What an auction without a search takes: bids one after the other, each if it still fits.

use std::cmp::Ordering;

use super::Instance;

/// Which bid comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The highest score first: CoW Protocol's arbitrator, which takes what is disjoint from all
    /// that was taken before.
    Score,
    /// The highest score over the square root of the number of rows first: of all such orders the
    /// one with the best guarantee (Lehmann, O'Callaghan, Shoham, "Truth Revelation in
    /// Approximately Efficient Combinatorial Auctions", 2002).
    PerRoot,
}

/// The bids taken, ascending. Of equals the one with the lower number comes first.
#[must_use]
pub fn winners(instance: &Instance, order: Order) -> Vec<usize> {
    let mut uses = vec![Vec::new(); instance.weights.len()];
    for (row, limit) in instance.rows.iter().enumerate() {
        for (bid, amount) in &limit.uses {
            uses[*bid].push((row, *amount));
        }
    }
    let mut bids: Vec<usize> = (0..instance.weights.len()).collect();
    bids.sort_by(|a, b| order.compare(instance, &uses, *b, *a).then(a.cmp(b)));
    let mut room: Vec<u64> = instance.rows.iter().map(|row| row.capacity).collect();
    bids.retain(|bid| {
        let fits = uses[*bid].iter().all(|(row, amount)| *amount <= room[*row]);
        for (row, amount) in uses[*bid].iter().filter(|_| fits) {
            room[*row] -= amount;
        }
        fits
    });
    bids.sort_unstable();
    bids
}

/// What a greedy auction takes in all.
#[must_use]
pub fn total(instance: &Instance, order: Order) -> u64 {
    winners(instance, order).iter().map(|bid| instance.weights[*bid]).sum()
}

impl Order {
    fn compare(
        self,
        instance: &Instance,
        uses: &[Vec<(usize, u64)>],
        a: usize,
        b: usize,
    ) -> Ordering {
        let weight = |bid: usize| u128::from(instance.weights[bid]);
        let rows = |bid: usize| uses[bid].len() as u128;
        match self {
            Self::Score => weight(a).cmp(&weight(b)),
            Self::PerRoot => {
                let (left, right) = (weight(a) * weight(a), weight(b) * weight(b));
                left.saturating_mul(rows(b)).cmp(&right.saturating_mul(rows(a)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs A to D; P = {A, B} for 21, Q = {B, C} for 20, R = {A, D} for 20.
    fn three() -> Instance {
        let rows = [vec![0, 1], vec![1, 2], vec![0, 3]];
        Instance::packing(vec![21, 20, 20], vec![0, 1, 2], &rows)
    }

    #[test]
    fn the_highest_score_keeps_out_two_that_are_worth_more_together() {
        assert_eq!(winners(&three(), Order::Score), [0]);
        assert_eq!(total(&three(), Order::Score), 21);
    }

    #[test]
    fn over_the_root_a_small_bid_comes_before_a_large_one_of_little_more() {
        let auction = Instance::packing(vec![12, 10], vec![0, 1], &[vec![0, 1], vec![1]]);
        assert_eq!(winners(&auction, Order::Score), [0]);
        assert_eq!(winners(&auction, Order::PerRoot), [1]);
    }

    #[test]
    fn a_row_is_used_up_to_its_capacity() {
        let mut auction =
            Instance::packing(vec![3, 2, 1], vec![0; 3], &[vec![0], vec![0], vec![0]]);
        auction.rows[0].capacity = 2;
        assert_eq!(winners(&auction, Order::Score), [0, 1]);
    }

    #[test]
    fn of_equals_the_first_is_taken() {
        let auction = Instance::packing(vec![5, 5], vec![0; 2], &[vec![0], vec![0]]);
        assert_eq!(winners(&auction, Order::PerRoot), [0]);
    }
}
