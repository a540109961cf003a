//! The chain of opening records: each names the hash of the one before, numbers have no gaps.

use super::super::OpeningRecord;
use crate::{AuctionId, OpenHash};

/// The chain of opening records, followed upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage(Option<(AuctionId, OpenHash)>);

/// Where the chain of opening records is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineageFault {
    /// A number is left out or repeated.
    #[error("the auction after {after} is numbered {found}")]
    Number {
        /// The auction before.
        after: AuctionId,
        /// The one that was found.
        found: AuctionId,
    },
    /// The record names another predecessor.
    #[error("the opening record names {named} as its predecessor, which is {actual}")]
    Previous {
        /// In the record.
        named: OpenHash,
        /// What the record before hashes to; zero before the first.
        actual: OpenHash,
    },
}

impl Lineage {
    /// From a chain's very first auction on: number 1, and no predecessor.
    #[must_use]
    pub fn from_the_first() -> Self {
        Self::after(AuctionId::new(0), OpenHash::new(Default::default()))
    }

    /// After an auction whose opening record has the hash `hash`.
    #[must_use]
    pub const fn after(auction: AuctionId, hash: OpenHash) -> Self {
        Self(Some((auction, hash)))
    }

    /// From somewhere: the first record is believed.
    #[must_use]
    pub const fn anywhere() -> Self {
        Self(None)
    }

    /// Takes the next record. After a fault the chain goes on from this record, so that one break
    /// is told once.
    ///
    /// # Errors
    /// A [`LineageFault`] if it does not follow the last one.
    pub fn follow(&mut self, opening: &OpeningRecord) -> Result<(), LineageFault> {
        let before = self.0.replace((opening.auction_id, opening.hash()));
        let Some((after, actual)) = before else { return Ok(()) };
        if after.get().checked_add(1) != Some(opening.auction_id.get()) {
            return Err(LineageFault::Number { after, found: opening.auction_id });
        }
        if opening.previous != actual {
            return Err(LineageFault::Previous { named: opening.previous, actual });
        }
        Ok(())
    }
}
