//! Bids that are left out for an intent that left the book. When it left is the operator's word, but
//! not for whom: everybody who fills it is left out.

use std::collections::BTreeSet;

use super::{
    super::{DropReason, LeftOut, Ruling},
    Contents, RecordFault,
};
use crate::IntentId;

/// Each such bid fills an intent that nobody was let fill.
pub(super) fn verify(contents: &Contents) -> Result<(), RecordFault> {
    let judged = || contents.bids.iter().zip(contents.verdicts.iter().map(|found| found.ruling));
    let filled = judged().filter(|(_, ruling)| !excluded(*ruling));
    let fills = filled.flat_map(|(bid, _)| bid.signed.bid.fills());
    let open: BTreeSet<IntentId> = fills.map(|fill| fill.intent).collect();
    for (bid, _) in judged().filter(|(_, ruling)| *ruling == GONE) {
        if bid.signed.bid.fills().iter().all(|fill| open.contains(&fill.intent)) {
            return Err(RecordFault::IntentGone(bid.id));
        }
    }
    Ok(())
}

const GONE: Ruling = Ruling::Dropped(DropReason::LeftOut { because: LeftOut::IntentGone });

/// Left out for the intent, or for what speaks against a bid before that.
fn excluded(ruling: Ruling) -> bool {
    match ruling {
        Ruling::Dropped(DropReason::LeftOut { because }) => {
            matches!(because, LeftOut::IntentGone | LeftOut::KeyForeign)
        }
        Ruling::Dropped(DropReason::Duplicate { .. }) => true,
        Ruling::Dropped(_) | Ruling::Won { .. } | Ruling::Lost { .. } => false,
    }
}
