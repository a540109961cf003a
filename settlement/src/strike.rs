//! Whose fault an owner's fault is: the reason of a failed bid names an intent by 28 bytes.

use domain::{IntentId, event::Fault};
use infra::pg::settlement::{BidResult, Failure, PlannedBid};

/// Bytes of a selector; what follows it in a reason is the first 28 bytes of the error's argument.
const SELECTOR: usize = 4;

/// The intent of the bid whose owner was short. `None` if that was no owner's fault, or the reason
/// names none of the bid's intents: then nobody is struck, for want of evidence.
pub(crate) fn short(plan: &PlannedBid, failure: Failure) -> Option<IntentId> {
    if failure.fault != Fault::Owner {
        return None;
    }
    let named = &failure.reason[SELECTOR..];
    let mut intents = plan.fills.iter().map(|fill| fill.intent);
    intents.find(|intent| intent.as_bytes().starts_with(named))
}

/// The intents of a batch whose owners were short, each once.
pub(crate) fn all_short(planned: &[PlannedBid], results: &[BidResult]) -> Vec<IntentId> {
    let ends = planned.iter().zip(results);
    let mut short: Vec<IntentId> =
        ends.filter_map(|(plan, result)| short(plan, result.failure?)).collect();
    short.sort_unstable();
    short.dedup();
    short
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use domain::{Amount, BidId, bid::Fill};

    use super::*;

    fn plan(intents: &[IntentId]) -> PlannedBid {
        let one = Amount::from(1_u64);
        let fill = |intent: &IntentId| Fill { intent: *intent, sold: one, bought: one };
        PlannedBid {
            bid: BidId::new(B256::ZERO),
            solver: Address::ZERO,
            gas: 1,
            penalty: Amount::ZERO,
            nonce: None,
            fills: intents.iter().map(fill).collect(),
            last_s: 0,
        }
    }

    fn failed(fault: Fault, named: B256) -> Failure {
        let mut reason = B256::repeat_byte(0xee);
        reason[SELECTOR..].copy_from_slice(&named[..28]);
        Failure { fault, reason }
    }

    #[test]
    fn the_intent_that_the_reason_names_is_the_one_that_was_short() {
        let ids = [3u8, 4, 5].map(|n| IntentId::new(B256::repeat_byte(n)));
        let of = |fault, named| short(&plan(&ids), failed(fault, named));
        assert_eq!(of(Fault::Owner, B256::repeat_byte(4)), Some(ids[1]));
        assert_eq!(of(Fault::Owner, B256::repeat_byte(6)), None, "an intent of nobody here");
        assert_eq!(of(Fault::Owner, B256::ZERO), None, "a reason without an argument");
        for fault in [Fault::Neutral, Fault::Solver] {
            assert_eq!(of(fault, B256::repeat_byte(4)), None, "not the owner's fault");
        }
    }
}
