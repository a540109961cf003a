//! One settlement, one step: look, decide, act. Everything it knows it reads anew, so a step
//! after a crash is a step like any other.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{event::BlockRef, status::SettlementEvent};
use infra::pg::{
    Pool,
    settlement::{Commitment, RowLease},
};

use crate::{
    decide::{Action, next},
    error::SettlementError,
    key::SettlerKey,
    node::Node,
    observe::Picture,
    outcome::Expected,
    settlers::Settlers,
};

/// The numbers the worker goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Lanes each settler may use, from 0.
    pub lanes: u32,
    /// Blocks on a transaction, its own included, before it is acted upon.
    pub confirmations: u64,
    /// Blocks after which a reveal is final.
    pub finality_blocks: u64,
    /// Blocks after which a transaction that waits is replaced by a higher offer.
    pub resend_after_blocks: u64,
    /// Wei per gas that are never exceeded.
    pub max_fee: u128,
    /// Wei per gas of tip that are never exceeded.
    pub max_tip: u128,
    /// The time between two blocks, seconds, at least one.
    pub block_time_s: u64,
    /// Blocks for which a reveal is left to the private node alone.
    pub private_blocks: u64,
    /// How long an owner's strike is kept, seconds; 0 if nobody is struck.
    pub strike_s: u64,
    /// How long a row is leased.
    pub lease: Duration,
}

impl Settings {
    /// When a commit that is sent now, at `now_s` (Unix seconds), can be revealed at the earliest:
    /// it is in the next block, and the reveal in the one after its confirmations.
    #[must_use]
    pub const fn earliest_reveal_s(&self, now_s: u64) -> u64 {
        let blocks = self.confirmations.saturating_add(1);
        now_s.saturating_add(self.block_time_s.saturating_mul(blocks))
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It moved: the next step may follow at once.
    Moved,
    /// Its reveal is recorded and its lane free: only a reorg or finality can move it.
    Revealed,
    /// Nothing to do before the next block.
    Waiting,
    /// Nothing left to do, ever.
    Done,
}

/// Drives settlements with the settlers' keys. Cheap to share behind an [`Arc`].
#[derive(Debug)]
pub struct Worker {
    pub(crate) pool: Pool,
    pub(crate) node: Node,
    pub(crate) settlers: Settlers,
    pub(crate) settings: Settings,
    /// Blocks for which a commitment can be revealed, as the contract says.
    pub(crate) max_delay: u64,
    /// What others tipped when this was the newest block, wei per gas.
    pub(crate) tip: Mutex<Option<(BlockRef, u128)>>,
}

impl Worker {
    /// A worker; `max_delay` is what the contract's `MAX_DELAY` says.
    #[must_use]
    pub fn new(
        pool: Pool,
        node: Node,
        keys: Vec<Arc<dyn SettlerKey>>,
        settings: Settings,
        max_delay: u64,
    ) -> Self {
        let (settlers, tip) = (Settlers::new(keys), Mutex::new(None));
        Self { pool, node, settlers, settings, max_delay, tip }
    }

    /// Settlements that can be under way at once.
    pub(crate) fn places(&self) -> usize {
        self.settings.lanes as usize * self.settlers.len()
    }

    /// Whose logs are read for a commitment.
    pub(crate) fn expected(&self, commitment: &Commitment) -> Expected {
        Expected { settlement: self.node.settlement(), commitment: commitment.commitment }
    }

    /// Takes one step with a leased row.
    ///
    /// # Errors
    /// A [`SettlementError`]; the row is as it was. After [`SettlementError::fenced`] the lease
    /// is gone and must not be used again.
    pub async fn step(&self, lease: RowLease) -> Result<Progress, SettlementError> {
        let picture = self.observe(lease).await?;
        let action = next(picture.row.status, &picture.facts);
        tracing::debug!(
            settlement = picture.row.id,
            auction = %picture.row.auction,
            status = %picture.row.status,
            head = picture.head.block.number,
            ?action,
            "settlement step"
        );
        self.act(picture, action).await
    }

    async fn act(&self, picture: Picture, action: Action) -> Result<Progress, SettlementError> {
        match action {
            Action::Wait => return Ok(Progress::Waiting),
            Action::Done => return Ok(Progress::Done),
            Action::Commit => self.send_commit(&picture).await?,
            Action::ResumeCommit => self.resume(&picture, SettlementEvent::SendCommit).await?,
            Action::ResumeReveal => self.resume(&picture, SettlementEvent::SendReveal).await?,
            Action::SeeCommit => return self.record_commit(&picture).await,
            Action::Reveal => return self.send_reveal(&picture).await,
            Action::SeeReveal => return self.record_reveal(&picture).await,
            Action::Rebroadcast => {
                self.rebroadcast(&picture).await?;
                return Ok(Progress::Waiting);
            }
            Action::Bump => {
                self.bump(&picture).await?;
                return Ok(Progress::Waiting);
            }
            Action::ForgetCommit => self.forget_commit(&picture).await?,
            Action::ForgetReveal => self.forget_reveal(&picture).await?,
            Action::Outlive => self.outlive(&picture).await?,
            Action::GiveUp(reason) => self.give_up(&picture, reason).await?,
            Action::LetGo => self.let_go(&picture).await?,
            Action::Finalise => self.finalise(&picture).await?,
            Action::LookAway => self.look_away(&picture).await?,
        }
        Ok(Progress::Moved)
    }
}
