//! Who gets what of a penalty (design C8): the owners of the bid's intents, in the basis points that
//! the batch lists. The batch's commitment binds them and an audit counts them again.

use alloy_primitives::U256;

use super::{
    Cut,
    check::{Entry, Table},
    params::{BPS, PRICED_ATOMS},
};
use crate::{
    Amount, Bid,
    batch::{BatchBid, SignedBid},
    bid::Fill,
};

/// Counts the shares of an auction's bids.
#[derive(Debug)]
pub struct Shares<'a> {
    table: Table<'a>,
    floor: Amount,
}

impl<'a> Shares<'a> {
    /// For the bids of one auction.
    #[must_use]
    pub fn of(cut: &'a Cut) -> Self {
        Self { table: Table::of(cut), floor: cut.params().penalty_floor }
    }

    /// The share of each of the bid's intents, by id, in basis points of its penalty; none if it has
    /// no penalty. An owner gets no more than the surplus it was to have and the floor; where all of
    /// them together would get more than there is, it is divided in that proportion. What is left is burned.
    #[must_use]
    pub fn of_bid(&self, bid: &Bid) -> Vec<u16> {
        let penalty = U256::from(bid.terms().penalty);
        if penalty.is_zero() {
            return Vec::new();
        }
        let due: Vec<U256> = bid.fills().iter().map(|fill| self.due(fill)).collect();
        let total = due.iter().fold(U256::ZERO, |sum, due| sum.saturating_add(*due));
        let whole = penalty.max(total);
        let share = |due: &U256| {
            let share = Amount::new(*due).mul_div_floor(U256::from(BPS), whole);
            share.and_then(|share| u16::try_from(share.get()).ok()).unwrap_or_default()
        };
        due.iter().map(share).collect()
    }

    /// A bid as it stands in a batch.
    #[must_use]
    pub fn in_batch(&self, signed: &SignedBid) -> BatchBid {
        BatchBid { shares: self.of_bid(&signed.bid), signed: signed.clone() }
    }

    /// What an owner may get at most, in wei.
    fn due(&self, fill: &Fill) -> U256 {
        let entry = self.table.find(fill.intent).map(|number| self.table.entry(number));
        let surplus = entry.map_or(U256::ZERO, |entry| self.surplus(entry, fill));
        self.floor.get().saturating_add(surplus)
    }

    /// The fill's counted surplus (A1), in wei; nothing where it has no price.
    fn surplus(&self, entry: &Entry<'_>, fill: &Fill) -> U256 {
        let score = self.table.pair(entry.pair).scale.as_ref().ok();
        let score = score.and_then(|scale| scale.score(entry, fill).ok());
        let wei = score.zip(self.table.native).and_then(|(score, price)| {
            Amount::new(U256::from(score)).mul_div_floor(PRICED_ATOMS, price)
        });
        wei.unwrap_or_default().get()
    }
}
