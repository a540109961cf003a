//! A packed batch read back, as it stands in a reveal's calldata.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::json;

use super::{BatchBid, FILLER, OwnerSignature, SignedBid, SignedIntent, VERSION, encode};
use crate::{
    Amount, AuctionId, Bid, Intent, IntentId, OpenHash,
    bid::{End, Leg, Terms},
    commitment::BatchHeader,
    eip712::SigningDomain,
    signature::EcdsaSignature,
};

/// What a batch says.
#[derive(Clone, Debug)]
pub struct DecodedBatch {
    /// Which decision it settles.
    pub header: BatchHeader,
    /// The bids in settlement order.
    pub bids: Vec<BatchBid>,
    /// The intents they touch.
    pub intents: BTreeMap<IntentId, SignedIntent>,
}

/// Why bytes are no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("the batch ends in the middle of a part")]
    Truncated,
    /// Of a version this house does not know.
    #[error("the batch is of version {0}")]
    Version(u8),
    /// A part of the section of this bid (from 0) is out of its range.
    #[error("bid {0} holds a part that is out of range")]
    OutOfRange(usize),
    /// They say something, but are not the only encoding of it.
    #[error("the batch is not in its canonical encoding")]
    NotCanonical,
}

/// Reads a batch; `domain` gives intents and bids their digests. Only what [`encode`] makes is
/// taken: two different byte strings never say the same.
///
/// # Errors
/// A [`DecodeError`].
pub fn decode(domain: &SigningDomain, bytes: &[u8]) -> Result<DecodedBatch, DecodeError> {
    let mut reader = Reader(bytes);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let header = BatchHeader {
        auction: AuctionId::new(u64::from_be_bytes(reader.array()?)),
        attempt: reader.byte()?,
        open_hash: OpenHash::new(reader.word()?),
        bids_root: reader.word()?,
        bid_count: u32::from_be_bytes(reader.array()?),
    };
    let count = reader.byte()?;
    let mut batch = DecodedBatch { header, bids: Vec::new(), intents: BTreeMap::new() };
    for n in 0..usize::from(count) {
        let (bid, intents) = reader.bid(domain, header.auction, DecodeError::OutOfRange(n))?;
        batch.bids.push(bid);
        batch.intents.extend(intents);
    }
    let again = encode(&header, &batch.bids, &batch.intents);
    if again.is_ok_and(|again| again[..] == *bytes) {
        Ok(batch)
    } else {
        Err(DecodeError::NotCanonical)
    }
}

struct Reader<'a>(&'a [u8]);

type Intents = Vec<(IntentId, SignedIntent)>;

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (part, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    fn word(&mut self) -> Result<B256, DecodeError> {
        self.array().map(B256::new)
    }

    fn address(&mut self) -> Result<Address, DecodeError> {
        self.array().map(Address::new)
    }

    fn uint(&mut self, bad: DecodeError) -> Result<Amount, DecodeError> {
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        U256::try_from_be_slice(bytes).map(Amount::new).ok_or(bad)
    }

    fn bid(
        &mut self,
        domain: &SigningDomain,
        auction_id: AuctionId,
        bad: DecodeError,
    ) -> Result<(BatchBid, Intents), DecodeError> {
        let terms = Terms {
            auction_id,
            solver: self.address()?,
            filler: self.address()?,
            gas: u32::from_be_bytes(self.array()?),
            callback_gas: u32::from_be_bytes(self.array()?),
            penalty: u128::from_be_bytes(self.array()?),
            valid_until: u32::from_be_bytes(self.array()?),
            nonce: self.uint(bad)?,
            salt: self.word()?,
            client_bid_id: self.word()?,
        };
        let signature = EcdsaSignature::parse(self.take(64)?).map_err(|_| bad)?;
        let count = self.byte()?;
        let tokens: Vec<Address> = (0..count).map(|_| self.address()).collect::<Result<_, _>>()?;
        let count = self.byte()?;
        let shared = terms.penalty != 0;
        let mut shares = Vec::new();
        let intents: Intents = (0..count)
            .map(|_| {
                let (signed, share) = self.intent(&tokens, shared, bad)?;
                shares.extend(share);
                Ok((signed.intent.id(domain), signed))
            })
            .collect::<Result<_, _>>()?;
        let count = u16::from_be_bytes(self.array()?);
        let end = |index: u8| match index {
            FILLER => Ok(End::Filler),
            n => intents.get(usize::from(n)).map(|(id, _)| End::Intent(*id)).ok_or(bad),
        };
        let legs: Vec<Leg> = (0..count)
            .map(|_| {
                let (from, to) = (end(self.byte()?)?, end(self.byte()?)?);
                Ok(Leg { from, to, amount: self.uint(bad)? })
            })
            .collect::<Result<_, _>>()?;
        let [a, b, c] = self.array()?;
        let callback = self.take(u32::from_be_bytes([0, a, b, c]) as usize)?;
        let bid = Bid::new(terms, legs, Bytes::copy_from_slice(callback)).map_err(|_| bad)?;
        Ok((BatchBid { signed: SignedBid { bid, signature }, shares }, intents))
    }

    fn intent(
        &mut self,
        tokens: &[Address],
        shared: bool,
        bad: DecodeError,
    ) -> Result<(SignedIntent, Option<u16>), DecodeError> {
        let flags = self.byte()?;
        let has = |bit: u8| flags >> bit & 1 == 1;
        let token = |index: u8| tokens.get(usize::from(index)).ok_or(bad);
        let owner = self.address()?;
        let (sell, buy) = (token(self.byte()?)?, token(self.byte()?)?);
        let receiver = if has(2) { self.address()? } else { Address::ZERO };
        let (sell_amount, buy_amount, nonce) = (self.uint(bad)?, self.uint(bad)?, self.uint(bad)?);
        let valid_to = u32::from_be_bytes(self.array()?);
        let app_data = if has(3) { self.word()? } else { B256::ZERO };
        let share = if shared { Some(u16::from_be_bytes(self.array()?)) } else { None };
        let signature = if has(4) {
            let length = u16::from_be_bytes(self.array()?);
            OwnerSignature::Contract(Bytes::copy_from_slice(self.take(usize::from(length))?))
        } else {
            OwnerSignature::Ecdsa(EcdsaSignature::parse(self.take(64)?).map_err(|_| bad)?)
        };
        // through the one door there is for intents, so that what is read here is no less checked
        let message = json!({
            "owner": owner, "receiver": receiver, "sellToken": sell, "buyToken": buy,
            "sellAmount": sell_amount, "buyAmount": buy_amount, "nonce": nonce,
            "validTo": valid_to, "kind": u8::from(has(0)), "partiallyFillable": has(1),
            "appData": app_data,
        });
        let intent: Intent = serde_json::from_value(message).map_err(|_| bad)?;
        Ok((SignedIntent { intent, signature }, share))
    }
}
