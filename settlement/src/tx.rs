//! Transactions of our own making: EIP-1559, signed through a [`SettlerKey`], raw bytes in hand
//! before anybody else sees them.

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes, Signature, TxKind, U256},
};

use crate::{
    fees::Fees,
    key::{KeyError, SettlerKey},
};

/// What a transaction does, apart from its nonce and price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract, or none to create one.
    pub to: Option<Address>,
    /// Wei that go with it.
    pub value: U256,
    /// The call's data, or the creation code.
    pub data: Bytes,
    /// The most gas it may use.
    pub gas_limit: u64,
}

/// A signed transaction, ready to be written down and then broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTx {
    /// Its EIP-2718 bytes.
    pub raw: Bytes,
    /// Its hash.
    pub hash: B256,
    /// Its nonce.
    pub nonce: u64,
}

/// Signs `call` for `chain_id` under `nonce` at `fees`; nothing is sent.
///
/// # Errors
/// The key's [`KeyError`].
pub async fn sign(
    key: &dyn SettlerKey,
    chain_id: u64,
    nonce: u64,
    fees: Fees,
    call: &Call,
) -> Result<SignedTx, KeyError> {
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: call.gas_limit,
        max_fee_per_gas: fees.max_fee,
        max_priority_fee_per_gas: fees.tip,
        to: call.to.map_or(TxKind::Create, TxKind::Call),
        value: call.value,
        access_list: Default::default(),
        input: call.data.clone(),
    };
    let signature = key.sign(tx.signature_hash()).await?;
    let (r, s) = signature.rs();
    let signature = Signature::from_scalars_and_parity(r, s, signature.odd_y());
    let signed = tx.into_signed(signature);
    let raw: Bytes = signed.encoded_2718().into();
    Ok(SignedTx { raw, hash: *signed.hash(), nonce })
}

/// What a stored raw transaction offers to pay.
///
/// # Errors
/// [`CorruptTx`] if the bytes are not a transaction of ours.
pub fn read(raw: &[u8]) -> Result<(Fees, Call), CorruptTx> {
    use alloy::{consensus::TxEnvelope, eips::eip2718::Decodable2718};
    match TxEnvelope::decode_2718_exact(raw) {
        Ok(TxEnvelope::Eip1559(signed)) => {
            let tx = signed.tx();
            let fees = Fees { max_fee: tx.max_fee_per_gas, tip: tx.max_priority_fee_per_gas };
            let to = tx.to.to().copied();
            let (value, data) = (tx.value, tx.input.clone());
            Ok((fees, Call { to, value, data, gas_limit: tx.gas_limit }))
        }
        Ok(_) | Err(_) => Err(CorruptTx),
    }
}

/// Stored bytes are not a transaction of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes are not a transaction of ours")]
pub struct CorruptTx;

#[cfg(test)]
mod tests {
    use alloy::primitives::keccak256;
    use domain::signature::SigningKey;

    use super::*;
    use crate::key::LocalKey;

    fn call() -> Call {
        let (to, data) = (Some(Address::repeat_byte(3)), Bytes::from_static(b"abc"));
        Call { to, value: U256::from(5), data, gas_limit: 9 }
    }

    #[tokio::test]
    async fn a_signed_transaction_reads_back_and_hashes_to_its_hash() {
        let key = LocalKey::new(SigningKey::from_bytes([7; 32]).unwrap());
        let fees = Fees { max_fee: 5, tip: 2 };
        let signed = sign(&key, 31337, 4, fees, &call()).await.unwrap();
        assert_eq!(keccak256(&signed.raw), signed.hash);
        assert_eq!(read(&signed.raw), Ok((fees, call())));
        assert_eq!(read(&signed.raw[1..]), Err(CorruptTx));
    }

    #[tokio::test]
    async fn signing_again_gives_the_same_bytes() {
        let key = LocalKey::new(SigningKey::from_bytes([7; 32]).unwrap());
        let fees = Fees { max_fee: 5, tip: 2 };
        let first = sign(&key, 1, 0, fees, &call()).await.unwrap();
        let second = sign(&key, 1, 0, fees, &call()).await.unwrap();
        assert_eq!(first, second);
    }
}
