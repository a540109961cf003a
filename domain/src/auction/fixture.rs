//! A small market for tests: three tokens at one price, intents and bids in a line each.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};
use serde_json::json;

use super::{
    Cut, OpeningRecord, Params, ReceivedBid, SolverStanding, Standings,
    check::{Lines, Load, Table},
};
use crate::{
    Amount, AuctionId, Bid, Intent, IntentId, OpenHash,
    bid::{End, Leg, Terms},
    event::{BlockRef, CutIntent, TokenPrice},
};

pub(super) const X: u8 = 1;
pub(super) const Y: u8 = 2;
pub(super) const Z: u8 = 3;
/// 10^18: one token, and at that price one numéraire atom an atom.
pub(super) const UNIT: u128 = 1_000_000_000_000_000_000;
pub(super) const CLOSES_AT_MS: u64 = 1_790_000_002_000;

pub(super) fn token(n: u8) -> Address {
    Address::repeat_byte(n)
}

pub(super) fn solver(n: u8) -> Address {
    Address::with_last_byte(n)
}

pub(super) fn filler(n: u8) -> Address {
    Address::right_padding_from(&[0xf1, n])
}

/// What an intent wants.
#[derive(Clone, Copy)]
pub(super) struct Want {
    pub(super) owner: u8,
    pub(super) sell: (u8, u128),
    pub(super) buy: (u8, u128),
    pub(super) exact_out: bool,
    pub(super) partial: bool,
    pub(super) fundable: u128,
    pub(super) filled: u128,
    pub(super) alone: bool,
}

impl Want {
    pub(super) fn swap(owner: u8, sell: (u8, u128), buy: (u8, u128)) -> Self {
        let (exact_out, partial, alone) = (false, false, false);
        Self { owner, sell, buy, exact_out, partial, fundable: sell.1, filled: 0, alone }
    }

    pub(super) fn partial(self) -> Self {
        Self { partial: true, ..self }
    }

    pub(super) fn exact_out(self) -> Self {
        Self { exact_out: true, ..self }
    }

    /// To be filled with intents of its owner alone.
    pub(super) fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    pub(super) fn fundable(self, fundable: u128) -> Self {
        Self { fundable, ..self }
    }

    pub(super) fn filled(self, filled: u128) -> Self {
        Self { filled, ..self }
    }
}

#[derive(Clone)]
pub(super) struct Market {
    pub(super) opening: OpeningRecord,
    pub(super) intents: BTreeMap<IntentId, Intent>,
    pub(super) bids: Vec<ReceivedBid>,
    pub(super) standings: Standings,
}

/// What each solver has bonded and deposited, in wei; gas is reserved at one.
pub(super) const FUNDS: u64 = 1_000_000_000;

impl Market {
    pub(super) fn new() -> Self {
        let price = |n| TokenPrice { token: token(n), price: Amount::from(UNIT) };
        let known = |n| {
            let funds = Amount::from(FUNDS);
            let standing = SolverStanding {
                registered: true,
                bond: funds,
                deposit: funds,
                ..SolverStanding::default()
            };
            (solver(n), standing)
        };
        let opening = OpeningRecord {
            auction_id: AuctionId::new(7),
            previous: OpenHash::new(B256::repeat_byte(0xaa)),
            chain_id: 31_337,
            settlement: Address::repeat_byte(0x5e),
            block: BlockRef { number: 100, hash: B256::repeat_byte(0xbb) },
            block_time_s: 1_789_999_999,
            opened_at_ms: 1_790_000_000_000,
            closes_at_ms: CLOSES_AT_MS,
            params: Params { surplus_cap_bps: 10_000, min_fill_bps: 0, ..Params::default() },
            prices: vec![price(X), price(Y), price(Z)],
            intents: Vec::new(),
        };
        let standings = Standings {
            block: None,
            gas_price: Amount::from(1u64),
            solvers: (1..=250).map(known).collect(),
            fillers: (1..=250).map(|n| (filler(n), solver(n))).collect(),
        };
        Self { opening, intents: BTreeMap::new(), bids: Vec::new(), standings }
    }

    pub(super) fn intent(&mut self, want: Want) -> IntentId {
        let message = json!({
            "owner": Address::repeat_byte(want.owner),
            "sellToken": token(want.sell.0), "buyToken": token(want.buy.0),
            "sellAmount": want.sell.1.to_string(), "buyAmount": want.buy.1.to_string(),
            "nonce": self.intents.len().to_string(), "validTo": 1_900_000_000,
            "kind": u8::from(want.exact_out), "partiallyFillable": want.partial,
        });
        let intent: Intent = serde_json::from_value(message).unwrap();
        let domain = crate::eip712::SigningDomain::new(31_337, self.opening.settlement);
        let id = intent.id(&domain);
        let entry = CutIntent {
            id,
            fundable: Amount::from(want.fundable),
            filled: Amount::from(want.filled),
            alone: want.alone,
        };
        self.intents.insert(id, intent);
        self.opening.intents.push(entry);
        self.opening.intents.sort_unstable_by_key(|entry| entry.id);
        id
    }

    /// A bid of solver `n` that fills each intent from its filler: `(intent, sold, bought)`.
    pub(super) fn bid(&mut self, n: u8, fills: &[(IntentId, u128, u128)]) -> usize {
        self.bid_with(n, fills, |_| {})
    }

    pub(super) fn bid_with(
        &mut self,
        n: u8,
        fills: &[(IntentId, u128, u128)],
        change: impl FnOnce(&mut Terms),
    ) -> usize {
        let legs = fills.iter().flat_map(|(id, sold, bought)| {
            let intent = End::Intent(*id);
            let leg = |from, to, amount: u128| Leg { from, to, amount: Amount::from(amount) };
            [leg(intent, End::Filler, *sold), leg(End::Filler, intent, *bought)]
        });
        self.bid_legs(n, legs.collect(), change)
    }

    pub(super) fn bid_legs(
        &mut self,
        n: u8,
        legs: Vec<Leg>,
        change: impl FnOnce(&mut Terms),
    ) -> usize {
        let number = self.bids.len();
        let mut terms = Terms {
            auction_id: self.opening.auction_id,
            solver: solver(n),
            filler: filler(n),
            gas: 300_000,
            callback_gas: 0,
            penalty: 1_000,
            valid_until: 1_900_000_000,
            nonce: Amount::from(number as u64),
            salt: B256::repeat_byte(n),
            client_bid_id: B256::left_padding_from(&(number as u64).to_be_bytes()),
        };
        change(&mut terms);
        let bid = Bid::new(terms, legs, Bytes::new()).unwrap();
        let domain = crate::eip712::SigningDomain::new(31_337, self.opening.settlement);
        let received = ReceivedBid {
            id: bid.id(&domain),
            ms: self.opening.opened_at_ms + number as u64 / 3,
            seq: number as u64 % 3,
            bid,
        };
        self.bids.push(received);
        number
    }

    pub(super) fn cut(&self) -> Cut {
        Cut::new(self.opening.clone(), self.intents.clone()).unwrap()
    }

    pub(super) fn decide(&self) -> super::Decision {
        super::decide(&self.cut(), &self.bids, &self.standings)
    }

    pub(super) fn decide_with_references(&self) -> super::Decision {
        let (cut, left_out) = (self.cut(), BTreeMap::new());
        let mut deliberation =
            super::Deliberation::new(&cut, &self.bids, &self.standings, &left_out);
        let mut decision = deliberation.decide();
        decision.references = deliberation.references(&decision);
        decision
    }

    pub(super) fn check(&self, bid: usize) -> Result<Amount, super::DropReason> {
        super::check(&self.cut(), &self.bids[bid].bid, &self.standings)
    }

    /// What a bid takes of its batch.
    pub(super) fn load(&self, bid: usize) -> Load {
        let cut = self.cut();
        let table = Table::of(&cut);
        let bid = &self.bids[bid].bid;
        let numbers = bid.fills().iter().map(|fill| table.find(fill.intent).unwrap());
        let numbers: Vec<u32> = numbers.collect();
        let lines = Lines::new(&table, bid, &numbers);
        Load::of(bid, lines.iter().map(|(_, entry, _)| entry))
    }

    /// The bids' numbers of a decision's winners, ascending.
    pub(super) fn winners(&self) -> Vec<usize> {
        let decision = self.decide();
        let number = |id: &crate::BidId| self.bids.iter().position(|bid| bid.id == *id).unwrap();
        let mut winners: Vec<usize> = decision.winners.iter().map(number).collect();
        winners.sort_unstable();
        winners
    }
}
