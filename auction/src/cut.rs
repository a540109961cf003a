//! Opening an auction: the queue first, which fixes the window, then rows and event in one
//! transaction.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AuctionId, IntentId, OpenHash,
    auction::{Cut, OpeningRecord},
    event::{AuctionOpened, Event, TokenPrice},
    price::Moment,
};
use infra::{
    pg::{self, auction::Closing, intent::StoredIntent},
    redis::Window,
};
use sqlx::PgConnection;

use crate::{
    AuctionError, Market, lines,
    select::{InFlight, LeftOut, Selection},
    survey::Survey,
};

/// An auction whose window is open, or which is not decided yet.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) cut: std::sync::Arc<Cut>,
    /// The cut's intents as they are stored, signatures included.
    pub(crate) intents: BTreeMap<IntentId, StoredIntent>,
    /// What it received, once that is announced.
    pub(crate) closing: Option<Closing>,
}

impl Opened {
    pub(crate) fn id(&self) -> AuctionId {
        self.cut.opening().auction_id
    }
}

/// An auction whose queue is open and whose rows are to be written.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    auction: AuctionId,
    previous: OpenHash,
    window: Window,
    survey: &'a Survey,
    prices: Vec<TokenPrice>,
    pub(crate) selection: Selection,
}

impl Planned<'_> {
    pub(crate) const fn auction(&self) -> AuctionId {
        self.auction
    }

    /// The intents that are to be cut.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = IntentId> {
        self.selection.chosen.iter().map(|entry| entry.id)
    }
}

impl Market {
    /// Opens the next auction's queue, if anything of `survey` would enter it. `gone` is what the
    /// transaction to come takes out of the book, `extra` what it puts in flight.
    pub(crate) async fn plan<'a>(
        &mut self,
        last: Option<(AuctionId, OpenHash)>,
        survey: &'a Survey,
        gone: &BTreeSet<IntentId>,
        extra: &InFlight,
    ) -> Result<Result<Planned<'a>, Selection>, AuctionError> {
        let window_ms = self.next_window_ms().await?;
        let about = self.queue.time_ms().await? + window_ms;
        let preview = survey.select(gone, extra, &self.params, about);
        if preview.chosen.is_empty() {
            return Ok(Err(preview));
        }
        let first = (AuctionId::new(1), OpenHash::new(Default::default()));
        let (auction, previous) = last.map_or(first, |(id, hash)| (id.next(), hash));
        let window = self.queue.open(auction, window_ms, self.lease.token).await?;
        let selection = survey.select(gone, extra, &self.params, window.closes_at_ms);
        let moment = Moment { now_ms: window.opened_at_ms, block_time_s: survey.block_time_s };
        let prices = self.desk.prices(auction, moment);
        Ok(Ok(Planned { auction, previous, window, survey, prices, selection }))
    }

    /// Writes the planned auction with exactly those intents that are still open under the lock,
    /// which the transaction must hold; `moved` are in it already. `None` if none is.
    pub(crate) async fn cut(
        &self,
        tx: &mut PgConnection,
        planned: &Planned<'_>,
        moved: BTreeSet<IntentId>,
    ) -> Result<Option<Opened>, AuctionError> {
        let chain_id = self.chain_id();
        let mut marked = moved;
        let wanted: Vec<IntentId> = planned.wanted().filter(|id| !marked.contains(id)).collect();
        marked.extend(pg::intent::mark_cut(tx, chain_id, planned.auction, &wanted).await?);
        if marked.is_empty() {
            return Ok(None);
        }
        let struck = self.struck(tx, &marked).await?;
        let opened = self.opened(planned, &marked, &struck)?;
        let opening = opened.cut.opening();
        pg::auction::insert(tx, opening, opened.cut.open_hash()).await?;
        pg::timeline::append(tx, &lines::cut(opening)).await?;
        let event = AuctionOpened {
            auction_id: opening.auction_id,
            open_hash: opened.cut.open_hash(),
            opened_at_ms: opening.opened_at_ms,
            closes_at_ms: opening.closes_at_ms,
            block: opening.block,
            intents: opening.intents.clone(),
            prices: opening.prices.clone(),
            params: opening.params,
        };
        pg::event::append(tx, chain_id, &[Event::AuctionOpened(Box::new(event))]).await?;
        Ok(Some(opened))
    }

    /// Those of `intents` whose owners have a fresh strike. Asked in the cut's own transaction: what a
    /// reveal showed until then counts.
    async fn struck(
        &self,
        tx: &mut PgConnection,
        intents: &BTreeSet<IntentId>,
    ) -> Result<BTreeSet<IntentId>, AuctionError> {
        let intents: Vec<IntentId> = intents.iter().copied().collect();
        let fresh_s = self.config.auction.strike_s;
        Ok(pg::strike::struck(tx, self.chain_id(), &intents, fresh_s).await?)
    }

    fn opened(
        &self,
        planned: &Planned<'_>,
        marked: &BTreeSet<IntentId>,
        struck: &BTreeSet<IntentId>,
    ) -> Result<Opened, AuctionError> {
        let mut entries = planned.selection.chosen.clone();
        entries.retain(|entry| marked.contains(&entry.id));
        entries.sort_unstable_by_key(|entry| entry.id);
        for entry in &mut entries {
            entry.alone = struck.contains(&entry.id);
        }
        let opening = OpeningRecord {
            auction_id: planned.auction,
            previous: planned.previous,
            chain_id: self.chain_id(),
            settlement: self.config.chain.settlement,
            block: planned.survey.block,
            block_time_s: planned.survey.block_time_s,
            opened_at_ms: planned.window.opened_at_ms,
            closes_at_ms: planned.window.closes_at_ms,
            params: self.params,
            prices: planned.prices.clone(),
            intents: entries,
        };
        let stored = planned.survey.candidates.iter().map(|found| &found.stored);
        let intents: BTreeMap<_, _> = stored
            .filter(|stored| marked.contains(&stored.id))
            .map(|stored| (stored.id, stored.clone()))
            .collect();
        let messages = intents.iter().map(|(id, stored)| (*id, stored.intent.clone())).collect();
        Ok(Opened { cut: Cut::new(opening, messages)?.into(), intents, closing: None })
    }

    /// Tells intents why they are left out, where that is new.
    pub(crate) async fn note_left_out(
        &mut self,
        conn: &mut PgConnection,
        left_out: &[(IntentId, LeftOut)],
    ) -> Result<(), AuctionError> {
        let known = |id: &IntentId, why: &LeftOut| self.noted.get(id) == Some(&why.code());
        let news: Vec<_> = left_out
            .iter()
            .filter(|(id, why)| !known(id, why))
            .filter_map(|(id, why)| Some((*id, serde_json::to_value(why).ok()?)))
            .collect();
        pg::auction::note_left_out(conn, &news).await?;
        Ok(())
    }
}
