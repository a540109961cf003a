//! The batch's first bytes: what the commitment repeats beside the hash of the whole.

use alloy::primitives::B256;
use domain::{AuctionId, OpenHash, batch::VERSION, commitment::BatchHeader};

/// A stored batch is not one: shorter than its header, or of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored batch does not begin with a header of version {VERSION}")]
pub struct CorruptBatch;

/// Reads the header: version, auction, attempt, open hash, bids root, bid count.
///
/// # Errors
/// [`CorruptBatch`]; the batch cannot be committed.
pub(crate) fn read(batch: &[u8]) -> Result<BatchHeader, CorruptBatch> {
    let (version, rest) = take::<1>(batch)?;
    let (auction, rest) = take::<8>(rest)?;
    let (attempt, rest) = take::<1>(rest)?;
    let (open_hash, rest) = take::<32>(rest)?;
    let (bids_root, rest) = take::<32>(rest)?;
    let (bid_count, _) = take::<4>(rest)?;
    if version != [VERSION] {
        return Err(CorruptBatch);
    }
    Ok(BatchHeader {
        auction: AuctionId::new(u64::from_be_bytes(auction)),
        attempt: u8::from_be_bytes(attempt),
        open_hash: OpenHash::new(B256::new(open_hash)),
        bids_root: B256::new(bids_root),
        bid_count: u32::from_be_bytes(bid_count),
    })
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), CorruptBatch> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(CorruptBatch)?;
    Ok((*head, rest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{
        batch::{BatchBid, OwnerSignature, SignedBid, SignedIntent},
        bid::{Bid, End, Leg, Terms},
        eip712::SigningDomain,
        signature::SigningKey,
    };

    use super::*;

    #[test]
    fn a_packed_batch_gives_its_header_back() {
        let message = serde_json::json!({
            "owner": "0x1111111111111111111111111111111111111111",
            "sellToken": "0x2222222222222222222222222222222222222222",
            "buyToken": "0x3333333333333333333333333333333333333333",
            "sellAmount": "10", "buyAmount": "9", "nonce": "0",
            "validTo": 1, "kind": 0, "partiallyFillable": false,
        });
        let intent: domain::Intent = serde_json::from_value(message).unwrap();
        let id = intent.id(&SigningDomain::new(1, Default::default()));
        let terms = Terms {
            auction_id: AuctionId::new(7),
            solver: Default::default(),
            filler: Default::default(),
            gas: 1,
            callback_gas: 0,
            penalty: 0,
            valid_until: 1,
            nonce: 0u64.into(),
            salt: B256::ZERO,
            client_bid_id: B256::ZERO,
        };
        let leg = |from, to| Leg { from, to, amount: 10u64.into() };
        let legs = vec![leg(End::Intent(id), End::Filler), leg(End::Filler, End::Intent(id))];
        let signature = SigningKey::from_bytes([7; 32]).unwrap().sign(B256::ZERO);
        let bid = Bid::new(terms, legs, Default::default()).unwrap();
        let signed = SignedIntent { intent, signature: OwnerSignature::Ecdsa(signature) };
        let header = BatchHeader {
            auction: AuctionId::new(7),
            attempt: 2,
            open_hash: OpenHash::new(B256::repeat_byte(1)),
            bids_root: B256::repeat_byte(2),
            bid_count: 3,
        };
        let intents = BTreeMap::from([(id, signed)]);
        let bids = [BatchBid::unshared(SignedBid { bid, signature })];
        let batch = domain::batch::encode(&header, &bids, &intents).unwrap();
        assert_eq!(read(&batch), Ok(header));
        assert_eq!(read(&batch[..77]), Err(CorruptBatch));
        assert_eq!(read(&batch[1..]), Err(CorruptBatch));
    }
}
