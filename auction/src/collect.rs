//! Closing a window and reading what came in.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    AuctionError, Market,
    cut::Opened,
    judge::{self, Case, Judgement},
    pack::signed_intent,
    standing::Bidders,
    stream::{self, VoidReason},
};
use infra::pg::{self, bid::PlacedBid};

/// What a window brought.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Every bid of the stream, in its order.
    pub(crate) bids: Vec<PlacedBid>,
    /// Those of them that have no durable row yet: an api died between queue and row.
    pub(crate) rowless: Vec<PlacedBid>,
    /// Why they cannot be vouched for, if they cannot.
    pub(crate) void: Option<VoidReason>,
}

impl Collected {
    fn void(bids: Vec<PlacedBid>, reason: VoidReason) -> Self {
        Self { bids, rowless: Vec::new(), void: Some(reason) }
    }
}

impl Market {
    /// How long until the window closes, by the clock that decides: Redis'.
    pub(crate) async fn until_close(&self, opened: &Opened) -> Result<Duration, AuctionError> {
        let closes_at_ms = opened.cut.opening().closes_at_ms;
        let now_ms = self.queue.time_ms().await?;
        Ok(Duration::from_millis(closes_at_ms.saturating_sub(now_ms)))
    }

    /// Closes the queue and compares it with the durable rows.
    pub(crate) async fn collect(&self, opened: &Opened) -> Result<Collected, AuctionError> {
        let closes_at_ms = opened.cut.opening().closes_at_ms;
        if self.queue.close(opened.id(), closes_at_ms).await?.is_none() {
            return Ok(Collected::void(Vec::new(), VoidReason::QueueLost));
        }
        let entries = self.queue.read(opened.id(), None, closes_at_ms).await?;
        let bids = match stream::placed(&opened.cut.domain(), opened.id(), &entries) {
            Ok(bids) => bids,
            Err(reason) => return Ok(Collected::void(Vec::new(), reason)),
        };
        let mut conn = self.connection().await?;
        let durable = pg::bid::places(&mut conn, self.chain_id(), opened.id()).await?;
        Ok(match stream::missing_rows(&bids, &durable) {
            Ok(rowless) => Collected { bids, rowless, void: None },
            Err(reason) => Collected::void(bids, reason),
        })
    }

    /// The bids that are in already, as far as they read: for asking about their solvers early.
    pub(crate) async fn peek(&self, opened: &Opened) -> Result<Vec<PlacedBid>, AuctionError> {
        let closes_at_ms = opened.cut.opening().closes_at_ms;
        let entries = self.queue.read(opened.id(), None, closes_at_ms).await?;
        Ok(stream::placed(&opened.cut.domain(), opened.id(), &entries).unwrap_or_default())
    }

    /// Decides, away from the runtime's threads.
    pub(crate) async fn judge(
        &self,
        opened: &Opened,
        bids: &[PlacedBid],
        bidders: Bidders,
    ) -> Result<Judgement, AuctionError> {
        let intents: BTreeMap<_, _> = opened
            .intents
            .iter()
            .filter_map(|(id, stored)| Some((*id, signed_intent(stored)?)))
            .collect();
        let case = Case {
            cut: Arc::clone(&opened.cut),
            bids: bids.to_vec(),
            bidders,
            intents,
            gone: self.gone.clone(),
        };
        let judged = tokio::task::spawn_blocking(move || judge::judge(case));
        judged.await.map_err(|_| AuctionError::Lost)?
    }
}
