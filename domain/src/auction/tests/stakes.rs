//! What bids must be good for, and who gets what of a penalty.

use alloy_primitives::{Address, U256};
use proptest::prelude::*;

use super::super::{DropReason, Ruling, Shares, fixture::*};
use crate::{Amount, gas};

fn amount(n: u64) -> Amount {
    Amount::from(n)
}

/// A market with one intent of 1,000 X for 900 Y, and the verdict over a bid of 1,000 for it.
fn verdict(
    change: impl FnOnce(&mut Market),
    terms: impl FnOnce(&mut crate::bid::Terms),
) -> Result<Amount, DropReason> {
    let mut market = Market::new();
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let bid = market.bid_with(1, &[(id, 1_000, 950)], terms);
    change(&mut market);
    market.check(bid)
}

#[test]
fn a_bid_must_be_signed_for_more_gas_than_its_batch_spends_on_it_outside_of_its_frame() {
    let least = gas::overhead(1, 2, 0) + gas::NONCE_WORD;
    let signed = |gas: u64| verdict(|_| {}, |terms| terms.gas = gas as u32);
    assert_eq!(signed(least), Ok(amount(50)));
    assert_eq!(signed(least - 1), Err(DropReason::GasTooLow { gas: least - 1, least }));
}

#[test]
fn a_bid_whose_filler_is_called_must_leave_gas_for_the_fillers_payments() {
    let alone = gas::overhead(1, 2, 0) + gas::NONCE_WORD;
    // a 63rd more is had before the call, so that the call can be given all; one payment comes after it
    let least = alone + 63_000 + 1_000 + 5_000 + 80_000;
    let signed =
        |gas: u64| verdict(|_| {}, |terms| (terms.gas, terms.callback_gas) = (gas as u32, 63_000));
    assert_eq!(signed(least), Ok(amount(50)));
    assert_eq!(signed(least - 1), Err(DropReason::GasTooLow { gas: least - 1, least }));
}

#[test]
fn a_bid_must_owe_the_floor_or_its_share_of_what_is_sold() {
    let owes = |floor: u64, bps: u32, penalty: u128| {
        let change = |market: &mut Market| {
            market.opening.params.penalty_floor = amount(floor);
            market.opening.params.penalty_bps = bps;
        };
        verdict(change, |terms| terms.penalty = penalty)
    };
    let too_low = |penalty: u64, least: u64| {
        Err(DropReason::PenaltyTooLow { penalty: amount(penalty), least: amount(least) })
    };
    assert_eq!(owes(7, 0, 7), Ok(amount(50)));
    assert_eq!(owes(7, 0, 6), too_low(6, 7));
    // a hundredth of 1,000 X at a price of one, and then a part of it rounded up
    assert_eq!(owes(7, 100, 9), too_low(9, 10));
    assert_eq!(owes(7, 101, 10), too_low(10, 11));
    assert_eq!(owes(11, 100, 11), Ok(amount(50)));
}

#[test]
fn a_penalty_is_counted_in_wei_by_the_price_of_the_native_token() {
    let owes = |native: u8, penalty: u128| {
        let change = |market: &mut Market| {
            market.opening.params.penalty_bps = 1_000;
            market.opening.params.penalty_floor = amount(3);
            market.opening.params.native_token = token(native);
            let of_native = |price: &&mut crate::event::TokenPrice| price.token == token(Z);
            let price = market.opening.prices.iter_mut().find(of_native);
            price.unwrap().price = Amount::from(4_000_000_000_000_000_000u64);
        };
        verdict(change, |terms| terms.penalty = penalty)
    };
    let too_low = |penalty: u64, least: u64| {
        Err(DropReason::PenaltyTooLow { penalty: amount(penalty), least: amount(least) })
    };
    // a tenth of 1,000 is worth 100, and a wei is worth four
    assert_eq!(owes(Z, 25), Ok(amount(50)));
    assert_eq!(owes(Z, 24), too_low(24, 25));
    // a coin without a price leaves the floor
    assert_eq!(owes(9, 3), Ok(amount(50)));
    assert_eq!(owes(9, 2), too_low(2, 3));
}

#[test]
fn a_bid_alone_beyond_its_solvers_funds_is_dropped_with_both_figures() {
    let (needed, free) = (amount(FUNDS + 1), amount(FUNDS));
    let bond = verdict(|_| {}, |terms| terms.penalty = u128::from(FUNDS) + 1);
    assert_eq!(bond, Err(DropReason::BondShort { needed, free }));
    let dear = |market: &mut Market| market.standings.gas_price = amount(10_000);
    let deposit = verdict(dear, |terms| terms.gas = 300_000);
    let needed = amount(3_000_000_000);
    assert_eq!(deposit, Err(DropReason::DepositShort { needed, free }));
}

/// Bids of one solver and one of another, each on an intent of its own, whose penalties are these.
fn rulings(penalties: &[u64], prepare: impl FnOnce(&mut Market)) -> Vec<Option<DropReason>> {
    let mut market = Market::new();
    for (owner, penalty) in (1u8..).zip(penalties) {
        let id = market.intent(Want::swap(owner, (X, 1_000), (Y, 900)));
        market.bid_with(1, &[(id, 1_000, 950)], |terms| terms.penalty = u128::from(*penalty));
    }
    let other = market.intent(Want::swap(200, (X, 1_000), (Y, 900)));
    market.bid_with(2, &[(other, 1_000, 950)], |terms| terms.penalty = u128::from(FUNDS));
    prepare(&mut market);
    let dropped = |ruling: &Ruling| match ruling {
        Ruling::Dropped(reason) => Some(*reason),
        Ruling::Won { .. } | Ruling::Lost { .. } => None,
    };
    market.decide().verdicts.iter().map(|verdict| dropped(&verdict.ruling)).collect()
}

#[test]
fn a_bond_answers_for_a_solvers_bids_in_the_order_in_which_they_came() {
    let half = FUNDS / 2;
    let short = DropReason::BondShort { needed: amount(FUNDS + 1), free: amount(FUNDS) };
    // what does not fit ties nothing down: the last one fits again
    let found = rulings(&[half, half + 1, half - 1, 1], |_| {});
    assert_eq!(found, [None, Some(short), None, None, None]);
}

#[test]
fn a_deposit_answers_for_the_gas_of_all_of_a_solvers_bids() {
    let priced = |market: &mut Market| market.standings.gas_price = amount(1_500);
    let short = DropReason::DepositShort { needed: amount(1_350_000_000), free: amount(FUNDS) };
    assert_eq!(rulings(&[1, 1, 1], priced), [None, None, Some(short), None]);
}

#[test]
fn a_bid_that_breaks_a_rule_ties_nothing_down() {
    let late = |market: &mut Market| {
        let solver = market.bids[0].bid.terms().solver;
        let used = market.bids[0].bid.terms().nonce;
        market.standings.solvers.get_mut(&solver).unwrap().used_nonces.insert(used);
    };
    let found = rulings(&[FUNDS, FUNDS], late);
    assert!(matches!(found[0], Some(DropReason::NonceUsed { .. })));
    assert_eq!(found[1], None);
}

#[test]
fn an_owner_gets_its_surplus_and_the_floor_of_a_penalty_and_the_rest_is_nobodys() {
    let mut market = Market::new();
    market.opening.params.penalty_floor = amount(10);
    let rich = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let poor = market.intent(Want::swap(2, (X, 1_000), (Y, 950)));
    let shares = |market: &Market, bid: usize| {
        let cut = market.cut();
        let of_bid = Shares::of(&cut).of_bid(&market.bids[bid].bid);
        let ids = market.bids[bid].bid.fills().iter().map(|fill| fill.intent);
        ids.zip(of_bid).collect::<std::collections::BTreeMap<_, _>>()
    };
    let fills = [(rich, 1_000, 950), (poor, 1_000, 950)];
    // due are 50 + 10 and 0 + 10
    let ample = market.bid_with(1, &fills, |terms| terms.penalty = 1_000);
    assert_eq!(shares(&market, ample), [(rich, 600), (poor, 100)].into());
    let scarce = market.bid_with(1, &fills, |terms| terms.penalty = 35);
    assert_eq!(shares(&market, scarce), [(rich, 8_571), (poor, 1_428)].into());
    let free = market.bid_with(1, &fills, |terms| terms.penalty = 0);
    assert!(shares(&market, free).is_empty());
    market.opening.prices.clear();
    assert_eq!(shares(&market, ample), [(rich, 100), (poor, 100)].into());
}

proptest! {
    #[test]
    fn shares_are_never_more_than_the_whole_or_than_what_is_due(
        penalty in prop_oneof![1u128..5_000, any::<u128>()],
        floor in prop_oneof![0u128..5_000, any::<u128>()],
        gains in prop::collection::vec(0u128..2_000, 1..9),
    ) {
        let mut market = Market::new();
        market.opening.params.penalty_floor = Amount::new(U256::from(floor));
        let fills: Vec<_> = (1u8..)
            .zip(&gains)
            .map(|(owner, gain)| {
                let id = market.intent(Want::swap(owner, (X, 10_000), (Y, 9_000)));
                (id, 10_000, 9_000 + gain.min(&1_000))
            })
            .collect();
        let bid = market.bid_with(1, &fills, |terms| terms.penalty = penalty);
        let cut = market.cut();
        let shares = Shares::of(&cut).of_bid(&market.bids[bid].bid);
        prop_assert_eq!(shares.len(), fills.len());
        prop_assert!(shares.iter().map(|share| u32::from(*share)).sum::<u32>() <= 10_000);
        for (share, fill) in shares.iter().zip(market.bids[bid].bid.fills()) {
            let gets = U256::from(penalty) * U256::from(*share) / U256::from(10_000);
            let surplus = fill.bought.saturating_sub(Amount::from(9_000u64));
            prop_assert!(gets <= U256::from(floor) + surplus.get());
        }
    }
}

#[test]
fn an_unknown_native_token_is_no_reason_to_owe_nothing() {
    assert_ne!(token(9), Address::ZERO);
    let params = crate::auction::Params {
        penalty_bps: 10_000,
        penalty_floor: amount(4),
        native_token: token(9),
        ..Default::default()
    };
    let native = params.native(|_| None);
    let sold = [(Some(U256::from(1)), amount(1_000))];
    assert_eq!(params.least_penalty(native, sold.into_iter()), amount(4));
}
