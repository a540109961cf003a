//! What the records of other auctions show of nonces that one counts as in flight: the chain does
//! not show those yet, so each names the auction whose winner was to use it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use domain::{
    Amount, AuctionId,
    auction::{Contents, PublicRecord, RunnerUp, Standings},
    batch::SignedBid,
    event::BlockRef,
};
use solvers::client::{Client, ClientError};

use super::attempt::{Attempt, may_have_won_second};

/// Who used the nonces in question elsewhere, by auction; one that is not there says nothing yet.
///
/// Another auction's record is taken as it comes: whether it holds, its own line says. So a bid in
/// it says something only once its signature is checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Elsewhere(BTreeMap<AuctionId, BTreeMap<Nonce, Vec<Use>>>);

/// A solver, and a nonce of its bids.
type Nonce = (Address, Amount);

/// A bid of another auction that has the nonce.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) signed: SignedBid,
    pub(super) part: Part,
    /// The block at which that auction asked who may sign.
    pub(super) block: Option<BlockRef>,
}

/// What became of a bid, as the record has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It won one of the attempts.
    Won,
    /// It won none. It may have won a second attempt that a reorg took back, of which no record is
    /// left.
    MayHaveWon,
}

impl Elsewhere {
    /// What the auctions that `record` names show, as far as the API makes it public.
    ///
    /// # Errors
    /// Those of the API, but that it knows of no such auction: there nobody won.
    pub(super) async fn fetch(client: &Client, record: &PublicRecord) -> Result<Self, ClientError> {
        let mut elsewhere = Self::default();
        for (auction, nonces) in named(record) {
            match client.export_text(auction).await {
                Ok(text) => {
                    let read = serde_json::from_slice(&text).ok();
                    elsewhere.take(auction, &nonces, read.as_ref());
                }
                Err(error) if error.nack().is_some_and(|nack| nack.code == "auction_unknown") => {
                    drop(elsewhere.0.insert(auction, BTreeMap::new()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(elsewhere)
    }

    /// The same, as far as the records at hand tell.
    pub(super) fn among<'a>(
        record: &PublicRecord,
        others: impl Iterator<Item = &'a PublicRecord>,
    ) -> Self {
        let (named, mut elsewhere) = (named(record), Self::default());
        for other in others {
            let auction = other.opening.auction_id;
            if let Some(nonces) = named.get(&auction) {
                elsewhere.take(auction, nonces, Some(other));
            }
        }
        elsewhere
    }

    fn take(
        &mut self,
        auction: AuctionId,
        nonces: &BTreeSet<Nonce>,
        record: Option<&PublicRecord>,
    ) {
        let Some(record) = record.filter(|record| record.opening.auction_id == auction) else {
            // its own line says so
            return;
        };
        if let Some(contents) = &record.contents {
            self.0.insert(auction, uses(record, contents, nonces));
        }
    }

    /// The bids of an auction that have the nonce; `None` if its record is not public, or not at hand.
    pub(super) fn uses(&self, auction: AuctionId, nonce: Nonce) -> Option<&[Use]> {
        self.0.get(&auction).map(|uses| uses.get(&nonce).map_or(&[][..], Vec::as_slice))
    }
}

/// The auctions that a record names, with the nonces that they are named for.
fn named(record: &PublicRecord) -> BTreeMap<AuctionId, BTreeSet<Nonce>> {
    let contents = record.contents.as_ref();
    let second = contents.and_then(|contents| contents.runner_up.as_ref());
    let first = contents.map(|contents| &contents.standings);
    let second = second.map(|RunnerUp { grounds, .. }| &grounds.standings);
    let mut named = BTreeMap::<AuctionId, BTreeSet<Nonce>>::new();
    for Standings { solvers, .. } in first.into_iter().chain(second) {
        for (solver, standing) in solvers {
            for (nonce, auction) in &standing.nonces_in_flight {
                named.entry(*auction).or_default().insert((*solver, *nonce));
            }
        }
    }
    named
}

/// The bids that won either attempt, or may have won one, and have one of `nonces`.
fn uses(
    record: &PublicRecord,
    contents: &Contents,
    nonces: &BTreeSet<Nonce>,
) -> BTreeMap<Nonce, Vec<Use>> {
    let mut uses = BTreeMap::<Nonce, Vec<Use>>::new();
    let mut take = |signed: &SignedBid, part, block| {
        let terms = signed.bid.terms();
        let nonce = (terms.solver, terms.nonce);
        if nonces.contains(&nonce) {
            uses.entry(nonce).or_default().push(Use { signed: signed.clone(), part, block });
        }
    };
    for attempt in Attempt::all(record, contents) {
        for bid in attempt.bids.iter().filter(|bid| attempt.winners.contains(&bid.id)) {
            take(&bid.signed, Part::Won, attempt.standings.block);
        }
    }
    for bid in may_have_won_second(record) {
        take(&bid.signed, Part::MayHaveWon, contents.standings.block);
    }
    uses
}
