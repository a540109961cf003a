//! What is done while no window is open.

use std::collections::{BTreeMap, BTreeSet};

use domain::IntentId;
use infra::pg::{self, Hold, StoreError};

use crate::{AuctionError, Market, Step, select::LeftOut};

/// Intents ended by one sweep.
const SWEEP: u32 = 1_000;

impl Market {
    /// With no auction under way: ends what is due, and opens a window if there is anything to
    /// cut, so that no empty auction is ever written.
    pub(crate) async fn begin(&mut self) -> Result<Step, AuctionError> {
        self.sweep().await?;
        let Some(survey) = self.survey(std::iter::empty()).await? else {
            self.noted.clear();
            return Ok(Step::Idle);
        };
        self.scan_from = survey.resume;
        let last = pg::auction::last(&mut *self.connection().await?, self.chain_id()).await?;
        let planned = self.plan(last, &survey, &BTreeSet::new(), &BTreeMap::new()).await?;
        let planned = match planned {
            Ok(planned) => planned,
            Err(selection) => return self.idle(&selection.left_out).await,
        };
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, self.chain_id(), Hold::Exclusive).await?;
        let opened = self.cut(&mut tx, &planned, BTreeSet::new()).await?;
        self.note_left_out(&mut tx, &planned.selection.left_out).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.remember_left_out(&planned.selection.left_out);
        Ok(self.take_up(opened).map_or(Step::Idle, Step::Opened))
    }

    /// Ends the open intents whose `validTo` has passed.
    pub(crate) async fn sweep(&self) -> Result<(), AuctionError> {
        let now_s = self.queue.time_ms().await? / 1_000;
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        let ended = pg::intent::expire_due(&mut tx, self.chain_id(), now_s, SWEEP).await?;
        tx.commit().await.map_err(StoreError::from)?;
        if !ended.is_empty() {
            tracing::info!(intents = ended.len(), "intents expired");
        }
        Ok(())
    }

    /// Nothing can be cut: the intents that are there learn why, once.
    async fn idle(&mut self, left_out: &[(IntentId, LeftOut)]) -> Result<Step, AuctionError> {
        if left_out.iter().all(|(id, why)| self.noted.get(id) == Some(&why.code())) {
            return Ok(Step::Idle);
        }
        let mut tx = pg::begin(&self.pool).await?;
        pg::lease::fence(&mut tx, &self.lease).await?;
        self.note_left_out(&mut tx, left_out).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.remember_left_out(left_out);
        Ok(Step::Idle)
    }
}
