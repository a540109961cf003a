//! Small markets in which every number may be absurd.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, Intent, IntentId, OpenHash,
    auction::{OpeningRecord, Params, ReceivedBid, SolverStanding, Standings},
    bid::{End, Leg, Terms},
    eip712::SigningDomain,
    event::{BlockRef, CutIntent, TokenPrice},
    intent::Kind,
};
use serde_json::json;

const SETTLEMENT: Address = Address::repeat_byte(0x5e);
const NOW_MS: u64 = 1_790_000_000_000;

/// A repeatable stream of numbers (splitmix64, Steele et al. 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Likely at an edge: of nothing, of a limb, of half a number, of all there is.
    pub(crate) fn amount(&mut self) -> Amount {
        let bit = self.of(&[0, 1, 16, 60, 63, 64, 88, 112, 127, 128, 191, 192, 193, 254, 255]);
        let edge = U256::ONE << bit;
        Amount::new(match self.below(8) {
            0 => U256::ZERO,
            1 => U256::MAX,
            2 => edge,
            3 => edge - U256::ONE,
            4 => U256::MAX - edge,
            5 => U256::from(self.below(1_000)),
            _ => U256::from_limbs([self.next(), self.next(), self.next(), self.next()]) >> bit,
        })
    }

    fn word(&mut self) -> u64 {
        self.of(&[0, 1, 2, 700, 16_000_000, u64::from(u32::MAX), u64::MAX - 1, u64::MAX])
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub(crate) opening: OpeningRecord,
    pub(crate) intents: BTreeMap<IntentId, Intent>,
    pub(crate) bids: Vec<ReceivedBid>,
    pub(crate) standings: Standings,
}

impl Market {
    pub(crate) fn domain(&self) -> SigningDomain {
        SigningDomain::new(self.opening.chain_id, SETTLEMENT)
    }

    pub(crate) fn of(seed: u64, intents: usize, bids: usize) -> Self {
        let numbers = &mut Numbers(seed);
        let mut market = Self {
            opening: opening(numbers),
            intents: BTreeMap::new(),
            bids: Vec::new(),
            standings: standings(numbers),
        };
        for nonce in 0..intents {
            market.add_intent(numbers, nonce);
        }
        market.opening.intents.sort_unstable_by_key(|entry| entry.id);
        for _ in 0..bids {
            market.add_bid(numbers);
        }
        market
    }

    fn add_intent(&mut self, numbers: &mut Numbers, nonce: usize) {
        let sell = numbers.below(4);
        let buy = (sell + 1 + numbers.below(3)) % 4;
        let real = numbers.one_in(2);
        let mut amount = || match real {
            true => Amount::from(1_000_000_000_000_000_000 + numbers.below(1_000_000_000)),
            false => numbers.amount().max(Amount::from(1u64)),
        };
        let amounts = [amount(), amount()];
        let message = json!({
            "owner": Address::repeat_byte(1 + numbers.below(3) as u8),
            "sellToken": Address::repeat_byte(0x10 + sell as u8),
            "buyToken": Address::repeat_byte(0x10 + buy as u8),
            "sellAmount": amounts[0], "buyAmount": amounts[1],
            "nonce": nonce.to_string(), "validTo": numbers.of(&[1u32, 1_900_000_000, u32::MAX]),
            "kind": numbers.below(2), "partiallyFillable": numbers.one_in(2),
        });
        let Ok(intent) = serde_json::from_value::<Intent>(message) else { return };
        let id = intent.id(&self.domain());
        let filled = if numbers.one_in(8) { numbers.amount() } else { Amount::ZERO };
        let fundable = if numbers.one_in(6) { numbers.amount() } else { Amount::MAX };
        self.intents.insert(id, intent);
        self.opening.intents.push(CutIntent { id, fundable, filled, alone: numbers.one_in(6) });
    }

    fn add_bid(&mut self, numbers: &mut Numbers) {
        if numbers.one_in(24)
            && let Some(last) = self.bids.last().cloned()
        {
            let ms = last.ms.saturating_add(numbers.below(2));
            return self.bids.push(ReceivedBid { ms, ..last });
        }
        let legs = self.legs(numbers);
        let solver = 1 + numbers.below(4) as u8;
        let mut terms = Terms {
            auction_id: self.opening.auction_id,
            solver: Address::repeat_byte(0xa0 + solver),
            filler: Address::repeat_byte(0xf0 + solver),
            gas: numbers.of(&[0, 1, 21_000, 300_000, 300_000, 300_000, 900_000, 9_000_000]),
            callback_gas: 0,
            penalty: numbers.of(&[0, 0, 5, u128::MAX]),
            valid_until: if numbers.one_in(16) { 0 } else { u32::MAX },
            nonce: Amount::from(numbers.below(24)),
            salt: B256::with_last_byte(numbers.below(256) as u8),
            client_bid_id: B256::ZERO,
        };
        if numbers.one_in(20) {
            terms.auction_id = AuctionId::new(numbers.next());
        }
        let callback = Bytes::from(vec![7; numbers.of(&[0, 0, 0, 33])]);
        let Ok(bid) = Bid::new(terms, legs, callback) else { return };
        let (ms, seq) = (NOW_MS + numbers.below(100), numbers.of(&[0, 1, u64::MAX]));
        self.bids.push(ReceivedBid { id: bid.id(&self.domain()), ms, seq, bid });
    }

    /// Fills that are often just what their intents want, with legs to the filler or to each other.
    fn legs(&self, numbers: &mut Numbers) -> Vec<Leg> {
        let all: Vec<(&IntentId, &Intent)> = self.intents.iter().collect();
        let mut legs = Vec::new();
        if all.is_empty() {
            return legs;
        }
        for _ in 0..=numbers.below(3) {
            let (id, intent) = numbers.of(&all);
            let (mut sold, mut bought) = (intent.sell_amount(), intent.buy_amount());
            if intent.partially_fillable() && numbers.one_in(2) {
                sold = Amount::new(sold.get() >> 1);
                bought = Amount::new((bought.get() >> 1) + U256::ONE);
            }
            let more = if numbers.one_in(3) { numbers.amount() } else { numbers.below(9).into() };
            match intent.kind() {
                Kind::ExactIn => bought = Amount::new(bought.get().saturating_add(more.get())),
                Kind::ExactOut => sold = sold.saturating_sub(more),
            }
            if numbers.one_in(8) {
                (sold, bought) = (numbers.amount(), numbers.amount());
            }
            let (own, other) = (End::Intent(*id), End::Intent(*numbers.of(&all).0));
            let to = if numbers.one_in(6) { other } else { End::Filler };
            legs.push(Leg { from: own, to, amount: sold });
            legs.push(Leg { from: End::Filler, to: own, amount: bought });
        }
        legs
    }
}

fn opening(numbers: &mut Numbers) -> OpeningRecord {
    // absurd ones, one at a time: two of them leave nobody
    let absurd = numbers.below(14);
    let (defaults, mut n) = (Params::default(), 0);
    let mut word = |usual: u64| {
        n += 1;
        if n == absurd { numbers.word() } else { usual }
    };
    let params = Params {
        gas_budget: word(defaults.gas_budget),
        byte_budget: word(defaults.byte_budget),
        node_budget: word(defaults.node_budget).min(domain::auction::params::MAX_NODES),
        confirmations: word(1) as u32,
        max_delay_blocks: word(20) as u32,
        surplus_cap_bps: numbers.of(&[1, 500, 10_000]),
        min_fill_bps: numbers.of(&[0, 1, 100, 10_000]),
        max_winners: numbers.of(&[1, 2, 255]),
        penalty_bps: numbers.of(&[0, 10, 10_000]),
        penalty_floor: numbers.of(&[Amount::ZERO, Amount::from(5u64), Amount::MAX]),
        native_token: numbers.of(&[Address::ZERO, Address::repeat_byte(0x11)]),
        seconds_per_block: numbers.of(&[0, 12, 3_600]),
        ..defaults
    };
    let mut prices = Vec::new();
    for n in 0..4 {
        let price = match numbers.below(6) {
            0 => continue,
            1 => numbers.amount(),
            _ => Amount::from(1_000_000_000_000_000_000 + numbers.below(1_000)),
        };
        prices.push(TokenPrice { token: Address::repeat_byte(0x10 + n), price });
    }
    OpeningRecord {
        auction_id: AuctionId::new(numbers.of(&[0, 7, u64::MAX])),
        previous: OpenHash::new(B256::ZERO),
        chain_id: numbers.of(&[1, u64::MAX]),
        settlement: SETTLEMENT,
        block: BlockRef { number: numbers.word(), hash: B256::ZERO },
        block_time_s: numbers.word(),
        opened_at_ms: NOW_MS,
        closes_at_ms: if numbers.one_in(16) { u64::MAX } else { NOW_MS + 2_000 },
        params,
        prices,
        intents: Vec::new(),
    }
}

fn standings(numbers: &mut Numbers) -> Standings {
    let gas_price = numbers.of(&[Amount::ZERO, Amount::from(1u64), Amount::MAX]);
    let mut standings = Standings { gas_price, ..Standings::default() };
    for n in 1..=4 {
        let (solver, filler) = (Address::repeat_byte(0xa0 + n), Address::repeat_byte(0xf0 + n));
        let used = if numbers.one_in(6) { Some(Amount::from(3u64)) } else { None };
        let in_flight = if numbers.one_in(6) { Some(Amount::from(2u64)) } else { None };
        let standing = SolverStanding {
            registered: !numbers.one_in(24),
            paused: numbers.one_in(24),
            bond: numbers.of(&[Amount::MAX, Amount::ZERO, Amount::from(1_000_000u64)]),
            deposit: numbers.of(&[Amount::MAX, Amount::MAX, Amount::from(1_000_000u64)]),
            used_nonces: used.into_iter().collect(),
            nonces_in_flight: in_flight
                .map(|nonce| (nonce, AuctionId::new(1)))
                .into_iter()
                .collect(),
        };
        if !numbers.one_in(24) {
            standings.solvers.insert(solver, standing);
        }
        if !numbers.one_in(24) {
            standings.fillers.insert(filler, solver);
        }
    }
    standings
}
