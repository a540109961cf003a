//! The auction's own rules as the judge of plans, and random markets for them to be made in.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, Intent, OpenHash,
    auction::{Cut, DropReason, OpeningRecord, Params, SolverStanding, Standings, check},
    bid::Terms,
    eip712::SigningDomain,
    event::{BlockRef, CutIntent, TokenPrice},
    intent::Kind,
};
use proptest::prelude::*;
use serde_json::json;

use super::{Candidate, Market, Plan};

pub(super) const TOKENS: usize = 4;
const SOLVER: Address = Address::repeat_byte(0x51);
const FILLER: Address = Address::repeat_byte(0xf1);

pub(super) fn token(n: usize) -> Address {
    Address::repeat_byte(0xa0 + u8::try_from(n).unwrap())
}

/// An intent as a test describes it.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    pub(super) owner: u8,
    pub(super) sell: usize,
    pub(super) buy: usize,
    pub(super) sell_amount: u128,
    pub(super) buy_amount: u128,
    pub(super) kind: Kind,
    pub(super) partial: bool,
    pub(super) filled: u128,
    pub(super) alone: bool,
}

impl Sketch {
    /// Whole and exact-in.
    pub(super) fn new(sell: usize, sell_amount: u128, buy: usize, buy_amount: u128) -> Self {
        let (kind, partial, filled, alone) = (Kind::ExactIn, false, 0, false);
        Self { owner: 1, sell, buy, sell_amount, buy_amount, kind, partial, filled, alone }
    }

    pub(super) fn exact_out(self) -> Self {
        Self { kind: Kind::ExactOut, ..self }
    }

    pub(super) fn partial(self) -> Self {
        Self { partial: true, ..self }
    }

    /// Of an owner who may only be filled alone.
    pub(super) fn alone(self, owner: u8) -> Self {
        Self { owner, alone: true, ..self }
    }

    fn intent(&self, nonce: usize) -> Intent {
        let message = json!({
            "owner": Address::repeat_byte(self.owner),
            "sellToken": token(self.sell), "buyToken": token(self.buy),
            "sellAmount": self.sell_amount.to_string(), "buyAmount": self.buy_amount.to_string(),
            "nonce": nonce.to_string(), "validTo": 4_000_000_000u32,
            "kind": u8::from(self.kind), "partiallyFillable": self.partial,
        });
        serde_json::from_value(message).unwrap()
    }
}

/// An auction, and what a solver sees of it.
pub(super) struct Court {
    pub(super) market: Market,
    cut: Cut,
}

impl Court {
    /// `prices[n]` is that of token n; `funds` what each owner has of each token.
    pub(super) fn new(sketches: &[Sketch], prices: &[u128], funds: u128) -> Self {
        let domain = SigningDomain::new(1, Address::repeat_byte(9));
        let mut intents = BTreeMap::new();
        let mut entries = BTreeMap::new();
        for (nonce, sketch) in sketches.iter().enumerate() {
            let intent = sketch.intent(nonce);
            let id = intent.id(&domain);
            let filled = if sketch.partial { sketch.filled } else { 0 };
            let [fundable, filled] = [funds, filled].map(|n| Amount::new(U256::from(n)));
            entries.insert(id, CutIntent { id, fundable, filled, alone: sketch.alone });
            intents.insert(id, intent);
        }
        let price = |(n, price): (usize, &u128)| TokenPrice {
            token: token(n),
            price: Amount::new(U256::from(*price)),
        };
        let opening = OpeningRecord {
            auction_id: AuctionId::new(1),
            previous: OpenHash::new(B256::ZERO),
            chain_id: 1,
            settlement: Address::repeat_byte(9),
            block: BlockRef { number: 1, hash: B256::ZERO },
            block_time_s: 1_000_000_000,
            opened_at_ms: 1_000_000_000_000,
            closes_at_ms: 1_000_000_002_000,
            params: Params::default(),
            prices: prices.iter().enumerate().map(price).collect(),
            intents: entries.values().copied().collect(),
        };
        let candidates = entries.values().filter_map(|entry| {
            let intent = intents[&entry.id].clone();
            let left = intent.exact_amount().saturating_sub(entry.filled);
            let CutIntent { id, fundable, alone, .. } = *entry;
            (!left.is_zero()).then_some(Candidate { id, intent, left, fundable, alone })
        });
        let market_prices = opening.prices.iter().map(|p| (p.token, p.price)).collect();
        let market = Market::new(opening.auction_id, candidates.collect(), market_prices);
        Self { market, cut: Cut::new(opening, intents).unwrap() }
    }

    /// What the auction would say to a bid of this plan.
    pub(super) fn judge(&self, plan: &Plan) -> Result<Amount, Box<DropReason>> {
        let terms = Terms {
            auction_id: self.market.auction_id,
            solver: SOLVER,
            filler: FILLER,
            gas: 1_000_000,
            callback_gas: 0,
            penalty: 0,
            valid_until: u32::MAX,
            nonce: Amount::from(1u64),
            salt: B256::ZERO,
            client_bid_id: B256::ZERO,
        };
        let bid = Bid::new(terms, plan.legs.clone(), Bytes::new()).expect("a well-formed bid");
        let touched: Vec<_> = bid.fills().iter().map(|fill| fill.intent).collect();
        assert_eq!(touched, plan.intents, "a plan names the intents its legs touch");
        let standing = SolverStanding { registered: true, ..SolverStanding::default() };
        let standings = Standings {
            block: None,
            gas_price: Amount::ZERO,
            solvers: [(SOLVER, standing)].into(),
            fillers: [(FILLER, SOLVER)].into(),
        };
        check(&self.cut, &bid, &standings).map_err(Box::new)
    }
}

/// Intents whose limits lie around reference prices, of all kinds and many sizes, between few
/// tokens (crowded pairs) or all.
pub(super) fn sketches() -> impl Strategy<Value = (Vec<Sketch>, Vec<u128>)> {
    prop_oneof![sketches_among(2), sketches_among(TOKENS)]
}

fn sketches_among(tokens: usize) -> impl Strategy<Value = (Vec<Sketch>, Vec<u128>)> {
    let prices = prop::collection::vec(1u128..2_000, tokens)
        .prop_map(|prices| prices.into_iter().map(|p| p * 10u128.pow(15)).collect::<Vec<_>>());
    prices.prop_flat_map(move |prices| {
        let sketch = (
            (1u8..5, 0..tokens, 1..tokens),
            prop_oneof![
                1u128..50,
                1_000_000u128..2_000_000,
                1_000_000_000_000_000_000u128..u128::from(u64::MAX)
            ],
            800u128..1_050,
            any::<(bool, bool)>(),
            0u128..900,
            prop::bool::weighted(0.2),
        );
        let of = prices.clone();
        let sketch =
            sketch.prop_map(move |((owner, sell, step), amount, limit, flags, filled, alone)| {
                let buy = (sell + step) % tokens;
                let buy_amount = (amount * of[sell] / of[buy] * limit / 1_000).max(1);
                let kind = if flags.0 { Kind::ExactIn } else { Kind::ExactOut };
                let exact = if flags.0 { amount } else { buy_amount };
                let filled = exact * filled / 1_000;
                Sketch {
                    owner,
                    sell,
                    buy,
                    sell_amount: amount,
                    buy_amount,
                    kind,
                    partial: flags.1,
                    filled,
                    alone,
                }
            });
        (prop::collection::vec(sketch, 1..14), Just(prices))
    })
}
