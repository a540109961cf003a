use std::collections::BTreeMap;

use super::{Dice, Family, Instance, Ledger, Numbers, goods};

/// Rows of each bid.
fn rows_of(instance: &Instance) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); instance.weights.len()];
    for (n, row) in instance.rows.iter().enumerate() {
        for (bid, _) in &row.uses {
            rows[*bid].push(n);
        }
    }
    rows
}

#[test]
fn a_seed_gives_the_same_auction_and_another_seed_another() {
    for family in Family::ALL {
        let auction = family.instance(7, 69);
        assert_eq!(auction, family.instance(7, 69), "{}", family.name());
        assert_ne!(auction, family.instance(8, 69), "{}", family.name());
    }
}

#[test]
fn an_auction_has_as_many_bids_as_asked_for_and_no_row_without_one() {
    for family in Family::ALL {
        for bids in [1, 69, 1_000] {
            let auction = family.instance(1, bids);
            assert_eq!(auction.weights.len(), bids, "{}", family.name());
            assert_eq!(auction.solvers.len(), bids, "{}", family.name());
            assert!(auction.rows.iter().all(|row| row.capacity == 1 && !row.uses.is_empty()));
            assert!(auction.rows.iter().all(|row| row.uses.iter().all(|(_, amount)| *amount == 1)));
            assert!(auction.weights.iter().all(|weight| *weight > 0));
            assert!(rows_of(&auction).iter().all(|rows| !rows.is_empty()), "{}", family.name());
        }
    }
}

#[test]
fn no_bid_is_dominated_by_another() {
    for family in Family::ALL {
        let auction = family.instance(3, 300);
        let rows = rows_of(&auction);
        for (a, few) in rows.iter().enumerate() {
            for (b, many) in rows.iter().enumerate().filter(|(b, _)| *b != a) {
                let within = few.iter().all(|row| many.contains(row));
                let cheaper = auction.weights[a] >= auction.weights[b];
                assert!(!(within && cheaper), "{}: {a} dominates {b}", family.name());
            }
        }
    }
}

/// The mean number of goods of a bid, times ten, and the share of bids that have alternatives.
fn shape(family: Family) -> (usize, usize) {
    let auction = family.instance(5, 1_000);
    let mut of_bidder = BTreeMap::<u32, usize>::new();
    for solver in &auction.solvers {
        *of_bidder.entry(*solver).or_default() += 1;
    }
    let several = auction.solvers.iter().filter(|solver| of_bidder[solver] > 1).count();
    let uses: usize = auction.rows.iter().map(|row| row.uses.len()).sum();
    ((uses - several) * 10 / 1_000, several * 100 / 1_000)
}

#[test]
fn bundles_are_as_large_as_the_paper_s_parameters_make_them() {
    let within = |family: Family, (least, most): (usize, usize)| {
        let (tenths, _) = shape(family);
        assert!((least..=most).contains(&tenths), "{}: {tenths} tenths", family.name());
    };
    // one good and nine times out of ten another one: ten in the mean, and substitutes as large
    within(Family::Regions, (70, 130));
    within(Family::Arbitrary, (70, 130));
    // a take-off and a landing
    within(Family::Matching, (20, 20));
    within(Family::Scheduling, (10, 100));
    within(Family::Paths, (20, 120));
}

#[test]
fn most_bidders_have_alternatives() {
    for family in Family::ALL {
        let (_, several) = shape(family);
        assert!(several > 50, "{}: {several} %", family.name());
    }
}

#[test]
fn alternatives_share_a_good_of_their_own_and_single_bids_do_not() {
    let mut ledger = Ledger::new(3);
    ledger.alternatives(vec![(vec![0, 1], 3.0), (vec![2], 2.0)]);
    ledger.alternatives(vec![(vec![3], 1.0)]);
    let auction = ledger.into_instance();
    let shared = auction.rows.iter().filter(|row| row.uses == [(0, 1), (1, 1)]).count();
    assert_eq!((shared, auction.rows.len()), (1, 5));
}

#[test]
fn of_two_alternatives_the_one_that_asks_for_more_and_pays_less_goes() {
    let mut ledger = Ledger::new(9);
    ledger.alternatives(vec![(vec![0, 1], 3.0), (vec![1], 3.0)]);
    let auction = ledger.into_instance();
    assert_eq!((auction.weights.len(), auction.rows.len()), (1, 1));
}

#[test]
fn a_later_bidder_may_dominate_an_earlier_one() {
    let mut ledger = Ledger::new(9);
    ledger.alternatives(vec![(vec![0, 1], 3.0)]);
    ledger.alternatives(vec![(vec![0], 2.0), (vec![1], 1.0)]);
    ledger.alternatives(vec![(vec![0], 4.0)]);
    let auction = ledger.into_instance();
    assert_eq!(auction.weights, [1_000_000, 4_000_000]);
}

#[test]
fn draws_keep_to_their_bounds() {
    let mut dice = Dice(Numbers::new(1));
    for _ in 0..1_000 {
        assert!((1.0..1.5).contains(&dice.real(1.0, 1.5)));
        assert!((3..=5).contains(&dice.int(3, 5)));
        assert_ne!(dice.weighted(&[0.5, 0.0, 0.5]), Some(1));
    }
    assert_eq!(dice.weighted(&[0.0, 0.0]), None);
    assert_eq!([69, 1_000, 10_000].map(goods), [64, 256, 1_024]);
}
