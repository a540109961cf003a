//! Giving a node the bytes that are written down. A reveal is given to the private node alone, as
//! long as that has a chance; then the same bytes to the public one.

use infra::pg::settlement::{self as store, Attempt, AttemptStatus, Route, TxKind};

use crate::{error::SettlementError, node::Sent, worker::Worker};

impl Worker {
    /// To whom a new transaction of this kind is about to be given, the head being `head`.
    pub(crate) const fn route(&self, kind: TxKind, head: u64) -> Route {
        match kind {
            TxKind::Reveal if self.node.has_relay() => {
                Route { private_block: Some(head), public_block: None }
            }
            TxKind::Commit | TxKind::Reveal => {
                Route { private_block: None, public_block: Some(head) }
            }
        }
    }

    /// Whether only the private node is given it yet. Half of a commitment's age at most: the
    /// public node must have its chance.
    fn keeps_private(&self, route: Route, head: u64) -> bool {
        let patience = self.settings.private_blocks.min(self.max_delay / 2);
        let long = |since: u64| head >= since.saturating_add(patience);
        route.public_block.is_none() && route.private_block.is_some_and(|since| !long(since))
    }

    /// Gives a node the bytes that are written down. What the node says of the transaction's
    /// fate is taken note of, never believed: fates come from receipts.
    pub(crate) async fn broadcast(
        &self,
        attempt: &Attempt,
        head: u64,
    ) -> Result<(), SettlementError> {
        if self.keeps_private(attempt.route, head)
            && let Some(answer) = self.node.send_privately(&attempt.raw).await
        {
            match answer {
                Ok(Sent::Accepted | Sent::Known) => return self.was_taken(attempt).await,
                Ok(Sent::NonceTooLow) => return self.nonce_too_low(attempt).await,
                Ok(answer @ (Sent::Underpriced | Sent::NoFunds)) => {
                    tracing::warn!(tx = %attempt.hash, ?answer, "the private node refuses");
                }
                Err(error) => {
                    tracing::warn!(tx = %attempt.hash, %error, "the private node fails");
                }
            }
            metrics::counter!("gavel_settlement_private_failures_total").increment(1);
        }
        if attempt.route.public_block.is_none() {
            let mut conn = self.pool.acquire().await?;
            store::go_public(&mut conn, attempt.id, head).await?;
            tracing::info!(tx = %attempt.hash, head, "the reveal goes to the public node");
        }
        match self.node.send(&attempt.raw).await? {
            Sent::Accepted | Sent::Known => self.was_taken(attempt).await,
            Sent::NonceTooLow => self.nonce_too_low(attempt).await,
            Sent::Underpriced => {
                tracing::warn!(tx = %attempt.hash, "the node wants a higher offer");
                Ok(())
            }
            Sent::NoFunds => Err(SettlementError::OutOfFunds(attempt.settler)),
        }
    }

    async fn was_taken(&self, attempt: &Attempt) -> Result<(), SettlementError> {
        if attempt.status == AttemptStatus::Written {
            let mut conn = self.pool.acquire().await?;
            store::mark_broadcast(&mut conn, attempt.id).await?;
        }
        Ok(())
    }

    /// Mined meanwhile, or the ledger is behind the chain; the next look tells.
    async fn nonce_too_low(&self, attempt: &Attempt) -> Result<(), SettlementError> {
        let used = self.node.nonce(attempt.settler).await?;
        let mut conn = self.pool.acquire().await?;
        let chain_id = self.node.domain().chain_id();
        store::raise_nonce(&mut conn, chain_id, attempt.settler, used).await?;
        Ok(())
    }
}
