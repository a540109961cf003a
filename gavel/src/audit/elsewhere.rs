//! What the records of other auctions show of nonces that one counts as in flight: the chain does
//! not show those yet, so each names the auction whose winner was to use it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use domain::{
    Amount, AuctionId,
    auction::{Contents, PublicRecord, RunnerUp, Standings},
};
use solvers::client::{Client, ClientError};

use super::attempt::Attempt;

/// Who won elsewhere, by auction; one that is not there says nothing yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Elsewhere(BTreeMap<AuctionId, Won>);

/// The last second in which each winner of an auction could settle, by its solver and nonce.
type Won = BTreeMap<(Address, Amount), u64>;

/// What a record says of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is not public, or not at hand.
    Nothing,
    /// No winner was to use it.
    Free,
    /// A winner was to use it, up to this second (Unix time).
    Until(u64),
}

impl Elsewhere {
    /// What the auctions that `record` names show, as far as the API makes it public.
    ///
    /// # Errors
    /// Those of the API, but that it knows of no such auction: there nobody won.
    pub(super) async fn fetch(client: &Client, record: &PublicRecord) -> Result<Self, ClientError> {
        let mut elsewhere = Self::default();
        for auction in named(record) {
            match client.export_text(auction).await {
                Ok(text) => {
                    let read = serde_json::from_slice(&text).ok();
                    elsewhere.take(auction, read.as_ref());
                }
                Err(error) if error.nack().is_some_and(|nack| nack.code == "auction_unknown") => {
                    drop(elsewhere.0.insert(auction, Won::new()));
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
        for other in others.filter(|other| named.contains(&other.opening.auction_id)) {
            elsewhere.take(other.opening.auction_id, Some(other));
        }
        elsewhere
    }

    fn take(&mut self, auction: AuctionId, record: Option<&PublicRecord>) {
        let Some(record) = record.filter(|record| record.opening.auction_id == auction) else {
            // its own line says so
            return;
        };
        if let Some(contents) = &record.contents {
            self.0.insert(auction, won(record, contents));
        }
    }

    pub(super) fn shows(&self, auction: AuctionId, solver: Address, nonce: Amount) -> Shown {
        match self.0.get(&auction) {
            None => Shown::Nothing,
            Some(won) => won.get(&(solver, nonce)).map_or(Shown::Free, |last| Shown::Until(*last)),
        }
    }
}

/// The auctions that a record names.
fn named(record: &PublicRecord) -> BTreeSet<AuctionId> {
    let contents = record.contents.as_ref();
    let second = contents.and_then(|contents| contents.runner_up.as_ref());
    let first = contents.map(|contents| &contents.standings);
    let second = second.map(|RunnerUp { grounds, .. }| &grounds.standings);
    let of = |standings: &Standings| -> Vec<AuctionId> {
        let solvers = standings.solvers.values();
        solvers.flat_map(|standing| standing.nonces_in_flight.values().copied()).collect()
    };
    first.into_iter().chain(second).flat_map(of).collect()
}

/// The winners of both attempts. Whether they are that is for the record's own audit.
fn won(record: &PublicRecord, contents: &Contents) -> Won {
    let mut won = Won::new();
    for attempt in Attempt::all(record, contents) {
        for bid in attempt.bids.iter().filter(|bid| attempt.winners.contains(&bid.id)) {
            let terms = bid.signed.bid.terms();
            won.insert((terms.solver, terms.nonce), terms.valid_until.into());
        }
    }
    won
}
