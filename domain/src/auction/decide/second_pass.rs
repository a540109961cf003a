//! The second pass (design A9): pairs without a reference price.
//!
//! A score in the numéraire needs the prices of both tokens: of one to value surplus by, of both to
//! know what surplus counts. Where one is lacking, bids compete in raw atoms of the surplus token,
//! and so only with bids of the same directed pair and kind; a bid that mixes such a pair with
//! anything else has no unit to be scored in, and is dropped. Each pair and kind is decided after
//! the first pass, with what that left of gas, bytes, places, balances and nonces, one after the
//! other in the order of a hash that nobody knows before the opening.
//!
//! **Self-dealing.** Without a reference price there is no surplus cap (A1): a solver can score as
//! high as it likes with an intent of its own at an absurd limit. What that buys it is bounded by the
//! isolation. The score counts in its own group only, so it displaces no bid on any other pair, and
//! the first pass and all priced pairs never see it. Within the group one price per pair holds (A2):
//! whatever it gives its own intent it gives, at the same price, to all others that it fills. So
//! it can displace a bid that is better for the others only at a price that is worse for them; and
//! such a bid is dropped (A3) wherever anybody offers the better price to the intent alone. What
//! is left is an intent at no less than its limit, which its owner signed without a market price to
//! look at, and a share of the room that nobody of the first pass had a use for.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};

use super::{
    PairDecision,
    fairness::Fairness,
    field::{Candidate, Field},
    order::place_of_pair,
    pass::{Fate, Pass, Total},
    room::Room,
};
use crate::{
    Amount, OpenHash,
    auction::{DropReason, MAX_SCORE, check::Worth},
    intent::{Kind, Pair},
};

/// Bids of one pair and kind.
#[derive(Debug)]
pub(super) struct Group {
    pair: Pair,
    kind: Kind,
    /// The numbers of its candidates, ascending.
    members: Vec<usize>,
}

/// What a group's pass came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) decision: PairDecision,
    /// The numbers of the winners, in settlement order.
    pub(super) winners: Vec<usize>,
    /// By how much others lost.
    pub(super) losers: Vec<(usize, Amount)>,
    /// Whom nothing was left for.
    pub(super) crowded_out: Vec<(usize, DropReason)>,
}

/// The groups in the order they are decided in.
pub(super) fn groups(field: &Field<'_>, fairness: &Fairness, open_hash: OpenHash) -> Vec<Group> {
    let mut groups = BTreeMap::<(B256, u32, u8), Group>::new();
    for (number, candidate) in field.candidates.iter().enumerate() {
        let (Worth::Raw { .. }, true) = (candidate.judged.worth, fairness.is_fair(number)) else {
            continue;
        };
        let Some((_, entry, _)) = field.lines(candidate).iter().next() else { continue };
        let (pair, kind) = (entry.intent.pair(), entry.intent.kind());
        let place = place_of_pair(open_hash, pair, kind);
        let group = groups.entry((place, entry.pair, u8::from(kind)));
        group.or_insert_with(|| Group { pair, kind, members: Vec::new() }).members.push(number);
    }
    groups.into_values().collect()
}

impl Group {
    /// The token its bids are scored in.
    pub(super) const fn token(&self) -> Address {
        match self.kind {
            Kind::ExactIn => self.pair.buy,
            Kind::ExactOut => self.pair.sell,
        }
    }

    /// Decides the group with what is left, visiting at most `budget` nodes.
    ///
    /// Scores are taken whole where they fit the packing's 88 bits. Where one does not, all of the
    /// group are shifted down by the same number of bits: bids that differ by less are equal, and
    /// the gap says by how much that could be wrong.
    pub(super) fn decide(&self, field: &Field<'_>, room: &Room, budget: u64) -> Outcome {
        let mut crowded_out = Vec::new();
        let mut items = Vec::new();
        for number in &self.members {
            match room.admit(field, &field.candidates[*number]) {
                Ok(()) => items.push(*number),
                Err(reason) => crowded_out.push((*number, reason)),
            }
        }
        let surplus = |number: usize| surplus_of(&field.candidates[number]);
        let most = items.iter().map(|number| surplus(*number).get().bit_len()).max();
        let shift = most.unwrap_or(0).saturating_sub(SCORE_BITS);
        let score = |candidate: &Candidate<'_>| {
            u128::try_from(surplus_of(candidate).get() >> shift).unwrap_or(0)
        };
        let mut pass = Pass::new(field, items, score, room);
        let may = vec![true; pass.items.len()];
        let solution = pass.solve(&may, budget);

        let sum = |numbers: &[usize]| {
            let sum = numbers
                .iter()
                .try_fold(Amount::ZERO, |sum, number| sum.checked_add(surplus(*number)));
            sum.unwrap_or(Amount::MAX)
        };
        let mut winners = Vec::new();
        let mut losers = Vec::new();
        for (number, fate) in pass.items.iter().zip(pass.fates(&solution, &may)) {
            match fate {
                Some(Fate::Won) => winners.push(*number),
                Some(Fate::Lost(to)) => {
                    losers.push((*number, sum(&to).saturating_sub(surplus(*number))));
                }
                None => {}
            }
        }
        let total = sum(&winners);
        let Total { score, gap, nodes } = Total::of(&solution);
        // every member of the best set may have lost almost one unit to the shift
        let lost = if shift == 0 { 0 } else { room.places.min(pass.items.len() as u64) };
        let bound = unshifted(score + gap + u128::from(lost), shift);
        let Pair { sell, buy } = self.pair;
        let gap = bound.saturating_sub(total);
        let decision = PairDecision { sell, buy, token: self.token(), total, gap, nodes };
        Outcome { decision, winners, losers, crowded_out }
    }
}

/// Bits of a score in the packing, as in the first pass.
const SCORE_BITS: usize = MAX_SCORE.ilog2() as usize + 1;

/// A raw surplus; a priced candidate has none.
pub(super) fn surplus_of(candidate: &Candidate<'_>) -> Amount {
    match candidate.judged.worth {
        Worth::Raw { surplus, .. } => surplus,
        Worth::Priced(_) => Amount::ZERO,
    }
}

fn unshifted(score: u128, shift: usize) -> Amount {
    let wide = alloy_primitives::U256::from(score);
    wide.checked_shl(shift).map_or(Amount::MAX, Amount::new)
}
