//! What owners could pay when the auction was opened, and when it was decided once more.

use domain::{IntentId, auction::Grounds, batch::SignedIntent, event::BlockRef};
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
        let (block, time_s) = match self.grounds() {
            None => (opening.block, opening.block_time_s),
            Some(grounds) => (grounds.block, grounds.block_time_s),
        };
        if !self.on_chain(block, "funds").await? {
            return Ok(None);
        }
        let header = patiently(|| self.chain.block_by_hash(block.hash)).await?;
        if let Some(found) = header.map(|header| header.timestamp)
            && found != time_s
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

    /// What this decision rests on, if it is a second one.
    pub(super) fn grounds(&self) -> Option<&'_ Grounds> {
        let second = self.contents.runner_up.as_ref().filter(|_| self.attempt.number > 1)?;
        Some(&second.grounds)
    }

    /// The intents that entered with more than could be paid for them, or with more left to fill
    /// than was left, after `block`.
    async fn beyond_means(&self, block: BlockRef) -> Asked<Vec<IntentId>> {
        let domain = self.chain.domain();
        let entries = match self.grounds() {
            None => &self.record.opening.intents,
            Some(grounds) => &grounds.intents,
        };
        let entry = |id: IntentId| {
            let at = entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
            entries.get(at)
        };
        let queries = self.contents.intents.iter().map(|SignedIntent { intent, .. }| FundQuery {
            id: intent.id(domain),
            owner: intent.owner(),
            token: intent.pair().sell,
            nonce: intent.nonce(),
        });
        let queries: Vec<FundQuery> = queries.filter(|query| entry(query.id).is_some()).collect();
        let asked = if_kept(|| self.chain.fundable(&queries, block.hash.into())).await?;
        let Some(funds) = asked else { return Ok(None) };
        let beyond = queries.iter().zip(&funds).filter(|(query, funds)| {
            entry(query.id)
                .is_none_or(|entry| entry.fundable > funds.payable() || entry.filled < funds.filled)
        });
        Ok(Some(beyond.map(|(query, _)| query.id).collect()))
    }
}
