//! Looking: the row and its transactions from the database, then the chain. The order matters:
//! the head and the nonce are read before the receipts, so whatever they prove to have happened
//! has its receipt by then.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy::primitives::Log;
use domain::status::SettlementStatus;
use infra::pg::settlement::{
    self as store, Attempt, Commitment, Inclusion, RowLease, SettlementRow, TxKind,
};

use crate::{
    decide::{Facts, Sight},
    error::SettlementError,
    node::{Head, Receipt},
    view::{Scene, View},
    worker::Worker,
};

/// A transaction of ours that is in a block and did its work.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) attempt: Attempt,
    pub(crate) inclusion: Inclusion,
    pub(crate) logs: Vec<Log>,
}

/// Everything a step needs to know.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) lease: RowLease,
    pub(crate) row: SettlementRow,
    pub(crate) head: Head,
    pub(crate) commitments: Vec<Commitment>,
    pub(crate) attempts: Vec<Attempt>,
    /// Transactions of the settler that the chain has mined.
    pub(crate) chain_nonce: u64,
    pub(crate) commit: Option<Seen>,
    /// The reveal with the commitment it revealed.
    pub(crate) reveal: Option<(Commitment, Seen)>,
    pub(crate) facts: Facts,
    /// When the row was read.
    pub(crate) read_at: Instant,
}

impl Picture {
    /// How long ago the batch was decided.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_millis(self.row.age_ms) + self.read_at.elapsed()
    }

    /// The commitment that counts.
    pub(crate) fn current(&self) -> Option<&Commitment> {
        self.commitments.last()
    }

    /// The latest transaction of one kind for the current commitment.
    pub(crate) fn latest(&self, kind: TxKind) -> Option<&Attempt> {
        let current = self.current()?.id;
        let mut latest = self.attempts.iter().rev();
        latest.find(|attempt| attempt.kind == kind && attempt.commitment_id == current)
    }
}

/// What the database holds about a settlement.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) row: SettlementRow,
    pub(crate) commitments: Vec<Commitment>,
    pub(crate) attempts: Vec<Attempt>,
    /// The last second in which any of its intents may settle.
    pub(crate) last_valid_to: u64,
}

impl Worker {
    /// Renews the lease and looks.
    pub(crate) async fn observe(&self, lease: RowLease) -> Result<Picture, SettlementError> {
        let (stored, head) =
            tokio::try_join!(self.load(lease), async { Ok(self.node.head().await?) })?;
        let read_at = Instant::now();
        let chain_nonce = match stored.attempts.last() {
            None => 0,
            Some(attempt) => self.node.nonce(attempt.settler).await?,
        };
        let receipts = self.receipts(&stored).await?;
        let scene = Scene {
            settlement: self.node.settlement(),
            settings: self.settings,
            max_delay: self.max_delay,
            head,
            chain_nonce,
        };
        let mut view = scene.view(&stored, &receipts);
        let Stored { row, commitments, attempts, .. } = stored;
        if view.facts.reveal == Sight::Reverted
            && let Some(current) = commitments.last()
        {
            view.facts.refused = self.node.refuses(current, &row.batch).await?;
        }
        let View { facts, commit, reveal } = view;
        Ok(Picture {
            lease,
            row,
            head,
            commitments,
            attempts,
            chain_nonce,
            commit,
            reveal,
            facts,
            read_at,
        })
    }

    async fn load(&self, lease: RowLease) -> Result<Stored, SettlementError> {
        let mut conn = self.pool.acquire().await?;
        let row = store::hold(&mut conn, lease, self.settings.lease).await?;
        let commitments = store::commitments(&mut conn, lease.id).await?;
        let attempts = match commitments.is_empty() {
            true => Vec::new(),
            false => store::attempts(&mut conn, lease.id).await?,
        };
        let last_valid_to = match row.status {
            SettlementStatus::Planned | SettlementStatus::CommitSent => {
                store::last_valid_to(&mut conn, &row.intents()).await?
            }
            SettlementStatus::Committed
            | SettlementStatus::RevealSent
            | SettlementStatus::Revealed
            | SettlementStatus::Final
            | SettlementStatus::Expired
            | SettlementStatus::Failed => u64::MAX,
        };
        Ok(Stored { row, commitments, attempts, last_valid_to })
    }

    /// Receipts of what may still matter: commits of the current commitment, every reveal.
    async fn receipts(&self, stored: &Stored) -> Result<BTreeMap<i64, Receipt>, SettlementError> {
        let current = stored.commitments.last().map(|commitment| commitment.id);
        let mut receipts = BTreeMap::new();
        for attempt in &stored.attempts {
            let matters = match attempt.kind {
                TxKind::Commit => Some(attempt.commitment_id) == current,
                TxKind::Reveal => true,
            };
            if matters && let Some(receipt) = self.node.receipt(attempt.hash).await? {
                receipts.insert(attempt.id, receipt);
            }
        }
        Ok(receipts)
    }
}
