//! Deciding until the winners settle, within bounds (design A10).

use std::{sync::Arc, time::Duration};

use domain::auction::{Simulation, leave_out};
use infra::{
    chain::Chain,
    config::AuctionConfig,
    pg::{auction::Outcome, bid::Drop, settlement::NewSettlement},
};
use tokio::time::Instant;

use crate::{
    AuctionError,
    backing::Backing,
    judge::{self, Case, Deliberated, Draft, Rest},
    measure,
    simulate::Trial,
};

/// What was decided, ready to be written.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    /// The winners' batch; `None` if nobody won.
    pub(crate) settlement: Option<NewSettlement>,
    /// What it counted on.
    pub(crate) backing: Backing,
    /// Whose bids did not settle when they were run.
    pub(crate) drops: Vec<Drop>,
    /// When there was a first decision.
    pub(crate) drafted: Instant,
    /// What is counted afterwards.
    pub(crate) rest: Rest,
}

/// Decides; runs the winners; leaves out those that do not settle and decides again, at most
/// `simulation_rounds` times. What the last round finds is left out as well, and what takes
/// its place is published without having been run (`complete: false`): the published winners
/// are always the decision over everything that nothing speaks against, which anybody can
/// repeat, and a bid that fails on chain fails in a frame of its own. Taking the place of the
/// failed by nobody instead would be a rule that a few bids made to fail could use to keep an
/// intent unfilled. A node that is slow or away has the same effect: it delays an auction by
/// `simulation_ms` at most.
pub(crate) async fn judge(
    chain: &Chain,
    limits: &AuctionConfig,
    case: Case,
) -> Result<Judgement, AuctionError> {
    let case = Arc::new(case);
    let mut left_out = case.left_out();
    let mut thought = judge::deliberate(&case, &left_out).await?;
    let (Some(_), Some(block)) = (&thought.draft.settlement, case.bidders.standings.block) else {
        return Ok(finished(&case, thought, None, Instant::now()));
    };
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(limits.simulation_ms);
    let mut found = Simulation { block, rounds: 0, complete: false, drops: Vec::new() };
    for round in 1..=limits.simulation_rounds {
        let Some(batch) = &thought.draft.settlement else { break };
        let trial = Trial { chain, case: &case, block, round, deadline };
        let Some(run) = trial.run(batch).await else { break };
        found.rounds = round;
        if run.drops.is_empty() {
            found.complete = true;
            break;
        }
        found.drops.extend(run.drops);
        left_out = case.left_out();
        left_out.extend(thought.unpackable());
        leave_out(&mut left_out, &case.stream.received, &found.drops);
        thought = judge::deliberate(&case, &left_out).await?;
        // what did not settle left nothing behind, so the others have been run as they are
        let winners = &thought.draft.decision.winners;
        found.complete = winners.iter().all(|bid| run.settled.contains(bid));
    }
    measure::simulated(&found, begun.elapsed());
    Ok(finished(&case, thought, Some(found), begun))
}

fn finished(
    case: &Arc<Case>,
    thought: Deliberated,
    simulation: Option<Simulation>,
    drafted: Instant,
) -> Judgement {
    let Deliberated { draft: Draft { decision, settlement }, rest } = thought;
    let signed = case.signed();
    let drops = simulation.iter().flat_map(|simulation| &simulation.drops).filter_map(|drop| {
        let solver = signed.get(&drop.bid)?.bid.terms().solver;
        Some(Drop { bid: drop.bid, solver, fault: drop.fault, alone: drop.batch.len() == 1 })
    });
    let drops = drops.collect();
    let standings = case.bidders.standings.clone();
    let outcome = Outcome::Decided { decision, simulation, standings, insights: Vec::new() };
    let backing = Backing::of(Arc::clone(case));
    Judgement { outcome, settlement, backing, drops, drafted, rest }
}
