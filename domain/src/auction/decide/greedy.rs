//! The baseline that a decision is held against: bids by score, each taken if it still fits. It is
//! what other houses' auctions do, with the rules of this one.

use std::{cmp::Reverse, collections::HashSet};

use super::{Deliberation, field::Candidate, room::Room};
use crate::{Amount, auction::check::Worth};

impl Deliberation<'_> {
    /// The total score of the first pass if bids were taken by score, the preferred one first among
    /// equals, as long as they fit. Never more than the best set's.
    #[must_use]
    pub fn greedy(&self) -> Amount {
        let field = &self.field;
        let score = |candidate: &Candidate<'_>| match candidate.judged.worth {
            Worth::Priced(score) => score,
            Worth::Raw { .. } => 0,
        };
        let fair = |number: &usize| self.fairness.is_fair(*number);
        let mut order: Vec<usize> = self.first.items.iter().copied().filter(fair).collect();
        order.sort_by_key(|number| Reverse(score(&field.candidates[*number])));
        let entries = field.rules.table.entries();
        let mut left: Vec<Amount> = entries.iter().map(|entry| entry.left).collect();
        let mut fundable: Vec<Amount> = entries.iter().map(|entry| entry.fundable).collect();
        let (mut room, mut alternatives) = (Room::of(&field.rules), HashSet::new());
        let mut total = 0u128;
        for number in order {
            let candidate = &field.candidates[number];
            let lines = field.lines(candidate);
            let fits = lines.iter().all(|(intent, entry, fill)| {
                let at = intent as usize;
                entry.exact_side(fill) <= left[at]
                    && fill.sold <= fundable[at]
                    && !alternatives.contains(&(candidate.solver, intent))
            });
            if !fits || room.admit(field, candidate).is_err() {
                continue;
            }
            for (intent, entry, fill) in lines.iter() {
                let at = intent as usize;
                left[at] = left[at].saturating_sub(entry.exact_side(fill));
                fundable[at] = fundable[at].saturating_sub(fill.sold);
                alternatives.insert((candidate.solver, intent));
            }
            room.take(field, candidate);
            total = total.saturating_add(score(candidate));
        }
        Amount::from(total)
    }
}
