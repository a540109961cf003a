//! What an audit can find, each with a stable code and what it is about.

use alloy_primitives::{Address, B256};
use domain::{
    Amount, AuctionId, BidId, IntentId, OpenHash,
    auction::{LineageFault, RecordFault},
};

/// A difference between what was published and what comes out when it is made again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the record does not read: {0}")]
    Unreadable(String),
    #[error("the record is of auction {0}")]
    OtherAuction(AuctionId),
    #[error("the record is of chain {chain_id}, Settlement {settlement}")]
    OtherDeployment { chain_id: u64, settlement: Address },
    #[error(transparent)]
    Record(#[from] RecordFault),
    #[error("the chain of opening records is broken: {0}")]
    Lineage(#[from] LineageFault),
    #[error(
        "censorship: a receipt places bid {bid} at {ms}-{seq}, and no such leaf is under the root"
    )]
    Censored { bid: BidId, ms: u64, seq: u64 },
    #[error("two openings: a receipt for bid {bid} names {named}, the record opens with {opened}")]
    TwoOpenings { bid: BidId, named: OpenHash, opened: OpenHash },
    #[error("block {block} has the time {found}, not the recorded one")]
    BlockTime { block: u64, found: u64 },
    #[error(
        "intent {0} entered with more than its owner could pay at the pinned block, or less filled than it was"
    )]
    Fundable(IntentId),
    #[error("what the registry says of the bidders at the recorded block is not what is recorded")]
    Standings,
    #[error(
        "nonce {nonce} of solver {solver} counts as used by a winner of auction {auction}, and no such winner could settle by then"
    )]
    NonceFree { solver: Address, nonce: Amount, auction: AuctionId },
    #[error("bid {0} is left out for a key that signed for its solver at the recorded block")]
    KeyAuthorised(BidId),
    #[error("bid {0} takes part, and its key did not sign for its solver at the recorded block")]
    KeyForeign(BidId),
    #[error("bid {0} is left out for not fitting a batch, and fits one")]
    Packable(BidId),
    #[error("false simulation drop: bid {bid} ends otherwise when its run is repeated: {how}")]
    Simulation { bid: BidId, how: &'static str },
    #[error("a batch was revealed in {0}, and nobody won")]
    NobodyWon(B256),
    #[error("attempt {attempt} was revealed in {tx}, and none such was decided")]
    Attempt { attempt: u8, tx: B256 },
    #[error("one commitment was revealed twice: in {0} and in {1}")]
    RevealedTwice(B256, B256),
    #[error("bid {bid} took effect in an earlier reveal, and in {tx} once more")]
    EndedTwice { bid: BidId, tx: B256 },
    #[error("the API names reveal {0}, the chain knows of no such reveal of this auction")]
    RevealMissing(B256),
    #[error("reveal {0} is not a call of Settlement by its settler")]
    RevealCall(B256),
    #[error("reveal {tx} was never committed to in lane {lane} by {settler}")]
    NotCommitted { tx: B256, lane: String, settler: Address },
    #[error(
        "the commitment of block {committed} was revealed in block {revealed}: not at least one later"
    )]
    TooEarly { committed: u64, revealed: u64 },
    #[error("the commitment of reveal {tx} is {found}, batch and salt make {made}")]
    Commitment { tx: B256, found: B256, made: B256 },
    #[error("the batch of reveal {tx} is not what the winners make: it differs at byte {at}")]
    Batch { tx: B256, at: usize },
    #[error("the winners make no batch: {0}")]
    NoBatch(String),
    #[error("the logs of reveal {tx} do not tell how bid {bid} ended")]
    End { tx: B256, bid: BidId },
    #[error("intent {intent} was filled otherwise than bid {bid} says")]
    Fill { bid: BidId, intent: IntentId },
    #[error("intent {0} was filled beyond its limit")]
    Limit(IntentId),
    #[error(
        "payment {leg} of bid {bid} did not happen: no transfer of {token} from {from} to {to}"
    )]
    Payment { bid: BidId, leg: usize, token: Address, from: Address, to: Address },
    #[error(
        "the registry was read at block {block}, which was not the newest one between opening and settlement"
    )]
    BlockOutside { block: u64 },
    #[error("the second attempt rests on other ends of the first one's bids than its reveal shows")]
    Endings,
    #[error(
        "the second attempt was decided at block {block}, not at one of those after the first one's reveal"
    )]
    GroundsOutside { block: u64 },
    #[error("reveal {0} is of this auction, and the API lists no such auction")]
    UnlistedReveal(B256),
    #[error("a receipt for bid {0} is of this auction, and the API lists no such auction")]
    UnlistedReceipt(BidId),
    #[error("nothing was published an hour after the last settlement there could be")]
    Withheld,
}

impl Fault {
    /// The stable name.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::OtherAuction(_) => "other_auction",
            Self::OtherDeployment { .. } => "other_deployment",
            Self::Record(_) => "record",
            Self::Lineage(_) => "lineage",
            Self::Censored { .. } => "censored",
            Self::TwoOpenings { .. } => "two_openings",
            Self::BlockTime { .. } => "block_time",
            Self::Fundable(_) => "fundable",
            Self::Standings => "standings",
            Self::NonceFree { .. } => "nonce_free",
            Self::KeyAuthorised(_) => "key_authorised",
            Self::KeyForeign(_) => "key_foreign",
            Self::Packable(_) => "packable",
            Self::Simulation { .. } => "false_simulation",
            Self::NobodyWon(_) => "nobody_won",
            Self::Attempt { .. } => "attempt",
            Self::RevealedTwice(..) => "revealed_twice",
            Self::EndedTwice { .. } => "ended_twice",
            Self::RevealMissing(_) => "reveal_missing",
            Self::RevealCall(_) => "reveal_call",
            Self::NotCommitted { .. } => "not_committed",
            Self::TooEarly { .. } => "too_early",
            Self::Commitment { .. } => "commitment",
            Self::Batch { .. } => "batch",
            Self::NoBatch(_) => "no_batch",
            Self::End { .. } => "end",
            Self::Fill { .. } => "fill",
            Self::Limit(_) => "limit",
            Self::Payment { .. } => "payment",
            Self::BlockOutside { .. } => "block_outside",
            Self::Endings => "endings",
            Self::GroundsOutside { .. } => "grounds_outside",
            Self::UnlistedReveal(_) => "unlisted_reveal",
            Self::UnlistedReceipt(_) => "unlisted_receipt",
            Self::Withheld => "withheld",
        }
    }
}
