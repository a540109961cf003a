//! A second attempt against the first, and its decision made again. How the first one ended, what
//! owners could still pay and what the registry said is the chain's word.

use std::collections::HashMap;

use super::{
    super::{
        Cut, Decision, Deliberation, DropReason, LeftOut, ReceivedBid, Retrial, Ruling, RunnerUp,
        left_unfilled,
    },
    Announced, Contents, RecordFault, Told, received, simulated,
    verify::compare,
};
use crate::{Bid, BidId, IntentId};

pub(super) fn verify(
    cut: &Cut,
    contents: &Contents,
    first: &Announced,
    announced: Option<&Announced>,
) -> Result<(), RecordFault> {
    let Some(second) = &contents.runner_up else {
        return announced.map_or(Ok(()), |_| Err(RecordFault::RunnerUp));
    };
    let RunnerUp { grounds, simulation, decision } = second;
    if announced != Some(&Announced::of(decision)) {
        return Err(RecordFault::RunnerUp);
    }
    rests_on_the_first(contents, first, second)?;
    if grounds.standings.block != Some(grounds.block) {
        return Err(RecordFault::GroundsBlock);
    }
    let retrial = Retrial::new(cut, &contents.decision(first), grounds);
    let mut bids: Vec<ReceivedBid> = received(&contents.bids);
    bids.retain(|bid| retrial.admits(bid.id, &bid.bid));
    if decision.verdicts.len() != bids.len() {
        return Err(RecordFault::Verdicts(decision.verdicts.len()));
    }
    left_out(decision)?;
    let (standings, simulation) = (&grounds.standings, simulation.as_ref());
    let told = Told { bids: &bids, standings, simulation, decision };
    simulated::verify(told)?;
    let mut again = Deliberation::new(retrial.cut(), &bids, standings, &decision.left_out());
    compare(&again.decide(), decision)?;
    simulated::replay(retrial.cut(), told)
}

/// It names the first attempt's bids, each with an end, and is about what those ends leave.
fn rests_on_the_first(
    contents: &Contents,
    first: &Announced,
    second: &RunnerUp,
) -> Result<(), RecordFault> {
    let endings = &second.grounds.endings;
    if !endings.iter().map(|ending| &ending.bid).eq(&first.winners) {
        return Err(RecordFault::Endings);
    }
    let bids: HashMap<BidId, &Bid> =
        contents.bids.iter().map(|bid| (bid.id, &bid.signed.bid)).collect();
    let ended = endings.iter().filter_map(|ending| {
        let bid = bids.get(&ending.bid)?;
        Some((bid.fills(), ending.fault))
    });
    let left = left_unfilled(ended);
    let named: Vec<IntentId> = second.grounds.intents.iter().map(|entry| entry.id).collect();
    if left.is_empty() || !left.iter().eq(&named) {
        return Err(RecordFault::LeftUnfilled);
    }
    Ok(())
}

/// Who was left out before is not judged again, and for an intent that is gone nothing can be paid:
/// neither needs to be left out.
fn left_out(decision: &Decision) -> Result<(), RecordFault> {
    for verdict in &decision.verdicts {
        if let Ruling::Dropped(DropReason::LeftOut {
            because: LeftOut::Failed | LeftOut::IntentGone,
        }) = verdict.ruling
        {
            return Err(RecordFault::LeftOut(verdict.bid));
        }
    }
    Ok(())
}
