//! Taking back what was applied of blocks that are gone.

use std::collections::BTreeSet;

use domain::{IntentId, event::Event, status::IntentEvent};
use infra::{
    chain::Block,
    pg::{
        self, Hold, Tx, event,
        index::{self, Mark},
        intent, lease, settlement as store,
    },
};
use serde_json::json;

use super::{IndexError, Indexer};
use crate::record::{note, report};

/// Things of a kind taken back in one transaction.
const AT_ONCE: u32 = 100;

impl Indexer {
    /// Takes back everything above the mark before `tip`: a bounded number of things, and `tip`
    /// itself with the last of them. What is left is taken back by the next step.
    pub(super) async fn unwind(&mut self, tip: Mark, head: Block) -> Result<(), IndexError> {
        let below = match tip.block.number.checked_sub(1) {
            Some(number) => self.mark(number).await?,
            None => None,
        };
        let base = match below {
            Some(below) => below,
            None => self.below_all_marks(tip, head).await?,
        };
        let above = base.block.number;
        let mut tx = pg::begin(&self.pool).await?;
        lease::fence(&mut tx, &self.lease).await?;
        pg::market_lock(&mut tx, self.scope.chain_id, Hold::Shared).await?;
        if !self.take_back(&mut tx, above, head.timestamp).await? {
            index::drop_invalidations(&mut tx, self.scope, above).await?;
            index::retreat(&mut tx, self.scope, above).await?;
            if below.is_none() {
                index::advance(&mut tx, self.scope, base, self.settings.finality_blocks).await?;
            }
            metrics::counter!("gavel_index_reorgs_total").increment(1);
            tracing::warn!(block = tip.block.number, hash = %tip.block.hash, "its logs are taken back");
        }
        Ok(tx.commit().await?)
    }

    /// None of the blocks that are remembered is on the chain: begins anew as far below as blocks
    /// may be taken back. What was applied below that stays.
    async fn below_all_marks(&self, tip: Mark, head: Block) -> Result<Mark, IndexError> {
        let lowest = tip.block.number.min(head.at.number);
        let number = lowest.saturating_sub(self.settings.finality_blocks.max(1));
        metrics::counter!("gavel_index_deep_reorgs_total").increment(1);
        tracing::error!(
            block = tip.block.number,
            from = number,
            "the chain went back further than chain.finality_blocks; reading again from here"
        );
        Ok(Mark::whole(self.block(number).await?.at))
    }

    /// Whether there may be more.
    async fn take_back(&self, tx: &mut Tx<'_>, above: u64, now_s: u64) -> Result<bool, IndexError> {
        let (chain_id, scope) = (self.scope.chain_id, self.scope);
        let ended = intent::invalidated_above(tx, chain_id, above, AT_ONCE).await?;
        let fills = index::fills_above(tx, scope, above, AT_ONCE).await?;
        let penalties = index::penalties_above(tx, scope, above, AT_ONCE).await?;
        let mut touched: BTreeSet<IntentId> = ended.iter().copied().collect();
        touched.extend(fills.iter().map(|fill| fill.fill.intent));
        let touched: Vec<IntentId> = touched.into_iter().collect();
        store::lock_intents(tx, &touched).await?;
        for id in &ended {
            let moved = intent::validate_again(tx, chain_id, *id, now_s).await?;
            report(0, *id, IntentEvent::InvalidateReorged, moved);
        }
        for other in &fills {
            let (fill, lost) = (other.fill, other.evidence);
            let line = json!({ "what": "fill", "tx": lost.tx, "block": lost.block });
            note(tx, &[fill.intent], "reorged", &line).await?;
            let seen = crate::fills::seen(&fill, lost, now_s);
            let moved = intent::unfill_elsewhere(tx, chain_id, seen).await?;
            report(0, fill.intent, IntentEvent::OtherFillReorged, moved);
            index::drop_fill(tx, scope, other).await?;
        }
        for mut penalty in penalties.iter().cloned() {
            index::drop_penalty(tx, scope, &penalty).await?;
            penalty.reorged = true;
            event::append(tx, chain_id, &[Event::SolverPenalty(penalty)]).await?;
        }
        let full = |len: usize| len >= AT_ONCE as usize;
        Ok(full(ended.len()) || full(fills.len()) || full(penalties.len()))
    }
}
