//! What an auction meant for one intent: for its timeline.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Cut, Decision, ReceivedBid};
use crate::{Amount, BidId, IntentId};

/// What an auction did for one intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentInsight {
    /// The intent.
    pub intent: IntentId,
    /// Received bids that touch it, dropped ones included.
    pub bids: u32,
    /// Those of them that kept the rules.
    pub valid_bids: u32,
    /// The best price a bid that kept the rules offered.
    pub best: Option<Offer>,
    /// Why it was not filled, or that it was.
    pub reason: InsightReason,
}

/// A price offered to an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// What it gives.
    pub sold: Amount,
    /// What it gets.
    pub bought: Amount,
    /// Distance from the signed limit, in the surplus token: atoms bought above the least (exact-in),
    /// atoms sold below the most (exact-out).
    pub surplus: Amount,
}

/// Why an intent was filled or not. JSON: `{"reason": "no_bid"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum InsightReason {
    /// A winner fills it.
    Won {
        /// The winner that fills it first.
        bid: BidId,
    },
    /// Nobody bid on it.
    NoBid,
    /// Every bid on it broke a rule; the code is that of the last one received.
    AllDropped {
        /// The code, as in the bid's verdict.
        code: String,
    },
    /// The set that won does not hold a bid on it.
    Outbid,
}

/// What the auction did for every intent of the cut, by id.
#[must_use]
pub fn insights(_cut: &Cut, _bids: &[ReceivedBid], _decision: &Decision) -> Vec<IntentInsight> {
    Vec::new()
}
