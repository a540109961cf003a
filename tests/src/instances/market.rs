//! An instance as an auction of real intents and bids: what a decision is timed on when nobody shall
//! say that the check of the rules was left out.

use std::{collections::BTreeMap, io};

use alloy::primitives::{Address, B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, BidId, Intent, IntentId, OpenHash,
    auction::{Cut, OpeningRecord, Params, ReceivedBid, SolverStanding, Standings},
    bid::{End, Leg, Terms},
    eip712::SigningDomain,
    event::{BlockRef, CutIntent, TokenPrice},
    intent::Bounds,
};
use serde_json::json;

use super::Instance;

/// What bids take of the intents they fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fills {
    /// Every fill is whole: of the bids for one intent alone all but the best are unfair to its
    /// owner, and so are bids for several that give one owner less.
    Whole,
    /// Bids for one intent alone leave the more of it the better their price, so that none is unfair
    /// beside another: all bids remain, and the search is as large as the instance.
    Graded,
}

/// An auction: what a decision is made of.
#[derive(Clone, Debug)]
pub struct Market {
    /// The opening record with its intents.
    pub cut: Cut,
    /// The bids, in stream order as in the instance.
    pub bids: Vec<ReceivedBid>,
    /// The solvers.
    pub standings: Standings,
}

const CHAIN_ID: u64 = 31_337;
const SETTLEMENT: Address = Address::repeat_byte(0x5e);
const CLOSES_AT_MS: u64 = 1_790_000_002_000;
/// Far beyond any settlement of that auction, Unix time.
const VALID_UNTIL: u32 = 1_900_000_000;
/// What is sold of each intent, and the least that is bought for it. All tokens have one price, one
/// numéraire atom an atom, so that surplus is score.
const SOLD: u128 = 1_000_000_000_000_000_000;
const LIMIT: u128 = SOLD / 100 * 97;
/// What a graded fill leaves at least, and for each atom of its score.
const LEFT: u128 = SOLD / 1_000;
const LEFT_PER_SCORE: u128 = 100_000;
/// Signed gas of a bid: for itself and for each intent.
const GAS: [u32; 2] = [200_000, 70_000];

/// The auction of an instance all of whose rows are intents, of capacity one. Each intent has an
/// owner and a directed pair of its own; bids score what the instance says.
///
/// # Errors
/// If the rules' types refuse a part of it: a mistake here.
pub fn of(instance: &Instance, fills: Fills) -> io::Result<Market> {
    let domain = SigningDomain::new(CHAIN_ID, SETTLEMENT);
    let tokens = tokens(instance.rows.len());
    let mut ids = Vec::with_capacity(instance.rows.len());
    let mut intents = BTreeMap::new();
    for row in 0..instance.rows.len() {
        let intent = intent(row, &tokens, fills)?;
        let id = intent.id(&domain);
        ids.push(id);
        intents.insert(id, intent);
    }
    let parts = parts(instance);
    let mut bids = Vec::with_capacity(instance.weights.len());
    for (number, mine) in parts.iter().enumerate() {
        let bid = bid(number, instance, mine, fills, &ids)?;
        let (ms, seq) = (CLOSES_AT_MS - 1_000 + number as u64 / 100, number as u64 % 100);
        bids.push(ReceivedBid { id: bid.id(&domain), ms, seq, bid });
    }
    let solvers = instance.solvers.iter().copied();
    let (bond, deposit) = (Amount::MAX, Amount::MAX);
    let known = SolverStanding { registered: true, bond, deposit, ..SolverStanding::default() };
    let standings = Standings {
        solvers: solvers.clone().map(|n| (solver(n), known.clone())).collect(),
        fillers: solvers.map(|n| (filler(n), solver(n))).collect(),
        ..Standings::default()
    };
    let cut = Cut::new(opening(&tokens, &ids), intents).map_err(io::Error::other)?;
    Ok(Market { cut, bids, standings })
}

/// A bid's number of its id.
#[must_use]
pub fn numbers(market: &Market, winners: &[BidId]) -> Vec<usize> {
    let place = |id: &BidId| market.bids.iter().position(|bid| bid.id == *id);
    let mut numbers: Vec<usize> = winners.iter().filter_map(place).collect();
    numbers.sort_unstable();
    numbers
}

/// As few tokens as have a directed pair for each intent, ascending.
fn tokens(intents: usize) -> Vec<Address> {
    let count = (2u64..).find(|n| n * (n - 1) >= intents as u64).unwrap_or(2);
    (1..=count).map(|n| Address::left_padding_from(&(n << 32).to_be_bytes())).collect()
}

fn solver(n: u32) -> Address {
    Address::left_padding_from(&(u64::from(n) + 1).to_be_bytes())
}

fn filler(n: u32) -> Address {
    Address::right_padding_from(&(u64::from(n) + 1).to_be_bytes())
}

fn intent(row: usize, tokens: &[Address], fills: Fills) -> io::Result<Intent> {
    let (sell, other) = (row % tokens.len(), row / tokens.len());
    let buy = if other < sell { other } else { other + 1 };
    let message = json!({
        "owner": Address::right_padding_from(&[&[0xaa], &(row as u64).to_be_bytes()[..]].concat()),
        "sellToken": tokens[sell], "buyToken": tokens[buy],
        "sellAmount": SOLD.to_string(), "buyAmount": LIMIT.to_string(),
        "nonce": "0", "validTo": VALID_UNTIL, "kind": 0,
        "partiallyFillable": fills == Fills::Graded,
    });
    let fields = message.as_object().ok_or(io::ErrorKind::InvalidData)?;
    Intent::parse(fields, Bounds::any_time()).map_err(io::Error::other)
}

/// What each bid gives each of its intents: its weight, in proportion to what the best bid for
/// that intent alone gives.
fn parts(instance: &Instance) -> Vec<Vec<(usize, u64)>> {
    let mut rows_of = vec![Vec::new(); instance.weights.len()];
    for (row, limit) in instance.rows.iter().enumerate() {
        for (bid, _) in &limit.uses {
            rows_of[*bid].push(row);
        }
    }
    let mut best = vec![1u64; instance.rows.len()];
    for (bid, rows) in rows_of.iter().enumerate() {
        if let [row] = rows.as_slice() {
            best[*row] = best[*row].max(instance.weights[bid]);
        }
    }
    let split = |(bid, rows): (usize, &Vec<usize>)| {
        let weight = instance.weights[bid];
        let total: u64 = rows.iter().map(|row| best[*row]).sum();
        let share = |row: &usize| u128::from(weight) * u128::from(best[*row]) / u128::from(total);
        let mut mine: Vec<(usize, u64)> =
            rows.iter().map(|row| (*row, share(row) as u64)).collect();
        let given: u64 = mine.iter().map(|(_, part)| part).sum();
        if let Some((_, part)) = mine.first_mut() {
            *part += weight - given;
        }
        mine
    };
    rows_of.iter().enumerate().map(split).collect()
}

fn bid(
    number: usize,
    instance: &Instance,
    parts: &[(usize, u64)],
    fills: Fills,
    ids: &[IntentId],
) -> io::Result<Bid> {
    let solver_number = instance.solvers[number];
    let graded = fills == Fills::Graded && parts.len() == 1;
    let legs = parts.iter().flat_map(|(row, score)| {
        let left = if graded { LEFT + LEFT_PER_SCORE * u128::from(*score) } else { 0 };
        let sold = SOLD - left;
        let bought =
            (U256::from(sold) * U256::from(LIMIT)).div_ceil(U256::from(SOLD)) + U256::from(*score);
        let intent = End::Intent(ids[*row]);
        [
            Leg { from: intent, to: End::Filler, amount: Amount::from(sold) },
            Leg { from: End::Filler, to: intent, amount: Amount::new(bought) },
        ]
    });
    let word = B256::left_padding_from(&(number as u64 + 1).to_be_bytes());
    let terms = Terms {
        auction_id: AuctionId::new(1),
        solver: solver(solver_number),
        filler: filler(solver_number),
        gas: GAS[0] + GAS[1] * parts.len() as u32,
        callback_gas: 0,
        penalty: 0,
        valid_until: VALID_UNTIL,
        nonce: Amount::from(number as u64),
        salt: word,
        client_bid_id: word,
    };
    Bid::new(terms, legs.collect(), Bytes::new()).map_err(io::Error::other)
}

fn opening(tokens: &[Address], ids: &[IntentId]) -> OpeningRecord {
    let price = Amount::from(SOLD);
    let entry =
        |id: &IntentId| CutIntent { id: *id, fundable: price, filled: Amount::ZERO, alone: false };
    let mut intents: Vec<CutIntent> = ids.iter().map(entry).collect();
    intents.sort_unstable_by_key(|entry| entry.id);
    OpeningRecord {
        auction_id: AuctionId::new(1),
        previous: OpenHash::new(B256::ZERO),
        chain_id: CHAIN_ID,
        settlement: SETTLEMENT,
        block: BlockRef { number: 100, hash: B256::repeat_byte(0xbb) },
        block_time_s: CLOSES_AT_MS / 1_000 - 3,
        opened_at_ms: CLOSES_AT_MS - 2_000,
        closes_at_ms: CLOSES_AT_MS,
        params: Params { max_intents: ids.len() as u32, ..Params::default() },
        prices: tokens.iter().map(|token| TokenPrice { token: *token, price }).collect(),
        intents,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use domain::auction::{Ruling, decide};

    use super::*;
    use crate::instances::dex;

    #[test]
    fn every_bid_keeps_the_rules_and_scores_its_weight() {
        let instance = dex::instance(4, 69);
        for fills in [Fills::Whole, Fills::Graded] {
            let market = of(&instance, fills).unwrap();
            for (number, received) in market.bids.iter().enumerate() {
                let score = domain::auction::check(&market.cut, &received.bid, &market.standings);
                assert_eq!(score, Ok(Amount::from(instance.weights[number])), "bid {number}");
            }
        }
    }

    #[test]
    fn graded_bids_all_take_part_and_never_exceed_an_intent() {
        let instance = dex::instance(4, 69);
        let market = of(&instance, Fills::Graded).unwrap();
        let decision = decide(&market.cut, &market.bids, &market.standings);
        let dropped =
            |verdict: &&domain::auction::Verdict| matches!(verdict.ruling, Ruling::Dropped(_));
        assert_eq!(decision.verdicts.iter().find(dropped), None);
        let winners = numbers(&market, &decision.winners);
        let total: u64 = winners.iter().map(|bid| instance.weights[*bid]).sum();
        assert_eq!(decision.total_score, Amount::from(total));
        for row in &instance.rows {
            let taken = row.uses.iter().filter(|(bid, _)| winners.contains(bid)).count();
            assert!(taken <= 1, "two fills of one intent");
        }
    }
}
