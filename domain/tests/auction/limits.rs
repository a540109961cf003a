//! What surplus counts, and where there is no price to count it by.

use serde_json::json;

use crate::scenario::{Scenario, Want, X, Y, Z, in_token, lost, token, unfair, won};

pub(crate) fn limits() -> Vec<Scenario> {
    vec![own_intent(), own_price()]
}

fn own_intent() -> Scenario {
    let mut auction = Scenario::new(
        "an own intent at an absurd limit",
        "Surplus counts from the reference price worsened by the cap, wherever the limit is.",
    );
    auction.opening.params.surplus_cap_bps = 500;
    auction.intent("victim", Want::swap(1, (X, 1_000), (Y, 960)));
    auction.intent("other", Want::swap(2, (X, 1_000), (Y, 1_000)));
    auction.intent("own", Want::swap(3, (Y, 1_000), (Z, 1)));
    auction.bid("honest", 1, &[("victim", 1_000, 1_000), ("other", 1_000, 1_000)], won(40));
    auction.bid("dealer", 2, &[("victim", 1_000, 965), ("own", 1_000, 980)], lost(35, 5));
    auction.because("At a cap of 5 % surplus counts from 950 and up to 1050 for 1000.");
    auction.because("Honest: 1000 - max(960, 950) = 40, and 1000 - 1000 = 0.");
    auction.because("Dealer: 965 - 960 = 5, and 980 - max(1, 950) = 30 instead of 979.");
    auction.total(40);
    auction.reference(1, 35);
    auction
}

fn own_price() -> Scenario {
    let mut auction = Scenario::new(
        "an own intent at an absurd price",
        "Surplus counts up to the reference price improved by the cap, whatever is paid.",
    );
    auction.opening.params.surplus_cap_bps = 500;
    auction.intent("victim", Want::swap(1, (X, 1_000), (Y, 900)));
    auction.intent("other", Want::swap(2, (X, 1_000), (Y, 1_000)));
    auction.intent("own", Want::swap(3, (Y, 10), (Z, 1)));
    auction.bid("honest", 1, &[("victim", 1_000, 1_000), ("other", 1_000, 1_000)], won(50));
    auction.bid("dealer", 2, &[("victim", 1_000, 960), ("own", 10, 1_000_000)], lost(10, 40));
    auction.because("Honest: 1000 - max(900, 950) = 50.");
    auction.because("Dealer: 960 - 950 = 10; its own 10 atoms count up to 10.5, rounded down, and");
    auction.because("from 9.5, rounded up: 10 - 10 = 0, though it pays itself a million.");
    auction.total(50);
    auction.reference(1, 10);
    auction
}

pub(crate) fn second_pass() -> Vec<Scenario> {
    vec![two_pairs(), fair_there_too()]
}

fn no_price_of_z(auction: &mut Scenario) {
    auction.opening.prices.retain(|price| price.token != token(Z));
}

fn two_pairs() -> Scenario {
    let mut auction = Scenario::new(
        "pairs without a price",
        "They are decided after all others, each by itself in atoms, with what is left.",
    );
    no_price_of_z(&mut auction);
    auction.intent("priced", Want::swap(1, (X, 1_000), (Y, 900)).fundable(1_500));
    auction.intent("same purse", Want::swap(1, (X, 1_000), (Z, 900)).fundable(1_500));
    auction.intent("into", Want::swap(2, (X, 1_000), (Z, 900)));
    auction.intent("out of", Want::swap(3, (Z, 1_000), (X, 900)));
    auction.intent("exact", Want::swap(4, (X, 1_000), (Z, 900)).exact_out());
    auction.bid("first", 1, &[("priced", 1_000, 901)], won(1));
    let no_room = json!({
        "verdict": "dropped", "code": "no_room", "of": "funds", "needed": "1000", "left": "500",
    });
    auction.bid("late", 2, &[("same purse", 1_000, 2_000)], no_room);
    auction.bid("in", 3, &[("into", 1_000, 950)], in_token(won(50), Z));
    auction.bid("out", 4, &[("out of", 1_000, 930)], in_token(won(30), X));
    auction.bid("exactly", 5, &[("exact", 940, 900)], in_token(won(60), X));
    let unpriced = |n: u8| json!({"verdict": "dropped", "code": "unpriced", "token": token(n).to_checksum(None)});
    auction.bid("mixed pairs", 6, &[("into", 1_000, 990), ("out of", 1_000, 990)], unpriced(Z));
    auction.bid("mixed kinds", 6, &[("into", 1_000, 1_000), ("exact", 900, 900)], unpriced(Z));
    auction.bid("mixed prices", 6, &[("priced", 1_000, 990), ("into", 1_000, 990)], unpriced(Z));
    auction.because("X and Y have prices, Z has none.");
    auction.because("The first pass: 901 - 900 = 1, and it takes 1000 of the purse's 1500.");
    auction.because("So the bid of 1100 atoms on the other intent of that purse has no room left.");
    auction
        .because("950 - 900 = 50 of Z; 930 - 900 = 30 of X; exact-out 1000 - 940 = 60 of X sold.");
    auction.because("Bids that mix such a pair with another pair, kind or price have no unit.");
    auction.total(1);
    auction.reference(1, 0);
    auction.pair(X, Z, Z, 50);
    auction.pair(Z, X, X, 30);
    auction.pair(X, Z, X, 60);
    auction
}

fn fair_there_too() -> Scenario {
    let mut auction = Scenario::new(
        "self-dealing without a price",
        "There is no cap without a price; one price per pair and fairness per intent remain.",
    );
    no_price_of_z(&mut auction);
    auction.intent("victim", Want::swap(1, (X, 1_000), (Z, 900)));
    auction.intent("own", Want::swap(2, (X, 1_000), (Z, 1)));
    let verdict = unfair("victim", (1_000, 950), "honest", (1_000, 960));
    auction.bid("dealer", 1, &[("victim", 1_000, 950), ("own", 1_000, 950)], verdict);
    auction.bid("honest", 2, &[("victim", 1_000, 960)], in_token(won(60), Z));
    auction
        .because("The dealer would score 50 + 949 = 999 atoms with its own intent's limit of 1.");
    auction.because(
        "Both of its fills have one price, 0.95, and 0.96 is offered to the victim alone.",
    );
    auction.pair(X, Z, Z, 60);
    auction
}
