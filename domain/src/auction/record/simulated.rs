//! Verdicts against what the simulation found, and its rounds held again. Whether a run ends as
//! recorded is the chain's word.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

use super::{
    super::{
        Cut, Decision, DropReason, LeftOut, MAX_ROUNDS, MAX_TX_GAS, ReceivedBid, Ruling,
        Simulation, SimulationDrop, Verdict, decide_without,
    },
    Contents, RecordFault,
};
use crate::{BidId, IntentId};

/// Rounds of one simulation that are repeated, and decisions made for it.
const MOST: usize = MAX_ROUNDS as usize;

/// Every verdict that speaks of a simulation has its drop, and every drop its verdict.
pub(super) fn verify(contents: &Contents) -> Result<(), RecordFault> {
    let mut dropped = BTreeSet::new();
    for found in drops(contents) {
        if !dropped.insert(found.bid) {
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

fn drops(contents: &Contents) -> &[SimulationDrop] {
    contents.simulation.as_ref().map_or(&[][..], |found| found.drops.as_slice())
}

fn simulated(verdict: &Verdict) -> bool {
    let because = LeftOut::Simulation;
    verdict.ruling == Ruling::Dropped(DropReason::LeftOut { because })
}

/// The rounds of a simulation, held again: only winners of a round are dropped by it, each alone or
/// in the whole batch of that round, and then, each alone, other bids on the same intents by solvers
/// whose winners failed alone. The next round is decided without them.
pub(super) fn replay(
    cut: &Cut,
    bids: &[ReceivedBid],
    contents: &Contents,
    recorded: &Decision,
) -> Result<(), RecordFault> {
    let Some(simulation) = &contents.simulation else { return Ok(()) };
    if contents.standings.block != Some(simulation.block) {
        return Err(RecordFault::SimulationBlock);
    }
    if let Some(odd) = simulation.drops.iter().find(|found| found.gas != MAX_TX_GAS) {
        return Err(RecordFault::SimulationGas(odd.bid));
    }
    let of = |wanted: fn(LeftOut) -> bool| {
        let left_out = recorded.left_out().into_iter();
        left_out.filter(move |(_, because)| wanted(*because)).collect::<BTreeMap<_, _>>()
    };
    let replay = Replay {
        cut,
        bids,
        contents,
        simulation,
        before: of(|because| !matches!(because, LeftOut::Simulation | LeftOut::Unpackable)),
        unfit: of(|because| because == LeftOut::Unpackable),
        winners: BTreeMap::new(),
    };
    replay.run(&recorded.winners)
}

/// For whom a bid fills which intents.
fn stakes(bid: &ReceivedBid) -> Vec<(Address, IntentId)> {
    let solver = bid.bid.terms().solver;
    bid.bid.fills().iter().map(|fill| (solver, fill.intent)).collect()
}

struct Replay<'a> {
    cut: &'a Cut,
    bids: &'a [ReceivedBid],
    contents: &'a Contents,
    simulation: &'a Simulation,
    /// What was left out before anything was run.
    before: BTreeMap<BidId, LeftOut>,
    /// What was left out of a round once it had won it: it makes no batch.
    unfit: BTreeMap<BidId, LeftOut>,
    /// The winners of a round, by the number of drops before it.
    winners: BTreeMap<usize, Vec<BidId>>,
}

/// A way to divide the drops into rounds, as far as it is tried.
#[derive(Clone, Copy)]
struct Division {
    /// Drops that it explains.
    drops: usize,
    /// Drops before the last of its rounds.
    last: usize,
    rounds: usize,
}

impl Replay<'_> {
    /// Looks for a division of the drops into rounds; where a drop may belong to two of them, to
    /// the earlier one first.
    fn run(mut self, published: &[BidId]) -> Result<(), RecordFault> {
        let rounds = self.simulation.rounds;
        let wrong = RecordFault::SimulationRounds(rounds);
        let most = usize::try_from(rounds).unwrap_or(usize::MAX);
        if most > MOST {
            return Err(wrong);
        }
        let drops = self.simulation.drops.as_slice();
        let mut open = vec![Division { drops: 0, last: 0, rounds: 0 }];
        let (mut seen, mut furthest) = (BTreeSet::new(), 0);
        while let Some(division) = open.pop() {
            furthest = furthest.max(division.drops);
            if division.drops == drops.len() {
                if self.ends(division, published) {
                    return Ok(());
                }
                continue;
            }
            let (at, round) = (division.drops, division.rounds + 1);
            if round > most || !seen.insert((at, round)) {
                continue;
            }
            if !self.winners.contains_key(&at) && self.winners.len() >= MOST {
                return Err(wrong);
            }
            let longest = self.dropped_together(at);
            let next = |n| Division { drops: at + n, last: at, rounds: round };
            open.extend((1..=longest).map(next));
        }
        Err(drops.get(furthest).map_or(wrong, |found| RecordFault::SimulationBatch(found.bid)))
    }

    /// How many drops from number `at` on can be of one round.
    fn dropped_together(&mut self, at: usize) -> usize {
        let (simulation, bids) = (self.simulation, self.bids);
        let received: BTreeMap<BidId, &ReceivedBid> =
            bids.iter().map(|bid| (bid.id, bid)).collect();
        let winners = self.won(at);
        // in settlement order, and then the others by id, so each once
        let (mut places, mut last) = (winners.iter(), None);
        let mut failed = BTreeSet::new();
        let fits = |found: &&SimulationDrop| {
            let alone = found.batch == [found.bid];
            let stakes = received.get(&found.bid).map(|bid| stakes(bid)).unwrap_or_default();
            if (alone || found.batch == winners) && places.any(|bid| *bid == found.bid) {
                failed.extend(stakes.into_iter().filter(|_| alone));
                return true;
            }
            let next = last < Some(found.bid) && !winners.contains(&found.bid);
            last = Some(found.bid);
            alone && next && stakes.iter().any(|stake| failed.contains(stake))
        };
        simulation.drops.iter().skip(at).take_while(fits).count()
    }

    /// Who wins once the first `dropped` drops are left out.
    fn won(&mut self, dropped: usize) -> &[BidId] {
        let Self { cut, bids, contents, simulation, before, unfit, winners } = self;
        winners.entry(dropped).or_insert_with(|| {
            let mut left_out = before.clone();
            let gone = simulation.drops.iter().take(dropped);
            left_out.extend(gone.map(|found| (found.bid, LeftOut::Simulation)));
            loop {
                let won = decide_without(cut, bids, &contents.standings, &left_out).winners;
                let unfit = won.iter().filter_map(|bid| Some((*bid, *unfit.get(bid)?)));
                let known = left_out.len();
                left_out.extend(unfit);
                if left_out.len() == known {
                    return won;
                }
            }
        })
    }

    /// Whether a division into rounds comes to what is said of the whole: a last round without drops
    /// completes it, and so does one that ran all that was published.
    fn ends(&self, division: Division, published: &[BidId]) -> bool {
        let Simulation { rounds, complete, .. } = *self.simulation;
        let rounds = usize::try_from(rounds).unwrap_or(usize::MAX);
        if rounds == division.rounds + 1 {
            return complete;
        }
        let ran = self.winners.get(&division.last).filter(|_| division.rounds > 0);
        let all = ran.is_some_and(|ran| published.iter().all(|bid| ran.contains(bid)));
        rounds == division.rounds && (!complete || all)
    }
}
