//! How signed messages look in the API's document. The domain's own types have no schema: their
//! JSON is read field by field, so that every error is told at once.

use domain::Amount;
use utoipa::ToSchema;

/// A swap intent: the EIP-712 message a wallet signs.
#[derive(Debug, ToSchema)]
#[schema(as = Intent)]
#[allow(dead_code, non_snake_case, reason = "read by the schema macro only")]
pub struct IntentMessage {
    /// Whose tokens are sold.
    #[schema(pattern = "^0x[0-9a-fA-F]{40}$")]
    owner: String,
    /// Who gets the bought tokens; absent or zero means the owner.
    #[schema(pattern = "^0x[0-9a-fA-F]{40}$")]
    receiver: Option<String>,
    /// The token that is given.
    #[schema(pattern = "^0x[0-9a-fA-F]{40}$")]
    sellToken: String,
    /// The token that is wanted.
    #[schema(pattern = "^0x[0-9a-fA-F]{40}$")]
    buyToken: String,
    /// What is sold (exact-in; at most 2^128 - 1, as no fill is larger), or the most that is sold (exact-out), in atoms.
    sellAmount: Amount,
    /// The least that is bought (exact-in), or what is bought (exact-out), in atoms; at most 2^128 - 1.
    buyAmount: Amount,
    /// Its bit in the owner's unordered nonce bitmap; decimal, up to 256 bits.
    nonce: Amount,
    /// The last second in which it may settle, Unix time.
    validTo: u32,
    /// 0 = exact-in, 1 = exact-out.
    #[schema(minimum = 0, maximum = 1)]
    kind: u8,
    /// Whether several fills may add up to the whole.
    partiallyFillable: bool,
    /// The wallet's own reference, 32 bytes; absent means zero.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    appData: Option<String>,
}

/// The scalar fields of a bid, as signed.
#[derive(Debug, ToSchema)]
#[allow(dead_code, non_snake_case, reason = "read by the schema macro only")]
pub struct BidTerms {
    /// The auction it is for.
    auctionId: u64,
    /// The solver's account.
    #[schema(pattern = "^0x[0-9a-fA-F]{40}$")]
    solver: String,
    /// The solver's filler contract.
    #[schema(pattern = "^0x[0-9a-fA-F]{40}$")]
    filler: String,
    /// Gas its frame is given on chain, callback included.
    gas: u32,
    /// Gas the filler's callback is given; 0 = no callback.
    callbackGas: u32,
    /// What the solver owes if it fails by its own fault, in wei; decimal, up to 128 bits.
    penalty: Amount,
    /// The last second in which it may settle, Unix time.
    validUntil: u32,
    /// Its bit in the solver's unordered nonce bitmap.
    nonce: Amount,
    /// 32 random bytes, so that a sealed bid cannot be guessed.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    salt: String,
    /// The solver's own reference; one bid per auction and reference.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    clientBidId: String,
}

/// A transfer inside a bid.
#[derive(Debug, ToSchema)]
#[schema(as = Leg)]
#[allow(dead_code, reason = "read by the schema macro only")]
pub struct LegMessage {
    /// The intent whose owner gives; 32 zero bytes for the bid's filler.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    from: String,
    /// The intent whose receiver gets; 32 zero bytes for the bid's filler.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    to: String,
    /// How much of the giver's sell token, in atoms, above zero.
    amount: Amount,
}
