//! A small market for unit tests.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{Address, B256, Bytes};
use domain::{
    Amount, AuctionId, Bid, Intent, IntentId, OpenHash,
    auction::{Cut, OpeningRecord, Params},
    batch::SignedBid,
    bid::{End, Leg, Terms},
    eip712::SigningDomain,
    event::{BlockRef, CutIntent, TokenPrice},
    signature::SigningKey,
    status::IntentStatus,
};
use infra::{
    chain::Funds,
    pg::{bid::PlacedBid, intent::StoredIntent},
};
use serde_json::json;

use crate::select::Candidate;

pub(crate) const X: Address = Address::repeat_byte(1);
pub(crate) const Y: Address = Address::repeat_byte(2);
pub(crate) const CLOSES_AT_MS: u64 = 1_790_000_002_000;

pub(crate) fn domain() -> SigningDomain {
    SigningDomain::new(31_337, Address::repeat_byte(0x5e))
}

pub(crate) fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes([n; 32]).unwrap()
}

/// Sells 1000 X for at least 1000 Y; `change` alters the message.
pub(crate) fn stored(owner: u8, change: &serde_json::Value) -> StoredIntent {
    let key = key(owner);
    let mut message = json!({
        "owner": key.address(), "sellToken": X, "buyToken": Y, "sellAmount": "1000",
        "buyAmount": "1000", "nonce": "0", "validTo": 1_900_000_000, "kind": 0,
        "partiallyFillable": false,
    });
    let changes = change.as_object().cloned().unwrap_or_default();
    message.as_object_mut().unwrap().extend(changes);
    let intent: Intent = serde_json::from_value(message).unwrap();
    let id = intent.id(&domain());
    StoredIntent {
        id,
        signature: Bytes::copy_from_slice(&key.sign(id.get()).to_rsv()),
        intent,
        erc1271: false,
        status: IntentStatus::Open,
        filled: Amount::ZERO,
        auction_id: None,
        cancel_requested: false,
        invalidated: None,
        evidence: None,
        created_at_ms: 0,
        arrival: 1,
    }
}

pub(crate) fn funded(stored: StoredIntent, balance: u64) -> Candidate {
    let balance = Amount::from(balance);
    let funds = Funds { balance, allowance: Amount::MAX, filled: Amount::ZERO, nonce_used: false };
    Candidate { stored, funds }
}

pub(crate) fn cut(intents: &[&StoredIntent]) -> Arc<Cut> {
    let price = |token| TokenPrice { token, price: Amount::from(10_u64.pow(18)) };
    let messages: BTreeMap<_, _> =
        intents.iter().map(|stored| (stored.id, stored.intent.clone())).collect();
    let entry = |id: &IntentId| CutIntent {
        id: *id,
        fundable: Amount::from(1_000_u64),
        filled: Amount::ZERO,
        alone: false,
    };
    let opening = OpeningRecord {
        auction_id: AuctionId::new(7),
        previous: OpenHash::new(B256::ZERO),
        chain_id: 31_337,
        settlement: domain().settlement(),
        block: BlockRef { number: 1, hash: B256::ZERO },
        block_time_s: 1_790_000_000,
        opened_at_ms: CLOSES_AT_MS - 2_000,
        closes_at_ms: CLOSES_AT_MS,
        params: Params { surplus_cap_bps: 10_000, min_fill_bps: 0, ..Params::default() },
        prices: vec![price(X), price(Y)],
        intents: messages.keys().map(entry).collect(),
    };
    Arc::new(Cut::new(opening, messages).unwrap())
}

/// Solver `n` fills the intent from its filler.
pub(crate) fn bid(n: u8, intent: IntentId, bought: u64) -> SignedBid {
    let key = key(n);
    let leg = |from, to, amount: u64| Leg { from, to, amount: Amount::from(amount) };
    let intent = End::Intent(intent);
    let terms = Terms {
        auction_id: AuctionId::new(7),
        solver: key.address(),
        filler: Address::repeat_byte(n),
        gas: 300_000,
        callback_gas: 0,
        penalty: 0,
        valid_until: 1_900_000_000,
        nonce: Amount::from(u64::from(n)),
        salt: B256::repeat_byte(n),
        client_bid_id: B256::repeat_byte(n),
    };
    let legs = vec![leg(intent, End::Filler, 1_000), leg(End::Filler, intent, bought)];
    let bid = Bid::new(terms, legs, Bytes::new()).unwrap();
    let signature = key.sign(bid.id(&domain()).get());
    SignedBid { bid, signature }
}

pub(crate) fn placed(signed: SignedBid, seq: u64) -> PlacedBid {
    let id = signed.bid.id(&domain());
    PlacedBid { auction: AuctionId::new(7), id, ms: CLOSES_AT_MS - 100, seq, signed }
}
