//! How much each member of a ring gives.
//!
//! Member i gives s(i) and gets s(i+1); its limit says `s(i) * B <= S * s(i+1)`. Each s(i) has a range:
//! what its owner can pay, what is left of the giver if it is exact-in, what the taker needs if it is
//! exact-out. All constraints are of the form "s(i+1) is at least a rising function of s(i)", so
//! the largest solution below any point, and the smallest above it, are found by pulling amounts
//! down, or pushing them up, until nothing moves; and there is a solution at all if and only if
//! pulling down from the top finds one.

use domain::{Amount, intent::Kind};

use super::super::{Candidate, Market};

/// Rounds after which a search is given up. Only a ring whose limits meet to the atom needs many.
const MAX_ROUNDS: usize = 64;

#[derive(Clone, Copy)]
struct Range {
    least: Amount,
    most: Amount,
}

/// What each member gives, or `None` if they do not match. At reference prices if sizes and limits
/// let them: nobody's surplus is paid by another there, and an auction that caps surplus on both
/// sides of the reference price counts all of it. Else the end of the range that leaves more.
pub(super) fn solve(market: &Market, members: &[&Candidate]) -> Option<Vec<Amount>> {
    let ranges: Vec<Range> =
        (0..members.len()).map(|i| range(members, i)).collect::<Option<_>>()?;
    let most = ranges.iter().map(|range| range.most).collect();
    let top = pull_down(members, &ranges, most)?;
    if let Some(fair) = at_reference_prices(market, members, &ranges) {
        let near = pull_down(members, &ranges, fair.clone());
        if let Some(near) = near.or_else(|| push_up(members, &ranges, fair)) {
            return Some(near);
        }
    }
    let least = ranges.iter().map(|range| range.least).collect();
    let bottom = push_up(members, &ranges, least).unwrap_or_else(|| top.clone());
    let worth = |gives: &[Amount]| total_surplus(market, members, gives);
    Some(if worth(&bottom) > worth(&top) { bottom } else { top })
}

/// What member `i` may give.
fn range(members: &[&Candidate], i: usize) -> Option<Range> {
    let giver = members[i];
    let taker = members[(i + members.len() - 1) % members.len()];
    let mut range = Range { least: Amount::from(1u64), most: giver.fundable };
    for (member, kind) in [(giver, Kind::ExactIn), (taker, Kind::ExactOut)] {
        if member.intent.kind() == kind {
            range.least = range.least.max(member.least());
            range.most = range.most.min(member.left);
        }
    }
    (range.least <= range.most).then_some(range)
}

/// Amounts of one value: that of the largest amount which the poorest member can give.
fn at_reference_prices(
    market: &Market,
    members: &[&Candidate],
    ranges: &[Range],
) -> Option<Vec<Amount>> {
    let price = |i: usize| market.price(members[i].intent.pair().sell);
    let prices: Vec<_> = (0..members.len()).map(price).collect::<Option<_>>()?;
    let worth = |i: &usize, j: &usize| {
        ranges[*i].most.cmp_products(
            Amount::new(prices[*i]),
            ranges[*j].most,
            Amount::new(prices[*j]),
        )
    };
    let poorest = (0..members.len()).min_by(worth)?;
    let amount = |i: usize| {
        let amount = ranges[poorest].most.mul_div_floor(prices[poorest], prices[i])?;
        Some(amount.clamp(ranges[i].least, ranges[i].most))
    };
    (0..members.len()).map(amount).collect()
}

/// The largest solution that is nowhere above `gives`.
fn pull_down(
    members: &[&Candidate],
    ranges: &[Range],
    mut gives: Vec<Amount>,
) -> Option<Vec<Amount>> {
    let count = members.len();
    for _ in 0..MAX_ROUNDS {
        let mut moved = false;
        for i in (0..count).rev() {
            let gets = gives[(i + 1) % count];
            let most = members[i].most_sold(gets).unwrap_or(Amount::MAX);
            if gives[i] > most {
                gives[i] = most;
                moved = true;
            }
            if gives[i] < ranges[i].least {
                return None;
            }
        }
        if !moved {
            return Some(gives);
        }
    }
    None
}

/// The smallest solution that is nowhere below `gives`.
fn push_up(
    members: &[&Candidate],
    ranges: &[Range],
    mut gives: Vec<Amount>,
) -> Option<Vec<Amount>> {
    let count = members.len();
    for _ in 0..MAX_ROUNDS {
        let mut moved = false;
        for i in 0..count {
            let next = (i + 1) % count;
            let least = members[i].least_bought(gives[i])?;
            if gives[next] < least {
                gives[next] = least;
                moved = true;
            }
            if gives[next] > ranges[next].most {
                return None;
            }
        }
        if !moved {
            return Some(gives);
        }
    }
    None
}

/// The members' surplus over their limits, in numéraire atoms.
pub(super) fn total_surplus(market: &Market, members: &[&Candidate], gives: &[Amount]) -> Amount {
    let count = members.len();
    (0..count).fold(Amount::ZERO, |sum, i| {
        let more = market.surplus(members[i], gives[i], gives[(i + 1) % count]);
        sum.checked_add(more).unwrap_or(Amount::MAX)
    })
}
