//! What an auction meant for one intent: for its timeline.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Cut, Decision, ReceivedBid, Ruling, check::Limit};
use crate::{Amount, BidId, Intent, IntentId, bid::Fill, event::CutIntent, intent::Kind};

/// What an auction did for one intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentInsight {
    /// The intent.
    pub intent: IntentId,
    /// Received bids that touch it, dropped ones included.
    pub bids: u32,
    /// Those of them that kept the rules.
    pub valid_bids: u32,
    /// The best price among those. It tells what a sealed bid holds, so it is not public before
    /// the auction's last reveal is mined or expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Offer>,
    /// Why it was not filled, or by whom it is.
    #[serde(flatten)]
    pub reason: InsightReason,
}

impl IntentInsight {
    /// What may be said before the last reveal: everything but prices.
    #[must_use]
    pub fn sealed(self) -> Self {
        Self { best: None, ..self }
    }
}

/// A price offered to an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// What it gives.
    pub sold: Amount,
    /// What it gets.
    pub bought: Amount,
    /// Distance from the signed limit in the surplus token: atoms bought above the least (exact-in),
    /// atoms sold below the most (exact-out).
    pub surplus: Amount,
    /// The score of the whole bid, in numéraire atoms.
    pub score: Amount,
    /// The token of the score, where the pair has no reference price: then it is in raw atoms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub token: Option<Address>,
}

/// Why an intent was filled or not. JSON: `{"reason": "no_bid"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum InsightReason {
    /// Winners fill it.
    Won {
        /// Them, in settlement order.
        winners: Vec<BidId>,
    },
    /// Nobody bid on it.
    NoBid,
    /// Its owner cannot pay for the least fill.
    Unfunded {
        /// What can be pulled of its sell token.
        fundable: Amount,
    },
    /// Every bid on it broke a rule, or was unfair to another intent that it fills too.
    AllDropped {
        /// The codes of those bids' verdicts, in stream order, each once.
        codes: Vec<String>,
    },
    /// Bids on it kept the rules, and a better set won.
    Outbid {
        /// The least that one of them was short of winning, in numéraire atoms of score.
        short_by: Amount,
        /// The token of that, where the pair has no reference price: then it is in raw atoms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        token: Option<Address>,
    },
}

/// What the auction did for every intent of the cut, by id.
#[must_use]
pub fn insights(cut: &Cut, bids: &[ReceivedBid], decision: &Decision) -> Vec<IntentInsight> {
    let ruled: BTreeMap<BidId, Ruling> =
        decision.verdicts.iter().rev().map(|verdict| (verdict.bid, verdict.ruling)).collect();
    let mut stream: Vec<&ReceivedBid> = bids.iter().collect();
    stream.sort_unstable_by_key(|bid| (bid.ms, bid.seq, bid.id));
    let mut seen = BTreeSet::new();
    stream.retain(|bid| seen.insert(bid.id));
    let mut touching = BTreeMap::<IntentId, Vec<Touch>>::new();
    for received in stream {
        let Some(ruling) = ruled.get(&received.id) else { continue };
        for fill in received.bid.fills() {
            let touch = Touch { bid: received.id, fill: *fill, ruling: *ruling };
            touching.entry(fill.intent).or_default().push(touch);
        }
    }
    let of_intent = |(id, intent): (&IntentId, &Intent)| {
        let entry = cut.opening().intent(*id)?;
        let touches = touching.get(id).map_or(&[][..], Vec::as_slice);
        Some(insight(intent, entry, touches))
    };
    cut.intents().iter().filter_map(of_intent).collect()
}

/// A bid's part in one intent.
struct Touch {
    bid: BidId,
    fill: Fill,
    ruling: Ruling,
}

fn insight(intent: &Intent, entry: &CutIntent, touches: &[Touch]) -> IntentInsight {
    let valid = || touches.iter().filter_map(|touch| Some((touch, touch.ruling.score()?)));
    let best = valid().max_by(|(a, _), (b, _)| {
        a.fill.bought.cmp_products(b.fill.sold, b.fill.bought, a.fill.sold)
    });
    let offer = |(touch, score): (&Touch, Amount)| Offer {
        sold: touch.fill.sold,
        bought: touch.fill.bought,
        surplus: Limit::of(intent).surplus(intent.kind(), &touch.fill),
        score,
        token: touch.ruling.token(),
    };
    IntentInsight {
        intent: entry.id,
        bids: touches.len() as u32,
        valid_bids: valid().count() as u32,
        best: best.map(offer),
        reason: reason(intent, entry, touches),
    }
}

fn reason(intent: &Intent, entry: &CutIntent, touches: &[Touch]) -> InsightReason {
    let mut winners = Vec::new();
    // bids that touch one intent are scored in one unit: its pair has a price for all of them or none
    let mut least_short: Option<(Amount, Option<Address>)> = None;
    let mut codes: Vec<String> = Vec::new();
    for touch in touches {
        match &touch.ruling {
            Ruling::Won { rank, .. } => winners.push((*rank, touch.bid)),
            Ruling::Lost { short_by, token, .. } => {
                let short = (*short_by, *token);
                least_short = Some(least_short.map_or(short, |least| least.min(short)));
            }
            Ruling::Dropped(reason) => {
                let code = reason.code().to_owned();
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
        }
    }
    winners.sort_unstable();
    if !winners.is_empty() {
        let winners = winners.into_iter().map(|(_, bid)| bid).collect();
        return InsightReason::Won { winners };
    }
    if let Some((short_by, token)) = least_short {
        return InsightReason::Outbid { short_by, token };
    }
    // an exact-out intent may cost less than the most it would pay, so only nothing is too little
    let needed = match intent.kind() {
        Kind::ExactIn if !intent.partially_fillable() => intent.sell_amount(),
        Kind::ExactIn | Kind::ExactOut => Amount::from(1u64),
    };
    if entry.fundable < needed {
        return InsightReason::Unfunded { fundable: entry.fundable };
    }
    if codes.is_empty() { InsightReason::NoBid } else { InsightReason::AllDropped { codes } }
}
