//! What a receipt's logs say: whether our commit or reveal took place, and what became of every
//! bid. Only logs that our contract emitted count, and only for our commitment, of which the settler
//! and the lane are part.

use alloy::primitives::{Address, B256, Log};
use alloy_sol_types::SolEvent;
use domain::{Amount, BidId, IntentId, bid::Fill, event::Fault};
use infra::{
    chain::abi,
    pg::settlement::{BidResult, Failure, PlannedBid},
};

/// Whose logs are read, and for which commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Our contract: the only emitter believed.
    pub(crate) settlement: Address,
    /// The commitment, which binds its settler and its lane.
    pub(crate) commitment: B256,
}

/// The logs do not fit the batch that was revealed: the node lies, or the contract is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeError {
    /// A log in the place of this bid's end tells of another bid, or of none.
    #[error("the log at the end of bid {0} of the batch is not that bid's")]
    OtherBid(usize),
    /// An intent was filled that this bid does not touch, or twice.
    #[error("bid {0} of the batch filled an intent that it does not touch")]
    OtherIntent(usize),
    /// A bid's log says settled, but not all of its intents were filled.
    #[error("the fills of bid {0} of the batch do not fit its end")]
    Fills(usize),
    /// There are more or fewer ends of bids than bids.
    #[error("the batch has {expected} bids, the logs tell of {found}")]
    Count {
        /// In the batch.
        expected: usize,
        /// In the logs.
        found: usize,
    },
    /// A number that is no fault.
    #[error("a bid failed with a fault that does not exist")]
    Fault,
}

impl Expected {
    fn ours<E: SolEvent>(&self, log: &Log) -> Option<Log<E>> {
        if log.address != self.settlement {
            return None;
        }
        E::decode_log(log).ok()
    }

    /// Whether the logs show the commitment being made.
    #[must_use]
    pub(crate) fn committed<'a>(&self, logs: impl IntoIterator<Item = &'a Log>) -> bool {
        logs.into_iter()
            .filter_map(|log| self.ours::<abi::Committed>(log))
            .any(|log| log.commitment == self.commitment)
    }

    /// Whether the logs show the commitment being revealed.
    #[must_use]
    pub(crate) fn revealed<'a>(&self, logs: impl IntoIterator<Item = &'a Log>) -> bool {
        logs.into_iter()
            .filter_map(|log| self.ours::<abi::Revealed>(log))
            .any(|log| log.commitment == self.commitment)
    }

    /// What became of each bid of the batch, in its order.
    ///
    /// # Errors
    /// An [`OutcomeError`] if the logs do not fit the batch; nothing may be concluded from them.
    pub(crate) fn results<'a>(
        &self,
        planned: &[PlannedBid],
        logs: impl IntoIterator<Item = &'a Log>,
    ) -> Result<Vec<BidResult>, OutcomeError> {
        let mut results = Vec::with_capacity(planned.len());
        let mut penalty = None;
        for log in logs {
            let n = results.len();
            if let Some(log) = self.ours::<abi::BidSettled>(log) {
                let plan = the_bid(planned, n, log.bid)?;
                results.push(settled(plan, n, &log)?);
            } else if let Some(log) = self.ours::<abi::PenaltyTaken>(log) {
                penalty = Some((the_bid(planned, n, log.bid)?.bid, Amount::new(log.amount)));
            } else if let Some(log) = self.ours::<abi::BidFailed>(log) {
                let plan = the_bid(planned, n, log.bid)?;
                let fault = Fault::try_from(log.fault).map_err(|_| OutcomeError::Fault)?;
                let taken = penalty.take().filter(|(bid, _)| *bid == plan.bid);
                results.push(BidResult {
                    bid: plan.bid,
                    fills: Vec::new(),
                    failure: Some(Failure { fault, reason: log.reason }),
                    charge: Amount::new(log.charge),
                    penalty: taken.map(|(_, amount)| amount).unwrap_or_default(),
                });
            }
        }
        if results.len() != planned.len() {
            return Err(OutcomeError::Count { expected: planned.len(), found: results.len() });
        }
        Ok(results)
    }
}

fn the_bid(planned: &[PlannedBid], n: usize, bid: B256) -> Result<&PlannedBid, OutcomeError> {
    planned.get(n).filter(|plan| plan.bid == BidId::new(bid)).ok_or(OutcomeError::OtherBid(n))
}

/// Every intent of the bid must have been filled exactly once. The amounts are the logs'.
fn settled(plan: &PlannedBid, n: usize, log: &abi::BidSettled) -> Result<BidResult, OutcomeError> {
    let mut fills: Vec<Fill> = log.fills.iter().map(Fill::from).collect();
    fills.sort_unstable_by_key(|fill| fill.intent);
    let mut wanted: Vec<IntentId> = plan.fills.iter().map(|fill| fill.intent).collect();
    wanted.sort_unstable();
    if fills.iter().any(|fill| wanted.binary_search(&fill.intent).is_err()) {
        return Err(OutcomeError::OtherIntent(n));
    }
    if !fills.iter().map(|fill| fill.intent).eq(wanted) {
        return Err(OutcomeError::Fills(n));
    }
    let charge = Amount::new(log.charge);
    Ok(BidResult { bid: plan.bid, fills, failure: None, charge, penalty: Amount::ZERO })
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
