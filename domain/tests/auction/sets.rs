//! The best set.

use serde_json::json;

use crate::scenario::{Scenario, Want, X, Y, lost, won};

pub(crate) fn sets() -> Vec<Scenario> {
    vec![greedy_is_not_best(), parts(), alternatives(), gas()]
}

/// Any price above 1 fills it, and a bid scores what it pays above that.
fn any(owner: u8) -> Want {
    Want::swap(owner, (X, 1_000), (Y, 1))
}

fn greedy_is_not_best() -> Scenario {
    let mut auction = Scenario::new(
        "P, Q and R",
        "The best bid alone is not in the best set: 40 where greedy takes 21.",
    );
    for (name, owner) in [("A", 1), ("B", 2), ("C", 3), ("D", 4)] {
        auction.intent(name, any(owner));
    }
    auction.bid("P", 1, &[("A", 1_000, 12), ("B", 1_000, 11)], lost(21, 19));
    auction.bid("Q", 2, &[("B", 1_000, 11), ("C", 1_000, 11)], won(20));
    auction.bid("R", 3, &[("A", 1_000, 11), ("D", 1_000, 11)], won(20));
    auction.because("P scores 11 + 10 = 21, Q and R 10 + 10 = 20 each.");
    auction.because("P shares B with Q and A with R; Q and R share nothing: 20 + 20 = 40.");
    auction.because("P would have needed 40 - 21 = 19 more.");
    auction.because("Without Q, P's 21 beat R's 20; without R, P's 21 beat Q's 20.");
    auction.total(40);
    auction.reference(2, 21);
    auction.reference(3, 21);
    auction
}

fn parts() -> Scenario {
    let mut auction = Scenario::new(
        "an intent in parts",
        "Parts of an intent win together as long as they fit, to the atom.",
    );
    auction.opening.params.min_fill_bps = 1_000;
    auction.intent("a", Want::swap(1, (X, 1_000), (Y, 900)).partial());
    auction.bid("600", 1, &[("a", 600, 576)], won(36));
    auction.bid("400", 2, &[("a", 400, 384)], won(24));
    auction.bid("whole", 3, &[("a", 1_000, 955)], lost(55, 5));
    auction.bid("401", 4, &[("a", 401, 384)], lost(23, 37));
    let dust = json!({
        "verdict": "dropped", "code": "below_min_fill", "intent": "a",
        "amount": "99", "least": "100", "left": "1000",
    });
    auction.bid("dust", 5, &[("a", 99, 96)], dust);
    auction.because("At 0.9: 576 - 540 = 36, 384 - 360 = 24, 955 - 900 = 55, 384 - 361 = 23.");
    auction.because("36 + 24 = 60 for 1000 in two parts, against 55 for it in one.");
    auction.because("The bid for 401 fits beside neither both nor the larger part: 60 - 23 = 37.");
    auction.because("At 0.96 the 401 would bring 384.96: 384 is worse by rounding alone.");
    auction.because("Without either part the whole is the best: 55 (400 and 401 together 47).");
    auction.total(60);
    auction.reference(1, 55);
    auction.reference(2, 55);
    auction
}

fn alternatives() -> Scenario {
    let mut auction = Scenario::new(
        "several bids of one solver",
        "A solver's bids that share an intent exclude each other even where both would fit; another \
         solver's identical bid does not. The same bid twice counts once.",
    );
    auction.intent("a", Want::swap(1, (X, 1_000), (Y, 900)).partial());
    auction.bid("400 by 1", 1, &[("a", 400, 380)], lost(20, 5));
    auction.bid("500 by 1", 1, &[("a", 500, 475)], won(25));
    auction.again("500 by 1, again");
    auction.bid("400 by 2", 2, &[("a", 400, 380)], won(20));
    auction.because("380 - 360 = 20 and 475 - 450 = 25, all at 0.95: nobody is unfair.");
    auction.because("500 + 400 = 900 of 1000 by two solvers: 25 + 20 = 45.");
    auction
        .because("Instead of the 500 of its own solver the other 400 would need 25 - 20 = 5 more.");
    auction.because("Without solver 1 only 20 are left, without solver 2 only 25.");
    auction.total(45);
    auction.reference(1, 20);
    auction.reference(2, 25);
    auction
}

fn gas() -> Scenario {
    let mut auction = Scenario::new(
        "a batch that is full",
        "The batch's gas is a limit like any other, exact to the last unit.",
    );
    auction.opening.params.gas_budget = 609_524;
    for (name, owner) in [("a", 1), ("b", 2), ("c", 3)] {
        auction.intent(name, any(owner));
    }
    auction.bid("ten", 1, &[("a", 1_000, 11)], won(10));
    auction.bid("nine", 2, &[("b", 1_000, 10)], won(9));
    auction.bid("eight", 3, &[("c", 1_000, 9)], lost(8, 1));
    auction.because(
        "A bid's 300,000 gas need ceil(300,000 / 63) = 4,762 more around them: 304,762. Two of them",
    );
    auction.because("are 609,524.");
    auction.because("The lightest winner in its way scores 9: 9 - 8 = 1.");
    auction.total(19);
    auction.reference(1, 17);
    auction.reference(2, 18);
    auction
}
