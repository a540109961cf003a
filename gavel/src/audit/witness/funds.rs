//! What owners could pay when the auction was opened.

use domain::{IntentId, batch::SignedIntent, event::BlockRef};
use infra::chain::{ChainError, FundQuery};

use super::{
    super::{
        fault::Fault,
        node::{Asked, if_kept, patiently},
    },
    Witness,
};

impl Witness<'_> {
    /// What was in flight at the cut is the operator's word, so less than an owner could pay is
    /// taken as it is, and more is a lie.
    pub(super) async fn funds(&mut self) -> Result<Option<Fault>, ChainError> {
        let opening = &self.record.opening;
        let block = opening.block;
        if !self.on_chain(block, "funds").await? {
            return Ok(None);
        }
        let header = patiently(|| self.chain.block_by_hash(block.hash)).await?;
        if let Some(found) = header.map(|header| header.timestamp)
            && found != opening.block_time_s
        {
            return Ok(Some(Fault::BlockTime { block: block.number, found }));
        }
        let Some(beyond) = self.beyond_means(block).await? else {
            self.no_state("funds", block);
            return Ok(None);
        };
        let Some(first) = beyond.first() else { return Ok(None) };
        if let Some(next) = self.next(block).await?
            && let Some(still) = self.beyond_means(next).await?
            && beyond.iter().all(|intent| !still.contains(intent))
        {
            self.a_block_later("funds", block);
            return Ok(None);
        }
        Ok(Some(Fault::Fundable(*first)))
    }

    /// The intents that entered with more than could be paid for them, or with more left to fill
    /// than was left, after `block`.
    async fn beyond_means(&self, block: BlockRef) -> Asked<Vec<IntentId>> {
        let domain = self.chain.domain();
        let queries = self.contents.intents.iter().map(|SignedIntent { intent, .. }| FundQuery {
            id: intent.id(domain),
            owner: intent.owner(),
            token: intent.pair().sell,
            nonce: intent.nonce(),
        });
        let queries: Vec<FundQuery> = queries.collect();
        let asked = if_kept(|| self.chain.fundable(&queries, block.hash.into())).await?;
        let Some(funds) = asked else { return Ok(None) };
        let beyond = queries.iter().zip(&funds).filter(|(query, funds)| {
            let entry = self.record.opening.intent(query.id);
            entry
                .is_none_or(|entry| entry.fundable > funds.payable() || entry.filled < funds.filled)
        });
        Ok(Some(beyond.map(|(query, _)| query.id).collect()))
    }
}
