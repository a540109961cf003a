//! The winners as one batch, byte for byte what will be committed and revealed: pure.

use std::collections::BTreeMap;

use alloy::primitives::U256;
use domain::{
    Amount, BidId, IntentId,
    auction::Shares,
    batch::{self, BatchBid, BatchError, OwnerSignature, SignedBid, SignedIntent},
    bid::Fill,
    commitment::BatchHeader,
    signature::EcdsaSignature,
};
use infra::pg::{
    intent::StoredIntent,
    settlement::{NewSettlement, PlannedBid},
};

/// Why the winners make no batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PackError {
    /// These bids do not fit the format; without them the rest can be decided again.
    Unfit(Vec<BidId>),
    /// Every bid fits, all of them together do not.
    Whole(BatchError),
}

/// Bytes that signatures of owners that are contracts may take of one batch. Their length is not
/// part of the record, so the budgets of the decision do not see it: with their 96 KiB this stays
/// below the 128 KiB that nodes accept of one transaction.
const CONTRACT_SIGNATURES: usize = 24 * 1024;

/// Packs `winners`, in their order, as attempt `header.attempt` of the auction.
pub(crate) fn pack(
    header: &BatchHeader,
    winners: &[(BidId, &SignedBid)],
    intents: &BTreeMap<IntentId, SignedIntent>,
    shares: &Shares<'_>,
) -> Result<NewSettlement, PackError> {
    let unfit = too_long(winners, intents);
    if !unfit.is_empty() {
        return Err(PackError::Unfit(unfit));
    }
    let bids: Vec<BatchBid> = winners.iter().map(|(_, signed)| shares.in_batch(signed)).collect();
    match batch::encode(header, &bids, intents) {
        Ok(batch) => {
            let bids = winners.iter().map(|(id, signed)| planned(*id, signed, intents)).collect();
            Ok(NewSettlement { auction: header.auction, attempt: header.attempt, batch, bids })
        }
        Err(whole) => {
            let alone =
                |bid: &BatchBid| batch::encode(header, std::slice::from_ref(bid), intents).is_ok();
            let each = winners.iter().zip(&bids);
            let unfit: Vec<BidId> =
                each.filter(|(_, bid)| !alone(bid)).map(|((id, _), _)| *id).collect();
            if unfit.is_empty() {
                Err(PackError::Whole(whole))
            } else {
                Err(PackError::Unfit(unfit))
            }
        }
    }
}

/// The bids without which the contract signatures of the rest fit: those that bring most go first,
/// so that nobody else's bid pays for them.
fn too_long(
    winners: &[(BidId, &SignedBid)],
    intents: &BTreeMap<IntentId, SignedIntent>,
) -> Vec<BidId> {
    let length = |intent: &IntentId| match intents.get(intent).map(|found| &found.signature) {
        Some(OwnerSignature::Contract(bytes)) => bytes.len(),
        Some(OwnerSignature::Ecdsa(_)) | None => 0,
    };
    let of_bid = |bid: &SignedBid| bid.bid.fills().iter().map(|f| length(&f.intent)).sum::<usize>();
    let mut lengths: Vec<(usize, BidId)> =
        winners.iter().map(|(id, bid)| (of_bid(bid), *id)).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let mut total: usize = lengths.iter().map(|(length, _)| length).sum();
    let mut unfit = Vec::new();
    for (length, id) in lengths {
        if total <= CONTRACT_SIGNATURES {
            break;
        }
        total -= length;
        unfit.push(id);
    }
    unfit
}

fn planned(
    id: BidId,
    signed: &SignedBid,
    intents: &BTreeMap<IntentId, SignedIntent>,
) -> PlannedBid {
    let (terms, fills) = (signed.bid.terms(), signed.bid.fills().to_vec());
    let valid_to = |fill: &Fill| intents.get(&fill.intent).map(|found| found.intent.valid_to());
    let last = fills.iter().filter_map(valid_to).min().unwrap_or(u32::MAX).min(terms.valid_until);
    PlannedBid {
        bid: id,
        solver: terms.solver,
        gas: terms.gas,
        penalty: Amount::new(U256::from(terms.penalty)),
        nonce: Some(terms.nonce),
        fills,
        last_s: last.into(),
    }
}

/// The intent with its signature in the form in which it travels. `None` if what is stored as an
/// ECDSA signature is none: such an intent can never be settled.
pub(crate) fn signed_intent(stored: &StoredIntent) -> Option<SignedIntent> {
    let signature = if stored.erc1271 {
        OwnerSignature::Contract(stored.signature.clone())
    } else {
        OwnerSignature::Ecdsa(EcdsaSignature::parse(&stored.signature).ok()?)
    };
    Some(SignedIntent { intent: stored.intent.clone(), signature })
}
