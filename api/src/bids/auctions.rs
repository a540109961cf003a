//! The latest auctions, at hand: their records never change once they are open.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    AuctionId, OpenHash,
    auction::{Cut, OpeningRecord},
};
use infra::pg::{StoreError, auction, intent};
use tokio::sync::OnceCell;

use crate::{
    app::App,
    problem::{Code, Facts, Problem},
};

/// Auctions remembered. Bids come for the open one, late ones for the one before.
const KEPT: usize = 8;

/// An auction's record, and its intents once somebody needed them.
#[derive(Debug)]
pub(crate) struct Known {
    pub(super) id: AuctionId,
    pub(super) open_hash: OpenHash,
    pub(super) closes_at_ms: u64,
    opening: OpeningRecord,
    cut: OnceCell<Option<Cut>>,
}

/// A small memory of auctions.
#[derive(Debug, Default)]
pub(crate) struct Auctions(Mutex<VecDeque<Arc<Known>>>);

impl Auctions {
    /// The auction, from memory or from Postgres.
    pub(super) async fn get(&self, app: &App, id: AuctionId) -> Result<Arc<Known>, Problem> {
        if let Some(known) = self.lock().iter().find(|known| known.id == id) {
            return Ok(known.clone());
        }
        let mut conn = app.pool.acquire().await.map_err(StoreError::from)?;
        let stored = auction::get(&mut conn, app.domain.chain_id(), id).await?;
        let Some(stored) = stored else {
            let facts = Facts { auction_id: Some(id), ..Facts::default() };
            return Err(Problem::new(Code::AuctionUnknown, format!("no auction {id}")).with(facts));
        };
        let known = Arc::new(Known {
            id,
            open_hash: stored.open_hash,
            closes_at_ms: stored.opening.closes_at_ms,
            opening: stored.opening,
            cut: OnceCell::new(),
        });
        let mut kept = self.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(known.clone());
        Ok(known)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The record with its intents; `None` if they cannot be had.
    pub(super) async fn cut(&self, app: &App) -> Option<&Cut> {
        let cut = self.cut.get_or_try_init(|| self.load(app)).await;
        cut.ok().and_then(Option::as_ref)
    }

    async fn load(&self, app: &App) -> Result<Option<Cut>, StoreError> {
        let ids: Vec<_> = self.opening.intents.iter().map(|entry| entry.id).collect();
        let mut conn = app.pool.acquire().await?;
        let rows = intent::get_many(&mut conn, app.domain.chain_id(), &ids).await?;
        let intents = rows.into_iter().map(|row| (row.id, row.intent)).collect();
        let cut = Cut::new(self.opening.clone(), intents);
        Ok(cut.inspect_err(|error| tracing::warn!(%error, auction = %self.id, "no cut")).ok())
    }
}
