//! Intents as wallets make them: a message, a signature, a JSON body.

use std::sync::atomic::{AtomicU64, Ordering};

use alloy::primitives::{Address, B256, U256};
use domain::{
    Amount, Intent, IntentId,
    eip712::{SigningDomain, TypedCancel},
    intent::{Bounds, Kind},
    signature::SigningKey,
};
use serde_json::{Value, json};

use crate::market::DevKey;

/// An owner with a key and a count of nonces.
#[derive(Debug)]
pub struct Wallet {
    dev: DevKey,
    next_nonce: AtomicU64,
}

/// What an intent is about.
#[derive(Clone, Debug)]
pub struct Order {
    /// Token sold.
    pub sell: Address,
    /// Token bought.
    pub buy: Address,
    /// Signed sell amount.
    pub sell_amount: u128,
    /// Signed buy amount.
    pub buy_amount: u128,
    /// Which side is exact.
    pub kind: Kind,
    /// Whether it may be filled in parts.
    pub partially_fillable: bool,
    /// Unix seconds.
    pub valid_to: u64,
}

impl Order {
    /// An exact-in order that is valid for ten minutes.
    #[must_use]
    pub fn sell(sell: Address, sell_amount: u128, buy: Address, buy_amount: u128) -> Self {
        let valid_to = now_s() + 600;
        let (kind, partially_fillable) = (Kind::ExactIn, false);
        Self { sell, buy, sell_amount, buy_amount, kind, partially_fillable, valid_to }
    }
}

/// A signed intent, ready to be posted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its id.
    pub id: IntentId,
    /// The body of `POST /v1/intents`.
    pub body: Value,
}

/// Unix time in seconds.
#[must_use]
pub fn now_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}

impl Wallet {
    /// The wallet numbered `n` of a family called `family`: the same key in every run.
    #[must_use]
    pub fn numbered(family: &str, n: u64) -> Self {
        let dev =
            DevKey::named(&format!("{family} {n}")).unwrap_or_else(|_| unreachable!("zero digest"));
        Self { dev, next_nonce: AtomicU64::new(0) }
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        self.dev.key()
    }

    /// The secret in hexadecimal, for wallets in other languages.
    #[must_use]
    pub fn secret_hex(&self) -> String {
        self.dev.secret_hex()
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.dev.address()
    }

    /// The EIP-712 message of an order, with the next unused nonce.
    #[must_use]
    pub fn message(&self, order: &Order) -> Value {
        let nonce = self.next_nonce.fetch_add(1, Ordering::Relaxed);
        json!({
            "owner": self.address().to_checksum(None),
            "receiver": Address::ZERO.to_checksum(None),
            "sellToken": order.sell.to_checksum(None),
            "buyToken": order.buy.to_checksum(None),
            "sellAmount": order.sell_amount.to_string(),
            "buyAmount": order.buy_amount.to_string(),
            "nonce": nonce.to_string(),
            "validTo": order.valid_to,
            "kind": u8::from(order.kind),
            "partiallyFillable": order.partially_fillable,
            "appData": B256::ZERO.to_string(),
        })
    }

    /// Signs a message.
    ///
    /// # Panics
    /// If the message is no intent: that is the caller's mistake, in a test.
    #[must_use]
    #[allow(clippy::expect_used, reason = "harness")]
    pub fn sign(&self, domain: &SigningDomain, message: &Value) -> Posted {
        let fields = message.as_object().expect("an object");
        let intent = Intent::parse(fields, Bounds::any_time()).expect("a well-formed intent");
        let id = intent.id(domain);
        let signature = alloy::hex::encode_prefixed(self.key().sign(id.get()).to_rsv());
        Posted { id, body: json!({"intent": message, "signature": signature}) }
    }

    /// Makes and signs an intent.
    #[must_use]
    pub fn intent(&self, domain: &SigningDomain, order: &Order) -> Posted {
        self.sign(domain, &self.message(order))
    }

    /// The body of `POST /v1/intents/cancel`.
    #[must_use]
    pub fn cancel(&self, domain: &SigningDomain, ids: &[IntentId]) -> Value {
        let words = ids.iter().map(|id| id.get()).collect();
        let digest = domain.digest(&TypedCancel { owner: self.address(), intents: words });
        let signature = alloy::hex::encode_prefixed(self.key().sign(digest).to_rsv());
        json!({"owner": self.address().to_checksum(None), "intents": ids, "signature": signature})
    }
}

/// `units` whole tokens of 18 decimals.
#[must_use]
pub fn ether(units: u64) -> Amount {
    Amount::new(U256::from(units) * U256::from(10u64.pow(18)))
}
