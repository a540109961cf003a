//! Receipts as solvers keep them.

use std::{collections::BTreeMap, path::Path};

use alloy_primitives::Address;
use domain::{AuctionId, eip712::SigningDomain};
use serde_json::Value;
use solvers::wire::{BidAccepted, Receipt};

use crate::exit::{CONFIG, Exit};

/// Receipts by the auction they name.
pub(super) type Receipts = BTreeMap<AuctionId, Vec<Receipt>>;

/// Reads a file of receipts. Whatever is not a receipt of the operator proves nothing, so it is an
/// error and not a finding.
pub(super) fn read(path: &Path, domain: &SigningDomain, signer: Address) -> Result<Receipts, Exit> {
    let failed = |what: String| Exit::new(CONFIG, format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let mut receipts = Receipts::new();
    for (n, receipt) in parse(&text).map_err(failed)?.into_iter().enumerate() {
        receipt.verify(domain, signer).map_err(|error| failed(format!("receipt {n}: {error}")))?;
        receipts.entry(receipt.auction_id).or_default().push(receipt);
    }
    Ok(receipts)
}

/// A JSON array, or an object a line; each a receipt or an answer that holds one.
pub(super) fn parse(text: &str) -> Result<Vec<Receipt>, String> {
    let values: Vec<Value> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let parsed: Result<_, _> = lines.map(serde_json::from_str).collect();
        parsed.map_err(|error| error.to_string())?
    };
    let receipt = |(n, value): (usize, Value)| {
        let read = if value.get("receipt").is_some() {
            serde_json::from_value::<BidAccepted>(value).map(|accepted| accepted.receipt)
        } else {
            serde_json::from_value(value)
        };
        read.map_err(|error| format!("receipt {n}: {error}"))
    };
    values.into_iter().enumerate().map(receipt).collect()
}
