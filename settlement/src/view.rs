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

type Receipts = BTreeMap<i64, Receipt>;

impl Scene {
    pub(crate) fn view(&self, stored: &Stored, receipts: &Receipts) -> View {
        let current = stored.commitments.last();
        let of = |kind: TxKind| -> Vec<&Attempt> {
            let attempts = stored.attempts.iter().filter(|a| a.kind == kind);
            attempts.filter(|a| Some(a.commitment_id) == current.map(|c| c.id)).collect()
        };
        let (commits, reveals) = (of(TxKind::Commit), of(TxKind::Reveal));
        let commit = current.and_then(|commitment| {
            self.seen(&commits, receipts, |receipt| {
                self.expected(commitment).committed(&receipt.logs)
            })
        });
        let reveal = self.first_reveal(stored, receipts);
        let committed_at = recorded(&commits).or(commit.as_ref().map(|seen| seen.inclusion.block));
        let revealed_at = reveal.as_ref().map(|(_, seen)| seen.inclusion.block);
        let status = stored.row.status;
        let since_reveal = |blocks: u64| {
            let last = |block: BlockRef| block.number.saturating_add(blocks);
            revealed_at.is_some_and(|block| self.head.block.number >= last(block))
        };
        let deep = since_reveal(self.settings.finality_blocks);
        let late = deep || since_reveal(self.settings.confirmations + RUNNER_UP_BLOCKS);
        let facts = Facts {
            commit: self.sight(&commits, receipts, commit.as_ref()),
            commit_stands: commit_stands(status, recorded(&commits), commit.as_ref()),
            reveal: self.sight(&reveals, receipts, reveal.as_ref().map(|(_, seen)| seen)),
            reveal_stands: reveal_stands(stored, revealed_at),
            public: current.is_some_and(|commitment| commitment.public),
            outlived: committed_at
                .is_some_and(|block| self.head.block.number >= block.number + self.max_delay),
            deep,
            overdue: stored.row.runner_up_due && late,
            pointless: stored.last_valid_to < self.head.timestamp_s,
            refused: false,
            exhausted: exhausted(stored, &reveals),
        };
        View { facts, commit, reveal }
    }

    /// The reveal that was mined first, of whichever commitment: it used up the bids' nonces, so a
    /// later one can only have failed and says nothing.
    fn first_reveal(&self, stored: &Stored, receipts: &Receipts) -> Option<(Commitment, Seen)> {
        let reveals = stored.commitments.iter().filter_map(|commitment| {
            let attempts = stored.attempts.iter().filter(|a| a.kind == TxKind::Reveal);
            let attempts: Vec<_> = attempts.filter(|a| a.commitment_id == commitment.id).collect();
            let seen = self.seen(&attempts, receipts, |receipt| {
                self.expected(commitment).revealed(&receipt.logs)
            })?;
            Some((*commitment, seen))
        });
        reveals.min_by_key(|(_, seen)| (seen.inclusion.block.number, seen.attempt.nonce))
    }

    pub(crate) fn expected(&self, commitment: &Commitment) -> Expected {
        Expected {
            settlement: self.settlement,
            settler: commitment.settler,
            lane: commitment.lane,
            commitment: commitment.commitment,
        }
    }

    /// The transaction that is in a block and did its work.
    fn seen(
        &self,
        attempts: &[&Attempt],
        receipts: &Receipts,
        did_it: impl Fn(&Receipt) -> bool,
    ) -> Option<Seen> {
        attempts.iter().rev().find_map(|attempt| {
            let receipt = receipts.get(&attempt.id).filter(|r| r.succeeded && did_it(r))?;
            Some(Seen {
                attempt: (*attempt).clone(),
                inclusion: Inclusion { block: receipt.block, gas_used: receipt.gas_used },
                logs: receipt.logs.clone(),
            })
        })
    }

    fn sight(&self, attempts: &[&Attempt], receipts: &Receipts, seen: Option<&Seen>) -> Sight {
        if let Some(seen) = seen {
            // a block may have come between the look at the head and the receipt
            let number = seen.inclusion.block.number;
            let deep = self.head.block.number.max(number) - number + 1;
            return if deep >= self.settings.confirmations { Sight::Mined } else { Sight::Shallow };
        }
        let Some(last) = attempts.last() else { return Sight::Absent };
        let mut group = attempts.iter().filter(|attempt| attempt.nonce == last.nonce);
        if group.any(|attempt| receipts.contains_key(&attempt.id)) {
            Sight::Reverted
        } else if self.chain_nonce > last.nonce {
            Sight::Lost
        } else {
            let waited = self.head.block.number.saturating_sub(last.sent_at_block);
            Sight::Pending { stuck: waited >= self.settings.resend_after_blocks }
        }
    }
}

/// The block that was recorded for one of these transactions.
fn recorded(attempts: &[&Attempt]) -> Option<BlockRef> {
    let mined = attempts.iter().find(|attempt| attempt.status == AttemptStatus::Mined)?;
    mined.block
}

fn commit_stands(status: SettlementStatus, was: Option<BlockRef>, now: Option<&Seen>) -> bool {
    use SettlementStatus as S;
    match (was, now) {
        (Some(was), Some(now)) => was == now.inclusion.block,
        (Some(_), None) => false,
        (None, _) => match status {
            // these rest on a recorded commit: without one it was taken back
            S::Committed | S::RevealSent => false,
            S::Planned | S::CommitSent | S::Revealed => true,
            S::Final | S::Expired | S::Failed => true,
        },
    }
}

fn reveal_stands(stored: &Stored, now: Option<BlockRef>) -> bool {
    let mut reveals = stored.attempts.iter().filter(|a| a.kind == TxKind::Reveal);
    let was = reveals.find(|attempt| attempt.status == AttemptStatus::Mined);
    was.is_none_or(|attempt| attempt.block == now)
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
