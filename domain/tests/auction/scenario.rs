//! An auction as it is written down by hand.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use domain::{
    Amount, AuctionId, Bid, BidId, Intent, IntentId, OpenHash,
    auction::{OpeningRecord, Params, SolverStanding, Standings},
    bid::{End, Leg, Terms},
    eip712::SigningDomain,
    event::{BlockRef, CutIntent, TokenPrice},
};
use serde_json::{Value, json};

pub(crate) const X: u8 = 1;
pub(crate) const Y: u8 = 2;
pub(crate) const Z: u8 = 3;
const UNIT: u64 = 1_000_000_000_000_000_000;
const OPENED_AT_MS: u64 = 1_790_000_000_000;

/// Whatever the defaults are: they are in the record's hash, and that decides ties.
const PARAMS: Params = Params {
    surplus_cap_bps: 10_000,
    min_fill_bps: 0,
    gas_budget: 16_000_000,
    byte_budget: 98_304,
    max_winners: 255,
    node_budget: 2_000,
    max_intents: 1_000,
    max_bids: 10_000,
    confirmations: 1,
    max_delay_blocks: 20,
    seconds_per_block: 12,
    penalty_floor: Amount::ZERO,
    penalty_bps: 0,
    native_token: Address::ZERO,
};

pub(crate) fn token(n: u8) -> Address {
    Address::repeat_byte(n)
}

pub(crate) fn solver(n: u8) -> Address {
    Address::repeat_byte(0xa0 + n)
}

/// An intent: `sells` of a token for at least `buys` of another, whole, by an owner of just that.
#[derive(Clone, Copy)]
pub(crate) struct Want {
    pub(crate) owner: u8,
    pub(crate) sell: (u8, u64),
    pub(crate) buy: (u8, u64),
    pub(crate) exact_out: bool,
    pub(crate) partial: bool,
    pub(crate) fundable: u64,
}

impl Want {
    pub(crate) fn swap(owner: u8, sell: (u8, u64), buy: (u8, u64)) -> Self {
        Self { owner, sell, buy, exact_out: false, partial: false, fundable: sell.1 }
    }

    pub(crate) fn partial(self) -> Self {
        Self { partial: true, ..self }
    }

    pub(crate) fn exact_out(self) -> Self {
        Self { exact_out: true, ..self }
    }

    pub(crate) fn fundable(self, fundable: u64) -> Self {
        Self { fundable, ..self }
    }
}

struct Entry {
    name: &'static str,
    bid: Bid,
    id: BidId,
    at: (u64, u64),
    verdict: Value,
}

/// An auction, and what is expected of it.
pub(crate) struct Scenario {
    name: String,
    shows: &'static str,
    derivation: Vec<&'static str>,
    pub(crate) opening: OpeningRecord,
    intents: BTreeMap<&'static str, Intent>,
    bids: Vec<Entry>,
    standings: Standings,
    total: u64,
    second_pass: Vec<Value>,
    references: BTreeMap<Address, String>,
}

impl Scenario {
    /// Tokens X, Y and Z at one price, so that one atom of surplus is one of score; no surplus cap
    /// on the lower side, no least fill, and a batch that holds everything.
    pub(crate) fn new(name: &str, shows: &'static str) -> Self {
        let price = |n| TokenPrice { token: token(n), price: Amount::from(UNIT) };
        let opening = OpeningRecord {
            auction_id: AuctionId::new(7),
            previous: OpenHash::new(keccak256(name)),
            chain_id: 31_337,
            settlement: Address::repeat_byte(0x5e),
            block: BlockRef { number: 100, hash: B256::repeat_byte(0xbb) },
            block_time_s: 1_789_999_999,
            opened_at_ms: OPENED_AT_MS,
            closes_at_ms: OPENED_AT_MS + 2_000,
            params: PARAMS,
            prices: vec![price(X), price(Y), price(Z)],
            intents: Vec::new(),
        };
        Self {
            name: name.to_owned(),
            shows,
            derivation: Vec::new(),
            opening,
            intents: BTreeMap::new(),
            bids: Vec::new(),
            standings: Standings::default(),
            total: 0,
            second_pass: Vec::new(),
            references: BTreeMap::new(),
        }
    }

    /// Another name, with the same opening record.
    pub(crate) fn called(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// How a number comes about.
    pub(crate) fn because(&mut self, sentence: &'static str) {
        self.derivation.push(sentence);
    }

    fn domain(&self) -> SigningDomain {
        SigningDomain::new(self.opening.chain_id, self.opening.settlement)
    }

    pub(crate) fn intent(&mut self, name: &'static str, want: Want) {
        let intent: Intent = serde_json::from_value(json!({
            "owner": Address::repeat_byte(0x10 + want.owner),
            "sellToken": token(want.sell.0), "buyToken": token(want.buy.0),
            "sellAmount": want.sell.1.to_string(), "buyAmount": want.buy.1.to_string(),
            "nonce": self.intents.len().to_string(), "validTo": 1_900_000_000,
            "kind": u8::from(want.exact_out), "partiallyFillable": want.partial,
        }))
        .unwrap();
        let id = intent.id(&self.domain());
        let fundable = Amount::from(want.fundable);
        self.opening.intents.push(CutIntent { id, fundable, filled: Amount::ZERO, alone: false });
        self.opening.intents.sort_unstable_by_key(|entry| entry.id);
        self.intents.insert(name, intent);
    }

    /// A bid of solver `n` that fills intents from its filler, `(intent, sold, bought)`, and its
    /// verdict.
    pub(crate) fn bid(
        &mut self,
        name: &'static str,
        n: u8,
        fills: &[(&str, u64, u64)],
        verdict: Value,
    ) {
        self.bid_with(name, n, fills, |_| {}, verdict);
    }

    pub(crate) fn bid_with(
        &mut self,
        name: &'static str,
        n: u8,
        fills: &[(&str, u64, u64)],
        change: impl FnOnce(&mut Terms),
        verdict: Value,
    ) {
        let domain = self.domain();
        let end = |name: &str| -> IntentId { self.intents[name].id(&domain) };
        let legs = fills.iter().flat_map(|(intent, sold, bought)| {
            let intent = End::Intent(end(intent));
            let leg = |from, to, amount: u64| Leg { from, to, amount: Amount::from(amount) };
            [leg(intent, End::Filler, *sold), leg(End::Filler, intent, *bought)]
        });
        let filler = Address::repeat_byte(0xf0 + n);
        let number = self.bids.len() as u64;
        let mut terms = Terms {
            auction_id: self.opening.auction_id,
            solver: solver(n),
            filler,
            gas: 300_000,
            callback_gas: 0,
            penalty: 0,
            valid_until: 1_900_000_000,
            nonce: Amount::from(number),
            salt: keccak256(name),
            client_bid_id: B256::left_padding_from(&number.to_be_bytes()),
        };
        change(&mut terms);
        let bid = Bid::new(terms, legs.collect(), Bytes::new()).unwrap();
        let known = SolverStanding { registered: true, ..SolverStanding::default() };
        self.standings.solvers.insert(solver(n), known);
        self.standings.fillers.insert(filler, solver(n));
        let at = (OPENED_AT_MS + number, 0);
        self.bids.push(Entry { name, id: bid.id(&domain), bid, at, verdict });
    }

    /// The last bid once more.
    pub(crate) fn again(&mut self, name: &'static str) {
        let last = self.bids.last().unwrap();
        let (ms, seq) = last.at;
        let verdict = json!({"verdict": "dropped", "code": "duplicate", "ms": ms, "seq": seq});
        let (bid, id, at) = (last.bid.clone(), last.id, (ms + 1, 0));
        self.bids.push(Entry { name, bid, id, at, verdict });
    }

    /// Bids arrive in another order, by name.
    pub(crate) fn arrive(&mut self, order: &[&str]) {
        self.bids.sort_by_key(|entry| order.iter().position(|name| *name == entry.name));
        for (n, entry) in (0..).zip(&mut self.bids) {
            entry.at = (OPENED_AT_MS + n, 0);
        }
    }

    pub(crate) fn total(&mut self, score: u64) {
        self.total = score;
    }

    /// The best total without a solver that won.
    pub(crate) fn reference(&mut self, n: u8, score: u64) {
        self.references.insert(solver(n), score.to_string());
    }

    /// A pair without a price, and its winners' surplus.
    pub(crate) fn pair(&mut self, sell: u8, buy: u8, surplus_in: u8, total: u64) {
        let checksummed = |n: u8| token(n).to_checksum(None);
        self.second_pass.push(json!({
            "sell": checksummed(sell), "buy": checksummed(buy),
            "token": checksummed(surplus_in), "total": total.to_string(), "gap": "0",
        }));
    }

    /// Of these solvers the one that ties favour.
    pub(crate) fn first_of(&self, solvers: &[u8]) -> u8 {
        let hash = self.opening.hash();
        let place = |n: &u8| keccak256([hash.as_bytes(), solver(*n).as_slice()].concat());
        solvers.iter().copied().min_by_key(place).unwrap()
    }

    pub(crate) fn vector(&self) -> Value {
        let bids: Vec<Value> = self
            .bids
            .iter()
            .map(|entry| {
                json!({
                    "name": entry.name, "id": entry.id, "ms": entry.at.0, "seq": entry.at.1,
                    "bid": entry.bid, "verdict": entry.verdict,
                })
            })
            .collect();
        json!({
            "name": self.name, "shows": self.shows, "derivation": self.derivation,
            "opening": self.opening, "intents": self.intents, "bids": bids,
            "standings": self.standings,
            "expected": {
                "totalScore": self.total.to_string(), "gap": "0",
                "secondPass": self.second_pass, "references": self.references,
            },
        })
    }
}

pub(crate) fn won(score: u64) -> Value {
    json!({"verdict": "won", "score": score.to_string()})
}

pub(crate) fn lost(score: u64, short_by: u64) -> Value {
    json!({"verdict": "lost", "score": score.to_string(), "short_by": short_by.to_string()})
}

/// In raw atoms of a token without which there is no score.
pub(crate) fn in_token(mut verdict: Value, n: u8) -> Value {
    verdict["token"] = json!(token(n).to_checksum(None));
    verdict
}

/// `(sold, bought)` here and by the bid that fills the intent alone.
pub(crate) fn unfair(intent: &str, here: (u64, u64), by: &str, there: (u64, u64)) -> Value {
    json!({
        "verdict": "dropped", "code": "unfair", "intent": intent, "by": by,
        "sold": here.0.to_string(), "bought": here.1.to_string(),
        "better_sold": there.0.to_string(), "better_bought": there.1.to_string(),
    })
}
