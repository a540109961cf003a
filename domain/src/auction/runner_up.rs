//! The runner-up (design A12): where winners failed on chain, the auction is decided once more over
//! what they left.
//!
//! The second decision is a pure function of the auction's record and of its [`Grounds`]: how each
//! winner ended, and what the chain said at one block after that of the owners and solvers
//! concerned. What the first attempt used up need not be counted: nonces, fills and balances are
//! read anew.
//!
//! It is about those intents alone that the first attempt left as they were ([`left_unfilled`]):
//! the others are in the book, or in another auction, long before. So only a bid all of whose
//! intents are among them can win, and only one that neither won nor was left out before. There
//! is no third attempt.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Cut, Decision, Params, Simulation, Standings};
use crate::{
    Bid, BidId, IntentId,
    bid::Fill,
    event::{BlockRef, CutIntent, Fault, TxRef},
};

/// Blocks after the reveal, its confirmations not counted, in which the second attempt is to be
/// decided. Past that its intents are free again, whoever was to decide it.
pub const RUNNER_UP_BLOCKS: u64 = 8;

/// How a winner ended on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// The bid.
    pub bid: BidId,
    /// Whose fault it was that it failed; absent if it settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What a second decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grounds {
    /// The reveal of the first attempt.
    pub reveal: TxRef,
    /// How its bids ended, in settlement order.
    pub endings: Vec<Ending>,
    /// The block whose state was read, and on which the winners were run.
    pub block: BlockRef,
    /// That block's timestamp, Unix seconds.
    pub block_time_s: u64,
    /// The intents that were left, by id, with what their owners could still pay and what was
    /// filled of them. Nothing can be paid for one that its owner wants back. Those of owners that
    /// were struck meanwhile are marked; what the cut marked is filled alone in any case.
    pub intents: Vec<CutIntent>,
    /// What the registry said of those who bid on them.
    pub standings: Standings,
}

impl Grounds {
    /// Whether it was decided on the state that the first attempt's reveal left, soon after it.
    #[must_use]
    pub fn in_time(&self, params: &Params) -> bool {
        let from = self.reveal.block.number;
        let blocks = u64::from(params.confirmations).saturating_add(RUNNER_UP_BLOCKS);
        (from..=from.saturating_add(blocks)).contains(&self.block.number)
    }
}

/// A second attempt, with all that it takes to decide it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerUp {
    /// What it rests on.
    pub grounds: Grounds,
    /// What running the winners found; absent if nobody won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Simulation>,
    /// A verdict for each bid that could win, in stream order, and the winners. Without references:
    /// those of the auction are its first decision's.
    pub decision: Decision,
}

/// The intents that an attempt left as they were: those of bids that failed, unless another of its
/// bids filled some of it, or one on it failed for want of an owner's funds. Which of several owners it
/// was an [`Ending`] does not say, so none of such a bid's intents is tried again.
#[must_use]
pub fn left_unfilled<'a>(
    ended: impl IntoIterator<Item = (&'a [Fill], Option<Fault>)>,
) -> BTreeSet<IntentId> {
    let (mut left, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for (fills, fault) in ended {
        let intents = fills.iter().map(|fill| fill.intent);
        match fault {
            Some(Fault::Neutral | Fault::Solver) => left.extend(intents),
            Some(Fault::Owner) | None => taken.extend(intents),
        }
    }
    &left - &taken
}

/// An auction as it is decided for the second time.
#[derive(Debug)]
pub struct Retrial {
    cut: Cut,
    /// Bids that won before, or were left out.
    spent: BTreeSet<BidId>,
}

impl Retrial {
    /// What is left of `cut` after the decision `first` ended as `grounds` say.
    #[must_use]
    pub fn new(cut: &Cut, first: &Decision, grounds: &Grounds) -> Self {
        let from_ms = grounds.block_time_s.saturating_mul(1_000);
        let spent = first.left_out().into_keys().chain(first.winners.iter().copied());
        Self { cut: cut.again(&grounds.intents, from_ms), spent: spent.collect() }
    }

    /// The intents that can still settle, under the rules, prices and hash of the auction.
    #[must_use]
    pub const fn cut(&self) -> &Cut {
        &self.cut
    }

    /// Whether a bid can win now: it did not before, nothing but the rules spoke against it, and
    /// all that it fills was left.
    #[must_use]
    pub fn admits(&self, id: BidId, bid: &Bid) -> bool {
        let left = |fill: &Fill| self.cut.intents().contains_key(&fill.intent);
        !self.spent.contains(&id) && bid.fills().iter().all(left)
    }
}
