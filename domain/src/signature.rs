//! ECDSA signatures over digests, recovered with libsecp256k1, and keys that make them.

use std::fmt;

use alloy_primitives::{Address, B256, keccak256};
use secp256k1::{
    Message, PublicKey, SecretKey,
    ecdsa::{RecoverableSignature, RecoveryId},
};

/// A canonical ECDSA signature: `s` in the lower half of the order (EIP-2), parity known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcdsaSignature {
    r: B256,
    s: B256,
    odd: bool,
}

/// Why bytes are not a signature this house accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Neither 64 bytes (EIP-2098) nor 65 (r, s, v).
    #[error("must be 64 (EIP-2098) or 65 bytes, got {0}")]
    Length(usize),
    /// `s` is in the upper half of the order: a malleable twin of another signature (EIP-2).
    #[error("s is in the upper half of the curve order; use the low-s form")]
    HighS,
    /// `v` is none of 0, 1, 27, 28.
    #[error("v must be 0, 1, 27 or 28, got {0}")]
    RecoveryId(u8),
    /// No public key matches: r or s is zero or out of range.
    #[error("r and s do not recover to a public key")]
    Unrecoverable,
}

/// The longest signature of an owner that is taken, in bytes. Wallets that are contracts need up to some
/// 2,000 (several signers, or a wallet that is yet to be deployed). A batch could carry 65,535, but
/// what it carries is calldata that the operator pays for, not the solver.
pub const MAX_OWNER_SIGNATURE: usize = 4_096;

/// Half of the order of secp256k1, rounded down: the largest low `s`.
const HALF_ORDER: B256 = B256::new([
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
]);

impl EcdsaSignature {
    /// Reads 65 bytes `r ‖ s ‖ v`, or 64 bytes `r ‖ yParityAndS` (EIP-2098).
    ///
    /// # Errors
    /// A [`SignatureError`] naming the rule that was broken; nothing is recovered yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let (r, s, odd) = match bytes.len() {
            64 => {
                let odd = bytes[32] & 0x80 != 0;
                let mut s = B256::from_slice(&bytes[32..]);
                s.0[0] &= 0x7f;
                (B256::from_slice(&bytes[..32]), s, odd)
            }
            65 => {
                let odd = match bytes[64] {
                    0 | 27 => false,
                    1 | 28 => true,
                    other => return Err(SignatureError::RecoveryId(other)),
                };
                (B256::from_slice(&bytes[..32]), B256::from_slice(&bytes[32..64]), odd)
            }
            other => return Err(SignatureError::Length(other)),
        };
        if s > HALF_ORDER {
            return Err(SignatureError::HighS);
        }
        Ok(Self { r, s, odd })
    }

    /// The EIP-2098 form: 64 bytes, the parity in the top bit of `s`.
    #[must_use]
    pub fn to_compact(&self) -> [u8; 64] {
        let mut out = [0u8; 64];
        out[..32].copy_from_slice(self.r.as_slice());
        out[32..].copy_from_slice(self.s.as_slice());
        if self.odd {
            out[32] |= 0x80;
        }
        out
    }

    /// The 65-byte form `r ‖ s ‖ v` with `v` 27 or 28, as wallets send it.
    #[must_use]
    pub fn to_rsv(&self) -> [u8; 65] {
        let mut out = [0u8; 65];
        out[..32].copy_from_slice(self.r.as_slice());
        out[32..64].copy_from_slice(self.s.as_slice());
        out[64] = 27 + u8::from(self.odd);
        out
    }

    /// Whether the y coordinate of the nonce point is odd.
    #[must_use]
    pub const fn odd_y(&self) -> bool {
        self.odd
    }

    /// `r` and `s`.
    #[must_use]
    pub const fn rs(&self) -> (B256, B256) {
        (self.r, self.s)
    }

    /// The address whose key signed `digest`.
    ///
    /// # Errors
    /// [`SignatureError::Unrecoverable`] if there is none.
    pub fn recover(&self, digest: B256) -> Result<Address, SignatureError> {
        let mut compact = [0u8; 64];
        compact[..32].copy_from_slice(self.r.as_slice());
        compact[32..].copy_from_slice(self.s.as_slice());
        let id = if self.odd { RecoveryId::One } else { RecoveryId::Zero };
        let key = RecoverableSignature::from_compact(&compact, id)
            .and_then(|signature| signature.recover(Message::from_digest(digest.0)))
            .map_err(|_| SignatureError::Unrecoverable)?;
        Ok(address_of(&key))
    }
}

fn address_of(key: &PublicKey) -> Address {
    Address::from_slice(&keccak256(&key.serialize_uncompressed()[1..])[12..])
}

/// A signing key. Neither `Debug` nor `Display` shows it.
#[derive(Clone)]
pub struct SigningKey {
    secret: SecretKey,
    address: Address,
}

/// The text is not a private key: 0x and 64 hexadecimal digits, below the curve order, not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a private key (0x and 64 hexadecimal digits)")]
pub struct InvalidKey;

impl SigningKey {
    /// Reads 32 bytes.
    ///
    /// # Errors
    /// [`InvalidKey`] if they are zero or not below the curve order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidKey> {
        let secret = SecretKey::from_secret_bytes(bytes).map_err(|_| InvalidKey)?;
        let address = address_of(&PublicKey::from_secret_key(&secret));
        Ok(Self { secret, address })
    }

    /// Reads hexadecimal text, with or without 0x.
    ///
    /// # Errors
    /// [`InvalidKey`], which never repeats the text.
    pub fn from_hex(text: &str) -> Result<Self, InvalidKey> {
        let bytes: B256 = text.trim().parse().map_err(|_| InvalidKey)?;
        Self::from_bytes(bytes.0)
    }

    /// The address this key signs for.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a digest; the nonce is deterministic (RFC 6979), `s` is low.
    #[must_use]
    pub fn sign(&self, digest: B256) -> EcdsaSignature {
        let message = Message::from_digest(digest.0);
        let (id, compact) =
            RecoverableSignature::sign_ecdsa_recoverable(message, &self.secret).serialize_compact();
        EcdsaSignature {
            r: B256::from_slice(&compact[..32]),
            s: B256::from_slice(&compact[32..]),
            odd: id.to_u8() & 1 == 1,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{U256, b256};

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes([7; 32]).unwrap()
    }

    #[test]
    fn both_forms_of_a_signature_recover_to_the_signer() {
        for n in 0u8..32 {
            let digest = keccak256([n]);
            let signature = key().sign(digest);
            for bytes in [&signature.to_compact()[..], &signature.to_rsv()[..]] {
                let read = EcdsaSignature::parse(bytes).unwrap();
                assert_eq!(read, signature);
                assert_eq!(read.recover(digest), Ok(key().address()));
            }
        }
    }

    #[test]
    fn the_malleable_twin_of_a_signature_is_refused() {
        let order = U256::from_be_bytes(
            b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0,
        );
        let mut bytes = key().sign(keccak256(b"x")).to_rsv();
        let s = U256::from_be_slice(&bytes[32..64]);
        bytes[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        bytes[64] ^= 7; // 27 <-> 28
        assert_eq!(EcdsaSignature::parse(&bytes), Err(SignatureError::HighS));
    }

    #[test]
    fn truncated_and_zero_signatures_are_refused() {
        assert_eq!(EcdsaSignature::parse(&[1; 63]), Err(SignatureError::Length(63)));
        assert_eq!(EcdsaSignature::parse(&[]), Err(SignatureError::Length(0)));
        let mut bytes = [1; 65];
        bytes[64] = 29;
        assert_eq!(EcdsaSignature::parse(&bytes), Err(SignatureError::RecoveryId(29)));
        let zero = EcdsaSignature::parse(&[0; 64]).unwrap();
        assert_eq!(zero.recover(keccak256(b"x")), Err(SignatureError::Unrecoverable));
    }

    #[test]
    fn a_key_is_not_shown_when_it_is_debugged() {
        assert!(!format!("{:?}", key()).contains("0707"));
    }
}
