//! The opening record (design A7): everything a decision depends on, fixed before the first bid.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Params;
use crate::{
    AuctionId, Intent, IntentId, OpenHash,
    eip712::SigningDomain,
    event::{BlockRef, CutIntent, TokenPrice},
    merkle::{StandardTree, leaf_hash},
};

/// The type string of the record; its hash is the first word of what [`OpeningRecord::hash`] hashes.
pub const TYPE: &str = "Opening(bytes32 previous,uint256 chainId,address settlement,uint64 auctionId,uint64 blockNumber,bytes32 blockHash,uint64 blockTime,uint64 openedAtMs,uint64 closesAtMs,bytes32 paramsHash,bytes32 pricesHash,bytes32 intentsRoot,uint32 intentCount)";

/// What an auction is held on. Announced by its hash with `auction.opened`.
///
/// What solvers have put up is not in it, though design A7 has it there: at the cut nobody knows who
/// will bid. It is read with their standing, at one recorded block ([`super::Standings`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningRecord {
    /// The auction's number.
    pub auction_id: AuctionId,
    /// The hash of the record before; zero for a chain's first auction.
    pub previous: OpenHash,
    /// The chain.
    pub chain_id: u64,
    /// Its `Settlement` contract.
    #[serde(with = "crate::eip55")]
    #[schema(value_type = String)]
    pub settlement: Address,
    /// The block whose state was read.
    pub block: BlockRef,
    /// That block's timestamp, Unix seconds.
    pub block_time_s: u64,
    /// When the window opened, Redis time, Unix milliseconds.
    pub opened_at_ms: u64,
    /// A bid counts if it was queued before this, Redis time, Unix milliseconds.
    pub closes_at_ms: u64,
    /// The rules' numbers.
    pub params: Params,
    /// Reference prices, by token, each token once.
    pub prices: Vec<TokenPrice>,
    /// The intents to be bid on, by id, each once.
    pub intents: Vec<CutIntent>,
}

impl OpeningRecord {
    /// The root of OpenZeppelin's standard tree over `abi.encode(bytes32 id, uint256 fundable,
    /// uint256 filled, bool alone)` of every intent; zero without any.
    #[must_use]
    pub fn intents_root(&self) -> B256 {
        self.intents_tree().root()
    }

    /// The tree of [`Self::intents_root`], for proofs.
    #[must_use]
    pub fn intents_tree(&self) -> StandardTree {
        StandardTree::new(self.intents.iter().map(intent_leaf).collect())
    }

    /// `keccak256(abi.encode(keccak256(TYPE), previous, chainId, settlement, auctionId, block number,
    /// block hash, block time, openedAtMs, closesAtMs, params hash, prices hash, intents root, number
    /// of intents))`: 14 words of 32 bytes.
    ///
    /// - params hash: [`Params::hash`];
    /// - prices hash: keccak256 over `abi.encode(address token, uint256 price)` of every price, one
    ///   after the other in the record's order (64 bytes each);
    #[must_use]
    pub fn hash(&self) -> OpenHash {
        let preimage = (
            (keccak256(TYPE), self.previous.get(), self.chain_id, self.settlement),
            (self.auction_id.get(), self.block.number, self.block.hash, self.block_time_s),
            (self.opened_at_ms, self.closes_at_ms, self.params.hash(), self.prices_hash()),
            (self.intents_root(), self.intents.len() as u64),
        );
        OpenHash::new(keccak256(preimage.abi_encode()))
    }

    fn prices_hash(&self) -> B256 {
        let mut bytes = Vec::with_capacity(self.prices.len() * 64);
        for price in &self.prices {
            bytes.extend_from_slice(&(price.token, price.price.get()).abi_encode());
        }
        keccak256(bytes)
    }

    /// The intent's entry.
    #[must_use]
    pub fn intent(&self, id: IntentId) -> Option<&CutIntent> {
        let at = self.intents.binary_search_by_key(&id, |entry| entry.id).ok()?;
        self.intents.get(at)
    }
}

/// The leaf of one intent in [`OpeningRecord::intents_root`].
#[must_use]
pub fn intent_leaf(entry: &CutIntent) -> B256 {
    let CutIntent { id, fundable, filled, alone } = *entry;
    leaf_hash(&(id.get(), fundable.get(), filled.get(), alone).abi_encode())
}

/// Why a record and intents do not make an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// Prices or intents are not strictly ascending.
    #[error("{0} are not strictly ascending")]
    NotAscending(&'static str),
    /// An intent of the record is not at hand.
    #[error("intent {0} is not at hand")]
    MissingIntent(IntentId),
    /// An intent does not hash to the id it is filed under.
    #[error("what is filed under {0} is another intent")]
    ForeignIntent(IntentId),
    /// A parameter is out of its range.
    #[error("{0} is out of range")]
    Parameter(&'static str),
}

/// An auction's opening record with the intents it names, known to belong together.
#[derive(Clone, Debug)]
pub struct Cut {
    opening: OpeningRecord,
    hash: OpenHash,
    intents: BTreeMap<IntentId, Intent>,
}

impl Cut {
    /// Puts a record and its intents together; intents the record does not name are left out.
    ///
    /// # Errors
    /// A [`CutError`] if the record is not in its canonical order, an intent is absent or is not
    /// what its id says.
    pub fn new(
        opening: OpeningRecord,
        mut intents: BTreeMap<IntentId, Intent>,
    ) -> Result<Self, CutError> {
        ascending("prices", opening.prices.iter().map(|price| price.token))?;
        ascending("intents", opening.intents.iter().map(|entry| entry.id))?;
        opening.params.validate()?;
        let domain = SigningDomain::new(opening.chain_id, opening.settlement);
        let mut named = BTreeMap::new();
        for entry in &opening.intents {
            let intent = intents.remove(&entry.id).ok_or(CutError::MissingIntent(entry.id))?;
            if intent.id(&domain) != entry.id {
                return Err(CutError::ForeignIntent(entry.id));
            }
            named.insert(entry.id, intent);
        }
        let hash = opening.hash();
        Ok(Self { opening, hash, intents: named })
    }

    /// The same auction to be decided again, not before `from_ms`: of its intents those of `entries`
    /// whose `validTo` covers a settlement from then on, with what is left of them. Rules, prices and
    /// hash stay, and who was to be filled alone is.
    pub(super) fn again(&self, entries: &[CutIntent], from_ms: u64) -> Self {
        let closes_at_ms = self.opening.closes_at_ms.max(from_ms);
        let admitted = |entry: &&CutIntent| {
            let intent = self.intents.get(&entry.id);
            intent.is_some_and(|intent| self.params().admits(intent, closes_at_ms))
        };
        let marked = |id: IntentId| self.opening.intent(id).is_some_and(|entry| entry.alone);
        let again =
            |entry: &CutIntent| CutIntent { alone: entry.alone || marked(entry.id), ..*entry };
        let entries: Vec<CutIntent> = entries.iter().filter(admitted).map(again).collect();
        let kept = |entry: &CutIntent| Some((entry.id, self.intents.get(&entry.id)?.clone()));
        let intents = entries.iter().filter_map(kept).collect();
        let opening = OpeningRecord { closes_at_ms, intents: entries, ..self.opening.clone() };
        Self { opening, hash: self.hash, intents }
    }

    /// The record; of an auction that is decided again with what is left of its intents, and the
    /// time from which it can settle in the place of the close.
    #[must_use]
    pub const fn opening(&self) -> &OpeningRecord {
        &self.opening
    }

    /// The record's hash.
    #[must_use]
    pub const fn open_hash(&self) -> OpenHash {
        self.hash
    }

    /// The rules' numbers.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.opening.params
    }

    /// The intents by id.
    #[must_use]
    pub const fn intents(&self) -> &BTreeMap<IntentId, Intent> {
        &self.intents
    }

    /// The deployment whose digests these are.
    #[must_use]
    pub fn domain(&self) -> SigningDomain {
        SigningDomain::new(self.opening.chain_id, self.opening.settlement)
    }
}

fn ascending<T: Ord>(what: &'static str, items: impl Iterator<Item = T>) -> Result<(), CutError> {
    if items.is_sorted_by(|a, b| a < b) { Ok(()) } else { Err(CutError::NotAscending(what)) }
}
