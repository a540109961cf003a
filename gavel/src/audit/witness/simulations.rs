//! Every drop by simulation, run again.

use std::collections::BTreeMap;

use alloy::sol_types::SolError as _;
use alloy_primitives::Bytes;
use domain::{BidId, auction::SimulationDrop, batch::SignedBid, event::BlockRef};
use infra::chain::{ChainError, Simulated, abi};

use super::{
    super::{
        fault::Fault,
        node::{Asked, if_kept},
        settled::Winners,
    },
    Witness,
};

impl Witness<'_> {
    /// A drop whose run ends otherwise is a false one.
    pub(super) async fn simulations(&mut self) -> Result<Option<Fault>, ChainError> {
        let Some(simulation) = self.attempt.simulation else {
            if !self.attempt.winners.is_empty() {
                self.tell("no simulation of the winners is recorded".to_owned());
            }
            return Ok(None);
        };
        if !simulation.complete {
            self.tell("the winners were not simulated to the end".to_owned());
        }
        let block = simulation.block;
        if simulation.drops.is_empty() || !self.on_chain(block, "simulation").await? {
            return Ok(None);
        }
        let winners = Winners::of(self.record, self.contents, &self.attempt);
        let Some(winners) = winners else { return Ok(None) };
        let bids = self.attempt.bids.iter();
        let bids: BTreeMap<BidId, &SignedBid> = bids.map(|bid| (bid.id, &bid.signed)).collect();
        for found in &simulation.drops {
            let batch = found.batch.iter().filter_map(|id| bids.get(id).map(|bid| (*bid).clone()));
            let batch = match winners.pack(&batch.collect::<Vec<_>>()) {
                Ok(batch) => batch,
                Err(fault) => return Ok(Some(fault)),
            };
            let what = format!("the simulation that dropped bid {}", found.bid);
            let Some(fault) = self.run(found, &batch, block).await? else {
                self.no_state(&what, block);
                continue;
            };
            let Some(fault) = fault else { continue };
            if let Some(next) = self.next(block).await?
                && self.run(found, &batch, next).await? == Some(None)
            {
                self.a_block_later(&what, block);
                continue;
            }
            return Ok(Some(fault));
        }
        Ok(None)
    }

    async fn run(
        &self,
        found: &SimulationDrop,
        batch: &Bytes,
        block: BlockRef,
    ) -> Asked<Option<Fault>> {
        let at = block.hash;
        let ask = || self.chain.simulate(batch.clone(), Some(found.gas), at.into());
        Ok(if_kept(ask).await?.map(|again| differs(found, &again)))
    }
}

/// Why a drop is false, if it is.
pub(in crate::audit) fn differs(found: &SimulationDrop, again: &Simulated) -> Option<Fault> {
    let how = match (ended(found, &found.returned), ended(found, &again.returned)) {
        (None, _) => "what it recorded of the call does not say so",
        (Some(()), None) => "the call comes to something else",
        (Some(()), Some(())) => return None,
    };
    Some(Fault::Simulation { bid: found.bid, how })
}

/// Whether revert data say of the bid what its drop says.
fn ended(found: &SimulationDrop, returned: &[u8]) -> Option<()> {
    match abi::SimulationResult::abi_decode(returned) {
        Ok(result) => {
            let at = found.batch.iter().position(|bid| *bid == found.bid)?;
            let mine = result.results.get(at)?;
            let same = mine.bid == found.bid.get()
                && !mine.settled
                && (mine.fault, mine.reason) == (found.fault, found.reason);
            same.then_some(())
        }
        // the contract refused the batch as a whole
        Err(_) => {
            let first = &found.reason[..returned.len().min(32)];
            let whole = found.fault == 0 && first == &returned[..returned.len().min(32)];
            (whole && returned == &found.returned[..]).then_some(())
        }
    }
}
