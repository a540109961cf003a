//! The bindings against the committed artifacts.

use std::collections::BTreeMap;

use alloy_sol_types::{SolStruct as _, SolType, TopicList as _};
use serde_json::Value;

use super::*;

/// Every item of the contracts' ABI by kind and signature.
fn artifacts() -> BTreeMap<(String, String), Value> {
    let mut items = BTreeMap::new();
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../settlement/contracts/artifacts/Settlement.json");
    let text = std::fs::read_to_string(path).unwrap();
    let artifact: Value = serde_json::from_str(&text).unwrap();
    for item in artifact["abi"].as_array().unwrap() {
        let Some(name) = item["name"].as_str() else { continue };
        let kind = item["type"].as_str().unwrap().to_owned();
        let signature = format!("{name}{}", types(&item["inputs"]));
        items.insert((kind, signature), item.clone());
    }
    items
}

/// `(uint256,(bytes32,address)[])`
fn types(parameters: &Value) -> String {
    let parameters = parameters.as_array().unwrap();
    let names: Vec<String> = parameters.iter().map(type_name).collect();
    format!("({})", names.join(","))
}

fn type_name(parameter: &Value) -> String {
    let name = parameter["type"].as_str().unwrap();
    match name.strip_prefix("tuple") {
        Some(suffix) => format!("{}{suffix}", types(&parameter["components"])),
        None => name.to_owned(),
    }
}

fn find<'a>(
    items: &'a BTreeMap<(String, String), Value>,
    kind: &str,
    signature: &str,
) -> &'a Value {
    let key = (kind.to_owned(), signature.to_owned());
    items.get(&key).unwrap_or_else(|| panic!("the contracts have no {kind} {signature}"))
}

/// `Funds(uint256 balance,bool nonceUsed)` as `(uint256,bool)`
fn funds_types() -> String {
    let root = Funds::eip712_root_type();
    let fields = root.strip_prefix("Funds(").and_then(|rest| rest.strip_suffix(')')).unwrap();
    let types: Vec<&str> =
        fields.split(',').map(|field| field.split(' ').next().unwrap()).collect();
    format!("({})", types.join(","))
}

fn call<C: SolCall>(items: &BTreeMap<(String, String), Value>) {
    let item = find(items, "function", C::SIGNATURE);
    let returns = <C::ReturnTuple<'static> as SolType>::SOL_NAME;
    assert_eq!(types(&item["outputs"]), returns.replace("Funds", &funds_types()));
}

fn event<E: SolEvent>(items: &BTreeMap<(String, String), Value>) -> String {
    let item = find(items, "event", E::SIGNATURE);
    let inputs = item["inputs"].as_array().unwrap();
    let indexed = inputs.iter().filter(|input| input["indexed"] == true).count();
    assert_eq!(E::TopicList::COUNT, indexed + 1, "{}", E::SIGNATURE);
    E::SIGNATURE.to_owned()
}

fn error<E: SolError>(items: &BTreeMap<(String, String), Value>) {
    find(items, "error", E::SIGNATURE);
}

#[test]
fn every_binding_is_as_the_contracts_have_it() {
    let items = artifacts();
    call::<commitToCall>(&items);
    call::<revealCall>(&items);
    call::<expireCall>(&items);
    call::<openLaneCall>(&items);
    call::<closeLaneCall>(&items);
    call::<setPlainTokenCall>(&items);
    call::<simulateCall>(&items);
    call::<fundableCall>(&items);
    call::<lanesCall>(&items);
    call::<MAX_DELAYCall>(&items);
    call::<WITHDRAWAL_DELAYCall>(&items);
    call::<MAX_TIPCall>(&items);
    call::<gasOverheadCall>(&items);
    call::<depositCall>(&items);
    call::<requestWithdrawalCall>(&items);
    call::<withdrawCall>(&items);
    call::<fundsOfCall>(&items);
    call::<collectCall>(&items);
    call::<claimPenaltyCall>(&items);
    call::<domainSeparatorCall>(&items);
    call::<bidNoncesCall>(&items);
    call::<isPlainTokenCall>(&items);
    call::<noncesCall>(&items);
    call::<filledCall>(&items);
    call::<invalidateNoncesCall>(&items);
    call::<registerCall>(&items);
    call::<setKeyCall>(&items);
    call::<bindFillerCall>(&items);
    call::<setPausedCall>(&items);
    call::<authoriseCall>(&items);
    call::<solverOfKeyCall>(&items);
    call::<solverOfFillerCall>(&items);
    call::<isPausedCall>(&items);

    error::<LaneNotOpen>(&items);
    error::<LaneAlreadyOpen>(&items);
    error::<CommitmentLive>(&items);
    error::<NothingCommitted>(&items);
    error::<CommitmentMismatch>(&items);
    error::<RevealTooEarly>(&items);
    error::<RevealTooLate>(&items);
    error::<UnsupportedVersion>(&items);
    error::<NotCanonical>(&items);
    error::<InsufficientGas>(&items);
    error::<SimulationResult>(&items);
    error::<GasTooLow>(&items);
    error::<DepositShort>(&items);
}

#[test]
fn no_event_of_the_market_is_unknown_to_us() {
    let items = artifacts();
    let bound = [
        event::<Committed>(&items),
        event::<Revealed>(&items),
        event::<CommitmentExpired>(&items),
        event::<LaneOpened>(&items),
        event::<LaneClosed>(&items),
        event::<BidSettled>(&items),
        event::<BidFailed>(&items),
        event::<PlainTokenSet>(&items),
        event::<PenaltyTaken>(&items),
        event::<PenaltyClaimed>(&items),
        event::<FundsDeposited>(&items),
        event::<WithdrawalRequested>(&items),
        event::<FundsWithdrawn>(&items),
        event::<ChargesCollected>(&items),
        event::<NoncesInvalidated>(&items),
        event::<SolverRegistered>(&items),
        event::<KeySet>(&items),
        event::<FillerBound>(&items),
        event::<SolverPauseSet>(&items),
    ];
    let unknown: Vec<&String> = items
        .keys()
        .filter(|(kind, _)| kind == "event")
        .map(|(_, signature)| signature)
        .filter(|signature| !signature.starts_with("Ownership") && !bound.contains(signature))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
