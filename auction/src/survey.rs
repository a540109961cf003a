//! The look at the book before a cut: everything that needs the network, outside any transaction.

use std::collections::BTreeSet;

use domain::{IntentId, auction::Params, event::BlockRef};
use infra::{
    chain::FundQuery,
    pg::{self, intent::StoredIntent},
};
use sqlx::PgConnection;

use crate::{
    AuctionError, Market,
    select::{self, Candidate, InFlight, Selection},
};

/// How many pages of an auction's size the book is searched for intents that can be cut. Bounded,
/// so that a flood of intents without funds costs a known amount of work.
const DEPTH: u32 = 4;

/// What the book and the chain said at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) block: BlockRef,
    pub(crate) block_time_s: u64,
    /// In order of arrival, those that had their turn last behind the others.
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) in_flight: InFlight,
    /// The arrival number after which the next look begins, so that a flood of intents, without
    /// funds or at limits nobody meets, does not hide those behind it for ever: after the last one
    /// chosen where an auction is full, 0, the oldest, where the look came to the book's end.
    pub(crate) resume: i64,
}

impl Survey {
    /// What of it would enter an auction that closes at `closes_at_ms`, without `gone`.
    pub(crate) fn select(
        &self,
        gone: &BTreeSet<IntentId>,
        extra: &InFlight,
        params: &Params,
        closes_at_ms: u64,
    ) -> Selection {
        let mut in_flight = self.in_flight.clone();
        for (account, amount) in extra {
            let total = in_flight.entry(*account).or_default();
            *total = total.checked_add(*amount).unwrap_or(domain::Amount::MAX);
        }
        let candidates = self.candidates.iter().filter(|found| !gone.contains(&found.stored.id));
        select::select(candidates, &in_flight, params, closes_at_ms)
    }

    fn arrival_of_last(&self, selection: &Selection) -> i64 {
        let last = selection.chosen.last().map(|entry| entry.id);
        let mut found = self.candidates.iter().filter(|found| Some(found.stored.id) == last);
        found.next().map_or(0, |found| found.stored.arrival)
    }
}

impl Market {
    /// Reads the book and what its owners could pay. `held` are the intents of the auction under
    /// way, which come back unless they win. `None` if there is nothing to look at.
    pub(crate) async fn survey(
        &self,
        held: impl Iterator<Item = StoredIntent>,
    ) -> Result<Option<Survey>, AuctionError> {
        // before the block: a fill counted twice for a moment is a missed chance, a fill not
        // counted at all would let one balance stand behind two batches
        let mut conn = self.connection().await?;
        let in_flight = pg::auction::in_flight(&mut conn, self.chain_id()).await?;
        let mut page = self.page(&mut conn, self.scan_from).await?;
        drop(conn);
        let mut after = page.last().map(|stored| stored.arrival);
        page.extend(held);
        if page.is_empty() && self.scan_from == 0 {
            return Ok(None);
        }
        let about_ms = self.queue.time_ms().await? + self.window_ms();
        let head = self.chain.block_latest().await?;
        let mut survey = Survey {
            block: head.at,
            block_time_s: head.timestamp,
            candidates: Vec::with_capacity(page.len()),
            in_flight,
            resume: 0,
        };
        for depth in 1..=DEPTH {
            let queries: Vec<FundQuery> = page.iter().map(query).collect();
            let funds = self.chain.fundable(&queries, survey.block.hash.into()).await?;
            let found = page.into_iter().zip(funds);
            survey.candidates.extend(found.map(|(stored, funds)| Candidate { stored, funds }));
            let Some(arrival) = after else { break };
            let found = survey.select(&BTreeSet::new(), &InFlight::new(), &self.params, about_ms);
            if found.chosen.len() >= self.params.max_intents as usize {
                survey.resume = survey.arrival_of_last(&found);
                break;
            }
            if depth == DEPTH {
                survey.resume = arrival;
                break;
            }
            page = self.page(&mut *self.connection().await?, arrival).await?;
            after = page.last().map(|stored| stored.arrival);
        }
        let turn = |arrival: i64| (arrival <= self.scan_from, arrival);
        survey.candidates.sort_unstable_by_key(|found| turn(found.stored.arrival));
        Ok(Some(survey))
    }

    /// The next open intents by arrival. Those that end too soon are found too, to be told so.
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: i64,
    ) -> Result<Vec<StoredIntent>, AuctionError> {
        let limit = self.params.max_intents;
        Ok(pg::intent::candidates(conn, self.chain_id(), 0, after, limit).await?)
    }
}

/// What is asked about an intent's owner: the same for a cut and for a second attempt.
pub(crate) fn query(stored: &StoredIntent) -> FundQuery {
    FundQuery {
        id: stored.id,
        owner: stored.intent.owner(),
        token: stored.intent.pair().sell,
        nonce: stored.intent.nonce(),
    }
}
