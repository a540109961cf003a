//! Sets that score the same.

use crate::scenario::{Scenario, Want, X, Y, Z, lost, unfair, won};

pub(crate) fn ties() -> Vec<Scenario> {
    let mut all: Vec<Scenario> = (0..3).map(equal).collect();
    all.push(more_fills());
    all.push(one_solver());
    all
}

const NAMES: [&str; 3] = ["of 1", "of 2", "of 3"];

fn equal(seed: u8) -> Scenario {
    let name = ["equal bids", "equal bids, another hash", "equal bids, a third hash"];
    let mut auction = Scenario::new(
        name[usize::from(seed)],
        "Of equal bids that one wins whose solver has the smallest keccak256(openHash ‖ solver), \
         whatever came first.",
    );
    auction.intent("a", Want::swap(1, (X, 1_000), (Y, 900)));
    let first = auction.first_of(&[1, 2, 3]);
    for n in [1, 2, 3] {
        let verdict = if n == first { won(50) } else { lost(50, 0) };
        auction.bid(NAMES[usize::from(n) - 1], n, &[("a", 1_000, 950)], verdict);
    }
    auction.because("950 - 900 = 50, three times; the hash of the opening record decides.");
    auction.because("Without the winner another one takes its place: reference 50.");
    auction.total(50);
    auction.reference(first, 50);
    auction
}

fn more_fills() -> Scenario {
    let mut auction = Scenario::new(
        "equal totals",
        "Of sets that score the same the one with more fills wins, before any hash is looked at.",
    );
    auction.intent("a", Want::swap(1, (X, 1_000), (Y, 900)));
    auction.intent("b", Want::swap(2, (X, 1_000), (Z, 900)));
    auction.bid("one", 1, &[("a", 1_000, 950)], lost(50, 0));
    auction.bid("two", 2, &[("a", 1_000, 950), ("b", 1_000, 900)], won(50));
    auction.because("50 + 0 = 50: an order filled at its limit adds nothing but itself.");
    auction.total(50);
    auction.reference(2, 50);
    auction
}

fn one_solver() -> Scenario {
    let mut auction = Scenario::new(
        "equal bids of one solver",
        "A solver's own bids stand in the order it sent them in.",
    );
    auction.intent("a", Want::swap(1, (X, 1_000), (Y, 900)));
    auction.bid("first", 1, &[("a", 1_000, 950)], won(50));
    auction.bid("second", 1, &[("a", 1_000, 950)], lost(50, 0));
    auction.because("Same solver, same hash: the position among its bids decides.");
    auction.total(50);
    auction.reference(1, 0);
    auction
}

/// Two that are equal and one below, in every order of arrival.
pub(crate) fn timeboost() -> Vec<Scenario> {
    let [a, b, c] = ["ten", "ten too", "five"];
    let orders = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]];
    let names = [
        "ten, ten too, five",
        "ten, five, ten too",
        "ten too, ten, five",
        "ten too, five, ten",
        "five, ten, ten too",
        "five, ten too, ten",
    ];
    orders.iter().zip(names).map(|(order, name)| two_best(name, order)).collect()
}

fn two_best(name: &'static str, order: &[&str]) -> Scenario {
    let mut auction = Scenario::new(
        "two best",
        "The second price of two equal bids is their own, in every order of arrival.",
    );
    auction.intent("express lane", Want::swap(1, (X, 1_000), (Y, 1)));
    let first = auction.first_of(&[1, 2]);
    let verdict = |n: u8| if n == first { won(10) } else { lost(10, 0) };
    auction.bid("ten", 1, &[("express lane", 1_000, 11)], verdict(1));
    auction.bid("ten too", 2, &[("express lane", 1_000, 11)], verdict(2));
    let by = if first == 1 { "ten" } else { "ten too" };
    let below = unfair("express lane", (1_000, 6), by, (1_000, 11));
    auction.bid("five", 3, &[("express lane", 1_000, 6)], below);
    auction.because("11 - 1 = 10 twice, 6 - 1 = 5 once.");
    auction.because("The opening record is the same six times, so the same one of the two wins.");
    auction.because("Without it the other one wins with 10: not 5, whatever came last.");
    auction.total(10);
    auction.reference(first, 10);
    auction.arrive(order);
    auction.called(name);
    auction
}
