//! Receipts against a record: a receipt without its leaf proves censorship (design A8).

use std::collections::BTreeSet;

use domain::auction::PublicRecord;
use solvers::wire::Receipt;

use super::fault::Fault;

/// Every receipt names this opening, and its bid stands where it says.
pub(super) fn check(record: &PublicRecord, receipts: &[Receipt]) -> Result<(), Fault> {
    let leaves: Option<BTreeSet<_>> = record
        .contents
        .as_ref()
        .map(|contents| contents.bids.iter().map(|bid| (bid.id, bid.ms, bid.seq)).collect());
    for receipt in receipts {
        let Receipt { bid, ms, seq, .. } = *receipt;
        if receipt.open_hash != record.open_hash {
            let (named, opened) = (receipt.open_hash, record.open_hash);
            return Err(Fault::TwoOpenings { bid, named, opened });
        }
        if leaves.as_ref().is_some_and(|leaves| !leaves.contains(&(bid, ms, seq))) {
            return Err(Fault::Censored { bid, ms, seq });
        }
    }
    Ok(())
}
