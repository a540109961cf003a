//! Which open intents enter an auction, and why the others do not: pure.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use domain::{
    Amount, Intent, IntentId,
    auction::{Params, params::BPS},
    event::CutIntent,
    intent::Kind,
};
use infra::{chain::Funds, pg::intent::StoredIntent};
use serde::Serialize;

/// An open intent and what its owner could pay at the block that was read.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) stored: StoredIntent,
    pub(crate) funds: Funds,
}

/// What owners are about to pay in batches under way, by (owner, token).
pub(crate) type InFlight = BTreeMap<(Address, Address), Amount>;

/// Why an open intent is left out. JSON: `{"reason": "balance_short", …numbers}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub(crate) enum LeftOut {
    /// `validTo` does not cover the slowest settlement.
    ExpiresTooSoon { valid_to: u32, needed: u64 },
    /// The nonce is used or invalidated on chain.
    NonceUsed,
    /// The chain says that nothing is left to fill.
    NothingLeft,
    /// The owner holds too little.
    BalanceShort { balance: Amount, needed: Amount },
    /// The owner has allowed the contract too little.
    AllowanceShort { allowance: Amount, needed: Amount },
    /// What the owner holds is about to be paid by a batch under way.
    InFlight { in_flight: Amount, needed: Amount },
}

impl LeftOut {
    /// The stable code, as in JSON.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ExpiresTooSoon { .. } => "expires_too_soon",
            Self::NonceUsed => "nonce_used",
            Self::NothingLeft => "nothing_left",
            Self::BalanceShort { .. } => "balance_short",
            Self::AllowanceShort { .. } => "allowance_short",
            Self::InFlight { .. } => "in_flight",
        }
    }
}

/// The outcome of a selection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// In order of arrival.
    pub(crate) chosen: Vec<CutIntent>,
    pub(crate) left_out: Vec<(IntentId, LeftOut)>,
}

/// Chooses at most `params.max_intents` of the candidates, which come in order of arrival.
pub(crate) fn select<'a>(
    candidates: impl IntoIterator<Item = &'a Candidate>,
    in_flight: &InFlight,
    params: &Params,
    closes_at_ms: u64,
) -> Selection {
    let mut selection = Selection::default();
    for candidate in candidates {
        let id = candidate.stored.id;
        match admit(candidate, in_flight, params, closes_at_ms) {
            Ok(entry) if selection.chosen.len() < params.max_intents as usize => {
                selection.chosen.push(entry);
            }
            // its turn comes when those before it are gone
            Ok(_) => {}
            Err(reason) => selection.left_out.push((id, reason)),
        }
    }
    selection
}

fn admit(
    candidate: &Candidate,
    in_flight: &InFlight,
    params: &Params,
    closes_at_ms: u64,
) -> Result<CutIntent, LeftOut> {
    let Candidate { stored, funds } = candidate;
    let intent = &stored.intent;
    if !params.admits(intent, closes_at_ms) {
        let needed = params.latest_settlement_s(closes_at_ms);
        return Err(LeftOut::ExpiresTooSoon { valid_to: intent.valid_to(), needed });
    }
    if funds.nonce_used {
        return Err(LeftOut::NonceUsed);
    }
    let filled = stored.filled.max(funds.filled);
    let needed = least_payment(intent, filled, params).ok_or(LeftOut::NothingLeft)?;
    if funds.balance < needed {
        return Err(LeftOut::BalanceShort { balance: funds.balance, needed });
    }
    if funds.allowance < needed {
        return Err(LeftOut::AllowanceShort { allowance: funds.allowance, needed });
    }
    let account = (intent.owner(), intent.pair().sell);
    let in_flight = in_flight.get(&account).copied().unwrap_or(Amount::ZERO);
    let fundable = funds.balance.min(funds.allowance).saturating_sub(in_flight);
    if fundable < needed {
        return Err(LeftOut::InFlight { in_flight, needed });
    }
    // who is to be filled alone is asked where the cut is written
    Ok(CutIntent { id: stored.id, fundable, filled, alone: false })
}

/// The least that any fill makes the owner pay; `None` if nothing is left to fill. What an
/// exact-out intent pays depends on the price, so one atom is all that is known.
fn least_payment(intent: &Intent, filled: Amount, params: &Params) -> Option<Amount> {
    let exact = intent.exact_amount();
    let left = exact.checked_sub(filled).filter(|left| !left.is_zero())?;
    Some(match (intent.kind(), intent.partially_fillable()) {
        (Kind::ExactOut, _) => Amount::from(1_u64),
        (Kind::ExactIn, false) => left,
        (Kind::ExactIn, true) => {
            let share = U256::from(params.min_fill_bps);
            let part = exact.mul_div_ceil(share, U256::from(BPS)).unwrap_or(left);
            part.max(Amount::from(1_u64)).min(left)
        }
    })
}

/// Adds what `fills` are about to take from each (owner, token).
pub(crate) fn add_fills<'a>(
    in_flight: &mut InFlight,
    fills: impl IntoIterator<Item = (&'a Intent, Amount)>,
) {
    for (intent, sold) in fills {
        let total = in_flight.entry((intent.owner(), intent.pair().sell)).or_default();
        *total = total.checked_add(sold).unwrap_or(Amount::MAX);
    }
}

#[cfg(test)]
mod tests;
