//! Why a bid does not take part in a decision: a stable code each, with its numbers.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, AuctionId, BidId, IntentId, bid::Fill};

/// Why a bid was dropped (design A2). JSON: `{"code": "limit_broken", …numbers}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum DropReason {
    /// It was signed for another auction.
    #[error("signed for auction {signed}, not for {auction}")]
    WrongAuction {
        /// The auction it names.
        signed: AuctionId,
        /// This one.
        auction: AuctionId,
    },
    /// The same bid stands earlier in the stream.
    #[error("stands in the stream before, at {ms}-{seq}")]
    Duplicate {
        /// The milliseconds of the first one's place.
        ms: u64,
        /// Its sequence number.
        seq: u64,
    },
    /// The registry does not know the solver.
    #[error("solver {solver} is not registered")]
    SolverUnknown {
        /// The solver.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        solver: Address,
    },
    /// The solver may not bid now.
    #[error("solver {solver} is paused")]
    SolverPaused {
        /// The solver.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        solver: Address,
    },
    /// The filler has bound itself to nobody.
    #[error("filler {filler} is bound to no solver")]
    FillerUnbound {
        /// The filler.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        filler: Address,
    },
    /// The filler has bound itself to somebody else.
    #[error("filler {filler} is bound to {bound_to}")]
    FillerForeign {
        /// The filler.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        filler: Address,
        /// Its solver.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        bound_to: Address,
    },
    /// The bid's nonce is used on chain, or by a winning bid in flight.
    #[error("bid nonce {nonce} is used")]
    NonceUsed {
        /// The nonce.
        nonce: Amount,
    },
    /// Its gas is less than it can cost: its overhead, a word of bid nonces, the gas of its callback,
    /// and what must be left for the filler's payments after that.
    #[error("signed for {gas} gas, the least is {least}")]
    GasTooLow {
        /// What is signed.
        gas: u64,
        /// The least.
        least: u64,
    },
    /// Its penalty is less than what the parameters ask for.
    #[error("owes {penalty} wei if it fails, the least is {least}")]
    PenaltyTooLow {
        /// What is signed, in wei.
        penalty: Amount,
        /// The least, in wei.
        least: Amount,
    },
    /// The penalties of the solver's bids in flight, this one and those before it in this auction
    /// included, exceed its bond.
    #[error("its solver's bids owe {needed} wei if they fail, {free} are bonded and free")]
    BondShort {
        /// What they owe together, in wei.
        needed: Amount,
        /// What of the bond is free, in wei.
        free: Amount,
    },
    /// What the solver's bids may cost in gas, this one and those before it in this auction, exceeds
    /// its gas deposit.
    #[error("its solver's bids may cost {needed} wei of gas, {free} are deposited and free")]
    DepositShort {
        /// What they may cost together, in wei.
        needed: Amount,
        /// What of the deposit is free, in wei.
        free: Amount,
    },
    /// It runs out before its batch could settle.
    #[error("valid until {valid_until}, but its batch settles at {needed} at the earliest")]
    Expired {
        /// Its last second, Unix time.
        valid_until: u64,
        /// The first second in which this auction can settle, Unix time.
        needed: u64,
    },
    /// Alone it takes more gas than a batch may.
    #[error("costs {gas} gas of a batch's {budget}")]
    OverGas {
        /// What it costs a batch.
        gas: u64,
        /// What a batch may take.
        budget: u64,
    },
    /// Alone it takes more bytes than a batch may.
    #[error("takes {bytes} bytes of a batch's {budget}")]
    TooLong {
        /// What it takes.
        bytes: u64,
        /// What a batch may take.
        budget: u64,
    },
    /// It touches an intent that is not in this auction.
    #[error("intent {intent} is not in this auction")]
    UnknownIntent {
        /// The intent.
        intent: IntentId,
    },
    /// It fills an intent that may only be filled alone together with one of another owner.
    #[error("intent {intent} is of an owner with a fresh strike, it may only be filled alone")]
    OwnerStruck {
        /// The intent.
        intent: IntentId,
    },
    /// A leg's giver sells another token than its taker buys.
    #[error("leg {leg} gives {gives} where {wants} is bought")]
    LegMismatch {
        /// The leg, from 0.
        leg: u32,
        /// What the giver sells.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        gives: Address,
        /// What the taker buys.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        wants: Address,
    },
    /// An intent gives without getting, or gets without giving.
    #[error("intent {intent} sells {sold} and buys {bought}")]
    Unbalanced {
        /// The intent.
        intent: IntentId,
        /// What it gives.
        sold: Amount,
        /// What it gets.
        bought: Amount,
    },
    /// An intent gets less than it signed for.
    #[error("intent {intent} gets {bought} for {sold}, its limit is {least}")]
    LimitBroken {
        /// The intent.
        intent: IntentId,
        /// What it gives.
        sold: Amount,
        /// What it gets.
        bought: Amount,
        /// The least it must get for that.
        least: Amount,
    },
    /// An intent that is filled whole or not at all is filled in part.
    #[error("intent {intent} is filled by {amount}, it takes {whole} or nothing")]
    NotWhole {
        /// The intent.
        intent: IntentId,
        /// The fill of its exact side.
        amount: Amount,
        /// The whole of it.
        whole: Amount,
    },
    /// More of an intent is filled than is left of it.
    #[error("intent {intent} is filled by {amount}, {left} is left")]
    OverFilled {
        /// The intent.
        intent: IntentId,
        /// The fill of its exact side.
        amount: Amount,
        /// What is left.
        left: Amount,
    },
    /// A partial fill is dust.
    #[error("intent {intent} is filled by {amount}, the least is {least} or the rest, {left}")]
    BelowMinFill {
        /// The intent.
        intent: IntentId,
        /// The fill of its exact side.
        amount: Amount,
        /// The least part.
        least: Amount,
        /// What is left of it.
        left: Amount,
    },
    /// An owner is to pay more than can be pulled.
    #[error("{owner} is to pay {sold} of {token}, {capacity} can be pulled")]
    OverFunds {
        /// The owner.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        owner: Address,
        /// What is paid in.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        token: Address,
        /// What the bid's legs take.
        sold: Amount,
        /// Fundable at the cut.
        capacity: Amount,
    },
    /// Two fills of one directed pair differ in price by more than rounding.
    #[error("intents {} and {} trade one pair at two prices", first.intent, second.intent)]
    TwoPrices {
        /// The fill with the better price.
        #[schema(value_type = Object)]
        first: Fill,
        /// The fill with the worse price.
        #[schema(value_type = Object)]
        second: Fill,
    },
    /// A token has no reference price, so a score cannot be counted.
    #[error("{token} has no reference price")]
    Unpriced {
        /// The token.
        #[serde(with = "crate::eip55")]
        #[schema(value_type = String)]
        token: Address,
    },
    /// A bid that fills this intent alone, and at least as much of it, has a better price (A3).
    #[error(
        "intent {intent} gets {bought} for {sold}, and {better_bought} for {better_sold} by {by}"
    )]
    Unfair {
        /// The intent.
        intent: IntentId,
        /// The bid that fills it alone.
        by: BidId,
        /// What the intent gives here.
        sold: Amount,
        /// What it gets here.
        bought: Amount,
        /// What it gives there.
        better_sold: Amount,
        /// What it gets there.
        better_bought: Amount,
    },
    /// It is on a pair without a reference price, and those that were decided before left it no
    /// room (A9): no score would have made it win.
    #[error("needs {needed} of the batch's {of}, {left} is left")]
    NoRoom {
        /// What there is not enough of.
        of: Scarce,
        /// What it needs.
        needed: Amount,
        /// What is left.
        left: Amount,
    },
    /// Its score is beyond anything real.
    #[error("its score exceeds 2^88 - 1, or its surplus 2^256 - 1 where there is no price")]
    ScoreTooLarge,
    /// It was left out for what is not in the record's rules.
    #[error("left out: {because}")]
    LeftOut {
        /// Why.
        because: LeftOut,
    },
}

/// What bids of all pairs share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scarce {
    /// The batch's gas.
    Gas,
    /// The batch's bytes.
    Bytes,
    /// The batch's places.
    Places,
    /// What an owner of its intents can pay, in atoms of the sell token.
    Funds,
    /// The solver's nonce it was signed with: another bid with it has won.
    Nonces,
}

impl std::fmt::Display for Scarce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gas => "gas",
            Self::Bytes => "bytes",
            Self::Places => "places",
            Self::Funds => "funds",
            Self::Nonces => "nonces",
        })
    }
}

/// Why a bid is left out that keeps every rule here: something outside of the record was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// At the close its key did not sign for its solver any more.
    #[error("its key does not sign for its solver")]
    KeyForeign,
    /// An intent it fills was used or withdrawn on chain after the cut.
    #[error("an intent it fills left the book on chain")]
    IntentGone,
    /// With its owners' signatures it does not fit the batch's format.
    #[error("it does not fit the batch's format")]
    Unpackable,
    /// It failed when it was simulated.
    #[error("it failed its simulation")]
    Simulation,
    /// Another bid of its solver on one of its intents failed alone when it was simulated, or
    /// anybody's did whose only intent it fills for want of the owner's funds.
    #[error("another bid on one of its intents failed its simulation, and speaks against this one")]
    Discredited,
    /// It failed on chain, and this is the decision without it.
    #[error("it failed on chain")]
    Failed,
}

impl DropReason {
    /// The stable code, as in JSON.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongAuction { .. } => "wrong_auction",
            Self::Duplicate { .. } => "duplicate",
            Self::SolverUnknown { .. } => "solver_unknown",
            Self::SolverPaused { .. } => "solver_paused",
            Self::FillerUnbound { .. } => "filler_unbound",
            Self::FillerForeign { .. } => "filler_foreign",
            Self::NonceUsed { .. } => "nonce_used",
            Self::GasTooLow { .. } => "gas_too_low",
            Self::PenaltyTooLow { .. } => "penalty_too_low",
            Self::BondShort { .. } => "bond_short",
            Self::DepositShort { .. } => "deposit_short",
            Self::Expired { .. } => "expired",
            Self::OverGas { .. } => "over_gas",
            Self::TooLong { .. } => "too_long",
            Self::UnknownIntent { .. } => "unknown_intent",
            Self::OwnerStruck { .. } => "owner_struck",
            Self::LegMismatch { .. } => "leg_mismatch",
            Self::Unbalanced { .. } => "unbalanced",
            Self::LimitBroken { .. } => "limit_broken",
            Self::NotWhole { .. } => "not_whole",
            Self::OverFilled { .. } => "over_filled",
            Self::BelowMinFill { .. } => "below_min_fill",
            Self::OverFunds { .. } => "over_funds",
            Self::TwoPrices { .. } => "two_prices",
            Self::Unpriced { .. } => "unpriced",
            Self::Unfair { .. } => "unfair",
            Self::NoRoom { .. } => "no_room",
            Self::ScoreTooLarge => "score_too_large",
            Self::LeftOut { .. } => "left_out",
        }
    }
}
