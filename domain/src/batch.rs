//! The packed batch, byte for byte as `settlement/contracts/FORMAT.md` lays it out.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

use crate::{
    IntentId,
    bid::{Bid, End, Leg},
    commitment::BatchHeader,
    intent::Kind,
};

mod decode;
mod signed;

pub use decode::{DecodeError, DecodedBatch, decode};
pub use signed::{BatchBid, OwnerSignature, SignedBid, SignedIntent};

/// The format's version, the batch's first byte.
pub const VERSION: u8 = 1;
const FILLER: u8 = 255;
/// All of a penalty, in basis points.
const WHOLE: u32 = 10_000;

/// Why a batch cannot be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No bid, or more than 255.
    #[error("a batch holds 1 to 255 bids, not {0}")]
    BidCount(usize),
    /// A bid names an intent that is not at hand.
    #[error("intent {0} is not at hand")]
    UnknownIntent(IntentId),
    /// An ERC-1271 signature or the legs are longer than the format can say.
    #[error("a part is longer than the format allows")]
    TooLong,
    /// A bid's shares of its penalty are not one for each intent, or more than the whole.
    #[error("the shares of a bid's penalty are not one for each intent, or more than the whole")]
    Shares,
}

/// Packs bids in settlement order; `intents` holds at least every intent they touch.
///
/// # Errors
/// A [`BatchError`]; nothing is packed then.
pub fn encode(
    header: &BatchHeader,
    bids: &[BatchBid],
    intents: &BTreeMap<IntentId, SignedIntent>,
) -> Result<Bytes, BatchError> {
    let count = u8::try_from(bids.len()).ok().filter(|n| *n > 0);
    let count = count.ok_or(BatchError::BidCount(bids.len()))?;
    let mut out = Packer(Vec::with_capacity(80 + bids.len() * 512));
    out.byte(VERSION);
    out.bytes(&header.auction.get().to_be_bytes());
    out.byte(header.attempt);
    out.word(header.open_hash.get());
    out.word(header.bids_root);
    out.bytes(&header.bid_count.to_be_bytes());
    out.byte(count);
    for bid in bids {
        out.bid(bid, intents)?;
    }
    Ok(out.0.into())
}

struct Packer(Vec<u8>);

impl Packer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn word(&mut self, word: B256) {
        self.bytes(word.as_slice());
    }

    fn address(&mut self, address: Address) {
        self.bytes(address.as_slice());
    }

    /// One length byte, then the value without leading zeros.
    fn uint(&mut self, value: U256) {
        let bytes = value.to_be_bytes_trimmed_vec();
        self.0.push(bytes.len() as u8);
        self.bytes(&bytes);
    }

    fn bid(
        &mut self,
        BatchBid { signed, shares }: &BatchBid,
        intents: &BTreeMap<IntentId, SignedIntent>,
    ) -> Result<(), BatchError> {
        let terms = signed.bid.terms();
        self.address(terms.solver);
        self.address(terms.filler);
        self.bytes(&terms.gas.to_be_bytes());
        self.bytes(&terms.callback_gas.to_be_bytes());
        self.bytes(&terms.penalty.to_be_bytes());
        self.bytes(&terms.valid_until.to_be_bytes());
        self.uint(terms.nonce.get());
        self.word(terms.salt);
        self.word(terms.client_bid_id);
        self.bytes(&signed.signature.to_compact());
        let section = Section::of(&signed.bid, intents)?;
        self.byte(section.tokens.len() as u8);
        for token in &section.tokens {
            self.address(*token);
        }
        self.byte(section.intents.len() as u8);
        let shared = terms.penalty != 0;
        let whole = shares.iter().map(|share| u32::from(*share)).sum::<u32>() <= WHOLE;
        if !whole || shares.len() != if shared { section.intents.len() } else { 0 } {
            return Err(BatchError::Shares);
        }
        let mut shares = shares.iter();
        for (_, intent) in &section.intents {
            self.intent(intent, &section.tokens, shares.next().copied())?;
        }
        self.legs(signed.bid.legs(), &section)?;
        let callback = signed.bid.callback();
        let length = u32::try_from(callback.len()).map_err(|_| BatchError::TooLong)?;
        self.bytes(&length.to_be_bytes()[1..]);
        self.bytes(callback);
        Ok(())
    }

    fn intent(
        &mut self,
        signed: &SignedIntent,
        tokens: &[Address],
        share: Option<u16>,
    ) -> Result<(), BatchError> {
        let intent = &signed.intent;
        let receiver = intent.signed_receiver();
        let contract = matches!(signed.signature, OwnerSignature::Contract(_));
        let flags = u8::from(intent.kind() == Kind::ExactOut)
            | u8::from(intent.partially_fillable()) << 1
            | u8::from(!receiver.is_zero()) << 2
            | u8::from(!intent.app_data().is_zero()) << 3
            | u8::from(contract) << 4;
        self.byte(flags);
        self.address(intent.owner());
        self.byte(index_of(tokens, &intent.pair().sell));
        self.byte(index_of(tokens, &intent.pair().buy));
        if !receiver.is_zero() {
            self.address(receiver);
        }
        self.uint(intent.sell_amount().get());
        self.uint(intent.buy_amount().get());
        self.uint(intent.nonce());
        self.bytes(&intent.valid_to().to_be_bytes());
        if !intent.app_data().is_zero() {
            self.word(intent.app_data());
        }
        if let Some(share) = share {
            self.bytes(&share.to_be_bytes());
        }
        match &signed.signature {
            OwnerSignature::Ecdsa(signature) => self.bytes(&signature.to_compact()),
            OwnerSignature::Contract(bytes) => {
                let length = u16::try_from(bytes.len()).map_err(|_| BatchError::TooLong)?;
                self.bytes(&length.to_be_bytes());
                self.bytes(bytes);
            }
        }
        Ok(())
    }

    fn legs(&mut self, legs: &[Leg], section: &Section<'_>) -> Result<(), BatchError> {
        let count = u16::try_from(legs.len()).map_err(|_| BatchError::TooLong)?;
        self.bytes(&count.to_be_bytes());
        for leg in legs {
            self.byte(section.end(leg.from));
            self.byte(section.end(leg.to));
            self.uint(leg.amount.get());
        }
        Ok(())
    }
}

/// The tables a bid's section is made of: its tokens ascending, its intents by id.
struct Section<'a> {
    tokens: Vec<Address>,
    intents: Vec<(IntentId, &'a SignedIntent)>,
}

impl<'a> Section<'a> {
    fn of(bid: &Bid, all: &'a BTreeMap<IntentId, SignedIntent>) -> Result<Self, BatchError> {
        let mut intents = Vec::with_capacity(bid.fills().len());
        let mut tokens = Vec::new();
        for fill in bid.fills() {
            let signed = all.get(&fill.intent).ok_or(BatchError::UnknownIntent(fill.intent))?;
            let pair = signed.intent.pair();
            tokens.extend([pair.sell, pair.buy]);
            intents.push((fill.intent, signed));
        }
        tokens.sort_unstable();
        tokens.dedup();
        if tokens.len() > 255 {
            return Err(BatchError::TooLong);
        }
        Ok(Self { tokens, intents })
    }

    fn end(&self, end: End) -> u8 {
        match end {
            End::Filler => FILLER,
            End::Intent(id) => {
                let at = self.intents.binary_search_by_key(&id, |(intent, _)| *intent);
                at.map_or(FILLER, |n| n as u8)
            }
        }
    }
}

fn index_of(tokens: &[Address], token: &Address) -> u8 {
    tokens.binary_search(token).map_or(u8::MAX, |n| n as u8)
}
