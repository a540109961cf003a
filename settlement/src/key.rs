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
    /// The key is given twice, or its file cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The text is no private key.
    #[error("the settler key is not 0x and 64 hexadecimal digits of a valid private key")]
    Invalid,
    /// The key service did not sign.
    #[error("the key service did not sign")]
    Service(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl KeyError {
    /// Whether trying again can help.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Missing | Self::Secret(_) | Self::Invalid => false,
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

    /// The configured key, from the setting itself or from the file it names.
    ///
    /// # Errors
    /// A [`KeyError`] if there is none, two, or an invalid one.
    pub fn load(config: &SettlementConfig) -> Result<Self, KeyError> {
        let secret = config.key()?.ok_or(KeyError::Missing)?;
        SigningKey::from_hex(secret.expose()).map(Self).map_err(|_| KeyError::Invalid)
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
    fn a_configured_key_is_read() {
        let text = "07".repeat(32);
        let expected = SigningKey::from_bytes([7; 32]).unwrap().address();
        assert_eq!(LocalKey::load(&config(Some(&text))).unwrap().address(), expected);
        assert!(matches!(LocalKey::load(&config(None)), Err(KeyError::Missing)));
    }

    #[test]
    fn a_wrong_key_is_refused_without_repeating_it() {
        let error = LocalKey::load(&config(Some("0xdeadbeef"))).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("dead"));
    }
}
