//! What the chain says of those who bid: asked while the window is still open, so that at the
//! close only late newcomers are asked about.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
};
use domain::{
    BidId,
    auction::{SolverStanding, Standings},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use infra::{
    chain::{Chain, ChainError, Standing, abi},
    pg::bid::PlacedBid,
};

/// Questions under way at once.
const AT_ONCE: usize = 16;

/// A key, the solver it bids for, and the filler it names.
type Bidder = (Address, Address, Address);

/// The answers so far, for one auction.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// `None`: no key recovers from the signature.
    bidders: BTreeMap<BidId, Option<Bidder>>,
    standing: BTreeMap<Bidder, Standing>,
    /// Words of solvers' nonce bitmaps.
    words: BTreeMap<(Address, U256), U256>,
}

/// What a decision needs of it.
#[derive(Debug, Default)]
pub(crate) struct Bidders {
    pub(crate) standings: Standings,
    /// Bids whose key does not sign for their solver (any more).
    pub(crate) unauthorised: BTreeSet<BidId>,
}

impl Known {
    /// Asks about what is new in `bids`.
    ///
    /// # Errors
    /// Those of the chain; what was answered is kept.
    pub(crate) async fn learn(
        &mut self,
        chain: &Chain,
        bids: &[PlacedBid],
    ) -> Result<(), ChainError> {
        for bid in bids {
            if let Entry::Vacant(place) = self.bidders.entry(bid.id) {
                let terms = bid.signed.bid.terms();
                let key = bid.signed.signature.recover(bid.id.get()).ok();
                place.insert(key.map(|key| (key, terms.solver, terms.filler)));
            }
        }
        let bidders: BTreeSet<Bidder> = self.bidders.values().flatten().copied().collect();
        let bidders = bidders.into_iter().filter(|bidder| !self.standing.contains_key(bidder));
        let words: BTreeSet<_> = bids.iter().map(word_of).collect();
        let words = words.into_iter().filter(|word| !self.words.contains_key(word));
        let standings = stream::iter(bidders.collect::<Vec<_>>())
            .map(async |bidder| {
                let (key, solver, filler) = bidder;
                Ok::<_, ChainError>((bidder, chain.standing(key, solver, filler).await?))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let words = stream::iter(words.collect::<Vec<_>>())
            .map(async |(solver, word)| {
                let call = abi::bidNoncesCall { solver, word };
                let bits = chain.view(chain.settlement(), &call, BlockId::latest()).await?;
                Ok::<_, ChainError>(((solver, word), bits))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let (standings, words) = tokio::try_join!(standings, words)?;
        self.standing.extend(standings);
        self.words.extend(words);
        Ok(())
    }

    /// The answers about `bids`, all of which were learned.
    pub(crate) fn of(&self, bids: &[PlacedBid]) -> Bidders {
        let mut found = Bidders::default();
        for bid in bids {
            let bidder = self.bidders.get(&bid.id).copied().flatten();
            let standing = bidder.and_then(|bidder| self.standing.get(&bidder).copied());
            match (bidder, standing) {
                (Some(bidder), Some(standing)) => self.add(&mut found, bid, bidder, standing),
                _ => drop(found.unauthorised.insert(bid.id)),
            }
        }
        found
    }

    fn add(
        &self,
        found: &mut Bidders,
        bid: &PlacedBid,
        (_, solver, filler): Bidder,
        standing: Standing,
    ) {
        let bound_to = match standing {
            Standing::UnknownKey => {
                found.unauthorised.insert(bid.id);
                return;
            }
            Standing::Paused | Standing::FillerUnbound => None,
            Standing::FillerForeign(other) => Some(other),
            Standing::Authorised => Some(solver),
        };
        if let Some(bound_to) = bound_to {
            found.standings.fillers.insert(filler, bound_to);
        }
        let entry = found
            .standings
            .solvers
            .entry(solver)
            .or_insert_with(|| SolverStanding { registered: true, ..SolverStanding::default() });
        entry.paused |= standing == Standing::Paused;
        let nonce = bid.signed.bid.terms().nonce;
        let bits = self.words.get(&word_of(bid)).copied().unwrap_or_default();
        if bits.bit(nonce.get().byte(0) as usize) {
            entry.used_nonces.insert(nonce);
        }
    }
}

fn word_of(bid: &PlacedBid) -> (Address, U256) {
    let terms = bid.signed.bid.terms();
    (terms.solver, terms.nonce.get() >> 8)
}
