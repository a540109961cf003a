//! What the filler owes already: bids that won and are not settled yet draw on balances the chain
//! still shows. A bid that lost may win yet, as the runner-up for what failed on chain, until its auction
//! is published.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use domain::{Amount, AuctionId, BidId, event::Event};

use crate::client::StreamItem;

/// Auctions remembered; with windows of a second these are some minutes, longer than one takes to be
/// published.
const AUCTIONS: usize = 256;

type Pays = BTreeMap<Address, Amount>;

#[derive(Debug)]
struct Own {
    pays: Pays,
    /// After this it cannot settle any more, Unix seconds.
    until_s: u64,
    /// The attempt that it is a winner of.
    won: Option<u8>,
    /// Settled or failed: it draws on nothing, unless its block turns out not to be canonical.
    over: bool,
}

/// Own bids that may still draw on the filler.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    auctions: BTreeMap<AuctionId, BTreeMap<BidId, Own>>,
}

impl Ledger {
    /// Notes a bid before it is sent. It draws on nothing unless it wins.
    pub(super) fn propose(&mut self, auction: AuctionId, bid: BidId, pays: Pays, until_s: u64) {
        let own = Own { pays, until_s, won: None, over: false };
        self.auctions.entry(auction).or_default().insert(bid, own);
        while self.auctions.len() > AUCTIONS {
            self.auctions.pop_first();
        }
    }

    /// Takes in what became of bids.
    pub(super) fn apply(&mut self, item: &StreamItem) {
        let StreamItem::Event(event) = item else { return };
        match &event.event {
            Event::AuctionDecided(told) => {
                self.decide(told.auction_id, told.attempt, &told.winners);
            }
            Event::AuctionVoid(void) => drop(self.auctions.remove(&void.auction_id)),
            Event::AuctionPublished(told) => self.publish(told.auction_id),
            Event::IntentFilled(fill) => self.end(fill.bid),
            Event::IntentFillFailed(fill) => self.end(fill.bid),
            // what was won is lost again; a second attempt may be decided anew
            Event::SettlementExpired(told) => {
                self.of(told.auction_id, told.attempt).for_each(|own| own.won = None);
            }
            Event::SettlementReorged(told) => {
                self.of(told.auction_id, told.attempt).for_each(|own| own.over = false);
            }
            Event::IntentOpened(_)
            | Event::IntentCancelled(_)
            | Event::IntentExpired(_)
            | Event::AuctionOpened(_)
            | Event::AuctionClosed(_)
            | Event::SettlementCommitted(_)
            | Event::SettlementRevealed(_)
            | Event::SolverPenalty(_) => {}
        }
    }

    /// What of each token is spoken for at `now_s`, Unix seconds.
    pub(super) fn reserved(&mut self, now_s: u64) -> Pays {
        self.retain(|own| own.until_s >= now_s);
        let mut reserved = Pays::new();
        let bids = self.auctions.values().flat_map(BTreeMap::values);
        let due = bids.filter(|own| own.won.is_some() && !own.over);
        for (token, amount) in due.flat_map(|own| &own.pays) {
            let sum = reserved.entry(*token).or_default();
            *sum = sum.checked_add(*amount).unwrap_or(Amount::MAX);
        }
        reserved
    }

    fn decide(&mut self, auction: AuctionId, attempt: u8, winners: &[BidId]) {
        let Some(bids) = self.auctions.get_mut(&auction) else { return };
        for bid in winners {
            if let Some(own) = bids.get_mut(bid) {
                tracing::info!(%auction, attempt, %bid, "won");
                (own.won, own.over) = (Some(attempt), false);
            }
        }
    }

    /// Who has not won does not any more. Winners stay until they lapse: a reorg can call for them.
    fn publish(&mut self, auction: AuctionId) {
        if let Some(bids) = self.auctions.get_mut(&auction) {
            bids.retain(|_, own| own.won.is_some());
        }
        self.retain(|_| true);
    }

    fn end(&mut self, bid: BidId) {
        let found = self.auctions.values_mut().find_map(|bids| bids.get_mut(&bid));
        if let Some(own) = found {
            own.over = true;
        }
    }

    /// The winners of an attempt.
    fn of(&mut self, auction: AuctionId, attempt: u8) -> impl Iterator<Item = &mut Own> {
        let bids = self.auctions.get_mut(&auction).into_iter().flat_map(BTreeMap::values_mut);
        bids.filter(move |own| own.won == Some(attempt))
    }

    /// Keeps these bids, and the auctions that have any.
    fn retain(&mut self, keep: impl Fn(&Own) -> bool) {
        self.auctions.retain(|_, bids| {
            bids.retain(|_, own| keep(own));
            !bids.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use domain::event::{
        AuctionDecided, AuctionPublished, BlockRef, IntentFilled, SettlementExpired,
        SettlementSeen, TxRef,
    };

    use super::*;
    use crate::wire::{Cursor, StreamEvent};

    fn token() -> Address {
        Address::repeat_byte(7)
    }

    fn bid(n: u8) -> BidId {
        BidId::new(B256::repeat_byte(n))
    }

    fn event(event: Event) -> StreamItem {
        let cursor = Cursor { epoch: 1, seq: 1 };
        StreamItem::Event(Box::new(StreamEvent { cursor, seq: 1, at_ms: 0, event }))
    }

    fn decided(attempt: u8, winners: Vec<BidId>) -> StreamItem {
        event(Event::AuctionDecided(AuctionDecided {
            auction_id: AuctionId::new(1),
            attempt,
            winners,
            total_score: Amount::ZERO,
            gap: Amount::ZERO,
        }))
    }

    const EVIDENCE: TxRef =
        TxRef { tx: B256::ZERO, block: BlockRef { number: 1, hash: B256::ZERO } };

    fn filled(n: u8) -> StreamItem {
        event(Event::IntentFilled(IntentFilled {
            id: domain::IntentId::new(B256::ZERO),
            auction_id: Some(AuctionId::new(1)),
            bid: bid(n),
            sold: Amount::ZERO,
            bought: Amount::ZERO,
            complete: true,
            evidence: EVIDENCE,
        }))
    }

    fn expired(attempt: u8) -> StreamItem {
        let (auction_id, reason) = (AuctionId::new(1), String::new());
        event(Event::SettlementExpired(SettlementExpired { auction_id, attempt, reason }))
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for (n, amount) in [(1, 10u64), (2, 20)] {
            let pays = [(token(), Amount::from(amount))].into();
            ledger.propose(AuctionId::new(1), bid(n), pays, 100);
        }
        ledger
    }

    #[test]
    fn only_winners_draw_on_the_filler_and_only_until_they_settle_or_cannot() {
        let mut ledger = ledger();
        assert!(ledger.reserved(50).is_empty());
        ledger.apply(&decided(1, vec![bid(2), bid(9)]));
        assert_eq!(ledger.reserved(50), [(token(), Amount::from(20u64))].into());
        assert!(ledger.reserved(101).is_empty(), "it cannot settle any more");

        let mut ledger = self::ledger();
        ledger.apply(&decided(1, vec![bid(1), bid(2)]));
        assert_eq!(ledger.reserved(50), [(token(), Amount::from(30u64))].into());
        ledger.apply(&expired(1));
        assert!(ledger.reserved(50).is_empty());
    }

    #[test]
    fn a_bid_that_lost_is_remembered_until_it_cannot_be_the_runner_up_any_more() {
        let published = |auction| {
            let auction_id = AuctionId::new(auction);
            event(Event::AuctionPublished(AuctionPublished { auction_id }))
        };
        let mut ledger = ledger();
        ledger.apply(&decided(1, vec![bid(1)]));
        ledger.apply(&filled(1));
        assert!(ledger.reserved(50).is_empty());
        ledger.apply(&decided(2, vec![bid(2)]));
        assert_eq!(ledger.reserved(50), [(token(), Amount::from(20u64))].into());
        // the reveal that it rested on is gone, comes back, and the auction is decided once more
        ledger.apply(&expired(2));
        assert!(ledger.reserved(50).is_empty());
        ledger.apply(&decided(2, vec![bid(2)]));
        assert_eq!(ledger.reserved(50), [(token(), Amount::from(20u64))].into());

        let mut ledger = self::ledger();
        ledger.apply(&decided(1, vec![bid(1)]));
        ledger.apply(&published(1));
        ledger.apply(&decided(2, vec![bid(2)]));
        assert_eq!(ledger.reserved(50), [(token(), Amount::from(10u64))].into());
        assert!(ledger.reserved(101).is_empty() && ledger.auctions.is_empty());
    }

    #[test]
    fn however_many_auctions_nobody_publishes_the_ledger_stays_small() {
        let mut ledger = Ledger::default();
        for auction in 0..2 * AUCTIONS as u64 {
            ledger.propose(AuctionId::new(auction), bid(1), Pays::new(), u64::MAX);
        }
        assert_eq!(ledger.auctions.len(), AUCTIONS);
        assert_eq!(ledger.auctions.first_key_value().unwrap().0.get(), AUCTIONS as u64);
    }

    #[test]
    fn a_fill_that_a_reorg_undid_draws_on_the_filler_again() {
        let mut ledger = ledger();
        ledger.apply(&decided(1, vec![bid(1)]));
        ledger.apply(&filled(1));
        assert!(ledger.reserved(50).is_empty());
        for (attempt, reserved) in [(2, Pays::new()), (1, [(token(), Amount::from(10u64))].into())]
        {
            ledger.apply(&event(Event::SettlementReorged(SettlementSeen {
                auction_id: AuctionId::new(1),
                attempt,
                commitment: B256::ZERO,
                evidence: EVIDENCE,
            })));
            assert_eq!(ledger.reserved(50), reserved, "attempt {attempt}");
        }
    }
}
