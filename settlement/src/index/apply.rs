//! Applying what was found, a bounded number of things in one transaction, each with the mark that
//! says how far it went.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::B256;
use domain::{
    IntentId,
    bid::Fill,
    event::{BlockRef, Event, IntentFilled, SolverPenalty, TxRef},
    status::IntentEvent,
};
use infra::{
    chain::logs::{Found, Penalty, Reveal, Told},
    pg::{
        self, Hold, Tx, event,
        index::{self, Mark, OtherFill},
        intent::{self, Invalidation},
        lease, settlement as store,
    },
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{IndexError, Indexer};
use crate::{
    fills::{completes, seen},
    record::{note, report},
};

/// Things applied in one transaction, every fill counted: it holds the lease's row and the market's
/// lock. A reveal is never divided, so that they can be as many more as one has fills.
const AT_ONCE: usize = 200;
/// Invalidated words looked at again after every block.
const LOOK_AGAIN: u32 = 1_000;

/// What of our book is touched.
#[derive(Debug, Default)]
struct Touched {
    /// Intents whose nonce is gone.
    ended: Vec<(IntentId, TxRef)>,
    /// Fills by others.
    fills: Vec<OtherFill>,
}

impl Touched {
    fn intents(&self) -> Vec<IntentId> {
        let ended = self.ended.iter().map(|(id, _)| *id);
        let filled = self.fills.iter().map(|fill| fill.fill.intent);
        ended.chain(filled).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Indexer {
    /// Applies what was found up to and with the block `last`, but for what `tip` has already.
    /// Stops between two transactions if the token is cancelled.
    pub(super) async fn apply(
        &self,
        tip: Mark,
        found: &[Found],
        last: BlockRef,
        now_s: u64,
        token: &CancellationToken,
    ) -> Result<(), IndexError> {
        let applied = |found: &&Found| {
            let half = tip.logs.filter(|_| found.at.block == tip.block);
            half.is_some_and(|logs| found.at.index < logs)
        };
        let skip = found.iter().take_while(applied).count();
        let mut rest = &found[skip..];
        loop {
            let (chunk, later) = rest.split_at(at_once(rest));
            let at = chunk.last().map(|found| found.at).filter(|_| !later.is_empty());
            let Some(at) = at else { return self.write(chunk, Mark::whole(last), now_s).await };
            let mark = Mark { block: at.block, logs: Some(at.index + 1) };
            self.write(chunk, mark, now_s).await?;
            if token.is_cancelled() {
                return Ok(());
            }
            rest = later;
        }
    }

    pub(super) async fn advance(&self, mark: Mark) -> Result<(), IndexError> {
        self.write(&[], mark, 0).await
    }

    async fn write(&self, found: &[Found], mark: Mark, now_s: u64) -> Result<(), IndexError> {
        let seen = invalidations(found);
        let touched = self.touched(found, &seen).await?;
        let mut tx = pg::begin(&self.pool).await?;
        lease::fence(&mut tx, &self.lease).await?;
        self.change(&mut tx, &touched, now_s).await?;
        index::note_invalidations(&mut tx, self.scope, &seen).await?;
        for one in found {
            if let Told::PenaltyTaken(penalty) = &one.told {
                self.penalise(&mut tx, penalty, one.at.evidence()).await?;
            }
        }
        index::advance(&mut tx, self.scope, mark, self.settings.finality_blocks).await?;
        tx.commit().await?;
        count(found);
        Ok(())
    }

    /// A look without a lock. What comes into the book after it is found by [`Self::end_the_overtaken`].
    async fn touched(
        &self,
        found: &[Found],
        seen: &[(u64, Invalidation)],
    ) -> Result<Touched, IndexError> {
        let reveals: Vec<(&Reveal, TxRef)> = found
            .iter()
            .filter_map(|found| match &found.told {
                Told::Revealed(reveal) => Some((reveal, found.at.evidence())),
                Told::NoncesInvalidated { .. } | Told::PenaltyTaken(_) => None,
            })
            .collect();
        if reveals.is_empty() && seen.is_empty() {
            return Ok(Touched::default());
        }
        let chain_id = self.scope.chain_id;
        let mut conn = self.pool.acquire().await?;
        let words: Vec<Invalidation> = seen.iter().map(|(_, one)| *one).collect();
        let ended = intent::of_nonces(&mut conn, chain_id, &words).await?;
        let commitments: Vec<B256> = reveals.iter().map(|(reveal, _)| reveal.commitment).collect();
        let own = index::known_commitments(&mut conn, chain_id, &commitments).await?;
        let beside = index::reveals_beside(&mut conn, chain_id, &own).await?;
        drop(conn);
        let mut fills = Vec::new();
        for (reveal, evidence) in reveals {
            if own.contains(&reveal.commitment) {
                let others = beside.get(&reveal.commitment).map_or(&[][..], Vec::as_slice);
                if !self.comes_later(evidence, others).await? {
                    continue;
                }
            }
            for settled in &reveal.bids {
                let of = |fill: &Fill| OtherFill { bid: settled.bid, fill: *fill, evidence };
                fills.extend(settled.fills.iter().map(of));
            }
        }
        let ids: Vec<IntentId> = fills.iter().map(|fill| fill.fill.intent).collect();
        let mut conn = self.pool.acquire().await?;
        let known = intent::get_many(&mut conn, chain_id, &ids).await?;
        fills.retain(|fill| known.iter().any(|row| row.id == fill.fill.intent));
        Ok(Touched { ended, fills })
    }

    /// Whether a batch of ours was revealed before this, by one of `others`. The worker goes by the
    /// first reveal alone. What settles in a later one was not attempted there, for a bid's nonce
    /// settles once: nobody else counts it.
    async fn comes_later(&self, reveal: TxRef, others: &[B256]) -> Result<bool, IndexError> {
        if others.is_empty() {
            return Ok(false);
        }
        let number = reveal.block.number;
        let this = self.place(reveal.tx).await?.filter(|(block, _)| *block == number);
        let this = this.ok_or(IndexError::Missing(number))?;
        for other in others {
            if self.place(*other).await?.is_some_and(|other| other < this) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The block of a transaction that did its work, and its place in it.
    async fn place(&self, tx: B256) -> Result<Option<(u64, u64)>, IndexError> {
        let receipt = self.chain.receipt(tx).await?.filter(|receipt| receipt.status());
        Ok(receipt.and_then(|receipt| receipt.block_number.zip(receipt.transaction_index)))
    }

    /// Changes the book. The market's lock keeps a cut out meanwhile, as for a cancellation.
    async fn change(
        &self,
        tx: &mut Tx<'_>,
        touched: &Touched,
        now_s: u64,
    ) -> Result<(), IndexError> {
        let intents = touched.intents();
        if intents.is_empty() {
            return Ok(());
        }
        let chain_id = self.scope.chain_id;
        pg::market_lock(tx, chain_id, Hold::Shared).await?;
        store::lock(tx, &intents).await?;
        for fill in &touched.fills {
            self.fill(tx, fill, now_s).await?;
        }
        for (id, evidence) in &touched.ended {
            let moved = intent::invalidate(tx, chain_id, *id, *evidence, now_s).await?;
            report(0, *id, IntentEvent::Invalidate, moved);
            tracing::info!(intent = %id, tx = %evidence.tx, "its nonce was invalidated on chain");
        }
        Ok(())
    }

    async fn fill(&self, tx: &mut Tx<'_>, other: &OtherFill, now_s: u64) -> Result<(), IndexError> {
        if !index::note_fill(tx, self.scope, other).await? {
            return Ok(());
        }
        let (chain_id, OtherFill { bid, fill, evidence }) = (self.scope.chain_id, *other);
        let Some(row) = intent::get(tx, chain_id, fill.intent).await? else { return Ok(()) };
        let complete = completes(&row, &fill);
        let told = Event::IntentFilled(IntentFilled {
            id: fill.intent,
            auction_id: None,
            bid,
            sold: fill.sold,
            bought: fill.bought,
            complete,
            evidence,
        });
        event::append(tx, chain_id, &[told]).await?;
        let line = json!({
            "bid": bid, "sold": fill.sold, "bought": fill.bought, "complete": complete,
            "tx": evidence.tx, "block": evidence.block,
        });
        note(tx, &[fill.intent], "filled", &line).await?;
        let shown = seen(&fill, evidence, now_s);
        let moved = intent::fill_elsewhere(tx, chain_id, shown).await?;
        let event = if complete { IntentEvent::Fill } else { IntentEvent::FillPart };
        report(0, fill.intent, event, moved);
        tracing::info!(intent = %fill.intent, tx = %evidence.tx, complete, "filled by another settler");
        Ok(())
    }

    async fn penalise(
        &self,
        tx: &mut Tx<'_>,
        penalty: &Penalty,
        evidence: TxRef,
    ) -> Result<(), IndexError> {
        let Penalty { bid, solver, amount, burned, shares } = penalty.clone();
        let taken = SolverPenalty { bid, solver, amount, burned, shares, reorged: false, evidence };
        if index::note_penalty(tx, self.scope, &taken).await? {
            tracing::info!(%solver, %bid, %amount, "a solver paid a penalty");
            event::append(tx, self.scope.chain_id, &[Event::SolverPenalty(taken)]).await?;
        }
        Ok(())
    }

    /// Ends intents that were being posted while their nonce was taken away: the log was read
    /// before the intent was in the book.
    pub(super) async fn end_the_overtaken(&self, now_s: u64) -> Result<(), IndexError> {
        let mut conn = self.pool.acquire().await?;
        let recent = index::recent_invalidations(&mut conn, self.scope, LOOK_AGAIN).await?;
        let ended = intent::of_nonces(&mut conn, self.scope.chain_id, &recent).await?;
        drop(conn);
        if ended.is_empty() {
            return Ok(());
        }
        let mut tx = pg::begin(&self.pool).await?;
        lease::fence(&mut tx, &self.lease).await?;
        self.change(&mut tx, &Touched { ended, fills: Vec::new() }, now_s).await?;
        Ok(tx.commit().await?)
    }
}

/// How many of the next go into one transaction.
fn at_once(found: &[Found]) -> usize {
    let mut weight = 0;
    let fits = |one: &&Found| {
        let fits = weight < AT_ONCE;
        weight += match &one.told {
            Told::Revealed(reveal) => reveal.bids.iter().map(|bid| bid.fills.len()).sum(),
            Told::NoncesInvalidated { .. } | Told::PenaltyTaken(_) => 1,
        };
        fits
    };
    found.iter().take_while(fits).count()
}

fn invalidations(found: &[Found]) -> Vec<(u64, Invalidation)> {
    let told = found.iter().filter_map(|found| match found.told {
        Told::NoncesInvalidated { owner, word, mask } => {
            let evidence = found.at.evidence();
            Some((found.at.index, Invalidation { owner, word, mask, evidence }))
        }
        Told::Revealed(_) | Told::PenaltyTaken(_) => None,
    });
    told.collect()
}

fn count(found: &[Found]) {
    let mut kinds = BTreeMap::<&'static str, u64>::new();
    for one in found {
        let kind = match one.told {
            Told::NoncesInvalidated { .. } => "nonces_invalidated",
            Told::Revealed(_) => "revealed",
            Told::PenaltyTaken(_) => "penalty_taken",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    for (kind, n) in kinds {
        metrics::counter!("gavel_index_found_total", "what" => kind).increment(n);
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, U256};
    use domain::{Amount, BidId};
    use infra::chain::logs::{LogPlace, Settled};

    use super::*;

    fn found(told: Told) -> Found {
        let block = BlockRef { number: 1, hash: B256::ZERO };
        Found { at: LogPlace { block, tx: B256::ZERO, index: 0 }, told }
    }

    fn reveal(fills: usize) -> Found {
        let fill =
            Fill { intent: IntentId::new(B256::ZERO), sold: Amount::ZERO, bought: Amount::ZERO };
        let bid = Settled { bid: BidId::new(B256::ZERO), fills: vec![fill; fills] };
        found(Told::Revealed(Reveal { commitment: B256::ZERO, bids: vec![bid] }))
    }

    #[test]
    fn a_transaction_takes_so_many_things_or_one_reveal_however_large() {
        let owner = Address::ZERO;
        let (word, mask) = (U256::ZERO, U256::ZERO);
        let gone = found(Told::NoncesInvalidated { owner, word, mask });
        assert_eq!(at_once(&[]), 0);
        assert_eq!(at_once(&vec![gone.clone(); 199]), 199);
        assert_eq!(at_once(&vec![gone.clone(); 500]), 200);
        assert_eq!(at_once(&[reveal(370), gone.clone()]), 1);
        assert_eq!(at_once(&[reveal(150), reveal(150), gone]), 2);
    }
}
