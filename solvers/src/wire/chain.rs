//! `/v1/chain`: all a wallet must know to sign for this deployment.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use alloy_sol_types::SolStruct;
use domain::{
    Amount,
    eip712::{
        DOMAIN_NAME, DOMAIN_VERSION, SigningDomain, TypedBid, TypedCancel, TypedIntent, TypedNack,
        TypedReadBids, TypedReceipt,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `GET /v1/chain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainInfo {
    /// The chain's id.
    pub chain_id: u64,
    /// The Settlement contract: owners approve it, signatures name it.
    #[serde(with = "domain::eip55")]
    #[schema(value_type = String)]
    pub settlement: Address,
    /// EIP-712 domain and types.
    pub eip712: TypedData,
    /// Whose signature makes a receipt.
    #[serde(with = "domain::eip55")]
    #[schema(value_type = String)]
    pub receipt_signer: Address,
    /// The listed tokens.
    pub tokens: Vec<TokenInfo>,
    /// How far in the future `validTo` may lie, seconds.
    pub max_ttl_s: u64,
    /// How long an auction takes bids, milliseconds; longer while batches wait for a lane. What counts is
    /// an auction's `closes_at_ms`.
    pub window_ms: u64,
    /// The server's clock, Unix milliseconds.
    pub server_time_ms: u64,
}

/// A listed token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenInfo {
    /// Its symbol.
    pub symbol: String,
    /// Its contract.
    #[serde(with = "domain::eip55")]
    #[schema(value_type = String)]
    pub address: Address,
    /// Its decimals, for display only.
    pub decimals: u8,
    /// Numéraire atoms (wei) per 10^18 atoms of the token.
    pub price: Amount,
}

/// EIP-712 domain and types, ready for `signTypedData`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TypedData {
    /// The domain.
    pub domain: DomainInfo,
    /// The fields of each struct, in the order that is hashed.
    pub types: BTreeMap<String, Vec<TypedField>>,
}

/// The EIP-712 domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainInfo {
    /// `Gavel`.
    pub name: String,
    /// `1`.
    pub version: String,
    /// The chain's id.
    pub chain_id: u64,
    /// The Settlement contract.
    #[serde(with = "domain::eip55")]
    #[schema(value_type = String)]
    pub verifying_contract: Address,
}

/// A field of an EIP-712 struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TypedField {
    /// Its name.
    pub name: String,
    /// Its Solidity type.
    #[serde(rename = "type")]
    pub ty: String,
}

impl TypedData {
    /// What is signed in one deployment, taken from the structs that are hashed.
    #[must_use]
    pub fn of(domain: &SigningDomain) -> Self {
        let types = [
            fields_of::<TypedIntent>(),
            fields_of::<TypedCancel>(),
            fields_of::<TypedBid>(),
            fields_of::<TypedReceipt>(),
            fields_of::<TypedNack>(),
            fields_of::<TypedReadBids>(),
        ];
        Self {
            domain: DomainInfo {
                name: DOMAIN_NAME.to_owned(),
                version: DOMAIN_VERSION.to_owned(),
                chain_id: domain.chain_id(),
                verifying_contract: domain.settlement(),
            },
            types: types.into_iter().collect(),
        }
    }
}

impl ChainInfo {
    /// The domain that bids, intents and receipts of this deployment are signed in.
    #[must_use]
    pub fn signing_domain(&self) -> SigningDomain {
        SigningDomain::new(self.chain_id, self.settlement)
    }
}

/// Splits `Name(type name,…)`, EIP-712's own text of a struct.
fn fields_of<T: SolStruct>() -> (String, Vec<TypedField>) {
    let root = T::eip712_root_type();
    let inside = root.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let fields = inside.split(',').filter_map(|field| field.split_once(' '));
    let field = |(ty, name): (&str, &str)| TypedField { name: name.to_owned(), ty: ty.to_owned() };
    (T::NAME.to_owned(), fields.map(field).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_told_to_wallets_are_the_types_that_are_hashed() {
        let data = TypedData::of(&SigningDomain::new(1, Address::repeat_byte(9)));
        let text = |name: &str| {
            let fields = data.types[name].iter().map(|f| format!("{} {}", f.ty, f.name));
            format!("{name}({})", fields.collect::<Vec<_>>().join(","))
        };
        assert_eq!(text("Intent"), TypedIntent::eip712_encode_type());
        assert_eq!(text("Cancel"), "Cancel(address owner,bytes32[] intents)");
        assert_eq!(text("Receipt"), "Receipt(bytes32 openHash,bytes32 bid,uint64 ms,uint64 seq)");
        assert_eq!(text("Nack"), "Nack(bytes32 bid,uint64 auctionId,string code,uint64 ms)");
        assert_eq!(text("ReadBids"), "ReadBids(address solver,uint64 validUntil)");
        assert_eq!(data.types["Bid"].len(), 12);
    }
}
