//! Verdicts against what the simulation found. Whether a run ends as recorded is the chain's word.

use std::collections::BTreeSet;

use super::{
    super::{DropReason, LeftOut, Ruling, SimulationDrop, Verdict},
    Contents, RecordFault,
};
use crate::BidId;

/// Bids a batch can hold.
const MOST: usize = 255;

/// Every verdict that speaks of a simulation has its drop, and every drop its verdict; and what was
/// run can have been run.
pub(super) fn verify(contents: &Contents) -> Result<(), RecordFault> {
    let drops = contents.simulation.as_ref().map_or(&[][..], |found| found.drops.as_slice());
    let received: BTreeSet<BidId> = contents.bids.iter().map(|bid| bid.id).collect();
    let mut dropped = BTreeSet::new();
    for found in drops {
        if !plausible(found, &received) || !dropped.insert(found.bid) {
            return Err(RecordFault::SimulationBatch(found.bid));
        }
    }
    let mut unused = dropped.clone();
    for verdict in contents.verdicts.iter().filter(|verdict| simulated(verdict)) {
        if !dropped.contains(&verdict.bid) {
            return Err(RecordFault::SimulationMissing(verdict.bid));
        }
        unused.remove(&verdict.bid);
    }
    match unused.first() {
        Some(bid) => Err(RecordFault::SimulationUnused(*bid)),
        None => Ok(()),
    }
}

fn simulated(verdict: &Verdict) -> bool {
    let because = LeftOut::Simulation;
    verdict.ruling == Ruling::Dropped(DropReason::LeftOut { because })
}

/// It was run alone or in a batch that holds it, made of received bids, each once.
fn plausible(found: &SimulationDrop, received: &BTreeSet<BidId>) -> bool {
    let batch: BTreeSet<BidId> = found.batch.iter().copied().collect();
    batch.len() == found.batch.len()
        && batch.len() <= MOST
        && batch.contains(&found.bid)
        && batch.is_subset(received)
}
