//! Whose signature it is: ECDSA first, then the owner's contract (design C10).

use alloy_primitives::{Address, B256};
use domain::signature::{EcdsaSignature, SignatureError};

use crate::{
    app::App,
    problem::{Code, Facts, Problem},
};

/// Checks that `owner` signed `digest`. `true` if the owner's contract had to be asked, as
/// Settlement will have to.
pub(crate) async fn owner_signed(
    app: &App,
    owner: Address,
    digest: B256,
    signature: &[u8],
) -> Result<bool, Problem> {
    let refused = match by_key(owner, digest, signature) {
        Ok(()) => return Ok(false),
        Err(refused) => refused,
    };
    if app.chain.code_at(owner).await?.is_empty() {
        return Err(refused);
    }
    if app.chain.is_valid_signature(owner, digest, signature).await? {
        return Ok(true);
    }
    let detail = "is neither the owner's key's nor accepted by the owner's contract (ERC-1271)";
    Err(Problem::field(Code::SignatureInvalid, "signature", "rejected", detail))
}

/// Recovered on the worker's own thread: handing 45 µs of work to another thread costs more.
fn by_key(owner: Address, digest: B256, signature: &[u8]) -> Result<(), Problem> {
    let recover =
        || -> Result<Address, SignatureError> { EcdsaSignature::parse(signature)?.recover(digest) };
    match recover() {
        Ok(signer) if signer == owner => Ok(()),
        Ok(signer) => {
            let detail = format!(
                "signed by {signer}, not by {owner}; or another message, chain or contract was signed"
            );
            let facts = Facts { recovered: Some(signer.to_string()), ..Facts::default() };
            Err(Problem::new(Code::SignatureMismatch, detail).with(facts))
        }
        Err(error) => Err(error.into()),
    }
}
