//! The winners as one batch, byte for byte what will be committed and revealed: pure.

use std::collections::BTreeMap;

use domain::{
    BidId, IntentId,
    batch::{self, BatchError, OwnerSignature, SignedBid, SignedIntent},
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

/// Packs `winners`, in their order, as attempt `header.attempt` of the auction.
pub(crate) fn pack(
    header: &BatchHeader,
    winners: &[(BidId, &SignedBid)],
    intents: &BTreeMap<IntentId, SignedIntent>,
) -> Result<NewSettlement, PackError> {
    let signed: Vec<SignedBid> = winners.iter().map(|(_, bid)| (*bid).clone()).collect();
    match batch::encode(header, &signed, intents) {
        Ok(batch) => {
            let bids = winners.iter().map(|(id, signed)| planned(*id, signed)).collect();
            Ok(NewSettlement { auction: header.auction, attempt: header.attempt, batch, bids })
        }
        Err(whole) => {
            let alone = |signed: &SignedBid| {
                batch::encode(header, std::slice::from_ref(signed), intents).is_ok()
            };
            let unfit: Vec<BidId> =
                winners.iter().filter(|(_, signed)| !alone(signed)).map(|(id, _)| *id).collect();
            if unfit.is_empty() {
                Err(PackError::Whole(whole))
            } else {
                Err(PackError::Unfit(unfit))
            }
        }
    }
}

fn planned(id: BidId, signed: &SignedBid) -> PlannedBid {
    let terms = signed.bid.terms();
    PlannedBid { bid: id, solver: terms.solver, gas: terms.gas, fills: signed.bid.fills().to_vec() }
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
