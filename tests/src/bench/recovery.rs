//! The yardstick: secp256k1 recoveries per second of one core, address included.

use std::time::{Duration, Instant};

use alloy::primitives::keccak256;

use crate::market::DevKey;

/// Recoveries per second, over about one second.
pub(super) fn per_second() -> f64 {
    let Ok(key) = DevKey::named("yardstick") else { return 0.0 };
    let signed: Vec<_> = (0u32..64)
        .map(|n| {
            let digest = keccak256(n.to_be_bytes());
            (digest, key.key().sign(digest))
        })
        .collect();
    let begun = Instant::now();
    let mut done = 0u32;
    while begun.elapsed() < Duration::from_secs(1) {
        for (digest, signature) in &signed {
            if std::hint::black_box(signature.recover(*digest)).is_ok() {
                done += 1;
            }
        }
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}
