//! The settler's key. Shaped for a key service: signing is asynchronous and may fail, and the
//! key itself is never asked for.

use std::{fmt, future::Future, pin::Pin};

use alloy::primitives::{Address, B256};
use domain::signature::{EcdsaSignature, SigningKey};
use infra::config::{SecretError, SettlementConfig};

/// A signature that is on its way.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<EcdsaSignature, KeyError>> + Send + 'a>>;

/// Signs the settler's transactions.
pub trait SettlerKey: fmt::Debug + Send + Sync {
    /// The account that commits and reveals, and pays for it.
    fn address(&self) -> Address;

    /// Signs a transaction's hash. May take a network call, so it is never awaited inside a
    /// database transaction.
    fn sign(&self, hash: B256) -> Signing<'_>;
}

/// Why there is no key, or no signature. No variant ever holds key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither a key nor a file with one is configured.
    #[error("no settler key: set settlement.settler_key or settlement.settler_key_file")]
    Missing,
    /// Two configured keys are the same.
    #[error("settler {0} is configured twice")]
    Twice(Address),
    /// The key is given twice, or its file cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The text is no private key.
    #[error("settler key {0} is not 0x and 64 hexadecimal digits of a valid private key")]
    Invalid(
        /// Which of the configured ones, from 1.
        usize,
    ),
    /// The key service did not sign.
    #[error("the key service did not sign")]
    Service(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl KeyError {
    /// Whether trying again can help.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Missing | Self::Twice(_) | Self::Secret(_) | Self::Invalid(_) => false,
            Self::Service(_) => true,
        }
    }
}

/// A key held in this process.
#[derive(Clone, Debug)]
pub struct LocalKey(SigningKey);

impl LocalKey {
    /// Wraps a key.
    #[must_use]
    pub const fn new(key: SigningKey) -> Self {
        Self(key)
    }

    /// The configured keys, from the settings themselves and from the files they name.
    ///
    /// # Errors
    /// A [`KeyError`] if there is none, or one is invalid or there twice.
    pub fn load(config: &SettlementConfig) -> Result<Vec<Self>, KeyError> {
        let mut keys: Vec<Self> = Vec::new();
        for (n, secret) in (1..).zip(config.keys()?) {
            let key = SigningKey::from_hex(secret.expose()).map_err(|_| KeyError::Invalid(n))?;
            if keys.iter().any(|known| known.0.address() == key.address()) {
                return Err(KeyError::Twice(key.address()));
            }
            keys.push(Self(key));
        }
        if keys.is_empty() { Err(KeyError::Missing) } else { Ok(keys) }
    }
}

impl SettlerKey for LocalKey {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn sign(&self, hash: B256) -> Signing<'_> {
        let signature = self.0.sign(hash);
        Box::pin(async move { Ok(signature) })
    }
}

#[cfg(test)]
mod tests {
    use infra::config::Secret;

    use super::*;

    fn config(text: Option<&str>) -> SettlementConfig {
        SettlementConfig { settler_key: text.map(Secret::new), ..SettlementConfig::default() }
    }

    #[test]
    fn configured_keys_are_read_in_their_order() {
        let text = |byte: u8| alloy::hex::encode([byte; 32]);
        let mut config = config(Some(&text(7)));
        config.settler_keys = vec![Secret::new(text(8))];
        let loaded = LocalKey::load(&config).unwrap();
        let expected = [7, 8].map(|byte| SigningKey::from_bytes([byte; 32]).unwrap().address());
        assert_eq!(loaded.iter().map(SettlerKey::address).collect::<Vec<_>>(), expected);
        config.settler_keys.push(Secret::new(text(7)));
        let twice = LocalKey::load(&config).unwrap_err();
        assert!(matches!(twice, KeyError::Twice(who) if who == expected[0]), "{twice}");
        assert!(matches!(LocalKey::load(&self::config(None)), Err(KeyError::Missing)));
    }

    #[test]
    fn a_wrong_key_is_refused_without_repeating_it() {
        let error = LocalKey::load(&config(Some("0xdeadbeef"))).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("dead"));
    }
}
