//! A bid's fills beside the intents they fill.

use super::table::{Entry, Table};
use crate::{Amount, Bid, bid::Fill};

/// A bid's fills, each with its intent.
#[derive(Clone, Copy, Debug)]
pub(in crate::auction) struct Lines<'a> {
    table: &'a Table<'a>,
    fills: &'a [Fill],
    numbers: &'a [u32],
}

impl<'a> Lines<'a> {
    /// `numbers` are those of the fills' intents, in the same order.
    pub(in crate::auction) fn new(table: &'a Table<'a>, bid: &'a Bid, numbers: &'a [u32]) -> Self {
        Self { table, fills: bid.fills(), numbers }
    }

    pub(in crate::auction) fn iter(
        self,
    ) -> impl ExactSizeIterator<Item = (u32, &'a Entry<'a>, &'a Fill)> + Clone {
        let numbered = self.numbers.iter().zip(self.fills);
        numbered.map(move |(number, fill)| (*number, self.table.entry(*number), fill))
    }

    /// What is taken from each purse, ascending; `None` beyond 2^256 - 1.
    pub(in crate::auction) fn payments(self) -> Vec<(u32, Option<Amount>)> {
        let paid = self.iter().map(|(_, entry, fill)| (entry.purse, Some(fill.sold)));
        let mut payments: Vec<_> = paid.collect();
        if payments.len() > 1 {
            payments.sort_unstable();
            payments.dedup_by(|(purse, sold), (last, sum)| {
                if purse == last {
                    *sum = sum.zip(*sold).and_then(|(sum, sold)| sum.checked_add(sold));
                }
                purse == last
            });
        }
        payments
    }
}
