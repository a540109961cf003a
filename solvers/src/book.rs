//! What a solver knows of the market: the stream, folded.

use std::collections::BTreeMap;

use domain::{
    Amount, AuctionId, Intent, IntentId,
    event::{AuctionOpened, Event, IntentOpened},
};

use crate::{client::StreamItem, wire::Snapshot};

/// An intent that may be bid on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookIntent {
    /// What was signed.
    pub intent: Intent,
    /// What was filled when it was opened, in the unit of the exact side.
    pub filled: Amount,
}

/// Open intents and the auction that takes bids, as far as the stream has told.
///
/// An intent that won stays until it is filled, expired or cancelled: it may come back, and what
/// is to be bid on is what [`AuctionOpened`] lists. Applying an event twice changes nothing: the
/// events after a snapshot may repeat what it showed.
#[derive(Clone, Debug, Default)]
pub struct Book {
    intents: BTreeMap<IntentId, BookIntent>,
    auction: Option<AuctionOpened>,
    complete: bool,
}

impl Book {
    /// Takes in what the stream says. Items must come in order, as an
    /// [`EventSource`](crate::client::EventSource) yields them.
    pub fn apply(&mut self, item: &StreamItem) {
        match item {
            StreamItem::Snapshot(part) => self.load(part),
            StreamItem::Event(event) => self.happen(&event.event),
            StreamItem::Resync(_) => *self = Self::default(),
            StreamItem::Hello(_) | StreamItem::Heartbeat(_) => {}
        }
    }

    /// Whether a whole snapshot was read: before that, intents may be unknown.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// The intents known to be alive, by id.
    #[must_use]
    pub const fn intents(&self) -> &BTreeMap<IntentId, BookIntent> {
        &self.intents
    }

    /// The auction that takes bids now.
    #[must_use]
    pub const fn auction(&self) -> Option<&AuctionOpened> {
        self.auction.as_ref()
    }

    fn load(&mut self, part: &Snapshot) {
        if part.part == 0 {
            *self = Self::default();
        }
        for opened in &part.intents {
            self.open(opened);
        }
        if part.last {
            self.auction.clone_from(&part.auction);
            self.complete = true;
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::IntentOpened(opened) => self.open(opened),
            Event::IntentCancelled(gone) | Event::IntentExpired(gone) => {
                self.intents.remove(&gone.id);
            }
            // a part that is left comes back with `intent.opened`, which tells what is filled
            Event::IntentFilled(fill) => {
                if fill.complete {
                    self.intents.remove(&fill.id);
                }
            }
            Event::AuctionOpened(opened) => self.announce(opened),
            Event::AuctionClosed(closed) => self.close(closed.auction_id),
            Event::AuctionDecided(decided) => self.close(decided.auction_id),
            Event::AuctionVoid(void) => self.close(void.auction_id),
            Event::AuctionPublished(_)
            | Event::SettlementCommitted(_)
            | Event::SettlementRevealed(_)
            | Event::SettlementReorged(_)
            | Event::SettlementExpired(_)
            | Event::IntentFillFailed(_)
            | Event::SolverPenalty(_) => {}
        }
    }

    fn open(&mut self, opened: &IntentOpened) {
        let known = BookIntent { intent: opened.intent.clone(), filled: opened.filled };
        self.intents.insert(opened.id, known);
    }

    /// A snapshot may be newer than the first events after it, which then tell of the past.
    fn announce(&mut self, opened: &AuctionOpened) {
        let newer = self.auction.as_ref().is_none_or(|open| open.auction_id < opened.auction_id);
        if newer {
            self.auction = Some(opened.clone());
        }
    }

    fn close(&mut self, auction: AuctionId) {
        if self.auction.as_ref().is_some_and(|open| open.auction_id == auction) {
            self.auction = None;
        }
    }
}

#[cfg(test)]
mod tests;
