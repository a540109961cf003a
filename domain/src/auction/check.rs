//! Whether one bid keeps the rules (design A2), and what it scores (A1).

use std::collections::BTreeMap;

use alloy_primitives::Address;

use super::{
    Cut, DropReason, Standings,
    load::{Load, section_bytes},
    params::BPS,
    price::one_price_per_pair,
    score::{Limit, Prices},
};
use crate::{
    Amount, Bid, Intent, IntentId,
    bid::{End, Fill},
    event::CutIntent,
};

/// The score of a bid that keeps every rule by itself, in numéraire atoms.
///
/// # Errors
/// The first rule it breaks, in a fixed order: whom it is by, when, its size, its legs, each fill
/// by intent id, what owners can pay, prices, score.
pub fn check(cut: &Cut, bid: &Bid, standings: &Standings) -> Result<Amount, DropReason> {
    Rules::new(cut, standings).score(bid).map(Amount::from)
}

/// What an owner can pay in one token: many intents may stand behind one balance.
pub(super) type Purse = (Address, Address);

/// An auction's rules, with what they look up prepared.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    cut: &'a Cut,
    standings: &'a Standings,
    prices: Prices,
    purses: BTreeMap<Purse, Amount>,
    needed_s: u64,
}

impl<'a> Rules<'a> {
    pub(super) fn new(cut: &'a Cut, standings: &'a Standings) -> Self {
        let mut purses = BTreeMap::new();
        for entry in &cut.opening().intents {
            let Some(intent) = cut.intents().get(&entry.id) else { continue };
            // all intents of a purse were read at one block: they agree, or one of them cannot be
            // filled at all and reads as zero
            let purse = purses.entry(purse_of(intent)).or_insert(Amount::ZERO);
            *purse = entry.fundable.max(*purse);
        }
        let closes_at_ms = cut.opening().closes_at_ms;
        Self {
            cut,
            standings,
            prices: Prices::of(cut.opening()),
            purses,
            needed_s: cut.params().earliest_settlement_s(closes_at_ms),
        }
    }

    /// What can be pulled from a purse.
    pub(super) fn purse(&self, purse: &Purse) -> Amount {
        self.purses.get(purse).copied().unwrap_or(Amount::ZERO)
    }

    /// An intent of this auction with its entry.
    pub(super) fn intent(&self, id: IntentId) -> Result<(&'a Intent, &'a CutIntent), DropReason> {
        let known = self.cut.intents().get(&id).zip(self.cut.opening().intent(id));
        known.ok_or(DropReason::UnknownIntent { intent: id })
    }

    /// The score of a bid that breaks no rule.
    pub(super) fn score(&self, bid: &Bid) -> Result<u128, DropReason> {
        self.by_whom(bid)?;
        self.in_time(bid)?;
        for fill in bid.fills() {
            self.intent(fill.intent)?;
        }
        self.size(bid)?;
        self.legs(bid)?;
        for fill in bid.fills() {
            self.fill(fill)?;
        }
        self.funds(bid)?;
        one_price_per_pair(bid, self.cut.intents())?;
        let mut total = 0u128;
        for fill in bid.fills() {
            let (intent, entry) = self.intent(fill.intent)?;
            total += self.prices.score(intent, entry, fill)?;
        }
        if total > super::score::MAX_SCORE { Err(DropReason::ScoreTooLarge) } else { Ok(total) }
    }

    fn by_whom(&self, bid: &Bid) -> Result<(), DropReason> {
        let terms = bid.terms();
        let (solver, filler) = (terms.solver, terms.filler);
        let auction = self.cut.opening().auction_id;
        if terms.auction_id != auction {
            return Err(DropReason::WrongAuction { signed: terms.auction_id, auction });
        }
        let standing = self.standings.solvers.get(&solver).filter(|standing| standing.registered);
        let standing = standing.ok_or(DropReason::SolverUnknown { solver })?;
        if standing.paused {
            return Err(DropReason::SolverPaused { solver });
        }
        match self.standings.fillers.get(&filler) {
            None => return Err(DropReason::FillerUnbound { filler }),
            Some(bound_to) if *bound_to != solver => {
                return Err(DropReason::FillerForeign { filler, bound_to: *bound_to });
            }
            Some(_) => {}
        }
        if standing.used_nonces.contains(&terms.nonce) {
            return Err(DropReason::NonceUsed { nonce: terms.nonce });
        }
        Ok(())
    }

    fn in_time(&self, bid: &Bid) -> Result<(), DropReason> {
        let valid_until = u64::from(bid.terms().valid_until);
        if valid_until < self.needed_s {
            return Err(DropReason::Expired { valid_until, needed: self.needed_s });
        }
        Ok(())
    }

    fn size(&self, bid: &Bid) -> Result<(), DropReason> {
        let load = self.load(bid);
        let params = self.cut.params();
        if load.gas > params.gas_budget {
            return Err(DropReason::OverGas { gas: load.gas, budget: params.gas_budget });
        }
        if load.bytes > params.byte_budget {
            return Err(DropReason::TooLong { bytes: load.bytes, budget: params.byte_budget });
        }
        Ok(())
    }

    /// What the bid takes of its batch.
    pub(super) fn load(&self, bid: &Bid) -> Load {
        Load::of(bid, section_bytes(bid, self.cut.intents()), self.cut.params())
    }

    fn legs(&self, bid: &Bid) -> Result<(), DropReason> {
        for (n, leg) in (0u32..).zip(bid.legs()) {
            let (End::Intent(from), End::Intent(to)) = (leg.from, leg.to) else { continue };
            let gives = self.intent(from)?.0.pair().sell;
            let wants = self.intent(to)?.0.pair().buy;
            if gives != wants {
                return Err(DropReason::LegMismatch { leg: n, gives, wants });
            }
        }
        Ok(())
    }

    fn fill(&self, fill: &Fill) -> Result<(), DropReason> {
        let Fill { intent: id, sold, bought } = *fill;
        let (intent, entry) = self.intent(id)?;
        if sold.is_zero() || bought.is_zero() {
            return Err(DropReason::Unbalanced { intent: id, sold, bought });
        }
        let limit = Limit::of(intent);
        if !limit.holds(fill) {
            let least = limit.least_bought(sold);
            return Err(DropReason::LimitBroken { intent: id, sold, bought, least });
        }
        let amount = exact_side(intent, fill);
        let whole = intent.exact_amount();
        if !intent.partially_fillable() {
            return if amount == whole {
                Ok(())
            } else {
                Err(DropReason::NotWhole { intent: id, amount, whole })
            };
        }
        let left = whole.saturating_sub(entry.filled);
        if amount > left {
            return Err(DropReason::OverFilled { intent: id, amount, left });
        }
        let share = Amount::from(u64::from(self.cut.params().min_fill_bps));
        let least = whole.mul_div_ceil(share.get(), Amount::from(u64::from(BPS)).get());
        let least = least.unwrap_or(whole);
        if amount < least && amount != left {
            return Err(DropReason::BelowMinFill { intent: id, amount, least, left });
        }
        Ok(())
    }

    fn funds(&self, bid: &Bid) -> Result<(), DropReason> {
        for (purse, sold) in self.payments(bid) {
            let capacity = self.purse(&purse);
            let (owner, token) = purse;
            let sold =
                sold.ok_or(DropReason::OverFunds { owner, token, sold: Amount::MAX, capacity })?;
            if sold > capacity {
                return Err(DropReason::OverFunds { owner, token, sold, capacity });
            }
        }
        for fill in bid.fills() {
            let (intent, entry) = self.intent(fill.intent)?;
            if fill.sold > entry.fundable {
                let (owner, token) = purse_of(intent);
                let (sold, capacity) = (fill.sold, entry.fundable);
                return Err(DropReason::OverFunds { owner, token, sold, capacity });
            }
        }
        Ok(())
    }

    /// What a bid takes from each purse; `None` beyond 2^256 - 1.
    pub(super) fn payments(&self, bid: &Bid) -> BTreeMap<Purse, Option<Amount>> {
        let mut payments = BTreeMap::new();
        for fill in bid.fills() {
            let Some(intent) = self.cut.intents().get(&fill.intent) else { continue };
            let sum = payments.entry(purse_of(intent)).or_insert(Some(Amount::ZERO));
            *sum = sum.and_then(|sum: Amount| sum.checked_add(fill.sold));
        }
        payments
    }
}

fn purse_of(intent: &Intent) -> Purse {
    (intent.owner(), intent.pair().sell)
}

/// How much of the intent's exact side a fill takes.
pub(super) fn exact_side(intent: &Intent, fill: &Fill) -> Amount {
    match intent.kind() {
        crate::intent::Kind::ExactIn => fill.sold,
        crate::intent::Kind::ExactOut => fill.bought,
    }
}
