//! Looking: the row and its transactions from the database, then the chain. The order matters:
//! the head and the nonce are read before the receipts, so whatever they prove to have happened
//! has its receipt by then.

use std::time::{Duration, Instant};

use alloy::primitives::Log;
use domain::status::SettlementStatus;
use infra::pg::settlement::{
    self as store, Attempt, Commitment, Inclusion, RowLease, SettlementRow, TxKind,
};

use crate::{
    decide::{Facts, Sight},
    error::SettlementError,
    node::Head,
    tx,
    view::{Scene, Shown, View, is_elsewhere},
    worker::Worker,
};

/// A transaction of ours that is in a block and did its work.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) attempt: Attempt,
    pub(crate) inclusion: Inclusion,
    /// Its place in the block.
    pub(crate) index: u64,
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
}

impl Worker {
    /// Renews the lease and looks.
    pub(crate) async fn observe(&self, lease: RowLease) -> Result<Picture, SettlementError> {
        let (stored, head) =
            tokio::try_join!(self.load(lease), async { Ok(self.node.head().await?) })?;
        let read_at = Instant::now();
        let chain_nonce = match stored.commitments.last() {
            None => 0,
            Some(commitment) => self.node.nonce(commitment.settler).await?,
        };
        let shown = self.shown(&stored).await?;
        let scene = Scene {
            settlement: self.node.settlement(),
            settings: self.settings,
            max_delay: self.max_delay,
            head,
            chain_nonce,
        };
        let View { mut facts, commit, reveal } = scene.view(&stored, &shown);
        self.look_closer(&stored, &mut facts).await?;
        let Stored { row, commitments, attempts } = stored;
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

    /// What is asked only where much depends on it: before something is written off, the lane is
    /// read. A node that is behind has no receipt of what it has mined, and a second reveal would be
    /// refused for what the first one did.
    async fn look_closer(&self, stored: &Stored, facts: &mut Facts) -> Result<(), SettlementError> {
        use SettlementStatus as S;
        let Some(current) = stored.commitments.last() else { return Ok(()) };
        match stored.row.status {
            S::Planned | S::CommitSent if matches!(facts.commit, Sight::Lost | Sight::Reverted) => {
                let slot = self.node.lane(current.settler, current.lane).await?;
                if slot.holds(current.commitment) && !facts.late {
                    facts.commit = self.contradicted("commit", stored.row.id);
                }
            }
            S::CommitSent if facts.commit == (Sight::Pending { stuck: true }) => {
                facts.dry = self.is_dry(stored, current).await?;
            }
            S::Committed | S::RevealSent
                if current.public
                    && (facts.outlived
                        || matches!(facts.reveal, Sight::Lost | Sight::Reverted)) =>
            {
                let slot = self.node.lane(current.settler, current.lane).await?;
                if slot.consumed(current.commitment) && facts.reveal != Sight::Mined {
                    facts.reveal = self.contradicted("reveal", stored.row.id);
                } else if facts.reveal == Sight::Reverted {
                    facts.refused = self.node.refuses(current, &stored.row.batch).await?;
                }
            }
            S::Planned | S::CommitSent | S::Committed | S::RevealSent => {}
            S::Revealed | S::Final | S::Expired | S::Failed => {}
        }
        Ok(())
    }

    /// The lane shows what the receipts do not: it is waited for them.
    fn contradicted(&self, what: &'static str, settlement: i64) -> Sight {
        metrics::counter!("gavel_settlement_contradictions_total", "what" => what).increment(1);
        tracing::warn!(settlement, what, "the lane shows what no receipt shows");
        Sight::Shallow
    }

    /// Whether the settler cannot pay for the commit that it signed, and there are others.
    async fn is_dry(&self, stored: &Stored, current: &Commitment) -> Result<bool, SettlementError> {
        let Some(last) = stored.attempts.last() else { return Ok(false) };
        if self.settlers.len() < 2 || last.commitment_id != current.id {
            return Ok(false);
        }
        let (fees, call) = tx::read(&last.raw)?;
        Ok(self.node.balance(last.settler).await? < fees.of(call.gas_limit))
    }

    async fn load(&self, lease: RowLease) -> Result<Stored, SettlementError> {
        let mut conn = self.pool.acquire().await?;
        let row = store::hold(&mut conn, lease, self.settings.lease).await?;
        let commitments = store::commitments(&mut conn, lease.id).await?;
        let attempts = match commitments.is_empty() {
            true => Vec::new(),
            false => store::attempts(&mut conn, lease.id).await?,
        };
        Ok(Stored { row, commitments, attempts })
    }

    /// Receipts of what may still matter: commits of the current commitment, every reveal. Where
    /// they take something back, the recorded block is looked at as well.
    async fn shown(&self, stored: &Stored) -> Result<Shown, SettlementError> {
        let current = stored.commitments.last().map(|commitment| commitment.id);
        let mut shown = Shown::default();
        for attempt in &stored.attempts {
            let matters = match attempt.kind {
                TxKind::Commit => Some(attempt.commitment_id) == current,
                TxKind::Reveal => true,
            };
            if !matters {
                continue;
            }
            if let Some(receipt) = self.node.receipt(attempt.hash).await? {
                shown.receipts.insert(attempt.id, receipt);
            }
            if is_elsewhere(attempt, &shown.receipts)
                && let Some(block) = attempt.block
                && self.node.is_canonical(block).await?
            {
                self.contradicted("receipt", stored.row.id);
                shown.contradicted.insert(attempt.id);
            }
        }
        Ok(shown)
    }
}
