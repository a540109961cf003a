//! The nonce ledger and the write-ahead: a transaction is signed, then written down together
//! with the nonce it takes and the row it moves, then (elsewhere) broadcast.
//!
//! Signing comes before the database transaction, because a key service is a network call. If
//! another writer was faster with the nonce, it is signed again with the next.

use std::sync::PoisonError;

use alloy::primitives::Address;
use domain::status::SettlementEvent;
use infra::pg::{
    StoreError,
    settlement::{self as store, Attempt, AttemptStatus, NewAttempt, NewCommitment, TxKind},
};

use crate::{
    error::SettlementError,
    fees::{Fees, Market},
    node::Head,
    observe::Picture,
    send::{advance, fate},
    settlers::Settler,
    tx::{self, Call, SignedTx},
    worker::Worker,
};

/// How often a nonce may be lost to another writer before the step is put off.
const TRIES: u32 = 8;

/// What is to be written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write<'a> {
    /// Who signs.
    pub(crate) settler: &'a Settler,
    pub(crate) kind: TxKind,
    /// The commitment a commit makes; a reveal reveals the current one.
    pub(crate) commitment: Option<NewCommitment>,
    pub(crate) call: &'a Call,
    /// What gas costs now.
    pub(crate) market: Market,
}

/// A nonce to sign with.
#[derive(Clone, Copy, Debug)]
struct Place {
    nonce: u64,
    replacement: u16,
    fees: Fees,
}

impl Worker {
    /// Signs and writes down a transaction under the next nonce, and moves the row by `event`.
    pub(crate) async fn write_down(
        &self,
        picture: &Picture,
        event: SettlementEvent,
        write: Write<'_>,
    ) -> Result<Attempt, SettlementError> {
        let mut row = picture.row.clone();
        let from = advance(&mut row, event)?;
        let settler = write.settler;
        let _turn = settler.turn.lock().await;
        for _ in 0..TRIES {
            let place = self.place(settler.address, write.market).await?;
            let signed = self.sign(settler, place, write.call).await?;
            let mut tx = infra::pg::begin(&self.pool).await?;
            store::fence(&mut tx, picture.lease).await?;
            if place.replacement == 0 {
                let chain_id = self.node.domain().chain_id();
                if !store::take_nonce(&mut tx, chain_id, settler.address, place.nonce).await? {
                    continue;
                }
            }
            let commitment_id = prepare(&mut tx, picture, write).await?;
            let attempt = NewAttempt {
                settlement_id: row.id,
                commitment_id,
                kind: write.kind,
                settler: settler.address,
                nonce: place.nonce,
                replacement: place.replacement,
                raw: signed.raw,
                hash: signed.hash,
                sent_at_block: picture.head.block.number,
                route: self.route(write.kind, picture.head.block.number),
            };
            let id = match store::insert_attempt(&mut tx, &attempt).await {
                Ok(id) => id,
                Err(error) if error.constraint() == Some("tx_attempt_nonce_once") => continue,
                Err(error) => return Err(error.into()),
            };
            store::set(&mut tx, picture.lease, from, &row).await?;
            tx.commit().await?;
            return Ok(written(id, attempt));
        }
        Err(SettlementError::NonceContended)
    }

    /// Signs and writes down a replacement of `old` under the same nonce, for the same nodes.
    pub(crate) async fn replace(
        &self,
        picture: &Picture,
        settler: &Settler,
        old: &Attempt,
        fees: Fees,
        call: &Call,
    ) -> Result<Attempt, SettlementError> {
        let place = Place { nonce: old.nonce, replacement: old.replacement + 1, fees };
        let signed = self.sign(settler, place, call).await?;
        let attempt = NewAttempt {
            settlement_id: old.settlement_id,
            commitment_id: old.commitment_id,
            kind: old.kind,
            settler: old.settler,
            nonce: place.nonce,
            replacement: place.replacement,
            raw: signed.raw,
            hash: signed.hash,
            sent_at_block: picture.head.block.number,
            route: old.route,
        };
        let mut tx = infra::pg::begin(&self.pool).await?;
        store::fence(&mut tx, picture.lease).await?;
        let id = store::insert_attempt(&mut tx, &attempt).await?;
        tx.commit().await?;
        Ok(written(id, attempt))
    }

    /// What gas costs at this head, and our ceilings. Asked once a block: the way from a decision to
    /// its commit counts every round trip.
    pub(crate) async fn market(&self, head: Head) -> Result<Market, SettlementError> {
        let known = self.tip.lock().unwrap_or_else(PoisonError::into_inner).to_owned();
        let tip = match known {
            Some((block, tip)) if block == head.block => tip,
            Some(_) | None => {
                let tip = self.node.tip().await?.min(self.settings.max_tip);
                let mut known = self.tip.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Some((head.block, tip));
                tip
            }
        };
        Ok(Market { base_fee: head.base_fee, tip, cap: self.settings.max_fee })
    }

    /// Where to sign next. A nonce that a given-up transaction holds comes first: as long as it
    /// is not mined, nothing after it is.
    async fn place(&self, settler: Address, market: Market) -> Result<Place, SettlementError> {
        let chain_id = self.node.domain().chain_id();
        let (orphan, next) = {
            let mut conn = self.pool.acquire().await?;
            let orphan = store::orphan(&mut conn, settler, 0).await?;
            (orphan, store::next_nonce(&mut conn, chain_id, settler).await?)
        };
        if orphan.is_some() {
            let used = self.node.nonce(settler).await?;
            let mut conn = self.pool.acquire().await?;
            let orphan = store::orphan(&mut conn, settler, used).await?;
            drop(conn);
            if let Some(orphan) = orphan
                && let Some(fees) = tx::read(&orphan.raw)?.0.bumped(market)
            {
                let replacement = orphan.replacement + 1;
                return Ok(Place { nonce: orphan.nonce, replacement, fees });
            }
        }
        let nonce = match next {
            Some(next) => next,
            None => {
                let first = self.node.pending_nonce(settler).await?;
                let mut conn = self.pool.acquire().await?;
                store::raise_nonce(&mut conn, chain_id, settler, first).await?;
                store::next_nonce(&mut conn, chain_id, settler).await?.unwrap_or(first)
            }
        };
        Ok(Place { nonce, replacement: 0, fees: Fees::fresh(market) })
    }

    async fn sign(
        &self,
        settler: &Settler,
        place: Place,
        call: &Call,
    ) -> Result<SignedTx, SettlementError> {
        let chain_id = self.node.domain().chain_id();
        Ok(tx::sign(settler.key.as_ref(), chain_id, place.nonce, place.fees, call).await?)
    }
}

/// The commitment the transaction is for: a new one in place of the old, or the current one,
/// whose salt is spent from here on.
async fn prepare(
    conn: &mut sqlx::PgConnection,
    picture: &Picture,
    write: Write<'_>,
) -> Result<i64, SettlementError> {
    let sight = match write.kind {
        TxKind::Commit => picture.facts.commit,
        TxKind::Reveal => picture.facts.reveal,
    };
    if let (Some(current), Some(status)) = (picture.current(), fate(sight)) {
        store::close(conn, current.id, write.kind, status).await?;
    }
    match write.commitment {
        Some(new) => {
            store::retire(conn, picture.row.id).await?;
            match store::insert_commitment(conn, &new).await {
                Ok(id) => Ok(id),
                Err(StoreError::Constraint(name)) if name == "commitment_lane_free" => {
                    Err(SettlementError::NoFreeLane)
                }
                Err(error) => Err(error.into()),
            }
        }
        None => {
            let current = picture.current();
            let current = current.ok_or(SettlementError::Refused(picture.row.status))?;
            store::mark_public(conn, current.id).await?;
            Ok(current.id)
        }
    }
}

fn written(id: i64, new: NewAttempt) -> Attempt {
    Attempt {
        id,
        settlement_id: new.settlement_id,
        commitment_id: new.commitment_id,
        kind: new.kind,
        settler: new.settler,
        nonce: new.nonce,
        replacement: new.replacement,
        raw: new.raw,
        hash: new.hash,
        status: AttemptStatus::Written,
        sent_at_block: new.sent_at_block,
        block: None,
        route: new.route,
    }
}
