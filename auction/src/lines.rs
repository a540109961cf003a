//! What an auction writes into the histories of its intents: pure.
//!
//! Before the last reveal nothing of a bid's contents is public, so a decision with winners says
//! no more than who won; prices follow when the auction is published.

use std::collections::BTreeMap;

use domain::{AuctionId, BidId, IntentId, auction::OpeningRecord, bid::Fill};
use infra::pg::{settlement::PlannedBid, timeline::Entry};
use serde_json::json;

/// Every intent of a cut learns of its auction.
pub(crate) fn cut(opening: &OpeningRecord) -> Vec<Entry> {
    let entry = |cut: &domain::event::CutIntent| Entry {
        intent: cut.id,
        kind: "cut",
        detail: json!({
            "auction_id": opening.auction_id,
            "fundable": cut.fundable,
            "filled": cut.filled,
            "alone": cut.alone,
            "closes_at_ms": opening.closes_at_ms,
        }),
    };
    opening.intents.iter().map(entry).collect()
}

/// Every intent of a decided auction with winners learns whether it is in one.
pub(crate) fn decided(
    auction: AuctionId,
    winners: &[PlannedBid],
    intents: impl Iterator<Item = IntentId>,
) -> Vec<Entry> {
    let won = won(winners);
    intents
        .map(|intent| match won.get(&intent) {
            Some(bid) => {
                let detail = json!({ "auction_id": auction, "bid": bid });
                Entry { intent, kind: "won", detail }
            }
            None => Entry { intent, kind: "not_won", detail: json!({ "auction_id": auction }) },
        })
        .collect()
}

/// Every intent of a void auction learns why it comes back.
pub(crate) fn void(
    auction: AuctionId,
    reason: &str,
    intents: impl Iterator<Item = IntentId>,
) -> Vec<Entry> {
    let detail = json!({ "auction_id": auction, "reason": reason });
    intents.map(|intent| Entry { intent, kind: "auction_void", detail: detail.clone() }).collect()
}

/// The winner that fills each intent first.
pub(crate) fn won(winners: &[PlannedBid]) -> BTreeMap<IntentId, BidId> {
    let mut won = BTreeMap::new();
    for winner in winners {
        for Fill { intent, .. } in &winner.fills {
            won.entry(*intent).or_insert(winner.bid);
        }
    }
    won
}
