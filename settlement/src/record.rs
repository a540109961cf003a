//! Acting: what the chain has shown becomes state, evidence, history and events, all in one
//! transaction that proves the lease first.

use domain::{
    IntentId,
    event::{Event, SettlementSeen, TxRef},
    status::{IntentEvent, SettlementEvent, SettlementStatus},
};
use infra::pg::{
    StoreError, Tx, auction, event,
    intent::{self, Change, Transition},
    settlement::{self as store, BidResult, Commitment, SettlementRow, TxKind},
    strike,
    timeline::{self, Entry},
};
use serde_json::{Value, json};

use crate::{
    error::SettlementError,
    fills,
    observe::{Picture, Seen},
    send::{advance, float},
    strike::all_short,
    worker::{Progress, Worker},
};

impl Seen {
    pub(crate) fn evidence(&self) -> TxRef {
        TxRef { tx: self.attempt.hash, block: self.inclusion.block }
    }
}

impl Worker {
    /// The commit is in a canonical block: its intents are committed.
    pub(crate) async fn record_commit(
        &self,
        picture: &Picture,
    ) -> Result<Progress, SettlementError> {
        let (Some(seen), Some(current)) = (&picture.commit, picture.current()) else {
            return Err(SettlementError::Refused(picture.row.status));
        };
        if !self.lane_shows(picture, current, seen).await? {
            return Ok(Progress::Waiting);
        }
        let mut row = picture.row.clone();
        let from = advance(&mut row, SettlementEvent::CommitMined)?;
        let evidence = seen.evidence();
        let mut tx = self.begin(picture).await?;
        let held = self.held(&mut tx, picture).await?;
        store::include(&mut tx, seen.attempt.id, Some(seen.inclusion)).await?;
        self.move_intents(&mut tx, picture, &held, IntentEvent::Commit, Some(evidence)).await?;
        let line = json!({
            "auction_id": row.auction, "attempt": row.attempt,
            "tx": evidence.tx, "block": evidence.block,
        });
        note(&mut tx, &row.intents(), "committed", &line).await?;
        let told = Event::SettlementCommitted(seen_event(&row, current, evidence));
        event::append(&mut tx, self.chain_id(), &[told]).await?;
        store::set(&mut tx, picture.lease, from, &row).await?;
        tx.commit().await?;
        metrics::histogram!("gavel_settlement_committed_seconds").record(picture.age());
        measure_gas("commit", seen);
        tracing::info!(
            settlement = row.id, auction = %row.auction, tx = %evidence.tx,
            block = evidence.block.number, "committed"
        );
        Ok(Progress::Moved)
    }

    /// The reveal is in a canonical block: every bid's fate is applied to its intents.
    pub(crate) async fn record_reveal(
        &self,
        picture: &Picture,
    ) -> Result<Progress, SettlementError> {
        let Some((commitment, seen)) = &picture.reveal else {
            return Err(SettlementError::Refused(picture.row.status));
        };
        if !self.lane_shows(picture, commitment, seen).await? {
            return Ok(Progress::Waiting);
        }
        let mut row = picture.row.clone();
        let from = catch_up(&mut row)?;
        let results = self.expected(commitment).results(&row.bids, &seen.logs)?;
        let evidence = seen.evidence();
        let mut tx = self.begin(picture).await?;
        let kept = self.kept(&mut tx, &row, &results).await?;
        let held = self.held(&mut tx, picture).await?;
        store::include(&mut tx, seen.attempt.id, Some(seen.inclusion)).await?;
        if let Some(commit) = &picture.commit {
            store::include(&mut tx, commit.attempt.id, Some(commit.inclusion)).await?;
        }
        store::close_up_to(&mut tx, row.id, seen.attempt.settler, seen.attempt.nonce).await?;
        store::retire(&mut tx, row.id).await?;
        let told = Event::SettlementRevealed(seen_event(&row, commitment, evidence));
        event::append(&mut tx, self.chain_id(), &[told]).await?;
        let scene = fills::Reveal {
            strikes: self.settings.strike_s > 0,
            chain_id: self.chain_id(),
            auction: row.auction,
            evidence,
            now_s: picture.head.timestamp_s,
            held: &held,
        };
        scene.apply(&mut tx, &row.bids, &results, &kept).await?;
        let fills = results.iter().flat_map(|result| &result.fills);
        let filled: Vec<IntentId> = fills.map(|fill| fill.intent).collect();
        store::keep_filled(&mut tx, row.auction, &filled).await?;
        let struck = self.strike(&mut tx, &row, &results).await?;
        row.runner_up_due = self.call_for_runner_up(&mut tx, picture, &kept).await?;
        let settled = results.iter().filter(|bid| bid.failure.is_none()).count();
        let bids = results.len();
        row.results = Some(results);
        (row.reason, row.watch_until) = (None, None);
        store::set(&mut tx, picture.lease, from, &row).await?;
        auction::publish_if_settled(&mut tx, self.chain_id(), row.auction).await?;
        tx.commit().await?;
        metrics::counter!("gavel_settlement_strikes_total").increment(struck);
        metrics::histogram!("gavel_settlement_revealed_seconds").record(picture.age());
        metrics::counter!("gavel_settlement_bids_settled_total").increment(settled as u64);
        metrics::counter!("gavel_settlement_bids_failed_total").increment((bids - settled) as u64);
        measure_gas("reveal", seen);
        tracing::info!(
            settlement = row.id, auction = %row.auction, tx = %evidence.tx,
            block = evidence.block.number, gas = seen.inclusion.gas_used, bids, settled, "revealed"
        );
        Ok(Progress::Revealed)
    }

    /// Strikes the owners whose fault it was that bids failed; returns how many.
    async fn strike(
        &self,
        tx: &mut Tx<'_>,
        row: &SettlementRow,
        results: &[BidResult],
    ) -> Result<u64, StoreError> {
        let short = all_short(&row.bids, results);
        let kept_s = self.settings.strike_s;
        if short.is_empty() || kept_s == 0 {
            return Ok(0);
        }
        strike::write(tx, self.chain_id(), row.id, &short, kept_s).await
    }

    /// Whether the chain agrees with a receipt: its block is canonical, and after it the lane holds
    /// the commitment since that block (a commit) or holds it no more (a reveal). A receipt is only
    /// what a node says; two questions more make it evidence.
    async fn lane_shows(
        &self,
        picture: &Picture,
        commitment: &Commitment,
        seen: &Seen,
    ) -> Result<bool, SettlementError> {
        let block = seen.inclusion.block;
        let (canonical, slot) = tokio::try_join!(
            self.node.is_canonical(block),
            self.node.lane_after(commitment.settler, commitment.lane, block.hash),
        )?;
        if !canonical {
            return Ok(false);
        }
        let shows = slot.is_none_or(|slot| match seen.attempt.kind {
            TxKind::Commit => {
                slot.holds(commitment.commitment) && slot.committed_at == Some(block.number)
            }
            TxKind::Reveal => slot.consumed(commitment.commitment),
        });
        if !shows {
            metrics::counter!("gavel_settlement_contradictions_total", "what" => "lane")
                .increment(1);
            tracing::error!(
                settlement = picture.row.id, tx = %seen.attempt.hash, block = block.number,
                "the node shows a receipt whose effect it does not show"
            );
        }
        Ok(shows)
    }

    /// Begins a transaction on behalf of the row.
    pub(crate) async fn begin(&self, picture: &Picture) -> Result<Tx<'static>, SettlementError> {
        let mut tx = infra::pg::begin(&self.pool).await?;
        store::fence(&mut tx, picture.lease).await?;
        Ok(tx)
    }

    pub(crate) const fn chain_id(&self) -> u64 {
        self.node.domain().chain_id()
    }

    /// Applies an event to those intents of the settlement that its auction holds. A refusal is reported, not fatal: the
    /// intent was moved by something the chain showed before.
    pub(crate) async fn move_intents(
        &self,
        tx: &mut Tx<'_>,
        picture: &Picture,
        intents: &[IntentId],
        event: IntentEvent,
        evidence: Option<TxRef>,
    ) -> Result<(), SettlementError> {
        let now_s = picture.head.timestamp_s;
        let change = Change { intents, event, evidence, now_s };
        for (id, transition) in intent::apply(tx, self.chain_id(), change).await? {
            report(picture.row.id, id, event, transition);
        }
        Ok(())
    }
}

/// Says so if an event did not fit where an intent stands.
pub(crate) fn report(
    settlement: i64,
    intent: IntentId,
    event: IntentEvent,
    transition: Transition,
) {
    match transition {
        Transition::Applied(_) | Transition::AlreadyApplied => {}
        Transition::Refused(status) => {
            tracing::warn!(settlement, %intent, %event, %status, "the intent does not move so");
        }
        Transition::Unknown => tracing::error!(settlement, %intent, "unknown intent in a batch"),
    }
}

/// Writes the same line into the history of several intents.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    intents: &[IntentId],
    kind: &'static str,
    detail: &Value,
) -> Result<(), StoreError> {
    let line = |intent: &IntentId| Entry { intent: *intent, kind, detail: detail.clone() };
    let lines: Vec<Entry> = intents.iter().map(line).collect();
    timeline::append(tx, &lines).await
}

pub(crate) fn seen_event(
    row: &SettlementRow,
    commitment: &Commitment,
    evidence: TxRef,
) -> SettlementSeen {
    SettlementSeen {
        auction_id: row.auction,
        attempt: row.attempt,
        commitment: commitment.commitment,
        evidence,
    }
}

/// Moves the row to `revealed` from wherever a crash or a reorg left it: a reveal in a block
/// proves everything that comes before it.
fn catch_up(row: &mut SettlementRow) -> Result<SettlementStatus, SettlementError> {
    use SettlementEvent as E;
    use SettlementStatus as S;
    let from = row.status;
    let events: &[E] = match from {
        S::Planned => &[E::SendCommit, E::CommitMined, E::SendReveal, E::RevealMined],
        S::CommitSent => &[E::CommitMined, E::SendReveal, E::RevealMined],
        S::Committed => &[E::SendReveal, E::RevealMined],
        S::RevealSent | S::Revealed | S::Final | S::Expired | S::Failed => &[E::RevealMined],
    };
    for event in events {
        advance(row, *event)?;
    }
    Ok(from)
}

fn measure_gas(kind: &'static str, seen: &Seen) {
    metrics::histogram!("gavel_settlement_gas", "kind" => kind)
        .record(float(seen.inclusion.gas_used));
}
