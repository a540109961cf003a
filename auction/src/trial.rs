//! Deciding until the winners settle, within bounds (design A10).

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    BidId,
    auction::{Decision, LeftOut, Ruling, Simulation, SimulationDrop, Verdict},
};
use infra::pg::{auction::Outcome, bid::Drop, settlement::NewSettlement};
use tokio::time::Instant;

use crate::{
    AuctionError, Market,
    judge::{self, Case, Deliberated, Draft, Rest},
    measure,
    simulate::Trial,
};

/// Other bids of those that failed that are run in the same round, at most.
const OTHERS: usize = 64;

/// What was decided, ready to be written.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    /// The winners' batch; `None` if nobody won.
    pub(crate) settlement: Option<NewSettlement>,
    /// Whose bids did not settle when they were run.
    pub(crate) drops: Vec<Drop>,
    /// When there was a first decision.
    pub(crate) drafted: Instant,
    /// What is counted afterwards.
    pub(crate) rest: Rest,
}

impl Market {
    /// Decides; runs the winners; leaves out those that do not settle and decides again, at most
    /// `simulation_rounds` times. What the last round finds is left out as well, and what takes
    /// its place is published without having been run (`complete: false`): the published winners
    /// are always the decision over everything that nothing speaks against, which anybody can
    /// repeat, and a bid that fails on chain fails in a frame of its own. Taking the place of the
    /// failed by nobody instead would be a rule that a few bids made to fail could use to keep an
    /// intent unfilled. A node that is slow or away has the same effect: it delays an auction by
    /// `simulation_ms` at most.
    pub(crate) async fn judge(&self, case: Case) -> Result<Judgement, AuctionError> {
        let case = Arc::new(case);
        let mut left_out = case.left_out();
        let mut thought = judge::deliberate(&case, &left_out).await?;
        let (Some(_), Some(block)) = (&thought.draft.settlement, case.bidders.standings.block)
        else {
            return Ok(finished(&case, thought, None, Instant::now()));
        };
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(self.config.auction.simulation_ms);
        let trial = Trial { chain: &self.chain, case: &case, block, deadline };
        let mut found = Simulation { block, rounds: 0, complete: false, drops: Vec::new() };
        for _ in 0..self.config.auction.simulation_rounds {
            let Some(batch) = &thought.draft.settlement else { break };
            let Some(run) = trial.run(batch).await else { break };
            found.rounds += 1;
            if run.drops.is_empty() {
                found.complete = true;
                break;
            }
            let others = trial.also(others(&case, &thought.draft.decision, &run.drops)).await;
            let drops = || run.drops.iter().chain(&others);
            left_out.extend(drops().map(|drop| (drop.bid, LeftOut::Simulation)));
            found.drops.extend(drops().cloned());
            thought = judge::deliberate(&case, &left_out).await?;
            // what did not settle left nothing behind, so the others have been run as they are
            let winners = &thought.draft.decision.winners;
            found.complete = winners.iter().all(|bid| run.settled.contains(bid));
        }
        measure::simulated(&found, begun.elapsed());
        Ok(finished(&case, thought, Some(found), begun))
    }
}

/// The best of the other bids on the same intents, by solvers whose bids failed alone. They are run
/// in the same round: else a few bids that cannot settle, each a little worse than the one before,
/// use up the rounds.
fn others(case: &Case, decision: &Decision, drops: &[SimulationDrop]) -> Vec<BidId> {
    let signed = case.signed();
    let stakes = |bid: &BidId| {
        let terms = signed.get(bid).map(|signed| (signed.bid.terms().solver, signed.bid.fills()));
        let (solver, fills) = terms.unwrap_or_default();
        fills.iter().map(move |fill| (solver, fill.intent))
    };
    let alone = drops.iter().filter(|drop| drop.batch.len() == 1);
    let failed: BTreeSet<_> = alone.flat_map(|drop| stakes(&drop.bid)).collect();
    let rival = |verdict: &Verdict| match verdict.ruling {
        Ruling::Lost { score, .. } if stakes(&verdict.bid).any(|at| failed.contains(&at)) => {
            Some((Reverse(score), verdict.bid))
        }
        _ => None,
    };
    let mut rivals: Vec<_> = decision.verdicts.iter().filter_map(rival).collect();
    rivals.sort_unstable();
    rivals.into_iter().take(OTHERS).map(|(_, bid)| bid).collect()
}

fn finished(
    case: &Case,
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
    Judgement { outcome, settlement, drops, drafted, rest }
}
