//! From rows and receipts to the facts a decision rests on. Pure, so that every history can be
//! put together in a test.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use domain::{auction::RUNNER_UP_BLOCKS, event::BlockRef, status::SettlementStatus};
use infra::pg::settlement::{Attempt, AttemptStatus, Commitment, Inclusion, TxKind};

use crate::{
    decide::{Facts, Sight},
    node::{Head, Receipt},
    observe::{Seen, Stored},
    outcome::Expected,
    worker::Settings,
};

/// Commitments one settlement may use up before it is given up.
const MAX_COMMITMENTS: usize = 6;
/// Reveals of one commitment, replacements not counted, before it is given up.
const MAX_REVEALS: usize = 4;

/// Where the chain stands, and the numbers to go by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) settlement: Address,
    pub(crate) settings: Settings,
    pub(crate) max_delay: u64,
    pub(crate) head: Head,
    pub(crate) chain_nonce: u64,
}

/// What is seen.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) facts: Facts,
    pub(crate) commit: Option<Seen>,
    pub(crate) reveal: Option<(Commitment, Seen)>,
}

/// What the node shows of a settlement's transactions, by their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) receipts: BTreeMap<i64, Receipt>,
    /// Those whose recorded block is canonical, although the node has another receipt for them or
    /// none: it is behind, or it lies.
    pub(crate) contradicted: BTreeSet<i64>,
}

/// Whether a recorded block holds its transaction no more.
pub(crate) fn is_elsewhere(attempt: &Attempt, receipts: &BTreeMap<i64, Receipt>) -> bool {
    attempt.status == AttemptStatus::Mined
        && attempt.block != receipts.get(&attempt.id).map(|receipt| receipt.block)
}

impl Scene {
    pub(crate) fn view(&self, stored: &Stored, shown: &Shown) -> View {
        let current = stored.commitments.last();
        let of = |kind: TxKind| -> Vec<&Attempt> {
            let attempts = stored.attempts.iter().filter(|a| a.kind == kind);
            attempts.filter(|a| Some(a.commitment_id) == current.map(|c| c.id)).collect()
        };
        let (commits, reveals) = (of(TxKind::Commit), of(TxKind::Reveal));
        let commit = current.and_then(|commitment| {
            self.seen(&commits, shown, |receipt| self.expected(commitment).committed(&receipt.logs))
        });
        let reveal = self.first_reveal(stored, shown);
        let recorded_commit = commits.iter().find(|a| a.status == AttemptStatus::Mined).copied();
        let committed_at = recorded_commit
            .and_then(|attempt| attempt.block)
            .or(commit.as_ref().map(|seen| seen.inclusion.block));
        let revealed_at = reveal.as_ref().map(|(_, seen)| seen.inclusion.block);
        let (row, head, settings) = (&stored.row, self.head.block.number, &self.settings);
        let past = |block: Option<BlockRef>, blocks: u64| {
            block.is_some_and(|block| head >= block.number.saturating_add(blocks))
        };
        let facts = Facts {
            commit: self.sight(&commits, shown, commit.as_ref()),
            commit_stands: commit_stands(row.status, recorded_commit, commit.as_ref(), shown),
            reveal: self.sight(&reveals, shown, reveal.as_ref().map(|(_, seen)| seen)),
            reveal_stands: reveal_stands(stored, revealed_at, shown),
            public: current.is_some_and(|commitment| commitment.public),
            late: past(committed_at, self.max_delay),
            outlived: past(committed_at, self.max_delay.saturating_add(settings.confirmations)),
            overdue: row.runner_up_due
                && (past(revealed_at, settings.finality_blocks)
                    || past(revealed_at, settings.confirmations + RUNNER_UP_BLOCKS)),
            deep: past(revealed_at, settings.finality_blocks),
            pointless: row.last_s() < settings.earliest_reveal_s(self.head.timestamp_s),
            dry: false,
            looked_at: row.watch_until.is_none_or(|until| head >= until),
            refused: false,
            exhausted: exhausted(stored, &reveals),
        };
        View { facts, commit, reveal }
    }

    /// The reveal that was mined first, of whichever commitment: it used up the nonces of the bids that
    /// it attempted. What it did not attempt can settle in a later one, and that the index takes
    /// ([`crate::index()`]).
    fn first_reveal(&self, stored: &Stored, shown: &Shown) -> Option<(Commitment, Seen)> {
        let reveals = stored.commitments.iter().filter_map(|commitment| {
            let attempts = stored.attempts.iter().filter(|a| a.kind == TxKind::Reveal);
            let attempts: Vec<_> = attempts.filter(|a| a.commitment_id == commitment.id).collect();
            let seen = self.seen(&attempts, shown, |receipt| {
                self.expected(commitment).revealed(&receipt.logs)
            })?;
            Some((*commitment, seen))
        });
        reveals.min_by_key(|(_, seen)| (seen.inclusion.block.number, seen.index))
    }

    pub(crate) fn expected(&self, commitment: &Commitment) -> Expected {
        Expected { settlement: self.settlement, commitment: commitment.commitment }
    }

    /// The transaction that is in a block and did its work.
    fn seen(
        &self,
        attempts: &[&Attempt],
        shown: &Shown,
        did_it: impl Fn(&Receipt) -> bool,
    ) -> Option<Seen> {
        attempts.iter().rev().find_map(|attempt| {
            let receipt = shown.receipts.get(&attempt.id)?;
            let believed = !shown.contradicted.contains(&attempt.id);
            if !(believed && receipt.succeeded && did_it(receipt)) {
                return None;
            }
            Some(Seen {
                attempt: (*attempt).clone(),
                inclusion: Inclusion { block: receipt.block, gas_used: receipt.gas_used },
                index: receipt.index,
                logs: receipt.logs.clone(),
            })
        })
    }

    fn sight(&self, attempts: &[&Attempt], shown: &Shown, seen: Option<&Seen>) -> Sight {
        if let Some(seen) = seen {
            let deep = self.is_deep(seen.inclusion.block);
            return if deep { Sight::Mined } else { Sight::Shallow };
        }
        let Some(last) = attempts.last() else { return Sight::Absent };
        let group = attempts.iter().filter(|attempt| attempt.nonce == last.nonce);
        let mut receipts = group.filter_map(|attempt| shown.receipts.get(&attempt.id));
        if let Some(receipt) = receipts.next() {
            // in a block and without effect; the next reorg may think otherwise
            let deep = self.is_deep(receipt.block);
            return if deep { Sight::Reverted } else { Sight::Shallow };
        }
        if self.chain_nonce > last.nonce {
            Sight::Lost
        } else {
            let waited = self.head.block.number.saturating_sub(last.sent_at_block);
            Sight::Pending { stuck: waited >= self.settings.resend_after_blocks }
        }
    }

    /// Whether a block has its confirmations. It may have come between the look at the head and
    /// the receipt.
    fn is_deep(&self, block: BlockRef) -> bool {
        let head = self.head.block.number.max(block.number);
        head - block.number + 1 >= self.settings.confirmations
    }
}

fn commit_stands(
    status: SettlementStatus,
    was: Option<&Attempt>,
    now: Option<&Seen>,
    shown: &Shown,
) -> bool {
    use SettlementStatus as S;
    match was {
        Some(was) => {
            shown.contradicted.contains(&was.id)
                || was.block == now.map(|seen| seen.inclusion.block)
        }
        None => match status {
            // these rest on a recorded commit: without one it was taken back
            S::Committed | S::RevealSent => false,
            S::Planned | S::CommitSent | S::Revealed => true,
            S::Final | S::Expired | S::Failed => true,
        },
    }
}

fn reveal_stands(stored: &Stored, now: Option<BlockRef>, shown: &Shown) -> bool {
    let mut reveals = stored.attempts.iter().filter(|a| a.kind == TxKind::Reveal);
    let was = reveals.find(|attempt| attempt.status == AttemptStatus::Mined);
    was.is_none_or(|was| shown.contradicted.contains(&was.id) || was.block == now)
}

/// Before the commit, tries are commitments; after it, reveals under different nonces.
fn exhausted(stored: &Stored, reveals: &[&Attempt]) -> bool {
    use SettlementStatus as S;
    match stored.row.status {
        S::Planned | S::CommitSent => stored.commitments.len() >= MAX_COMMITMENTS,
        S::Committed | S::RevealSent => {
            let nonces: BTreeSet<u64> = reveals.iter().map(|attempt| attempt.nonce).collect();
            nonces.len() >= MAX_REVEALS
        }
        S::Revealed | S::Final | S::Expired | S::Failed => false,
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
