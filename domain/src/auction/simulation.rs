//! What was found by running winners before they were published (design A10): outside of the record's
//! rules, so it is recorded in a form that anybody with a node can repeat.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LeftOut, ReceivedBid};
use crate::{Bid, BidId, event::BlockRef};

/// The largest gas limit of one transaction that every chain since Osaka accepts (EIP-7825): what
/// a reveal can have at most, so what every simulation is given.
pub const MAX_TX_GAS: u64 = 1 << 24;

/// Rounds one simulation may have: each is decided anew by whoever repeats it, with a whole node
/// budget, and no auction needs more than a handful.
pub const MAX_ROUNDS: u32 = 32;

/// The simulation of an auction's winners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// The block on whose state everything was run.
    pub block: BlockRef,
    /// How often a batch was run.
    pub rounds: u32,
    /// Whether the published batch was run to its end. False where the node did not answer in
    /// time: nobody is delayed by a node.
    pub complete: bool,
    /// Bids that did not settle, in the order they were found.
    #[serde(default)]
    pub drops: Vec<SimulationDrop>,
}

/// Whose fault it was: the owner's (C7).
const OWNER: u8 = 2;

/// Leaves out the bids that a simulation dropped and those that they discredit, unless something else
/// speaks against them already: how the next round is decided, and by whoever repeats it.
pub fn leave_out(
    left_out: &mut BTreeMap<BidId, LeftOut>,
    bids: &[ReceivedBid],
    drops: &[SimulationDrop],
) {
    left_out.extend(drops.iter().map(|found| (found.bid, LeftOut::Simulation)));
    for bid in discredited(bids, drops) {
        left_out.entry(bid).or_insert(LeftOut::Discredited);
    }
}

/// The bids that those which failed alone speak against: other bids of the same solver on the same
/// intents; and where the owner of a bid's only intent could not pay, all bids on that intent. Else a row of bids made to fail, each a little worse than the one
/// before, would use up the rounds.
#[must_use]
pub fn discredited(bids: &[ReceivedBid], drops: &[SimulationDrop]) -> BTreeSet<BidId> {
    let received: HashMap<BidId, &Bid> = bids.iter().map(|bid| (bid.id, &bid.bid)).collect();
    let (mut of_solver, mut of_all) = (BTreeSet::new(), BTreeSet::new());
    for found in drops.iter().filter(|found| found.batch == [found.bid]) {
        let Some(bid) = received.get(&found.bid) else { continue };
        match (found.fault, bid.fills()) {
            (OWNER, [only]) => drop(of_all.insert(only.intent)),
            // which of the owners it was is not said
            (OWNER, _) => {}
            (_, fills) => {
                of_solver.extend(fills.iter().map(|fill| (bid.terms().solver, fill.intent)));
            }
        }
    }
    let dropped: BTreeSet<BidId> = drops.iter().map(|found| found.bid).collect();
    let against = |bid: &ReceivedBid| {
        let solver = bid.bid.terms().solver;
        let mut intents = bid.bid.fills().iter().map(|fill| fill.intent);
        intents.any(|intent| of_all.contains(&intent) || of_solver.contains(&(solver, intent)))
    };
    let others = bids.iter().filter(|bid| !dropped.contains(&bid.id) && against(bid));
    others.map(|bid| bid.id).collect()
}

/// A bid that did not settle. The call can be made again from the record: `Settlement.simulate`
/// of the batch of that attempt that holds `batch`, with `gas`, at [`Simulation::block`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationDrop {
    /// The bid.
    pub bid: BidId,
    /// The round in which it was found, from 1.
    pub round: u32,
    /// What was run, in this order: the bid alone, or a whole set of winners with it.
    pub batch: Vec<BidId>,
    /// The call's gas limit: [`MAX_TX_GAS`].
    pub gas: u64,
    /// Who is at fault, as the contract says it (C7); 0 where the whole call failed.
    pub fault: u8,
    /// The reason the contract gives for the bid: the first word of its revert data.
    #[schema(value_type = String)]
    pub reason: B256,
    /// The call's revert data, whole.
    #[schema(value_type = String)]
    pub returned: Bytes,
}
