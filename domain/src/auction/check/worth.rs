//! What a bid is worth: its fills' scores added up, or raw surplus where there is no price.

use alloy_primitives::Address;

use super::{
    lines::Lines,
    score::{MAX_SCORE, raw_surplus},
    table::Table,
};
use crate::{Amount, auction::DropReason};

/// What a bid is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auction) enum Worth {
    /// Its score in numéraire atoms, at most [`MAX_SCORE`].
    Priced(u128),
    /// All of it is of one pair and kind, and that pair lacks a price: atoms of the surplus token.
    Raw { surplus: Amount, lacking: Address },
}

impl Worth {
    /// Priced if all of its pairs are; raw if it is all of one pair and one kind.
    pub(in crate::auction) fn of(table: &Table<'_>, lines: Lines<'_>) -> Result<Self, DropReason> {
        let mut total = 0u128;
        for (_, entry, fill) in lines.iter() {
            match &table.pair(entry.pair).scale {
                // 254 scores of 88 bits
                Ok(scale) => total += scale.score(entry, fill)?,
                Err(token) => return Self::raw(lines, *token),
            }
        }
        if total > MAX_SCORE { Err(DropReason::ScoreTooLarge) } else { Ok(Self::Priced(total)) }
    }

    fn raw(lines: Lines<'_>, lacking: Address) -> Result<Self, DropReason> {
        let mut market = lines.iter().map(|(_, entry, _)| (entry.pair, entry.intent.kind()));
        let first = market.next();
        if market.any(|other| Some(other) != first) {
            return Err(DropReason::Unpriced { token: lacking });
        }
        let mut surplus = Some(Amount::ZERO);
        for (_, entry, fill) in lines.iter() {
            surplus = surplus.and_then(|sum| sum.checked_add(raw_surplus(entry, fill)));
        }
        let surplus = surplus.ok_or(DropReason::ScoreTooLarge)?;
        Ok(Self::Raw { surplus, lacking })
    }
}
