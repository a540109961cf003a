//! How a decision is made: rules, fairness, the first pass, the second.

use std::collections::BTreeMap;

use super::{
    Decision, PairDecision, Reference, Ruling, Verdict,
    fairness::Fairness,
    field::{Candidate, Field},
    pass::{Fate, Pass, Total},
    room::Room,
    second_pass::{self, surplus_of},
};
use crate::{
    Amount, BidId,
    auction::{
        Cut, DropReason, LeftOut, ReceivedBid, Standings,
        check::{Rules, Worth},
        pack::Solution,
    },
};

/// A decision's prepared state, for what is asked about it again.
#[derive(Debug)]
pub struct Deliberation<'a> {
    cut: &'a Cut,
    stream: Vec<&'a ReceivedBid>,
    pub(super) field: Field<'a>,
    /// What is held against a bid by itself, in stream order.
    dropped: Vec<Option<DropReason>>,
    pub(super) fairness: Fairness,
    /// The bids with a score in the numéraire, fair ones and those that come back for a reference.
    pub(super) first: Pass,
    found: Option<Solution>,
}

impl<'a> Deliberation<'a> {
    /// Prepares a decision without the bids in `left_out`: those that something outside of the
    /// record speaks against, or the failed bid before a runner-up. The order of `bids` does not
    /// matter, only their recorded places.
    #[must_use]
    pub fn new(
        cut: &'a Cut,
        bids: &'a [ReceivedBid],
        standings: &'a Standings,
        left_out: &BTreeMap<BidId, LeftOut>,
    ) -> Self {
        let mut stream: Vec<&ReceivedBid> = bids.iter().collect();
        stream.sort_unstable_by_key(|bid| (bid.ms, bid.seq, bid.id));
        let refuse = |bid: &ReceivedBid| {
            left_out.get(&bid.id).map(|because| DropReason::LeftOut { because: *because })
        };
        let rules = Rules::new(cut, standings);
        let (field, dropped) = Field::of(rules, cut.open_hash(), &stream, refuse);
        let fairness = Fairness::of(&field);
        let may_win = |number: &usize| {
            let worth = field.candidates[*number].judged.worth;
            matches!(worth, Worth::Priced(_)) && fairness.is_ever_fair(*number)
        };
        let items = (0..field.candidates.len()).filter(may_win).collect();
        let score = |candidate: &Candidate<'_>| match candidate.judged.worth {
            Worth::Priced(score) => score,
            Worth::Raw { .. } => 0,
        };
        let first = Pass::new(&field, items, score, &Room::of(&field.rules));
        Self { cut, stream, field, dropped, fairness, first, found: None }
    }

    /// The decision, its references not counted yet.
    pub fn decide(&mut self) -> Decision {
        let solution = self.first_pass();
        let mut bench = Bench::new(self);
        bench.rule_first(&solution);
        let mut room = Room::of(&self.field.rules);
        for item in &solution.items {
            room.take(&self.field, &self.field.candidates[self.first.items[*item]]);
        }
        let second_pass = bench.rule_second(&mut room);
        let Bench { rulings, winners, .. } = bench;
        let Total { score, gap, nodes } = Total::of(&solution);
        let verdict = |(bid, ruling): (&&ReceivedBid, Ruling)| Verdict { bid: bid.id, ruling };
        Decision {
            verdicts: self.stream.iter().zip(rulings).map(verdict).collect(),
            winners,
            total_score: Amount::from(score),
            gap: Amount::from(gap),
            nodes,
            second_pass,
            references: Vec::new(),
        }
    }

    /// The reference score of every solver that won in the first pass (design A6): the best total
    /// score without all of its bids, those of others judged anew that it alone made unfair. By
    /// solver, ascending. Each is given the node budget of a decision.
    pub fn references(&mut self, decision: &Decision) -> Vec<Reference> {
        self.first_pass();
        let won = |verdict: &&Verdict| matches!(verdict.ruling, Ruling::Won { token: None, .. });
        let mut won: Vec<BidId> =
            decision.verdicts.iter().filter(won).map(|verdict| verdict.bid).collect();
        won.sort_unstable();
        let of_winner = |item: &usize| {
            let candidate = &self.field.candidates[*item];
            let received = candidate.received;
            won.binary_search(&received.id).ok()?;
            Some((received.bid.terms().solver, candidate.solver))
        };
        let solvers: BTreeMap<_, _> = self.first.items.iter().filter_map(of_winner).collect();
        let mut references = Vec::with_capacity(solvers.len());
        for (solver, number) in solvers {
            let (field, fairness) = (&self.field, &self.fairness);
            let may = |item: &usize| fairness.is_fair_without(field, number, *item);
            let may: Vec<bool> = self.first.items.iter().map(may).collect();
            let solution = self.first.weigh(&may, self.cut.params().node_budget);
            let Total { score, gap, nodes } = Total::of(&solution);
            let [score, gap] = [score, gap].map(Amount::from);
            references.push(Reference { solver, score, gap, nodes });
        }
        references
    }

    /// The first pass, solved once.
    fn first_pass(&mut self) -> Solution {
        if let Some(found) = &self.found {
            return found.clone();
        }
        let may = self.may_win();
        let solution = self.first.solve(&may, self.cut.params().node_budget);
        self.found.insert(solution).clone()
    }

    fn may_win(&self) -> Vec<bool> {
        self.first.items.iter().map(|item| self.fairness.is_fair(*item)).collect()
    }
}

/// Rulings as they come in.
struct Bench<'d, 'a> {
    deliberation: &'d Deliberation<'a>,
    /// In stream order.
    rulings: Vec<Ruling>,
    winners: Vec<BidId>,
}

impl<'d, 'a> Bench<'d, 'a> {
    /// All that can be said before anybody wins.
    fn new(deliberation: &'d Deliberation<'a>) -> Self {
        let Deliberation { field, dropped, fairness, .. } = deliberation;
        let lost = Ruling::Lost { score: Amount::ZERO, short_by: Amount::ZERO, token: None };
        let ruling = |dropped: &Option<DropReason>| dropped.map_or(lost, Ruling::Dropped);
        let mut rulings: Vec<Ruling> = dropped.iter().map(ruling).collect();
        for (number, candidate) in field.candidates.iter().enumerate() {
            if !fairness.is_fair(number)
                && let Some(reason) = fairness.reason(field, candidate)
            {
                rulings[candidate.at] = Ruling::Dropped(reason);
            }
        }
        Self { deliberation, rulings, winners: Vec::new() }
    }

    fn rule_first(&mut self, solution: &Solution) {
        let Deliberation { field, first, .. } = self.deliberation;
        let score = |number: usize| match field.candidates[number].judged.worth {
            Worth::Priced(score) => score,
            Worth::Raw { .. } => 0,
        };
        let fates = first.fates(solution, &self.deliberation.may_win());
        for (number, fate) in first.items.iter().zip(fates) {
            match fate {
                Some(Fate::Won) => self.won(*number, Amount::from(score(*number)), None),
                Some(Fate::Lost(to)) => {
                    let taken: u128 = to.into_iter().map(score).sum();
                    let own = score(*number);
                    let short_by = Amount::from(taken.saturating_sub(own));
                    let lost = Ruling::Lost { score: Amount::from(own), short_by, token: None };
                    self.rulings[field.candidates[*number].at] = lost;
                }
                None => {}
            }
        }
    }

    fn rule_second(&mut self, room: &mut Room) -> Vec<PairDecision> {
        let Deliberation { cut, field, fairness, .. } = self.deliberation;
        let mut decisions = Vec::new();
        let mut budget = cut.params().node_budget;
        for group in second_pass::groups(field, fairness, cut.open_hash()) {
            let outcome = group.decide(field, room, budget);
            budget = budget.saturating_sub(outcome.decision.nodes);
            let token = Some(group.token());
            for number in outcome.winners {
                let winner = &field.candidates[number];
                room.take(field, winner);
                self.won(number, surplus_of(winner), token);
            }
            for (number, short_by) in outcome.losers {
                let loser = &field.candidates[number];
                let score = surplus_of(loser);
                self.rulings[loser.at] = Ruling::Lost { score, short_by, token };
            }
            for (number, reason) in outcome.crowded_out {
                self.rulings[field.candidates[number].at] = Ruling::Dropped(reason);
            }
            decisions.push(outcome.decision);
        }
        decisions
    }

    fn won(&mut self, number: usize, score: Amount, token: Option<alloy_primitives::Address>) {
        let winner = &self.deliberation.field.candidates[number];
        let rank = self.winners.len() as u32;
        self.rulings[winner.at] = Ruling::Won { score, rank, token };
        self.winners.push(winner.received.id);
    }
}
