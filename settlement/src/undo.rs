//! Acting: what a reorg took back, and what came to nothing.

use domain::{
    IntentId,
    event::{Event, SettlementExpired, TxRef},
    status::{IntentEvent, SettlementEvent, SettlementStatus},
};
use infra::pg::{
    Tx, auction, event, intent,
    settlement::{self as store, AttemptStatus, Commitment, SettlementRow, TxKind},
    strike,
};
use serde_json::json;

use crate::{
    decide::Reason,
    error::SettlementError,
    fills,
    observe::{Picture, Seen},
    record::{note, seen_event},
    send::advance,
    worker::Worker,
};

impl Worker {
    /// The commit's block is gone, and a reveal on it with it: planned again.
    pub(crate) async fn forget_commit(&self, picture: &Picture) -> Result<(), SettlementError> {
        let mut tx = self.begin(picture).await?;
        self.take_back_runner_up(&mut tx, &picture.row).await?;
        let held = self.held(&mut tx, picture).await?;
        self.take_back_reveal(&mut tx, picture, &held).await?;
        self.take_back(&mut tx, picture, TxKind::Commit).await?;
        self.move_intents(&mut tx, picture, &held, IntentEvent::CommitReorged, None).await?;
        store::set_evidence(&mut tx, &held, None).await?;
        self.replan(tx, picture, SettlementEvent::CommitReorged).await
    }

    /// The reveal's block is gone, the commit's is not: waiting for it to be mined again.
    pub(crate) async fn forget_reveal(&self, picture: &Picture) -> Result<(), SettlementError> {
        let mut tx = self.begin(picture).await?;
        self.take_back_runner_up(&mut tx, &picture.row).await?;
        let held = self.held(&mut tx, picture).await?;
        self.take_back_reveal(&mut tx, picture, &held).await?;
        // what was kept for a second attempt is in this one's commitment again
        intent::commit_again(&mut tx, self.chain_id(), picture.row.auction, &held).await?;
        let commit = picture.commit.as_ref().map(Seen::evidence);
        store::set_evidence(&mut tx, &held, commit).await?;
        if let Some(current) = picture.current() {
            store::restore(&mut tx, current.id).await?;
        }
        self.replan(tx, picture, SettlementEvent::RevealReorged).await
    }

    /// Locks the row's intents; returns those that its auction holds and no later attempt has.
    pub(crate) async fn held(
        &self,
        tx: &mut Tx<'_>,
        picture: &Picture,
    ) -> Result<Vec<IntentId>, SettlementError> {
        let row = &picture.row;
        let mut held = store::lock_intents(tx, row.auction, &row.intents()).await?;
        let own = self.own_intents(tx, row).await?;
        held.retain(|intent| own.contains(intent));
        Ok(held)
    }

    async fn replan(
        &self,
        mut tx: Tx<'_>,
        picture: &Picture,
        event: SettlementEvent,
    ) -> Result<(), SettlementError> {
        let mut row = picture.row.clone();
        let from = advance(&mut row, event)?;
        (row.results, row.runner_up_due) = (None, false);
        store::set(&mut tx, picture.lease, from, &row).await?;
        tx.commit().await?;
        metrics::counter!("gavel_settlement_reorgs_total").increment(1);
        tracing::warn!(
            settlement = row.id, auction = %row.auction, %event, status = %row.status, "reorg"
        );
        Ok(())
    }

    async fn take_back_reveal(
        &self,
        tx: &mut Tx<'_>,
        picture: &Picture,
        held: &[IntentId],
    ) -> Result<(), SettlementError> {
        let forgiven = strike::take_back(tx, picture.row.id).await?;
        metrics::counter!("gavel_settlement_strikes_taken_back_total").increment(forgiven);
        if let Some(evidence) = self.take_back(tx, picture, TxKind::Reveal).await?
            && let Some(results) = &picture.row.results
        {
            let reveal = fills::Reveal {
                strikes: self.settings.strike_s > 0,
                chain_id: self.chain_id(),
                auction: picture.row.auction,
                evidence,
                now_s: picture.head.timestamp_s,
                held,
            };
            reveal.undo(tx, results).await?;
        }
        Ok(())
    }

    /// Takes back the recorded block of one kind of transaction, if there is one, and tells.
    async fn take_back(
        &self,
        tx: &mut Tx<'_>,
        picture: &Picture,
        kind: TxKind,
    ) -> Result<Option<TxRef>, SettlementError> {
        let mut recorded = picture.attempts.iter().filter(|attempt| attempt.kind == kind);
        let lost = recorded.find(|attempt| attempt.status == AttemptStatus::Mined);
        let Some((lost, block)) = lost.and_then(|lost| Some((lost, lost.block?))) else {
            return Ok(None);
        };
        store::include(tx, lost.id, None).await?;
        let evidence = TxRef { tx: lost.hash, block };
        let of = |commitment: &&Commitment| commitment.id == lost.commitment_id;
        if let Some(commitment) = picture.commitments.iter().find(of) {
            let told = Event::SettlementReorged(seen_event(&picture.row, commitment, evidence));
            event::append(tx, self.chain_id(), &[told]).await?;
        }
        let line = json!({
            "auction_id": picture.row.auction, "what": kind.as_str(), "tx": lost.hash, "block": block,
        });
        note(tx, &picture.row.intents(), "reorged", &line).await?;
        Ok(Some(evidence))
    }

    /// The commitment is too old to be revealed.
    pub(crate) async fn outlive(&self, picture: &Picture) -> Result<(), SettlementError> {
        self.end(picture, SettlementEvent::Outlived, Reason::CommitmentOutlived).await
    }

    /// It will never settle.
    pub(crate) async fn give_up(
        &self,
        picture: &Picture,
        reason: Reason,
    ) -> Result<(), SettlementError> {
        self.end(picture, SettlementEvent::GiveUp, reason).await
    }

    async fn end(
        &self,
        picture: &Picture,
        event: SettlementEvent,
        reason: Reason,
    ) -> Result<(), SettlementError> {
        let mut row = picture.row.clone();
        let from = advance(&mut row, event)?;
        row.reason = Some(reason.as_str().to_owned());
        row.watch_until = self.watched_until(picture);
        let chain_id = self.chain_id();
        let mut tx = self.begin(picture).await?;
        let intents = self.own_intents(&mut tx, &row).await?;
        store::retire(&mut tx, row.id).await?;
        let told = Event::SettlementExpired(SettlementExpired {
            auction_id: row.auction,
            attempt: row.attempt,
            reason: reason.as_str().to_owned(),
        });
        event::append(&mut tx, chain_id, &[told]).await?;
        let line = json!({ "auction_id": row.auction, "reason": reason.as_str() });
        note(&mut tx, &intents, "settlement_expired", &line).await?;
        let now_s = picture.head.timestamp_s;
        intent::release(&mut tx, chain_id, row.auction, &intents, now_s).await?;
        store::set(&mut tx, picture.lease, from, &row).await?;
        auction::publish_if_settled(&mut tx, chain_id, row.auction).await?;
        tx.commit().await?;
        metrics::counter!("gavel_settlement_ended_total", "reason" => reason.as_str()).increment(1);
        tracing::warn!(
            settlement = row.id, auction = %row.auction, reason = reason.as_str(),
            "settlement ended unrevealed, its intents are free"
        );
        Ok(())
    }

    /// Up to which block a reveal of an ended row may come back: until none can take it, and then
    /// for as long as blocks may be exchanged. A batch that was never public cannot come back.
    fn watched_until(&self, picture: &Picture) -> Option<u64> {
        if !picture.attempts.iter().any(|attempt| attempt.kind == TxKind::Reveal) {
            return None;
        }
        let commits = picture.attempts.iter().filter(|attempt| attempt.kind == TxKind::Commit);
        let committed = commits.filter_map(|attempt| attempt.block).map(|block| block.number).max();
        let last = committed.map_or(0, |block| block.saturating_add(self.max_delay));
        let head = picture.head.block.number;
        Some(head.max(last).saturating_add(self.settings.finality_blocks))
    }

    /// It ended long enough ago.
    pub(crate) async fn look_away(&self, picture: &Picture) -> Result<(), SettlementError> {
        let row = SettlementRow { watch_until: None, ..picture.row.clone() };
        let mut conn = self.pool.acquire().await?;
        store::set(&mut conn, picture.lease, row.status, &row).await?;
        Ok(())
    }

    /// Deep enough: nothing takes it back any more.
    pub(crate) async fn finalise(&self, picture: &Picture) -> Result<(), SettlementError> {
        let mut row = picture.row.clone();
        let from = advance(&mut row, SettlementEvent::Finalise)?;
        debug_assert_eq!(row.status, SettlementStatus::Final);
        let mut conn = self.pool.acquire().await?;
        store::set(&mut conn, picture.lease, from, &row).await?;
        tracing::debug!(settlement = row.id, auction = %row.auction, "final");
        Ok(())
    }
}
