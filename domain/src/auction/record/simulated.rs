//! Verdicts against what the simulation found, and its rounds held again. Whether a run ends as
//! recorded is the chain's word.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        Cut, DropReason, LeftOut, MAX_ROUNDS, MAX_TX_GAS, Ruling, Simulation, SimulationDrop,
        Verdict, decide_without, discredited, leave_out,
    },
    RecordFault, Told,
};
use crate::BidId;

/// Every verdict that speaks of a simulation has its drop, and every drop its verdict.
pub(super) fn verify(told: Told<'_>) -> Result<(), RecordFault> {
    let mut dropped = BTreeSet::new();
    for found in drops(told) {
        if !dropped.insert(found.bid) {
            return Err(RecordFault::SimulationBatch(found.bid));
        }
    }
    let mut unused = dropped.clone();
    for verdict in told.decision.verdicts.iter().filter(|verdict| simulated(verdict)) {
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

fn drops(told: Told<'_>) -> &[SimulationDrop] {
    told.simulation.map_or(&[][..], |found| found.drops.as_slice())
}

fn simulated(verdict: &Verdict) -> bool {
    let because = LeftOut::Simulation;
    verdict.ruling == Ruling::Dropped(DropReason::LeftOut { because })
}

/// The rounds of a simulation, held again: only winners of a round are dropped by it, each alone or
/// in the whole batch of that round; the next round is decided without them and without those that
/// they discredit.
pub(super) fn replay(cut: &Cut, told: Told<'_>) -> Result<(), RecordFault> {
    let left_out = told.decision.left_out();
    let drops = drops(told);
    let discredited = discredited(told.bids, drops);
    let because = |wanted: fn(LeftOut) -> bool| {
        let found = left_out.iter().filter(move |(_, because)| wanted(**because));
        found.map(|(bid, because)| (*bid, *because)).collect::<LeftOuts>()
    };
    for (bid, because) in &left_out {
        if *because == LeftOut::Discredited && !discredited.contains(bid) {
            return Err(RecordFault::Discredited(*bid));
        }
    }
    if let Some(bid) = discredited.iter().find(|bid| !left_out.contains_key(*bid)) {
        return Err(RecordFault::Discredited(*bid));
    }
    let Some(simulation) = told.simulation else { return Ok(()) };
    if told.standings.block != Some(simulation.block) {
        return Err(RecordFault::SimulationBlock);
    }
    if let Some(odd) = drops.iter().find(|found| found.gas != MAX_TX_GAS) {
        return Err(RecordFault::SimulationGas(odd.bid));
    }
    let replay = Replay {
        cut,
        told,
        before: because(|found| matches!(found, LeftOut::KeyForeign | LeftOut::IntentGone)),
        unfit: because(|found| found == LeftOut::Unpackable),
    };
    replay.run(simulation)
}

type LeftOuts = BTreeMap<BidId, LeftOut>;

struct Replay<'a> {
    cut: &'a Cut,
    told: Told<'a>,
    /// What was left out before anything was run.
    before: LeftOuts,
    /// What was left out of a round once it had won it: it makes no batch.
    unfit: LeftOuts,
}

impl Replay<'_> {
    /// Every round but the last dropped something. One without drops completes the simulation, and so
    /// does one that ran all that was published.
    fn run(&self, simulation: &Simulation) -> Result<(), RecordFault> {
        let Simulation { rounds, complete, drops, .. } = simulation;
        let wrong = RecordFault::SimulationRounds(*rounds);
        if *rounds > MAX_ROUNDS {
            return Err(wrong);
        }
        let (mut at, mut ran, mut unfit) = (0, Vec::new(), LeftOuts::new());
        for round in 1..=*rounds {
            let found = drops.iter().skip(at).take_while(|found| found.round == round).count();
            if found == 0 {
                let last = round == *rounds && at == drops.len() && *complete;
                return if last { Ok(()) } else { Err(wrong) };
            }
            ran = self.won(&drops[..at], &mut unfit);
            ran_as_told(&drops[at..at + found], &ran)?;
            at += found;
        }
        let published = &self.told.decision.winners;
        let all = !ran.is_empty() && published.iter().all(|bid| ran.contains(bid));
        if at == drops.len() && (!complete || all) { Ok(()) } else { Err(wrong) }
    }

    /// Who wins without those that were dropped, and without those that made no batch in a round
    /// before.
    fn won(&self, dropped: &[SimulationDrop], unfit: &mut LeftOuts) -> Vec<BidId> {
        let mut left_out = self.before.clone();
        left_out.append(&mut unfit.clone());
        let Told { bids, standings, .. } = self.told;
        leave_out(&mut left_out, bids, dropped);
        loop {
            let won = decide_without(self.cut, bids, standings, &left_out).winners;
            let known = left_out.len();
            for (bid, because) in won.iter().filter_map(|bid| self.unfit.get_key_value(bid)) {
                unfit.insert(*bid, *because);
                left_out.insert(*bid, *because);
            }
            if left_out.len() == known {
                return won;
            }
        }
    }
}

/// Each of a round's drops was among its winners, and run alone or with all of them.
fn ran_as_told(drops: &[SimulationDrop], winners: &[BidId]) -> Result<(), RecordFault> {
    // in settlement order, so each once
    let mut places = winners.iter();
    let odd = drops.iter().find(|found| {
        let run = found.batch == [found.bid] || found.batch == winners;
        !(run && places.any(|bid| *bid == found.bid))
    });
    odd.map_or(Ok(()), |found| Err(RecordFault::SimulationBatch(found.bid)))
}
