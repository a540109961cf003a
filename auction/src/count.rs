//! What a decision leaves to be counted: references (design A6) and what it meant for each intent.
//!
//! Both follow from the decision and change nothing about it, and with many bids they take longer
//! than it: so they are counted on a thread of their own once the outcome is written, and written
//! when they are there, while the next windows are open. An auction is published only after that.
//!
//! The loop never waits for any of it. What is not counted, because its task died, because too much
//! was waiting, or because a leader before went, is taken up again from its rows; one auction that
//! cannot be counted holds up nothing but its own publication.

mod hands;

use std::{sync::Arc, time::Duration};

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

use self::hands::{Claim, Hands};
use crate::{
    AuctionError, Market,
    follow::aside,
    judge::{Afterthought, Rest},
    stream::Stream,
};

/// Decisions kept ready to be counted: what comes on top is counted from its rows later.
const MOST_WAITING: usize = 16;
/// A market that is never idle looks for what is left uncounted after so many windows.
const LOOK_EVERY: u32 = 16;
/// Attempts at writing, and the pause between two of them.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// What is being counted. Dropped, nothing of it is written any more.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    tasks: JoinSet<()>,
    hands: Arc<Hands>,
    windows: u32,
}

/// Who reads and writes, and where.
#[derive(Clone, Debug)]
struct Book {
    pool: Pool,
    lease: Lease,
    chain_id: u64,
}

impl Market {
    /// Has a decision's afterthought counted, and written as soon as it is there.
    pub(crate) fn count(&mut self, auction: AuctionId, rest: Rest) {
        self.counting.forget_done();
        if self.counting.tasks.len() >= MOST_WAITING {
            tracing::warn!(auction = auction.get(), "too much waits to be counted, later");
            return;
        }
        // what is left behind is being taken up, and this with it
        let Some(claim) = self.counting.hands.claim(auction) else { return };
        let book = self.book();
        self.counting.tasks.spawn(async move {
            let Some(_permit) = claim.permit().await else { return };
            match rest.count().await {
                Some(found) => book.settle(claim, Ok(found)).await,
                None => book.settle(claim, Err(AuctionError::Lost)).await,
            }
        });
    }

    /// Another window is over.
    pub(crate) fn window_over(&mut self) {
        self.counting.windows = self.counting.windows.wrapping_add(1);
        if self.counting.windows.is_multiple_of(LOOK_EVERY) {
            self.count_left_behind();
        }
    }

    /// Has counted what nobody counts: what a leader before left, or a task that died.
    pub(crate) fn count_left_behind(&mut self) {
        self.counting.forget_done();
        if self.counting.tasks.len() >= MOST_WAITING {
            return;
        }
        let (book, hands) = (self.book(), Arc::clone(&self.counting.hands));
        self.counting.tasks.spawn(async move {
            let left = match book.uncounted().await {
                Ok(left) => left,
                Err(error) => {
                    tracing::warn!(%error, "no look at what is uncounted");
                    return;
                }
            };
            let claims = left.into_iter().filter_map(|auction| hands.claim(auction));
            let mut tasks: JoinSet<()> =
                claims.map(|claim| book.clone().count_again(claim)).collect();
            while tasks.join_next().await.is_some() {}
        });
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
    fn forget_done(&mut self) {
        while self.tasks.try_join_next().is_some() {}
    }
}

impl Book {
    async fn uncounted(&self) -> Result<Vec<AuctionId>, AuctionError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        Ok(pg::auction::uncounted(&mut conn, self.chain_id).await?)
    }

    async fn count_again(self, claim: Claim) {
        let Some(_permit) = claim.permit().await else { return };
        let found = self.found_again(claim.auction()).await;
        self.settle(claim, found).await;
    }

    /// The afterthought, from the rows.
    async fn found_again(&self, id: AuctionId) -> Result<Afterthought, AuctionError> {
        let mut conn = self.pool.acquire().await.map_err(StoreError::from)?;
        let stored = pg::auction::get(&mut conn, self.chain_id, id).await?;
        let Some(StoredAuction { opening, outcome, .. }) = stored else {
            return Err(AuctionError::Moved);
        };
        let Some(Outcome::Decided { decision, standings, .. }) = outcome else {
            return Err(AuctionError::Moved);
        };
        let ids: Vec<_> = opening.intents.iter().map(|entry| entry.id).collect();
        let intents = pg::intent::get_many(&mut conn, self.chain_id, &ids).await?;
        let rows = pg::bid::of_auction(&mut conn, self.chain_id, id).await?;
        drop(conn);
        let messages = intents.into_iter().map(|row| (row.id, row.intent)).collect();
        let cut = Cut::new(opening, messages)?;
        aside(move || {
            let stream = Stream::of_rows(rows.into_iter().map(|row| row.placed));
            afterthought(&cut, &stream.received, &standings, &decision)
        })
        .await
    }

    /// Writes what was found. What fails is left for later.
    async fn settle(&self, claim: Claim, found: Result<Afterthought, AuctionError>) {
        let auction = claim.auction().get();
        let written = match found {
            Ok(found) => self.write_in_time(claim.auction(), &found).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => claim.done(),
            Err(error) if error.fenced() => tracing::debug!(auction, "another process counts"),
            Err(error) => {
                metrics::counter!("gavel_auction_counting_failures_total").increment(1);
                tracing::warn!(auction, %error, "left uncounted for now");
            }
        }
    }

    /// An outage that lasts is waited for without a permit, and without what was found.
    async fn write_in_time(
        &self,
        auction: AuctionId,
        found: &Afterthought,
    ) -> Result<(), AuctionError> {
        for _ in 1..TRIES {
            match self.write(auction, found).await {
                Err(error) if error.retryable() => {
                    tracing::debug!(auction = auction.get(), %error, "not counted yet");
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
        self.write(auction, found).await
    }

    /// Completes the decision, and publishes it if it is settled already.
    async fn write(&self, auction: AuctionId, found: &Afterthought) -> Result<(), AuctionError> {
        let Self { pool, lease, chain_id } = self;
        let Afterthought { insights, references } = found;
        let mut tx = pg::begin(pool).await?;
        pg::lease::fence(&mut tx, lease).await?;
        if pg::auction::count(&mut tx, *chain_id, auction, references, insights).await? {
            pg::auction::publish_if_settled(&mut tx, *chain_id, auction).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}
