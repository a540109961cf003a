//! Who is unfair to whom.

use crate::scenario::{Scenario, Want, X, Y, Z, lost, unfair, won};

/// Sells 100 for at least 90, as in the situations that CoW tests its arbitrator with.
fn order(owner: u8, sell: u8, buy: u8) -> Want {
    Want::swap(owner, (sell, 100), (buy, 90))
}

pub(crate) fn cow() -> Vec<Scenario> {
    vec![two_for_one(), unfair_batch(), fair_batch(), at_the_limit(), disjoint()]
}

fn two_for_one() -> Scenario {
    let mut auction = Scenario::new(
        "two bids for one order",
        "The better one wins, and its reference is what the other would have scored.",
    );
    auction.intent("order", order(1, X, Y));
    auction.bid("better", 1, &[("order", 100, 95)], won(5));
    let verdict = unfair("order", (100, 92), "better", (100, 95));
    auction.bid("worse", 2, &[("order", 100, 92)], verdict);
    auction.because("95 - 90 = 5 and 92 - 90 = 2.");
    auction
        .because("Both fill the order alone, so the worse price is unfair beside the better one.");
    auction.because("Without the better bid nothing speaks against the worse: reference 2.");
    auction.total(5);
    auction.reference(1, 2);
    auction
}

fn unfair_batch() -> Scenario {
    let mut auction = Scenario::new(
        "a batch that shortchanges one of its orders",
        "A batch with the larger total is dropped where a single bid offers one order more.",
    );
    auction.intent("first", order(1, X, Y));
    auction.intent("second", order(2, Y, Z));
    let verdict = unfair("first", (100, 93), "single", (100, 95));
    auction.bid("batch", 1, &[("first", 100, 93), ("second", 100, 93)], verdict);
    auction.bid("single", 2, &[("first", 100, 95)], won(5));
    auction.because("The batch would score 3 + 3 = 6, the single bid scores 5.");
    auction.because("95 > 93 for the same 100: the batch is unfair to the first order.");
    auction.because("Without the single bid the batch is fair again: reference 6.");
    auction.total(5);
    auction.reference(2, 6);
    auction
}

fn fair_batch() -> Scenario {
    let mut auction = Scenario::new(
        "a batch that gives each order what it could get alone",
        "An equal price is no worse: the batch stays, and its larger total wins.",
    );
    auction.intent("first", order(1, X, Y));
    auction.intent("second", order(2, Y, Z));
    auction.bid("batch", 1, &[("first", 100, 95), ("second", 100, 93)], won(8));
    auction.bid("single", 2, &[("first", 100, 95)], lost(5, 3));
    auction.because("5 + 3 = 8 against 5; the single bid would have needed 8 - 5 = 3 more.");
    auction.total(8);
    auction.reference(1, 5);
    auction
}

fn at_the_limit() -> Scenario {
    let mut auction = Scenario::new(
        "an order filled at its limit",
        "A score of zero is a score: of two sets that score the same the one that fills more wins.",
    );
    auction.intent("order", order(1, X, Y));
    auction.bid("bid", 1, &[("order", 100, 90)], won(0));
    auction.because("90 - 90 = 0, and one fill is more than none.");
    auction.reference(1, 0);
    auction
}

fn disjoint() -> Scenario {
    let mut auction = Scenario::new(
        "two bids that share nothing",
        "Both win, and each one's reference is the other's score.",
    );
    auction.intent("first", order(1, X, Y));
    auction.intent("second", order(2, X, Z));
    auction.bid("one", 1, &[("first", 100, 95)], won(5));
    auction.bid("other", 2, &[("second", 100, 93)], won(3));
    auction.because("5 + 3 = 8.");
    auction.total(8);
    auction.reference(1, 3);
    auction.reference(2, 5);
    auction
}

pub(crate) fn more() -> Vec<Scenario> {
    vec![chain(), amounts(), exact_out()]
}

fn chain() -> Scenario {
    let mut auction = Scenario::new(
        "an unfair bid speaks against others through the one that drops it",
        "Dropping the middle bid saves nobody: what drops it is better still.",
    );
    auction.intent("a", Want::swap(1, (X, 1_000), (Y, 900)));
    auction.intent("b", Want::swap(2, (X, 1_000), (Y, 900)));
    let verdict = unfair("a", (1_000, 950), "best", (1_000, 970));
    auction.bid("batch", 1, &[("a", 1_000, 950), ("b", 1_000, 950)], verdict);
    let verdict = unfair("a", (1_000, 960), "best", (1_000, 970));
    auction.bid("middle", 2, &[("a", 1_000, 960)], verdict);
    auction.bid("best", 3, &[("a", 1_000, 970)], won(70));
    auction.because("The batch would score 50 + 50 = 100, the best single bid scores 70.");
    auction.because("Without the best one the middle one still speaks against the batch: 60.");
    auction.total(70);
    auction.reference(3, 60);
    auction
}

fn amounts() -> Scenario {
    let mut auction = Scenario::new(
        "a price counts for as much as it was offered for",
        "A smaller single fill says nothing about a larger one; a larger one says its price, rounded down.",
    );
    auction.intent("a", Want::swap(1, (X, 1_000), (Y, 900)).partial());
    auction.intent("b", Want::swap(2, (X, 1_000), (Y, 900)));
    // 0.951 against 0.950
    auction.bid("batch", 1, &[("a", 500, 475), ("b", 1_000, 950)], won(75));
    auction.bid("smaller", 2, &[("a", 400, 399)], won(39));
    auction.bid("larger", 3, &[("a", 1_000, 951)], lost(51, 63));
    auction.because("475 - 450 = 25 and 950 - 900 = 50: 75. 399 - 360 = 39. 951 - 900 = 51.");
    auction.because("The smaller bid pays 0.9975, but only for 400 of the batch's 500.");
    auction
        .because("500 at the larger bid's price are 475.5, and half an atom cannot be paid: fair.");
    auction.because(
        "The larger bid is the best for 1000, the batch and the smaller one fill 900: 114.",
    );
    auction
        .because("To be taken, the larger bid needs room for all of `a`: 39 + 75 - 51 = 63 more.");
    auction.total(114);
    auction.reference(1, 51);
    auction.reference(2, 75);
    auction
}

fn exact_out() -> Scenario {
    let mut auction = Scenario::new(
        "an exact-out order",
        "What is bought is exact: surplus and fairness are counted in what is sold.",
    );
    auction.intent("o", Want::swap(1, (X, 1_000), (Y, 900)).exact_out());
    auction.intent("p", Want::swap(2, (X, 1_000), (Y, 900)).exact_out());
    auction.bid("both", 1, &[("o", 950, 900), ("p", 950, 900)], won(100));
    auction.bid("cheap", 2, &[("o", 950, 900)], lost(50, 50));
    let verdict = unfair("o", (951, 900), "cheap", (950, 900));
    auction.bid("dear", 3, &[("o", 951, 900)], verdict);
    auction.because("1000 - 950 = 50 an order; 951 is one atom too much for the same 900.");
    auction.because("Without the batch the cheap bid wins: reference 50.");
    auction.total(100);
    auction.reference(1, 50);
    auction
}
