//! Acting: everything that leaves the house is written down first, in the transaction that moves
//! the row, and broadcast after that transaction. A broadcast that fails is made up for by the
//! next step.

use std::{collections::BTreeSet, time::Duration};

use alloy::primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use domain::{
    commitment::{CommitPlace, commitment},
    status::{SettlementEvent, SettlementStatus, Step},
};
use infra::{
    chain::abi,
    pg::settlement::{self as store, Attempt, AttemptStatus, NewCommitment, SettlementRow, TxKind},
};

use crate::{
    decide::Sight,
    error::SettlementError,
    fees::Fees,
    header,
    ledger::Write,
    observe::Picture,
    tx::{self, Call},
    worker::{Progress, Worker},
};

/// A commit writes one word and one log; a lane used for the first time costs no more.
const COMMIT_GAS: u64 = 120_000;
/// The largest gas limit of one transaction that every chain since Osaka accepts (EIP-7825).
const MAX_TX_GAS: u64 = 1 << 24;

impl Worker {
    /// A fresh salt, a free lane, a commitment; the one before, if any, is given up.
    pub(crate) async fn send_commit(&self, picture: &Picture) -> Result<(), SettlementError> {
        let row = &picture.row;
        let market = self.market(picture.head).await?;
        let cost = Fees::fresh(market).of(COMMIT_GAS + reveal_gas(row, 0));
        let (settler, lane) = self.free_place(picture, cost).await?;
        let header = header::read(&row.batch)?;
        let salt = fresh_salt()?;
        let place = CommitPlace { settler: settler.address, lane: U256::from(lane) };
        let commitment = commitment(self.node.domain(), place, &header, &row.batch, salt);
        let call = abi::commitToCall { lane: U256::from(lane), commitment };
        let call = self.call(call.abi_encode().into(), COMMIT_GAS);
        let new = NewCommitment {
            settlement_id: row.id,
            settler: settler.address,
            lane,
            salt,
            commitment,
        };
        let kind = TxKind::Commit;
        let write = Write { settler, kind, commitment: Some(new), call: &call, market };
        let attempt = self.write_down(picture, SettlementEvent::SendCommit, write).await?;
        self.broadcast(&attempt, picture.head.block.number).await?;
        tracing::info!(
            settlement = row.id, auction = %row.auction, settler = %settler.address, lane,
            tx = %attempt.hash, nonce = attempt.nonce, age_ms = milliseconds(picture.age()),
            "commit sent"
        );
        metrics::histogram!("gavel_settlement_commit_sent_seconds").record(picture.age());
        Ok(())
    }

    /// After a reorg: what was written before is as good as anything new.
    pub(crate) async fn resume(
        &self,
        picture: &Picture,
        event: SettlementEvent,
    ) -> Result<(), SettlementError> {
        let mut row = picture.row.clone();
        let from = advance(&mut row, event)?;
        let mut conn = self.pool.acquire().await?;
        store::set(&mut conn, picture.lease, from, &row).await?;
        Ok(())
    }

    /// Reveals the current commitment. Waits if another key made it: only that one can reveal.
    pub(crate) async fn send_reveal(&self, picture: &Picture) -> Result<Progress, SettlementError> {
        let row = &picture.row;
        let Some(current) = picture.current() else {
            return Err(SettlementError::Refused(row.status));
        };
        let Some(settler) = self.settlers.of(current.settler) else {
            tracing::warn!(settlement = row.id, settler = %current.settler, "its key is not here");
            return Ok(Progress::Waiting);
        };
        let call = abi::revealCall {
            lane: U256::from(current.lane),
            batch: row.batch.clone(),
            salt: current.salt,
        };
        let tries = reveals(picture);
        let call = self.call(call.abi_encode().into(), reveal_gas(row, tries));
        let market = self.market(picture.head).await?;
        let kind = TxKind::Reveal;
        let write = Write { settler, kind, commitment: None, call: &call, market };
        let attempt = self.write_down(picture, SettlementEvent::SendReveal, write).await?;
        if let Some(commit) = &picture.commit {
            let blocks = picture.head.block.number.saturating_sub(commit.inclusion.block.number);
            metrics::histogram!("gavel_settlement_reveal_wait_blocks").record(float(blocks));
        }
        self.broadcast(&attempt, picture.head.block.number).await?;
        tracing::info!(
            settlement = row.id, auction = %row.auction, tx = %attempt.hash,
            nonce = attempt.nonce, age_ms = milliseconds(picture.age()), "reveal sent"
        );
        Ok(Progress::Moved)
    }

    /// Broadcasts what is written, and whatever of ours must be mined before it.
    pub(crate) async fn rebroadcast(&self, picture: &Picture) -> Result<(), SettlementError> {
        let Some(waiting) = waiting(picture) else { return Ok(()) };
        let pending = {
            let mut conn = self.pool.acquire().await?;
            let (settler, from) = (waiting.settler, picture.chain_nonce);
            store::pending_below(&mut conn, settler, from, waiting.nonce).await?
        };
        for attempt in &pending {
            self.broadcast(attempt, picture.head.block.number).await?;
        }
        Ok(())
    }

    /// The same transaction with a higher offer; the same again if the ceiling is reached.
    pub(crate) async fn bump(&self, picture: &Picture) -> Result<(), SettlementError> {
        let Some(stuck) = waiting(picture) else { return Ok(()) };
        let (fees, call) = tx::read(&stuck.raw)?;
        let bumped = fees.bumped(self.market(picture.head).await?);
        let (Some(bumped), Some(settler)) = (bumped, self.settlers.of(stuck.settler)) else {
            return self.rebroadcast(picture).await;
        };
        let attempt = self.replace(picture, settler, stuck, bumped, &call).await?;
        tracing::info!(
            settlement = picture.row.id, auction = %picture.row.auction, tx = %attempt.hash,
            replaces = %stuck.hash, nonce = attempt.nonce, "stuck transaction replaced"
        );
        self.broadcast(&attempt, picture.head.block.number).await
    }

    fn call(&self, data: Bytes, gas_limit: u64) -> Call {
        Call { to: Some(self.node.settlement()), value: U256::ZERO, data, gas_limit }
    }
}

/// The transaction that the row's status waits for.
fn waiting(picture: &Picture) -> Option<&Attempt> {
    match picture.row.status {
        SettlementStatus::CommitSent => picture.latest(TxKind::Commit),
        SettlementStatus::RevealSent => picture.latest(TxKind::Reveal),
        SettlementStatus::Planned
        | SettlementStatus::Committed
        | SettlementStatus::Revealed
        | SettlementStatus::Final
        | SettlementStatus::Expired
        | SettlementStatus::Failed => None,
    }
}

/// Moves the row by the table and returns where it was.
pub(crate) fn advance(
    row: &mut SettlementRow,
    event: SettlementEvent,
) -> Result<SettlementStatus, SettlementError> {
    let from = row.status;
    match from.on(event) {
        Step::To(next) => row.status = next,
        Step::Stay => {}
        Step::Refuse => return Err(SettlementError::Refused(from)),
    }
    Ok(from)
}

/// What became of the transactions before, when a new one is written in their place.
pub(crate) const fn fate(sight: Sight) -> Option<AttemptStatus> {
    match sight {
        Sight::Reverted => Some(AttemptStatus::Reverted),
        Sight::Lost => Some(AttemptStatus::Dropped),
        Sight::Absent | Sight::Pending { .. } | Sight::Shallow | Sight::Mined => None,
    }
}

/// Reveals of the current commitment so far, replacements not counted.
fn reveals(picture: &Picture) -> u64 {
    let current = picture.current().map(|commitment| commitment.id);
    let reveals = picture.attempts.iter().filter(|attempt| attempt.kind == TxKind::Reveal);
    let ours = reveals.filter(|attempt| Some(attempt.commitment_id) == current);
    ours.map(|attempt| attempt.nonce).collect::<BTreeSet<_>>().len() as u64
}

/// Gas enough that every bid can be given what its solver signed, after the 63/64 rule: the
/// reading of the batch is counted per byte (a leg is about 4 bytes and 1,030 gas), the outer
/// frame per bid. Unused gas costs nothing,
/// and a try after one that reverted gets as much more.
fn reveal_gas(row: &SettlementRow, tries: u64) -> u64 {
    let signed: u64 = row.bids.iter().map(|bid| u64::from(bid.gas)).sum();
    let bids = row.bids.len() as u64;
    let gas = 60_000 + 270 * row.batch.len() as u64 + bids * 80_000 + signed + signed / 32;
    gas.saturating_mul(1 + tries).min(MAX_TX_GAS)
}

fn fresh_salt() -> Result<B256, SettlementError> {
    let mut salt = [0u8; 32];
    getrandom::fill(&mut salt).map_err(|_| SettlementError::NoRandomness)?;
    Ok(B256::new(salt))
}

/// A duration as a log line takes it.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A count as a metric takes it.
pub(crate) fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
