//! The decision: verdicts on every bid, and the winners.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Cut, DropReason, LeftOut, ReceivedBid, Standings,
    check::Rules,
    order::preferences,
    pack::{Packing, solve},
    winners::{Candidate, problem, score_of},
};
use crate::{Amount, BidId};

/// The outcome of an auction: a pure function of what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// One verdict per received bid, in stream order.
    pub verdicts: Vec<Verdict>,
    /// The winners in settlement order.
    pub winners: Vec<BidId>,
    /// The winners' scores added up, in numéraire atoms.
    pub total_score: Amount,
    /// How far the best set could at most lie above that; zero = proven optimal.
    pub gap: Amount,
    /// Nodes the search visited, as the node budget counts them.
    pub nodes: u64,
}

impl Decision {
    /// What was left out of it: with this the same decision can be made again.
    #[must_use]
    pub fn left_out(&self) -> BTreeMap<BidId, LeftOut> {
        let because = |verdict: &Verdict| match verdict.ruling {
            Ruling::Dropped(DropReason::LeftOut { because }) => Some((verdict.bid, because)),
            Ruling::Dropped(_) | Ruling::Won { .. } | Ruling::Lost { .. } => None,
        };
        self.verdicts.iter().filter_map(because).collect()
    }
}

/// What became of one bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The bid.
    pub bid: BidId,
    /// What became of it.
    #[serde(flatten)]
    pub ruling: Ruling,
}

/// How a bid was ruled on. JSON: `{"verdict": "won", "score": …, "rank": …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Ruling {
    /// It settles.
    Won {
        /// Its score, in numéraire atoms.
        score: Amount,
        /// Its place in settlement order, from 0.
        rank: u32,
    },
    /// It kept every rule, and a better set won.
    Lost {
        /// Its score, in numéraire atoms.
        score: Amount,
        /// With this much more score it would have taken the place of the winners it excludes.
        short_by: Amount,
    },
    /// It broke a rule.
    Dropped(DropReason),
}

impl Ruling {
    /// The score, if it kept every rule.
    #[must_use]
    pub const fn score(&self) -> Option<Amount> {
        match self {
            Self::Won { score, .. } | Self::Lost { score, .. } => Some(*score),
            Self::Dropped(_) => None,
        }
    }
}

/// Decides an auction. The order of `bids` does not matter, only their recorded places.
#[must_use]
pub fn decide(cut: &Cut, bids: &[ReceivedBid], standings: &Standings) -> Decision {
    decide_without(cut, bids, standings, &BTreeMap::new())
}

/// Decides without the bids in `left_out`: those that something outside of the record speaks
/// against, the failed bid before a runner-up, a solver's bids for its reference score.
#[must_use]
pub fn decide_without(
    cut: &Cut,
    bids: &[ReceivedBid],
    standings: &Standings,
    left_out: &BTreeMap<BidId, LeftOut>,
) -> Decision {
    let mut stream: Vec<&ReceivedBid> = bids.iter().collect();
    stream.sort_unstable_by_key(|bid| (bid.ms, bid.seq, bid.id));
    let rules = Rules::new(cut, standings);
    let checked = check_all(&rules, &stream, left_out);
    let ranked = by_preference(cut, &stream, &checked);
    let candidates: Vec<Candidate<'_>> = ranked.iter().map(|(_, candidate)| *candidate).collect();
    let problem = problem(&rules, cut.params(), &candidates);
    let solution = solve(&problem, cut.params().node_budget);
    let total_score = score_of(solution.weight);

    let mut rulings: Vec<Ruling> = checked
        .iter()
        .map(|result| match result {
            Ok(score) => Ruling::Lost { score: Amount::from(*score), short_by: Amount::ZERO },
            Err(reason) => Ruling::Dropped(*reason),
        })
        .collect();
    let packed = Packing::of(&problem, solution.items.iter().copied());
    let mut rank = 0;
    for (item, (at, candidate)) in ranked.iter().enumerate() {
        let score = Amount::from(candidate.score);
        rulings[*at] = if solution.items.binary_search(&item).is_ok() {
            rank += 1;
            Ruling::Won { score, rank: rank - 1 }
        } else {
            let blockers = packed.blockers(item).into_iter();
            let taken: u128 = blockers.map(|blocker| candidates[blocker].score).sum();
            Ruling::Lost { score, short_by: Amount::from(taken).saturating_sub(score) }
        };
    }
    let verdict = |(bid, ruling): (&&ReceivedBid, Ruling)| Verdict { bid: bid.id, ruling };
    Decision {
        verdicts: stream.iter().zip(rulings).map(verdict).collect(),
        winners: solution.items.iter().map(|item| stream[ranked[*item].0].id).collect(),
        total_score,
        gap: score_of(solution.bound).saturating_sub(total_score),
        nodes: solution.nodes,
    }
}

/// Every bid's score or the rule it breaks, in stream order.
fn check_all(
    rules: &Rules<'_>,
    stream: &[&ReceivedBid],
    left_out: &BTreeMap<BidId, LeftOut>,
) -> Vec<Result<u128, DropReason>> {
    let mut first = BTreeMap::new();
    let mut check = |received: &&ReceivedBid| {
        let place = (received.ms, received.seq);
        let (ms, seq) = *first.entry(received.id).or_insert(place);
        if (ms, seq) != place {
            return Err(DropReason::Duplicate { ms, seq });
        }
        if let Some(because) = left_out.get(&received.id) {
            return Err(DropReason::LeftOut { because: *because });
        }
        rules.score(&received.bid)
    };
    stream.iter().map(&mut check).collect()
}

/// The bids that keep the rules in their order of preference, with their places in the stream.
fn by_preference<'a>(
    cut: &Cut,
    stream: &[&'a ReceivedBid],
    checked: &[Result<u128, DropReason>],
) -> Vec<(usize, Candidate<'a>)> {
    let preferences = preferences(cut.open_hash(), stream);
    let mut valid: Vec<usize> = (0..stream.len()).filter(|at| checked[*at].is_ok()).collect();
    valid.sort_unstable_by_key(|at| preferences[*at]);
    let candidate = |at: usize| {
        let score = checked[at].ok()?;
        Some((at, Candidate { bid: &stream[at].bid, score }))
    };
    valid.into_iter().filter_map(candidate).collect()
}
