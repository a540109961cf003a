//! How a solver shows that bids are its own before they are anybody else's business.

use alloy_primitives::{Address, B256};
use domain::{
    eip712::{SigningDomain, TypedReadBids},
    signature::{EcdsaSignature, SignatureError, SigningKey},
};

/// The longest time an access may be good for, in seconds: what leaks does not leak for long.
pub const MAX_ACCESS_S: u64 = 3_600;

const SOLVER: &str = "gavel-solver";
const VALID_UNTIL: &str = "gavel-valid-until";
const SIGNATURE: &str = "gavel-signature";

/// A signed wish to read a solver's own bids, sent in three headers. Signed is the EIP-712 struct
/// `ReadBids(address solver,uint64 validUntil)` by the solver's account or one of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose bids.
    pub solver: Address,
    /// The last second in which this may be used, Unix time, at most [`MAX_ACCESS_S`] away.
    pub valid_until: u64,
    /// By the solver's account or a key of it.
    pub signature: EcdsaSignature,
}

/// Headers that are no access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A header is not there.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// A header cannot be read.
    #[error("header {0} is not {1}")]
    Unreadable(&'static str, &'static str),
    /// The signature's bytes are none.
    #[error("header gavel-signature {0}")]
    Signature(#[from] SignatureError),
}

impl Access {
    /// Signs an access.
    #[must_use]
    pub fn sign(
        solver: Address,
        valid_until: u64,
        key: &SigningKey,
        domain: &SigningDomain,
    ) -> Self {
        Self { solver, valid_until, signature: key.sign(digest(solver, valid_until, domain)) }
    }

    /// Who signed it; whether that key signs for the solver is the registry's answer.
    ///
    /// # Errors
    /// [`SignatureError::Unrecoverable`] if nobody did.
    pub fn signer(&self, domain: &SigningDomain) -> Result<Address, SignatureError> {
        self.signature.recover(digest(self.solver, self.valid_until, domain))
    }

    /// The headers to send.
    #[must_use]
    pub fn headers(&self) -> [(&'static str, String); 3] {
        let signature = alloy_primitives::hex::encode_prefixed(self.signature.to_rsv());
        [
            (SOLVER, self.solver.to_string()),
            (VALID_UNTIL, self.valid_until.to_string()),
            (SIGNATURE, signature),
        ]
    }

    /// The headers' names.
    pub const HEADERS: [&'static str; 3] = [SOLVER, VALID_UNTIL, SIGNATURE];

    /// Reads the headers; `of` gives a header's text.
    ///
    /// # Errors
    /// An [`AccessError`] naming the first header that is missing or wrong.
    pub fn read<'a>(of: impl Fn(&'static str) -> Option<&'a str>) -> Result<Self, AccessError> {
        let text = |name| of(name).ok_or(AccessError::Missing(name));
        let solver = text(SOLVER)?
            .parse()
            .map_err(|_| AccessError::Unreadable(SOLVER, "0x and 40 hexadecimal digits"))?;
        let valid_until = text(VALID_UNTIL)?
            .parse()
            .map_err(|_| AccessError::Unreadable(VALID_UNTIL, "a number of seconds"))?;
        let signature: alloy_primitives::Bytes = text(SIGNATURE)?
            .parse()
            .map_err(|_| AccessError::Unreadable(SIGNATURE, "0x and hexadecimal digits"))?;
        Ok(Self { solver, valid_until, signature: EcdsaSignature::parse(&signature)? })
    }
}

fn digest(solver: Address, valid_until: u64, domain: &SigningDomain) -> B256 {
    domain.digest(&TypedReadBids { solver, validUntil: valid_until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_goes_through_its_headers_and_holds_for_its_solver_and_time_only() {
        let key = SigningKey::from_bytes([7; 32]).unwrap();
        let domain = SigningDomain::new(1, Address::repeat_byte(9));
        let access = Access::sign(Address::repeat_byte(5), 1_790_000_000, &key, &domain);
        let headers = access.headers();
        let header =
            |name| headers.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str());
        let read = Access::read(header).unwrap();
        assert_eq!(read, access);
        assert_eq!(read.signer(&domain), Ok(key.address()));
        for other in [
            Access { solver: Address::repeat_byte(6), ..access },
            Access { valid_until: 1_790_000_001, ..access },
        ] {
            assert_ne!(other.signer(&domain), Ok(key.address()));
        }
        let without = |name: &str| Access::read(|n| if n == name { None } else { header(n) });
        for name in Access::HEADERS {
            assert_eq!(without(name), Err(AccessError::Missing(name)));
        }
        let zero = |n| if n == VALID_UNTIL { Some("soon") } else { header(n) };
        assert!(matches!(Access::read(zero), Err(AccessError::Unreadable(VALID_UNTIL, _))));
    }
}
