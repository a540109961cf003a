//! Every code a client can meet. They are part of the API's contract.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// The codes, with their status, whether the same request may succeed later, and their title.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:tt, $status:ident, $retry:tt, $title:tt;)+) => {
        /// The stable name of a problem. New ones may be added; none changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
        #[schema(as = ProblemCode)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status it is sent with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// Whether the same request may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retry,)+ }
            }

            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

codes! {
    /// The body is not one JSON object.
    MalformedJson = "malformed_json", BAD_REQUEST, false, "The body is not a JSON object";
    /// A query or path parameter is not what it should be.
    ParameterInvalid = "parameter_invalid", BAD_REQUEST, false, "A parameter is invalid";
    /// Fields of an intent are wrong; `errors` names all of them.
    IntentInvalid = "intent_invalid", UNPROCESSABLE_ENTITY, false, "The intent is invalid";
    /// Fields of a cancellation are wrong; `errors` names all of them.
    CancelInvalid = "cancel_invalid", UNPROCESSABLE_ENTITY, false, "The cancellation is invalid";
    /// Fields of a bid are wrong; `errors` names all of them.
    BidInvalid = "bid_invalid", UNPROCESSABLE_ENTITY, false, "The bid is invalid";
    /// A message of the stream is wrong; `errors` names the fields.
    MessageInvalid = "message_invalid", BAD_REQUEST, false, "The message is invalid";
    /// Signed for another chain.
    WrongChain = "wrong_chain", UNPROCESSABLE_ENTITY, false, "Signed for another chain";
    /// Signed for another contract.
    WrongContract = "wrong_contract", UNPROCESSABLE_ENTITY, false, "Signed for another contract";
    /// Not a signature this house accepts: its length, v, or a high s.
    SignatureInvalid = "signature_invalid", UNPROCESSABLE_ENTITY, false, "The signature is invalid";
    /// A good signature of somebody else, or of another message.
    SignatureMismatch = "signature_mismatch", UNPROCESSABLE_ENTITY, false, "Signed by somebody else";
    /// The nonce is used up on chain.
    NonceUsed = "nonce_used", CONFLICT, false, "The nonce is used on chain";
    /// Another live intent of the owner has the nonce; `holder` names it.
    NonceTaken = "nonce_taken", CONFLICT, false, "Another live intent has the nonce";
    /// `replaces` names no intent with this owner and nonce.
    ReplaceMismatch = "replace_mismatch", CONFLICT, false, "Not an intent with this owner and nonce";
    /// The intent to be replaced is in an auction, or has ended.
    TooLate = "too_late", CONFLICT, false, "Too late to replace it";
    /// The owner holds less than the intent may sell.
    InsufficientBalance = "insufficient_balance", UNPROCESSABLE_ENTITY, true, "The owner's balance is too low";
    /// The owner has approved less than the intent may sell.
    InsufficientAllowance = "insufficient_allowance", UNPROCESSABLE_ENTITY, true, "The owner's allowance is too low";
    /// No such route.
    NotFound = "not_found", NOT_FOUND, false, "Not found";
    /// No such intent.
    IntentUnknown = "intent_unknown", NOT_FOUND, false, "No such intent";
    /// No such auction.
    AuctionUnknown = "auction_unknown", NOT_FOUND, false, "No such auction";
    /// What is asked for is public only later.
    AuctionSealed = "auction_sealed", CONFLICT, true, "Not public yet";
    /// No leaf of this bid is under the auction's root.
    BidUnknown = "bid_unknown", NOT_FOUND, false, "No such bid under the root";
    /// The headers that show who asks are missing or cannot be read.
    AccessMissing = "access_missing", UNAUTHORIZED, false, "Show who asks";
    /// The access is used too late, or would be good for too long.
    AccessExpired = "access_expired", UNAUTHORIZED, false, "The access is not good now";
    /// The auction had closed; `late_by_ms` says by how much.
    BidLate = "bid_late", CONFLICT, false, "The auction is closed";
    /// The client bid id stands for another bid in this auction; `bid` names it.
    IdReused = "id_reused", CONFLICT, false, "The client bid id is used";
    /// The solver that the bid names is not registered. A key that does not sign for a registered
    /// one is `signature_mismatch`.
    SolverUnknown = "solver_unknown", FORBIDDEN, false, "The solver is not registered";
    /// The solver is paused.
    SolverPaused = "solver_paused", FORBIDDEN, true, "The solver is paused";
    /// The solver's free bond does not cover the penalties of its bids in this auction; `missing` says by
    /// how much, in wei.
    BondShort = "bond_short", FORBIDDEN, true, "The bond does not cover the bid";
    /// The solver's free gas deposit does not cover what its bids in this auction may cost; `missing`
    /// says by how much, in wei.
    DepositShort = "deposit_short", FORBIDDEN, true, "The gas deposit does not cover the bid";
    /// The filler has not bound itself to a solver.
    FillerUnbound = "filler_unbound", FORBIDDEN, false, "The filler is bound to nobody";
    /// The filler is bound to another solver.
    FillerForeign = "filler_foreign", FORBIDDEN, false, "The filler is bound to another solver";
    /// The solver has as many bids in this auction as it may, the auction is full, or the bid is
    /// longer than bids may be; `detail` says which.
    QuotaExceeded = "quota_exceeded", TOO_MANY_REQUESTS, false, "The auction's quota is used up";
    /// Too many requests of one address, owner or solver.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, true, "Too many requests";
    /// The cursor is unknown here, or older than what is kept.
    ResyncRequired = "resync_required", GONE, false, "Start again from a snapshot";
    /// Too many requests or connections at once.
    Busy = "busy", SERVICE_UNAVAILABLE, true, "Too busy";
    /// Postgres, Redis or the chain's node does not answer; nothing accepted is lost.
    DependencyUnavailable = "dependency_unavailable", SERVICE_UNAVAILABLE, true, "A dependency does not answer";
    /// The process is about to stop.
    ShuttingDown = "shutting_down", SERVICE_UNAVAILABLE, true, "Shutting down";
    /// The path takes other methods; `Allow` names them.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, false, "Method not allowed";
    /// The path is a WebSocket.
    UpgradeRequired = "upgrade_required", UPGRADE_REQUIRED, false, "Open it as a WebSocket";
    /// None of the types in `Accept` can be served.
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, false, "Not acceptable";
    /// The body took too long to arrive.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, true, "The request took too long";
    /// The body is over the limit.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, false, "The body is too large";
    /// The body must be `application/json`.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, false, "Unsupported media type";
    /// Our fault.
    Internal = "internal", INTERNAL_SERVER_ERROR, true, "Internal error";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_a_client_or_server_error_with_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(code.status().as_u16() >= 400);
            assert!(names.insert(code.as_str()), "{} twice", code.as_str());
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
