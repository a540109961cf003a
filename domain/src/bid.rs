//! A solver's bid: legs that move tokens between intents and the solver's filler, signed as a whole.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Amount, AuctionId, BidId, IntentId,
    eip712::{SigningDomain, TypedBid},
    fields::Fields,
    intent::{FieldError, FieldErrors, FieldFault},
};

/// The most intents one bid may touch: a leg's end is one byte, 255 being the filler.
pub const MAX_INTENTS: usize = 254;
/// The most legs of one bid.
pub const MAX_LEGS: usize = 1024;
/// The most bytes of callback data of one bid.
pub const MAX_CALLBACK: usize = 16 * 1024;

/// One end of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// The bid's filler contract; zero in the signed form.
    Filler,
    /// An intent: its owner gives, or its receiver gets.
    Intent(IntentId),
}

impl End {
    /// The signed form: the intent's digest, or zero for the filler.
    #[must_use]
    pub fn word(self) -> B256 {
        match self {
            Self::Filler => B256::ZERO,
            Self::Intent(id) => id.get(),
        }
    }
}

impl From<B256> for End {
    fn from(word: B256) -> Self {
        if word.is_zero() { Self::Filler } else { Self::Intent(IntentId::new(word)) }
    }
}

impl Serialize for End {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.word().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        B256::deserialize(deserializer).map(Self::from)
    }
}

/// A transfer: the seller's sell token, or the filler's, straight to the other side's receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// Who gives.
    pub from: End,
    /// Who gets.
    pub to: End,
    /// How much, above zero.
    pub amount: Amount,
}

/// What a bid's legs add up to for one intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The intent.
    pub intent: IntentId,
    /// The legs from it, in its sell token.
    pub sold: Amount,
    /// The legs to it, in its buy token.
    pub bought: Amount,
}

/// A well-formed bid: at least one leg, none from the filler to itself, amounts above zero.
/// Whether it keeps limits and balances is the auction's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bid {
    terms: Terms,
    legs: Vec<Leg>,
    callback: Bytes,
    fills: Vec<Fill>,
}

/// The scalar fields of a bid, as signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// The auction it is for.
    pub auction_id: AuctionId,
    /// The solver's account.
    #[serde(with = "crate::eip55")]
    pub solver: Address,
    /// The solver's filler contract.
    #[serde(with = "crate::eip55")]
    pub filler: Address,
    /// Gas its frame is given on chain, callback included.
    pub gas: u32,
    /// Gas the filler's callback is given; 0 = no callback.
    pub callback_gas: u32,
    /// What the solver owes if it fails by its own fault, in wei.
    #[serde(with = "decimal_u128")]
    pub penalty: u128,
    /// The last second in which it may settle, Unix time.
    pub valid_until: u32,
    /// Its bit in the solver's unordered nonce bitmap.
    pub nonce: Amount,
    /// Random, so that a sealed bid cannot be guessed.
    pub salt: B256,
    /// The solver's own reference; one bid per auction and reference.
    pub client_bid_id: B256,
}

mod decimal_u128 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Bid {
    /// A bid of its parts.
    ///
    /// # Errors
    /// Under `legs` and `callback`: none, too many, zero amounts, filler to filler, more than
    /// [`MAX_INTENTS`] intents, sums over 2^128 - 1, or too much callback data.
    pub fn new(terms: Terms, legs: Vec<Leg>, callback: Bytes) -> Result<Self, FieldErrors> {
        let mut errors = Vec::new();
        let fills = match fills_of(&legs) {
            Ok(fills) => Some(fills),
            Err(error) => {
                errors.push(error);
                None
            }
        };
        if callback.len() > MAX_CALLBACK {
            let detail = format!("must be at most {MAX_CALLBACK} bytes");
            errors.push(FieldError::new("callback", FieldFault::TooLarge, detail));
        }
        let bid = fills.map(|fills| Self { terms, legs, callback, fills });
        FieldErrors::unless_any(errors, bid)
    }

    /// Reads `{bid, legs, callback}` in JSON form; `callback` may be absent. Any other member
    /// of `body` must have been taken out before.
    ///
    /// # Errors
    /// Every field that is absent, unknown, of the wrong type or out of range.
    pub fn parse(body: &Map<String, Value>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::new(body);
        let terms = fields.required("bid").and_then(|value| match value.as_object() {
            Some(object) => Some(Terms::parse(object)),
            None => {
                fields.fail("bid", FieldFault::WrongType, "must be an object");
                None
            }
        });
        let legs = fields.required("legs").and_then(|value| {
            let legs = serde_json::from_value::<Vec<Leg>>(value.clone());
            legs.map_err(|e| fields.fail("legs", FieldFault::WrongType, e.to_string())).ok()
        });
        let callback = match fields.optional("callback") {
            None => Some(Bytes::new()),
            Some(_) => fields.bytes("callback", MAX_CALLBACK),
        };
        let (terms, mut errors) = match terms {
            Some(Ok(terms)) => (Some(terms), Vec::new()),
            Some(Err(errors)) => (None, errors.as_slice().to_vec()),
            None => (None, Vec::new()),
        };
        match fields.finish(legs.zip(callback)) {
            Ok((legs, callback)) => match terms {
                Some(terms) => Self::new(terms, legs, callback),
                None => FieldErrors::unless_any(errors, None),
            },
            Err(more) => {
                errors.extend_from_slice(more.as_slice());
                FieldErrors::unless_any(errors, None)
            }
        }
    }

    /// The scalar fields.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The legs in signed order.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// The data its filler is called with.
    #[must_use]
    pub const fn callback(&self) -> &Bytes {
        &self.callback
    }

    /// What the legs add up to, one fill per intent, by intent id.
    #[must_use]
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// The fill of one intent.
    #[must_use]
    pub fn fill_of(&self, intent: IntentId) -> Option<&Fill> {
        let at = self.fills.binary_search_by_key(&intent, |fill| fill.intent).ok()?;
        self.fills.get(at)
    }

    /// `keccak256` over `from ‖ to ‖ amount` of every leg.
    #[must_use]
    pub fn legs_hash(&self) -> B256 {
        let mut bytes = Vec::with_capacity(self.legs.len() * 96);
        for leg in &self.legs {
            bytes.extend_from_slice(leg.from.word().as_slice());
            bytes.extend_from_slice(leg.to.word().as_slice());
            bytes.extend_from_slice(&leg.amount.get().to_be_bytes::<32>());
        }
        keccak256(bytes)
    }

    /// The bid's id in a deployment: its EIP-712 digest.
    #[must_use]
    pub fn id(&self, domain: &SigningDomain) -> BidId {
        let terms = &self.terms;
        BidId::new(domain.digest(&TypedBid {
            auctionId: terms.auction_id.get(),
            solver: terms.solver,
            filler: terms.filler,
            legsHash: self.legs_hash(),
            callbackHash: keccak256(&self.callback),
            gas: terms.gas,
            callbackGas: terms.callback_gas,
            penalty: terms.penalty,
            validUntil: terms.valid_until,
            nonce: terms.nonce.get(),
            salt: terms.salt,
            clientBidId: terms.client_bid_id,
        }))
    }
}

impl Terms {
    fn parse(object: &Map<String, Value>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::new(object);
        let auction_id = fields.integer("auctionId", u64::MAX);
        let solver = fields.address("solver");
        let filler = fields.address("filler");
        let gas = fields.integer("gas", u64::from(u32::MAX));
        let callback_gas = fields.integer("callbackGas", u64::from(u32::MAX));
        if let (Some(gas), Some(callback_gas)) = (gas, callback_gas)
            && callback_gas > gas
        {
            fields.fail("callbackGas", FieldFault::TooLarge, "must be at most gas");
        }
        let penalty = fields.uint256("penalty");
        if penalty.is_some_and(|penalty| penalty.get() > U256::from(u128::MAX)) {
            fields.fail("penalty", FieldFault::TooLarge, "must be at most 2^128 - 1");
        }
        let valid_until = fields.integer("validUntil", u64::from(u32::MAX));
        let nonce = fields.uint256("nonce");
        let salt = fields.word("salt");
        let client_bid_id = fields.word("clientBidId");
        let terms = (|| {
            Some(Self {
                auction_id: AuctionId::new(auction_id?),
                solver: solver?,
                filler: filler?,
                gas: u32::try_from(gas?).ok()?,
                callback_gas: u32::try_from(callback_gas?).ok()?,
                penalty: u128::try_from(penalty?.get()).ok()?,
                valid_until: u32::try_from(valid_until?).ok()?,
                nonce: nonce?,
                salt: salt?,
                client_bid_id: client_bid_id?,
            })
        })();
        fields.finish(terms)
    }
}

fn fills_of(legs: &[Leg]) -> Result<Vec<Fill>, FieldError> {
    let error = |fault, detail: &str| FieldError::new("legs", fault, detail);
    if legs.is_empty() {
        return Err(error(FieldFault::Missing, "must hold at least one leg"));
    }
    if legs.len() > MAX_LEGS {
        return Err(error(FieldFault::TooLarge, "holds more than 1024 legs"));
    }
    let mut fills = BTreeMap::<IntentId, Fill>::new();
    let mut add = |end: End, amount: Amount, side: fn(&mut Fill) -> &mut Amount| {
        let End::Intent(intent) = end else { return Ok(()) };
        let empty = Fill { intent, sold: Amount::ZERO, bought: Amount::ZERO };
        let total = side(fills.entry(intent).or_insert(empty));
        *total = total
            .checked_add(amount)
            .filter(|total| total.fits_fill())
            .ok_or_else(|| error(FieldFault::TooLarge, "add up to more than 2^128 - 1"))?;
        Ok(())
    };
    for leg in legs {
        if leg.amount.is_zero() {
            return Err(error(FieldFault::Zero, "every amount must be above zero"));
        }
        if leg.from == leg.to {
            return Err(error(FieldFault::NotAllowed, "a leg's two ends must differ"));
        }
        add(leg.from, leg.amount, |fill| &mut fill.sold)?;
        add(leg.to, leg.amount, |fill| &mut fill.bought)?;
    }
    if fills.is_empty() || fills.len() > MAX_INTENTS {
        return Err(error(FieldFault::TooLarge, "must touch 1 to 254 intents"));
    }
    Ok(fills.into_values().collect())
}

/// The JSON form `{bid, legs, callback}`.
impl Serialize for Bid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut body = serializer.serialize_struct("Bid", 3)?;
        body.serialize_field("bid", &self.terms)?;
        body.serialize_field("legs", &self.legs)?;
        body.serialize_field("callback", &self.callback)?;
        body.end()
    }
}

impl<'de> Deserialize<'de> for Bid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = Map::deserialize(deserializer)?;
        Self::parse(&body).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legs_of_an_intent_add_up_to_what_fits_a_fill() {
        let intent = End::Intent(IntentId::new(B256::repeat_byte(1)));
        let half = Amount::new(U256::from(1u128 << 127));
        let rest = Amount::new(U256::from((1u128 << 127) - 1));
        let one = Amount::from(1u64);
        let legs = |from: End, to: End, amounts: &[Amount]| {
            let leg = |amount: &Amount| Leg { from, to, amount: *amount };
            fills_of(&amounts.iter().map(leg).collect::<Vec<_>>()).map(drop)
        };
        for (from, to) in [(intent, End::Filler), (End::Filler, intent)] {
            assert_eq!(legs(from, to, &[half, rest]), Ok(()));
            let refused = legs(from, to, &[half, rest, one]).map_err(|error| error.fault);
            assert_eq!(refused, Err(FieldFault::TooLarge));
        }
    }
}
