//! What can be wrong with a record by itself, each cause with what it is about.

use alloy_primitives::{Address, B256};

use super::super::CutError;
use crate::{Amount, BidId, IntentId, OpenHash};

/// What in a record contradicts the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// The record is of another version.
    #[error("the record's version is {0}: audit it with the release that made it")]
    Version(u32),
    /// The opening record does not have the hash that was announced.
    #[error("the opening record hashes to {0}")]
    OpenHash(OpenHash),
    /// The opening record and the intents do not belong together.
    #[error(transparent)]
    Cut(#[from] CutError),
    /// There is an intent that the opening record does not name.
    #[error("{found} intents are recorded, the opening record names {named}")]
    Intents {
        /// In the contents.
        found: usize,
        /// In the opening record.
        named: usize,
    },
    /// An intent is not signed by its owner.
    #[error("intent {0} is not signed by its owner")]
    IntentSignature(IntentId),
    /// There are contents, a decision or its absence without a close.
    #[error("something is recorded that comes after the close, and no close")]
    NotClosed,
    /// There are contents of an auction that was neither decided nor void.
    #[error("there are contents without a decision")]
    NotDecided,
    /// An auction is void and decided.
    #[error("the auction is void, and decided all the same")]
    VoidDecided,
    /// Another number of bids than was fixed at the close.
    #[error("{0} bids are recorded, another number was fixed at the close")]
    BidCount(u32),
    /// A bid is not what its digest says.
    #[error("what is recorded as bid {0} is another one")]
    ForeignBid(BidId),
    /// A bid bears a signature of nobody, and is not left out for it.
    #[error("the signature of bid {0} is nobody's")]
    BidSignature(BidId),
    /// Bids are not in stream order, or one is queued after the close.
    #[error("bid {0} is out of stream order")]
    Order(BidId),
    /// The bids do not have the root that was fixed at the close.
    #[error("the bids' root is {0}, another one was fixed at the close")]
    BidsRoot(B256),
    /// There are not as many verdicts as bids, or some where there is no decision.
    #[error("{0} verdicts")]
    Verdicts(usize),
    /// A verdict is another one when the decision is repeated.
    #[error("bid {0} is judged otherwise when the decision is repeated")]
    Verdict(BidId),
    /// A bid is left out for a reason that a decision never has: the auction's own for a failure on
    /// chain, the second one for that or for an intent that is gone.
    #[error("bid {0} is left out for a reason that this decision never has")]
    LeftOut(BidId),
    /// Others win when the decision is repeated.
    #[error("in place {place} another winner comes out when the decision is repeated")]
    Winner {
        /// The first place that differs, from 0.
        place: usize,
    },
    /// Another total score comes out.
    #[error("the total score comes out as {0}")]
    TotalScore(Amount),
    /// Another proof comes out.
    #[error("the search comes out with a gap of {gap} after {nodes} nodes")]
    Proof {
        /// The gap.
        gap: Amount,
        /// The nodes.
        nodes: u64,
    },
    /// A pair without a reference price is decided otherwise.
    #[error("pair {place} of the second pass comes out otherwise")]
    SecondPass {
        /// The first pair that differs, from 0.
        place: usize,
    },
    /// A winner's reference score is another one, or is missing, or is none's.
    #[error("the reference score of solver {0} comes out otherwise")]
    Reference(Address),
    /// There are bids, and no block at which anybody could ask about the bidders again.
    #[error("there are bids, and no block at which the registry was read")]
    StandingsBlock,
    /// A bid is left out for an intent that is gone, and others may fill each of its intents.
    #[error("bid {0} is left out for an intent that left the book, and others on it are not")]
    IntentGone(BidId),
    /// A void auction's bids are all there.
    #[error("the auction is void, and its bids make the root that was fixed at the close")]
    VoidComplete,
    /// The verdict says that a bid failed its simulation, and no simulation says so.
    #[error("bid {0} is dropped by a simulation that is not recorded")]
    SimulationMissing(BidId),
    /// A simulation dropped a bid that no verdict drops for it.
    #[error("the simulation drops bid {0}, its verdict does not")]
    SimulationUnused(BidId),
    /// What a simulation says it ran cannot have been run: it is neither the bid alone nor all the
    /// winners of a round, or the bid is not among them.
    #[error("what is recorded as the run that dropped bid {0} cannot have been run")]
    SimulationBatch(BidId),
    /// Who is left out beside those that failed a simulation follows from them, and this does not.
    #[error("bid {0} is left out, or is not, against what the simulation's drops say of it")]
    Discredited(BidId),
    /// A simulation was given another limit than a reveal has.
    #[error("the run that dropped bid {0} was given another gas limit than a reveal has")]
    SimulationGas(BidId),
    /// A simulation was run on another state than the bidders were asked about at.
    #[error("the winners were run at another block than the registry was read at")]
    SimulationBlock,
    /// The rounds that are told do not come to what was dropped and published.
    #[error("{0} rounds of simulation do not come to what was dropped and published")]
    SimulationRounds(u32),
    /// What was announced of a second decision is not what is recorded of it.
    #[error(
        "a second decision is announced, and another one or none is recorded, or it is recorded unannounced"
    )]
    RunnerUp,
    /// The ends that a second decision rests on are not those of the first one's winners.
    #[error("the second decision rests on ends of other bids than those that won the first")]
    Endings,
    /// A second decision is about other intents than those that the first attempt left.
    #[error("the second decision is not about the intents that the first attempt left")]
    LeftUnfilled,
    /// The registry was read at another block than the second decision names.
    #[error("the second decision rests on two blocks")]
    GroundsBlock,
}
