//! What the filler owes already: bids that won and are not settled yet draw on balances the chain
//! still shows.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use domain::{Amount, AuctionId, BidId, event::Event};

use crate::client::StreamItem;

/// Undecided auctions remembered; each is decided before the next but one opens.
const UNDECIDED: usize = 8;

type Pays = BTreeMap<Address, Amount>;

#[derive(Debug)]
struct Won {
    auction: AuctionId,
    pays: Pays,
    /// After this it cannot settle any more, Unix seconds.
    until_s: u64,
    /// Settled or failed: it draws on nothing, unless its block turns out not to be canonical.
    over: bool,
}

/// Own bids that may still draw on the filler.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    proposed: BTreeMap<AuctionId, BTreeMap<BidId, (Pays, u64)>>,
    won: BTreeMap<BidId, Won>,
}

impl Ledger {
    /// Notes a bid before it is sent. It draws on nothing unless it wins.
    pub(super) fn propose(&mut self, auction: AuctionId, bid: BidId, pays: Pays, until_s: u64) {
        self.proposed.entry(auction).or_default().insert(bid, (pays, until_s));
        while self.proposed.len() > UNDECIDED {
            self.proposed.pop_first();
        }
    }

    /// Takes in what became of bids.
    pub(super) fn apply(&mut self, item: &StreamItem) {
        let StreamItem::Event(event) = item else { return };
        match &event.event {
            Event::AuctionDecided(decided) => self.decide(decided.auction_id, &decided.winners),
            Event::AuctionVoid(void) => self.decide(void.auction_id, &[]),
            Event::IntentFilled(fill) => self.end(fill.bid),
            Event::IntentFillFailed(fill) => self.end(fill.bid),
            Event::SettlementExpired(expired) => {
                self.won.retain(|_, won| won.auction != expired.auction_id);
            }
            Event::SettlementReorged(lost) => {
                let again = self.won.values_mut().filter(|won| won.auction == lost.auction_id);
                again.for_each(|won| won.over = false);
            }
            Event::IntentOpened(_)
            | Event::IntentCancelled(_)
            | Event::IntentExpired(_)
            | Event::AuctionOpened(_)
            | Event::AuctionClosed(_)
            | Event::AuctionPublished(_)
            | Event::SettlementCommitted(_)
            | Event::SettlementRevealed(_)
            | Event::SolverPenalty(_) => {}
        }
    }

    /// What of each token is spoken for at `now_s`, Unix seconds.
    pub(super) fn reserved(&mut self, now_s: u64) -> Pays {
        self.won.retain(|_, won| won.until_s >= now_s);
        let mut reserved = Pays::new();
        let due = self.won.values().filter(|won| !won.over);
        for (token, amount) in due.flat_map(|won| &won.pays) {
            let sum = reserved.entry(*token).or_default();
            *sum = sum.checked_add(*amount).unwrap_or(Amount::MAX);
        }
        reserved
    }

    fn end(&mut self, bid: BidId) {
        if let Some(won) = self.won.get_mut(&bid) {
            won.over = true;
        }
    }

    fn decide(&mut self, auction: AuctionId, winners: &[BidId]) {
        let mut proposed = self.proposed.remove(&auction).unwrap_or_default();
        for bid in winners {
            if let Some((pays, until_s)) = proposed.remove(bid) {
                tracing::info!(%auction, %bid, "won");
                self.won.insert(*bid, Won { auction, pays, until_s, over: false });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use domain::event::{
        AuctionDecided, BlockRef, IntentFilled, SettlementExpired, SettlementSeen, TxRef,
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

    fn decided(auction: u64, winners: Vec<BidId>) -> StreamItem {
        event(Event::AuctionDecided(AuctionDecided {
            auction_id: AuctionId::new(auction),
            attempt: 1,
            winners,
            total_score: Amount::ZERO,
            gap: Amount::ZERO,
        }))
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
        let expired =
            SettlementExpired { auction_id: AuctionId::new(1), attempt: 1, reason: String::new() };
        ledger.apply(&event(Event::SettlementExpired(expired)));
        assert!(ledger.reserved(50).is_empty());
    }
    #[test]
    fn a_fill_that_a_reorg_undid_draws_on_the_filler_again() {
        let evidence = TxRef { tx: B256::ZERO, block: BlockRef { number: 1, hash: B256::ZERO } };
        let mut ledger = ledger();
        ledger.apply(&decided(1, vec![bid(1)]));
        ledger.apply(&event(Event::IntentFilled(IntentFilled {
            id: domain::IntentId::new(B256::ZERO),
            auction_id: Some(AuctionId::new(1)),
            bid: bid(1),
            sold: Amount::ZERO,
            bought: Amount::ZERO,
            complete: true,
            evidence,
        })));
        assert!(ledger.reserved(50).is_empty());
        ledger.apply(&event(Event::SettlementReorged(SettlementSeen {
            auction_id: AuctionId::new(1),
            attempt: 1,
            commitment: B256::ZERO,
            evidence,
        })));
        assert_eq!(ledger.reserved(50), [(token(), Amount::from(10u64))].into());
    }
}
