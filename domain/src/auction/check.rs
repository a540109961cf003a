//! Whether one bid keeps the rules (design A2), and what it scores (A1).

mod lines;
mod load;
mod price;
mod score;
mod stake;
mod table;
mod worth;

pub(super) use self::{
    lines::Lines,
    load::Load,
    score::{Limit, ceil, floor},
    stake::Stake,
    table::{Entry, Table},
    worth::Worth,
};
use super::{Cut, DropReason, Params, SolverStanding, Standings};
use crate::{
    Amount, AuctionId, Bid, IntentId,
    bid::{End, Fill},
};
pub use score::MAX_SCORE;

/// The score of a bid that keeps every rule by itself, in numéraire atoms.
///
/// # Errors
/// The first rule it breaks, in a fixed order: whom it is by, when, its intents, its size, what it
/// is signed for, its legs, each fill by intent id, what owners can pay, prices, score, what its
/// solver has. A bid on a pair without a
/// reference price has no score in the numéraire, so it is `unpriced` here whether or not it has a
/// place in the second pass.
pub fn check(cut: &Cut, bid: &Bid, standings: &Standings) -> Result<Amount, DropReason> {
    let rules = Rules::new(cut, standings);
    let (judged, standing) = rules.judge(bid, &mut Vec::new())?;
    rules.stake(bid).covered(standing)?;
    match judged.worth {
        Worth::Priced(score) => Ok(Amount::from(score)),
        Worth::Raw { lacking, .. } => Err(DropReason::Unpriced { token: lacking }),
    }
}

/// A bid that keeps every rule by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) worth: Worth,
    pub(super) load: Load,
}

/// An auction's rules, with what they look up prepared.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) table: Table<'a>,
    pub(super) params: &'a Params,
    auction: AuctionId,
    standings: &'a Standings,
    needed_s: u64,
}

impl<'a> Rules<'a> {
    pub(super) fn new(cut: &'a Cut, standings: &'a Standings) -> Self {
        Self {
            table: Table::of(cut),
            params: cut.params(),
            auction: cut.opening().auction_id,
            standings,
            needed_s: cut.params().earliest_settlement_s(cut.opening().closes_at_ms),
        }
    }

    /// What a bid that breaks no rule is worth and takes. The numbers of its fills' intents are
    /// appended to `numbers`, and nothing if it breaks one. Whether its solver's funds cover it is left
    /// to be asked: that depends on the solver's other bids.
    pub(super) fn judge(
        &self,
        bid: &Bid,
        numbers: &mut Vec<u32>,
    ) -> Result<(Judged, &'a SolverStanding), DropReason> {
        let from = numbers.len();
        let judged = self.try_judge(bid, numbers, from);
        if judged.is_err() {
            numbers.truncate(from);
        }
        judged
    }

    fn try_judge(
        &self,
        bid: &Bid,
        numbers: &mut Vec<u32>,
        from: usize,
    ) -> Result<(Judged, &'a SolverStanding), DropReason> {
        self.in_auction(bid)?;
        let standing = self.by_whom(bid)?;
        self.in_time(bid)?;
        for fill in bid.fills() {
            let unknown = DropReason::UnknownIntent { intent: fill.intent };
            numbers.push(self.table.find(fill.intent).ok_or(unknown)?);
        }
        let lines = Lines::new(&self.table, bid, numbers.get(from..).unwrap_or_default());
        alone(lines)?;
        let load = self.size(bid, lines)?;
        stake::signed_enough(self.params, &self.table, bid, lines)?;
        self.legs(bid)?;
        for (_, entry, fill) in lines.iter() {
            keeps_its_intent(entry, fill)?;
        }
        self.funds(lines)?;
        price::one_price_per_pair(lines.iter().map(|(_, entry, fill)| (entry.pair, fill)))?;
        Ok((Judged { worth: Worth::of(&self.table, lines)?, load }, standing))
    }

    /// What a bid ties down of its solver's funds.
    pub(super) fn stake(&self, bid: &Bid) -> Stake {
        Stake::of(bid, self.standings.gas_price)
    }

    /// What the contract says of a bid's solver, if it may bid with this filler and this nonce.
    fn by_whom(&self, bid: &Bid) -> Result<&'a SolverStanding, DropReason> {
        let terms = bid.terms();
        let (solver, filler) = (terms.solver, terms.filler);
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
        if standing.has_used(terms.nonce) {
            return Err(DropReason::NonceUsed { nonce: terms.nonce });
        }
        Ok(standing)
    }

    fn in_auction(&self, bid: &Bid) -> Result<(), DropReason> {
        let (signed, auction) = (bid.terms().auction_id, self.auction);
        if signed == auction { Ok(()) } else { Err(DropReason::WrongAuction { signed, auction }) }
    }

    fn in_time(&self, bid: &Bid) -> Result<(), DropReason> {
        let valid_until = u64::from(bid.terms().valid_until);
        if valid_until < self.needed_s {
            return Err(DropReason::Expired { valid_until, needed: self.needed_s });
        }
        Ok(())
    }

    fn size(&self, bid: &Bid, lines: Lines<'_>) -> Result<Load, DropReason> {
        let load = Load::of(bid, lines.iter().map(|(_, entry, _)| entry));
        let params = self.params;
        if load.gas > params.gas_budget {
            return Err(DropReason::OverGas { gas: load.gas, budget: params.gas_budget });
        }
        if load.bytes > params.byte_budget {
            return Err(DropReason::TooLong { bytes: load.bytes, budget: params.byte_budget });
        }
        Ok(load)
    }

    fn legs(&self, bid: &Bid) -> Result<(), DropReason> {
        let entry = |id: IntentId| {
            let number = self.table.find(id).ok_or(DropReason::UnknownIntent { intent: id })?;
            Ok(self.table.entry(number))
        };
        for (n, leg) in (0u32..).zip(bid.legs()) {
            let (End::Intent(from), End::Intent(to)) = (leg.from, leg.to) else { continue };
            let gives = entry(from)?.intent.pair().sell;
            let wants = entry(to)?.intent.pair().buy;
            if gives != wants {
                return Err(DropReason::LegMismatch { leg: n, gives, wants });
            }
        }
        Ok(())
    }

    fn funds(&self, lines: Lines<'_>) -> Result<(), DropReason> {
        let over = |purse: u32, sold: Amount, capacity: Amount| {
            let purse = self.table.purse(purse);
            DropReason::OverFunds { owner: purse.owner, token: purse.token, sold, capacity }
        };
        for (purse, sold) in lines.payments() {
            let capacity = self.table.purse(purse).capacity;
            let sold = sold.ok_or_else(|| over(purse, Amount::MAX, capacity))?;
            if sold > capacity {
                return Err(over(purse, sold, capacity));
            }
        }
        for (_, entry, fill) in lines.iter() {
            if fill.sold > entry.fundable {
                return Err(over(entry.purse, fill.sold, entry.fundable));
            }
        }
        Ok(())
    }
}

/// An owner who is likely to be short again may only cost itself its fill (design C8). One marked
/// intent is enough to look at: beside it there are intents of its owner alone, or it is the one.
fn alone(lines: Lines<'_>) -> Result<(), DropReason> {
    let Some((_, marked, fill)) = lines.iter().find(|(_, entry, _)| entry.alone) else {
        return Ok(());
    };
    let owner = marked.intent.owner();
    if lines.iter().any(|(_, entry, _)| entry.intent.owner() != owner) {
        return Err(DropReason::OwnerStruck { intent: fill.intent });
    }
    Ok(())
}

/// The rules for one fill: the signed limit, and how much of the intent may be filled.
fn keeps_its_intent(entry: &Entry<'_>, fill: &Fill) -> Result<(), DropReason> {
    let Fill { intent: id, sold, bought } = *fill;
    if sold.is_zero() || bought.is_zero() {
        return Err(DropReason::Unbalanced { intent: id, sold, bought });
    }
    if !entry.limit.holds(fill) {
        let least = entry.limit.least_bought(sold);
        return Err(DropReason::LimitBroken { intent: id, sold, bought, least });
    }
    let (amount, left, least) = (entry.exact_side(fill), entry.left, entry.least);
    if !entry.intent.partially_fillable() && amount != entry.whole {
        return Err(DropReason::NotWhole { intent: id, amount, whole: entry.whole });
    }
    if amount > left {
        return Err(DropReason::OverFilled { intent: id, amount, left });
    }
    if entry.intent.partially_fillable() && amount < least && amount != left {
        return Err(DropReason::BelowMinFill { intent: id, amount, least, left });
    }
    Ok(())
}
