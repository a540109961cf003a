//! What the chain says of those who bid, all of it at one block, which is recorded: anybody can
//! ask again. The block is pinned shortly before the close, and whoever bid by then, or in the
//! auction before, is asked about at once; at the close only a solver never seen before is left.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use alloy::primitives::{Address, U256};
use domain::{
    Amount, AuctionId, BidId,
    auction::{SolverStanding, Standings},
    event::BlockRef,
};
use infra::{
    chain::{Bidder, Block, Chain, ChainError, NonceWord, SolverFunds, Standing},
    pg::{auction::Stakes, bid::PlacedBid},
};

use crate::stream::Stream;

/// Regulars remembered from one auction to the next.
const REGULARS: usize = 1_000;

/// What is to be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Questions {
    bidders: BTreeSet<Bidder>,
    words: BTreeSet<NonceWord>,
}

impl Questions {
    pub(crate) fn about(stream: &Stream) -> Self {
        Self {
            bidders: stream.bidders.iter().flatten().copied().collect(),
            words: stream.bids.iter().map(word_of).collect(),
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.bidders.extend(&other.bidders);
        self.words.extend(&other.words);
    }

    /// Those that are worth asking in the next auction before anybody has bid in it.
    pub(crate) fn regulars(mut self) -> Self {
        self.bidders = self.bidders.into_iter().take(REGULARS).collect();
        self.words = self.words.into_iter().take(REGULARS).collect();
        self
    }
}

/// The answers so far, for one auction.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) block: BlockRef,
    block_time_s: u64,
    gas_price: Amount,
    staked: Arc<Stakes>,
    standing: HashMap<Bidder, Standing>,
    funds: HashMap<Address, SolverFunds>,
    words: HashMap<NonceWord, U256>,
}

/// What the rules need to know of the bidders of one auction.
#[derive(Clone, Debug, Default)]
pub struct Bidders {
    /// What is recorded.
    pub standings: Standings,
    /// Bids whose key does not sign for their solver (any more).
    pub unauthorised: BTreeSet<BidId>,
    /// What bids in flight tied down when that was read.
    pub(crate) staked: Arc<Stakes>,
}

/// Asks about the bidders of `bids` at `block`: what the auction did, for whoever repeats it. What
/// bids in flight tied down of their funds and nonces is not on chain, and not taken off here.
///
/// # Errors
/// Those of the chain.
pub async fn bidders(
    chain: &Chain,
    block: &Block,
    bids: &[PlacedBid],
) -> Result<Bidders, ChainError> {
    let stream = Stream::of_rows(bids.iter().cloned());
    let mut known = Known::at(block, chain.gas_price(block).await?, Stakes::default());
    known.learn(chain, &Questions::about(&stream)).await?;
    Ok(known.of(&stream))
}

impl Known {
    /// `gas_price` is what gas is reserved at, `staked` what bids in flight tie down.
    pub(crate) fn at(block: &Block, gas_price: Amount, staked: Stakes) -> Self {
        Self {
            block: block.at,
            block_time_s: block.timestamp,
            gas_price,
            staked: Arc::new(staked),
            standing: HashMap::new(),
            funds: HashMap::new(),
            words: HashMap::new(),
        }
    }

    /// Asks what is not answered yet. Dropped half-way it has learned nothing.
    ///
    /// # Errors
    /// Those of the chain.
    pub(crate) async fn learn(
        &mut self,
        chain: &Chain,
        questions: &Questions,
    ) -> Result<(), ChainError> {
        let new = |bidder: &&Bidder| !self.standing.contains_key(*bidder);
        let bidders: Vec<Bidder> = questions.bidders.iter().filter(new).copied().collect();
        let new = |word: &&NonceWord| !self.words.contains_key(*word);
        let words: Vec<NonceWord> = questions.words.iter().filter(new).copied().collect();
        if bidders.is_empty() && words.is_empty() {
            return Ok(());
        }
        let solvers: BTreeSet<Address> = bidders.iter().map(|bidder| bidder.solver).collect();
        let new = |solver: &Address| !self.funds.contains_key(solver);
        let solvers: Vec<Address> = solvers.into_iter().filter(new).collect();
        let at = self.block.hash.into();
        let answers = chain.bidders(&bidders, &solvers, &words, at).await?;
        self.standing.extend(bidders.into_iter().zip(answers.standings));
        self.funds.extend(solvers.into_iter().zip(answers.funds));
        self.words.extend(words.into_iter().zip(answers.words));
        Ok(())
    }

    /// The answers about the bids of `stream`, all of which were learned.
    pub(crate) fn of(&self, stream: &Stream) -> Bidders {
        let (block, gas_price) = (Some(self.block), self.gas_price);
        let standings = Standings { block, gas_price, ..Standings::default() };
        let staked = Arc::clone(&self.staked);
        let mut found = Bidders { standings, unauthorised: BTreeSet::new(), staked };
        for (bid, bidder) in stream.bids.iter().zip(&stream.bidders) {
            let standing = bidder.and_then(|bidder| self.standing.get(&bidder).copied());
            match (bidder, standing) {
                (Some(bidder), Some(standing)) => self.add(&mut found, bid, *bidder, standing),
                _ => drop(found.unauthorised.insert(bid.id)),
            }
        }
        found
    }

    fn add(&self, found: &mut Bidders, bid: &PlacedBid, bidder: Bidder, standing: Standing) {
        let Bidder { solver, filler, .. } = bidder;
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
        let entry =
            found.standings.solvers.entry(solver).or_insert_with(|| self.standing_of(solver));
        entry.paused |= standing == Standing::Paused;
        let nonce = bid.signed.bid.terms().nonce;
        let bits = self.words.get(&word_of(bid)).copied().unwrap_or_default();
        if bits.bit(nonce.get().byte(0) as usize) {
            entry.used_nonces.insert(nonce);
        } else if let Some(auction) = self.about_to_use(solver, nonce) {
            entry.nonces_in_flight.insert(nonce, auction);
        }
    }

    /// The auction with a winner in flight that will use this nonce of its solver, if there is one.
    fn about_to_use(&self, solver: Address, nonce: Amount) -> Option<AuctionId> {
        let held = self.staked.of(solver)?.nonces.get(&nonce)?;
        // else it cannot settle after this block, and what it did by then the chain shows
        (held.last_s >= self.block_time_s).then_some(held.auction)
    }

    /// A registered solver with what is free of its funds.
    fn standing_of(&self, solver: Address) -> SolverStanding {
        let SolverFunds { bond, deposit, .. } =
            self.funds.get(&solver).copied().unwrap_or_default();
        let (penalties, gas) = match self.staked.of(solver) {
            Some(staked) => (staked.penalties, staked.cost(self.gas_price)),
            None => (Amount::ZERO, Amount::ZERO),
        };
        SolverStanding {
            registered: true,
            bond: bond.saturating_sub(penalties),
            deposit: deposit.saturating_sub(gas),
            ..SolverStanding::default()
        }
    }
}

fn word_of(bid: &PlacedBid) -> NonceWord {
    let terms = bid.signed.bid.terms();
    (terms.solver, terms.nonce.get() >> 8)
}
