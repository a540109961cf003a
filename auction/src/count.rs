//! What a decision leaves to be counted: references (design A6) and what it meant for each intent.
//!
//! Both follow from the decision and change nothing about it, and with many bids they take longer
//! than it: so they are counted on a thread of their own once the outcome is written, and written when
//! they are there, while the next window is open. An auction is published only after that. What a
//! leader left uncounted the next one counts from the rows.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    AuctionId,
    auction::{Cut, Decision, Deliberation, ReceivedBid, Standings, insights},
};
use infra::pg::{
    self, Pool, StoreError,
    auction::{Outcome, StoredAuction},
    lease::Lease,
};
use tokio::task::JoinSet;

use crate::{
    AuctionError, Market,
    follow::aside,
    judge::{Afterthought, Rest},
    stream::Stream,
};

/// Auctions being counted at once: one that is slower than a window makes the others wait.
const AT_ONCE: usize = 4;
/// Between two attempts at writing.
const PAUSE: Duration = Duration::from_millis(200);

/// What is being counted. Dropped, nothing of it is written any more.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    tasks: JoinSet<AuctionId>,
    auctions: BTreeSet<AuctionId>,
}

/// Who writes, and where.
#[derive(Clone, Debug)]
struct Book {
    pool: Pool,
    lease: Lease,
    chain_id: u64,
}

impl Market {
    /// Counts a decision's afterthought, and has it written as soon as it is there.
    pub(crate) async fn count(&mut self, auction: AuctionId, rest: Rest) {
        while self.counting.tasks.len() >= AT_ONCE {
            self.counting.join_next().await;
        }
        self.counting.forget_done();
        let book = self.book();
        self.counting.auctions.insert(auction);
        self.counting.tasks.spawn(async move {
            if let Some(found) = rest.count().await {
                book.write_until_done(auction, &found).await;
            }
            auction
        });
    }

    /// Waits until everything is counted.
    pub(crate) async fn counted(&mut self) {
        while !self.counting.tasks.is_empty() {
            self.counting.join_next().await;
        }
    }

    /// Counts what a leader before left uncounted.
    pub(crate) async fn count_left_behind(&mut self) -> Result<(), AuctionError> {
        self.counting.forget_done();
        let chain_id = self.chain_id();
        let left = pg::auction::uncounted(&mut *self.connection().await?, chain_id).await?;
        for auction in left {
            let id = auction.opening.auction_id;
            if self.counting.auctions.contains(&id) {
                continue;
            }
            if let Some(found) = self.count_again(auction).await? {
                self.book().write(id, &found).await?;
                tracing::info!(auction = id.get(), "auction counted for a leader before");
            }
        }
        Ok(())
    }

    /// The afterthought, from the rows.
    async fn count_again(
        &self,
        auction: StoredAuction,
    ) -> Result<Option<Afterthought>, AuctionError> {
        let StoredAuction { opening, outcome, .. } = auction;
        let Some(Outcome::Decided { decision, standings, .. }) = outcome else { return Ok(None) };
        let mut conn = self.connection().await?;
        let (chain_id, id) = (self.chain_id(), opening.auction_id);
        let ids: Vec<_> = opening.intents.iter().map(|entry| entry.id).collect();
        let intents = pg::intent::get_many(&mut conn, chain_id, &ids).await?;
        let rows = pg::bid::of_auction(&mut conn, chain_id, id).await?;
        drop(conn);
        let messages = intents.into_iter().map(|row| (row.id, row.intent)).collect();
        let cut = Cut::new(opening, messages)?;
        let counted = aside(move || {
            let stream = Stream::of_rows(rows.into_iter().map(|row| row.placed));
            afterthought(&cut, &stream.received, &standings, &decision)
        });
        Ok(Some(counted.await?))
    }

    fn book(&self) -> Book {
        let (pool, lease) = (self.pool.clone(), self.lease.clone());
        Book { pool, lease, chain_id: self.chain_id() }
    }
}

/// What a decision leaves to be counted, from its record.
fn afterthought(
    cut: &Cut,
    received: &[ReceivedBid],
    standings: &Standings,
    decision: &Decision,
) -> Afterthought {
    let mut again = Deliberation::new(cut, received, standings, &decision.left_out());
    let insights = insights(cut, received, decision);
    Afterthought { insights, references: again.references(decision) }
}

impl Counting {
    async fn join_next(&mut self) {
        if let Some(Ok(auction)) = self.tasks.join_next().await {
            self.auctions.remove(&auction);
        }
    }

    fn forget_done(&mut self) {
        while let Some(done) = self.tasks.try_join_next() {
            if let Ok(auction) = done {
                self.auctions.remove(&auction);
            }
        }
        // one whose task died is taken up from its row
        if self.tasks.is_empty() {
            self.auctions.clear();
        }
    }
}

impl Book {
    async fn write_until_done(&self, auction: AuctionId, found: &Afterthought) {
        loop {
            match self.write(auction, found).await {
                Ok(()) => return,
                Err(error) if error.retryable() => {
                    tracing::warn!(auction = auction.get(), %error, "not counted yet");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(auction = auction.get(), %error, "left uncounted");
                    return;
                }
            }
        }
    }

    /// Completes the decision, and publishes it if it is settled already.
    async fn write(&self, auction: AuctionId, found: &Afterthought) -> Result<(), AuctionError> {
        let Self { pool, lease, chain_id } = self;
        let Afterthought { insights, references } = found;
        let mut tx = pool.begin().await.map_err(StoreError::from)?;
        pg::lease::fence(&mut tx, lease).await?;
        if pg::auction::count(&mut tx, *chain_id, auction, references, insights).await? {
            pg::auction::publish_if_settled(&mut tx, *chain_id, auction).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}
