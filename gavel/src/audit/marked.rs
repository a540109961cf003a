//! Intents that were to be filled alone: the chain has a reason for each, or it is the operator's word.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use domain::{
    IntentId,
    auction::{Contents, PublicRecord},
    eip712::SigningDomain,
    event::CutIntent,
};

use super::logs::Logs;

/// A strike is written after its block is seen, and a cut pins its block a moment before it is written.
const LATER: u64 = 1;

/// How many intents an auction marked whose owner no log shows to have been short before: neither of them
/// nor of another intent of this cut. A mark may rest on an intent of another auction, or on a block before
/// those that were read, so it is told and no fault; how long a strike counts is not recorded.
pub(super) fn unexplained(record: &PublicRecord, contents: &Contents, logs: &Logs) -> usize {
    let domain = SigningDomain::new(record.opening.chain_id, record.opening.settlement);
    let owners: BTreeMap<IntentId, Address> = contents
        .intents
        .iter()
        .map(|signed| (signed.intent.id(&domain), signed.intent.owner()))
        .collect();
    let without_reason = |entries: &[CutIntent], block: u64| -> Vec<IntentId> {
        let last = block.saturating_add(LATER);
        let short: BTreeSet<Address> = owners
            .iter()
            .filter(|(intent, _)| logs.owner_short(**intent, last))
            .map(|(_, owner)| *owner)
            .collect();
        let marked = entries.iter().filter(|entry| entry.alone).map(|entry| entry.id);
        marked.filter(|id| owners.get(id).is_none_or(|owner| !short.contains(owner))).collect()
    };
    let opening = &record.opening;
    let mut odd: BTreeSet<IntentId> =
        without_reason(&opening.intents, opening.block.number).into_iter().collect();
    if let Some(second) = &contents.runner_up {
        let grounds = &second.grounds;
        odd.extend(without_reason(&grounds.intents, grounds.block.number));
    }
    odd.len()
}
