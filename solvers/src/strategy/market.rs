//! What an auction offers a solver.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use domain::{
    Amount, AuctionId, Intent, IntentId,
    auction::Params,
    event::AuctionOpened,
    intent::{Kind, Pair},
};

use super::MIN_FILL_BPS;
use crate::book::Book;

/// Atoms that a price is quoted for.
const PRICED_ATOMS: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// One in basis points.
const BPS: U256 = U256::from_limbs([10_000, 0, 0, 0]);

/// An intent of an auction, with what can be moved for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: IntentId,
    /// What was signed.
    pub intent: Intent,
    /// What is left of its exact side.
    pub left: Amount,
    /// What its owner can pay of the sell token.
    pub fundable: Amount,
    /// Whether a bid that fills it may fill no intent of another owner.
    pub alone: bool,
}

impl Candidate {
    /// The pair it trades.
    #[must_use]
    pub const fn pair(&self) -> Pair {
        self.intent.pair()
    }

    /// The least fill of the exact side; the most is [`Self::left`].
    #[must_use]
    pub fn least(&self) -> Amount {
        let whole = self.intent.exact_amount();
        if !self.intent.partially_fillable() {
            return whole;
        }
        let share = whole.mul_div_ceil(U256::from(MIN_FILL_BPS), BPS);
        share.unwrap_or(whole).min(self.left)
    }

    /// Whether the signed limit allows to sell `sold` for `bought`, as the contract checks it.
    #[must_use]
    pub fn allows(&self, sold: Amount, bought: Amount) -> bool {
        let (sell, buy) = (self.intent.sell_amount(), self.intent.buy_amount());
        sold.cmp_products(buy, sell, bought).is_le()
    }

    /// The most that may be sold for `bought`; `None` beyond 2^256 - 1.
    #[must_use]
    pub fn most_sold(&self, bought: Amount) -> Option<Amount> {
        let (sell, buy) = (self.intent.sell_amount(), self.intent.buy_amount());
        bought.mul_div_floor(sell.get(), buy.get())
    }

    /// The least that must be bought for `sold`; `None` beyond 2^256 - 1.
    #[must_use]
    pub fn least_bought(&self, sold: Amount) -> Option<Amount> {
        let (sell, buy) = (self.intent.sell_amount(), self.intent.buy_amount());
        sold.mul_div_ceil(buy.get(), sell.get())
    }
}

/// The intents of one auction that are known, and its reference prices.
#[derive(Clone, Debug)]
pub struct Market {
    /// The auction.
    pub auction_id: AuctionId,
    /// What can be bid on, by id.
    pub candidates: Vec<Candidate>,
    prices: BTreeMap<Address, U256>,
    /// The auction's own prices, and the rules' numbers: what bids must be good for is counted in them.
    reference: BTreeMap<Address, U256>,
    params: Params,
}

impl Market {
    /// What `auction` offers to somebody who knows `book`. Intents the book has not heard of, or
    /// of which nothing can be moved, are left out.
    #[must_use]
    pub fn of(book: &Book, auction: &AuctionOpened) -> Self {
        let candidate = |cut: &domain::event::CutIntent| {
            let intent = &book.intents().get(&cut.id)?.intent;
            let left = intent.exact_amount().saturating_sub(cut.filled);
            let movable = !left.is_zero() && !cut.fundable.is_zero();
            let domain::event::CutIntent { id, fundable, alone, .. } = *cut;
            movable.then(|| Candidate { id, intent: intent.clone(), left, fundable, alone })
        };
        let mut market = Self::new(
            auction.auction_id,
            auction.intents.iter().filter_map(candidate).collect(),
            auction.prices.iter().map(|entry| (entry.token, entry.price)).collect(),
        );
        market.params = auction.params;
        market
    }

    /// A market of its parts. Prices are numéraire atoms per 10^18 atoms.
    #[must_use]
    pub fn new(
        auction_id: AuctionId,
        candidates: Vec<Candidate>,
        prices: BTreeMap<Address, Amount>,
    ) -> Self {
        let (params, none) = (Params::default(), BTreeMap::new());
        let mut market =
            Self { auction_id, candidates, prices: none.clone(), reference: none, params };
        market.reprice(prices);
        market.reference = market.prices.clone();
        market
    }

    /// Puts prices of one's own over the reference prices. A price of zero, or so large that
    /// products with it could overflow, takes the token out of the market.
    pub fn reprice(&mut self, prices: impl IntoIterator<Item = (Address, Amount)>) {
        for (token, price) in prices {
            let price = price.get();
            if price.is_zero() || price.bit_len() > 192 {
                self.prices.remove(&token);
            } else {
                self.prices.insert(token, price);
            }
        }
    }

    /// What a bid must owe if it fails by its solver's fault and its intents sell these amounts, in wei.
    #[must_use]
    pub fn least_penalty(&self, sold: impl Iterator<Item = (Address, Amount)>) -> Amount {
        let price = |token: Address| self.reference.get(&token).copied();
        let sold = sold.map(|(token, amount)| (price(token), amount));
        self.params.least_penalty(self.params.native(price), sold)
    }

    /// A token's price; it has at most 192 bits and is not zero.
    #[must_use]
    pub fn price(&self, token: Address) -> Option<U256> {
        self.prices.get(&token).copied()
    }

    /// What an amount of a token is worth, in numéraire atoms, rounded down.
    #[must_use]
    pub fn value(&self, token: Address, amount: Amount) -> Option<Amount> {
        amount.mul_div_floor(self.price(token)?, PRICED_ATOMS)
    }

    /// What a fill is worth to the owner beyond the signed limit, in numéraire atoms; zero where
    /// it cannot be told.
    #[must_use]
    pub fn surplus(&self, candidate: &Candidate, sold: Amount, bought: Amount) -> Amount {
        let pair = candidate.intent.pair();
        let (token, surplus) = match candidate.intent.kind() {
            Kind::ExactIn => {
                let least = candidate.least_bought(sold).unwrap_or(Amount::MAX);
                (pair.buy, bought.saturating_sub(least))
            }
            Kind::ExactOut => {
                let most = candidate.most_sold(bought).unwrap_or(Amount::ZERO);
                (pair.sell, most.saturating_sub(sold))
            }
        };
        self.value(token, surplus).unwrap_or(Amount::ZERO)
    }
}
