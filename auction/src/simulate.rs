//! Running winners before they are published (design A10).
//!
//! A batch is run first, and a bid alone only if it did not settle in it. `Settlement.simulate`
//! answers bid by bid, and a frame that reverts leaves nothing behind but its nonce, so one call
//! tells what "each bid alone, then all of them" would, and what is published has been run as it
//! is: the usual auction costs one `eth_call` after its close. A bid that needs the bid before it
//! (its filler pays with what it was just paid) stays, where a run of it alone would refuse it.
//!
//! Who is dropped is the bid that failed, never another. Alone it failed by itself, and if the
//! contract calls that its solver's fault it counts in the solver's standing. A bid that settles
//! alone fails because of those before it. The order is by hashes (A5) of what is public
//! before anybody bids: a solver with several accounts can choose which of them sorts first.
//! So the bid cannot stay in this batch, on chain it would fail as well, but nobody is blamed, since
//! it may be another's callback that spoils it.
//!
//! A bid can also make the one call last too long, or fail in a way that says nothing of any bid. So
//! a batch has half of the time that is left, and if the node has not told by then, its bids are run
//! alone in the other half: who fails there is dropped as ever, and nobody switches the simulation
//! off for others. What was not run as it is published stays incomplete.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{B256, Bytes};
use domain::{
    BidId,
    auction::{Shares, SimulationDrop},
    event::BlockRef,
};
use futures_util::{StreamExt as _, stream};
use infra::{
    chain::{Chain, ChainError, MAX_TX_GAS, Simulated, abi::BidResult},
    pg::settlement::NewSettlement,
};
use tokio::time::Instant;

use crate::{judge::Case, pack::pack};

/// Bids run alone at once.
const AT_ONCE: usize = 16;
/// Bids dropped from one run with the whole run as evidence: that is up to 40 KB each.
const BESIDE_OTHERS: usize = 8;

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    /// The bids that settled in it: without the others they do as well. None of those that were
    /// only run alone.
    pub(crate) settled: BTreeSet<BidId>,
    /// Those that did not, in settlement order, with evidence.
    pub(crate) drops: Vec<SimulationDrop>,
}

/// One auction's runs, all at one block.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) case: &'a Case,
    pub(crate) block: BlockRef,
    /// Which run this is, from 1.
    pub(crate) round: u32,
    /// When the node has had its time.
    pub(crate) deadline: Instant,
}

impl Trial<'_> {
    /// Runs a batch, and if the node does not say how that ends, its bids alone. `None` if it does
    /// not say that either, or if what it says speaks against no bid.
    pub(crate) async fn run(&self, batch: &NewSettlement) -> Option<Run> {
        let ids: Vec<BidId> = batch.bids.iter().map(|bid| bid.bid).collect();
        // a bid alone is the batch: there is nothing to find out by running it again
        let until = if ids.len() > 1 { half_way(self.deadline) } else { self.deadline };
        match self.simulate(batch.batch.clone(), until).await {
            Some(run) => self.judge(ids, run).await,
            None if ids.len() > 1 => self.each(ids).await,
            None => None,
        }
    }

    /// What a batch's run says of its bids.
    async fn judge(&self, ids: Vec<BidId>, run: Simulated) -> Option<Run> {
        let (settled, failed) = match &run.results {
            Some(results) => sorted(&ids, results)?,
            // the contract refused the whole: whoever is behind that cannot run alone either
            None => (BTreeSet::new(), ids.iter().map(|id| (*id, refused(&run.returned))).collect()),
        };
        if failed.is_empty() {
            return Some(Run { settled, drops: Vec::new() });
        }
        let mut alone = match (ids.as_slice(), run.results.is_some()) {
            ([_], true) => BTreeMap::new(),
            _ => self.alone(failed.iter().map(|(id, _)| *id)).await,
        };
        let mut whole = run.results.as_ref().map_or(0, |_| BESIDE_OTHERS);
        let mut drops = Vec::with_capacity(failed.len());
        for (bid, result) in failed {
            if let Some(drop) = alone.remove(&bid) {
                drops.push(drop);
            } else if whole > 0 {
                whole -= 1;
                drops.push(self.found(bid, ids.clone(), &result, run.returned.clone()));
            }
        }
        (!drops.is_empty()).then_some(Run { settled, drops })
    }

    /// Runs bids alone, and nothing else.
    async fn each(&self, ids: Vec<BidId>) -> Option<Run> {
        let mut alone = self.alone(ids.iter().copied()).await;
        let drops: Vec<_> = ids.iter().filter_map(|bid| alone.remove(bid)).collect();
        (!drops.is_empty()).then_some(Run { settled: BTreeSet::new(), drops })
    }

    /// Those of `bids` that do not settle alone either.
    async fn alone(&self, bids: impl Iterator<Item = BidId>) -> BTreeMap<BidId, SimulationDrop> {
        let signed = self.case.signed();
        let shares = Shares::of(&self.case.cut);
        let calls = bids.filter_map(|bid| {
            let winner = [(bid, *signed.get(&bid)?)];
            let packed = pack(&self.case.header(), &winner, &self.case.intents, &shares).ok()?;
            Some((bid, packed.batch))
        });
        let calls: Vec<_> = calls.collect();
        stream::iter(calls)
            .map(async |(bid, batch)| {
                let run = self.simulate(batch, self.deadline).await?;
                let result = match run.results.as_deref() {
                    Some([result]) => result.clone(),
                    Some(_) => return None,
                    None => refused(&run.returned),
                };
                (!result.settled).then(|| (bid, self.found(bid, vec![bid], &result, run.returned)))
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    fn found(
        &self,
        bid: BidId,
        batch: Vec<BidId>,
        result: &BidResult,
        returned: Bytes,
    ) -> SimulationDrop {
        let BidResult { fault, reason, .. } = *result;
        SimulationDrop { bid, round: self.round, batch, gas: MAX_TX_GAS, fault, reason, returned }
    }

    async fn simulate(&self, batch: Bytes, until: Instant) -> Option<Simulated> {
        let run = self.chain.simulate(batch, Some(MAX_TX_GAS), self.block.hash.into());
        let run = tokio::time::timeout_at(until, run).await;
        let auction = self.case.cut.opening().auction_id.get();
        match run.unwrap_or(Err(ChainError::Timeout)) {
            Ok(run) => Some(run),
            Err(error) => {
                tracing::warn!(auction, block = self.block.number, %error, "not simulated");
                None
            }
        }
    }
}

/// In the middle of the time that is left.
fn half_way(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / 2
}

/// Bids that did not settle, with what the contract says of them.
type Failed = Vec<(BidId, BidResult)>;

/// Who settled, and who did not; `None` if these are the results of another batch.
fn sorted(ids: &[BidId], results: &[BidResult]) -> Option<(BTreeSet<BidId>, Failed)> {
    let same = ids.len() == results.len()
        && ids.iter().zip(results).all(|(id, result)| id.get() == result.bid);
    let all = || ids.iter().copied().zip(results.iter().cloned());
    let settled = || all().filter(|(_, result)| result.settled).map(|(id, _)| id).collect();
    same.then(|| (settled(), all().filter(|(_, result)| !result.settled).collect()))
}

/// The result of a bid whose whole call failed: nobody's fault that the contract would know of.
fn refused(returned: &[u8]) -> BidResult {
    BidResult { reason: first_word(returned), ..BidResult::default() }
}

fn first_word(data: &[u8]) -> B256 {
    let mut word = B256::ZERO;
    for (to, from) in word.iter_mut().zip(data) {
        *to = *from;
    }
    word
}
