//! Fixing what was received, before anything of it is scored (design A8).
//!
//! Root and count are written and announced in a transaction of their own, while the decision is
//! being made: what is announced can then not depend on the decision, and whoever takes over in
//! between finds it. The outcome is written only after it. From then on the durable rows are the
//! auction's bids, all of them: those that had none yet are written in the same transaction.

use domain::event::{AuctionClosed, Event};
use infra::pg::{self, StoreError, auction::Closing};

use crate::{
    AuctionError, Market,
    collect::Collected,
    cut::Opened,
    stream::{VoidReason, missing_rows},
};

impl Market {
    /// Announces what was collected. Returns why it cannot be vouched for, if it cannot: then the
    /// announced root is over what the queue held.
    pub(crate) async fn close(
        &self,
        opened: &Opened,
        collected: &Collected,
    ) -> Result<Option<VoidReason>, AuctionError> {
        let (chain_id, auction) = (self.chain_id(), opened.id());
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        let mut void = collected.void;
        if void.is_none() {
            // after the queue was read: a row that is not in it then never will be
            let durable = pg::bid::places(&mut tx, chain_id, auction).await?;
            match missing_rows(&collected.stream.bids, &durable) {
                Ok(rowless) => pg::bid::insert(&mut tx, chain_id, &rowless).await?,
                Err(reason) => void = Some(reason),
            }
        }
        if !pg::auction::close(&mut tx, chain_id, auction, collected.closing).await? {
            return Err(AuctionError::Moved);
        }
        let Closing { bids_root, bid_count } = collected.closing;
        let closed = AuctionClosed { auction_id: auction, bid_count, bids_root };
        pg::event::append(&mut tx, chain_id, &[Event::AuctionClosed(closed)]).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(void)
    }
}
