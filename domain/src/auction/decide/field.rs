//! The bids that keep every rule, in their order of preference.

use std::{collections::HashMap, ops::Range};

use super::order::preferences;
use crate::{
    Amount, OpenHash,
    auction::{
        DropReason, ReceivedBid,
        check::{Judged, Lines, Rules, Stake},
    },
};

/// A bid that keeps every rule by itself.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) received: &'a ReceivedBid,
    /// Its place in the stream.
    pub(super) at: usize,
    /// Its solver's place in the order of preference.
    pub(super) solver: u32,
    pub(super) judged: Judged,
    numbers: Range<usize>,
}

impl Candidate<'_> {
    /// What it is signed with: a solver's nonce settles one bid.
    pub(super) fn nonce(&self) -> (u32, Amount) {
        (self.solver, self.received.bid.terms().nonce)
    }
}

/// The candidates of an auction.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) rules: Rules<'a>,
    pub(super) candidates: Vec<Candidate<'a>>,
    numbers: Vec<u32>,
}

impl<'a> Field<'a> {
    /// Judges the bids of a stream one by one; `refuse` may speak against one before the rules do.
    /// Returns what is held against those that are no candidates, in stream order.
    pub(super) fn of(
        rules: Rules<'a>,
        open_hash: OpenHash,
        stream: &[&'a ReceivedBid],
        refuse: impl Fn(&ReceivedBid) -> Option<DropReason>,
    ) -> (Self, Vec<Option<DropReason>>) {
        let preferences = preferences(open_hash, stream);
        let mut numbers = Vec::with_capacity(stream.len() * 2);
        let mut candidates = Vec::with_capacity(stream.len());
        let mut first = HashMap::with_capacity(stream.len());
        let mut tied_down = HashMap::<_, Stake>::new();
        let mut judge = |at: usize, received: &'a ReceivedBid| {
            let earlier = *first.entry(received.id).or_insert(at);
            if earlier != at {
                let ReceivedBid { ms, seq, .. } = *stream[earlier];
                return Some(DropReason::Duplicate { ms, seq });
            }
            let refused = refuse(received);
            if refused.is_some() {
                return refused;
            }
            let from = numbers.len();
            match rules.judge(&received.bid, &mut numbers) {
                Ok((judged, standing)) => {
                    // a solver answers for all of its bids at once, in the order in which they came
                    let before = tied_down.entry(received.bid.terms().solver).or_default();
                    let together = before.with(rules.stake(&received.bid));
                    if let Err(short) = together.covered(standing) {
                        numbers.truncate(from);
                        return Some(short);
                    }
                    *before = together;
                    let (solver, numbers) = (preferences[at].solver, from..numbers.len());
                    candidates.push(Candidate { received, at, solver, judged, numbers });
                    None
                }
                Err(reason) => Some(reason),
            }
        };
        let dropped = stream.iter().enumerate().map(|(at, received)| judge(at, received)).collect();
        candidates.sort_unstable_by_key(|candidate| preferences[candidate.at]);
        (Self { rules, candidates, numbers }, dropped)
    }

    /// A candidate's fills with their intents.
    pub(super) fn lines<'f>(&'f self, candidate: &'f Candidate<'_>) -> Lines<'f> {
        let numbers = self.numbers.get(candidate.numbers.clone()).unwrap_or_default();
        Lines::new(&self.rules.table, &candidate.received.bid, numbers)
    }
}
