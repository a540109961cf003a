//! Decides a vector, whatever made it, and holds the outcome against what it expects.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, keccak256};
use domain::{
    Amount, Bid, BidId, Intent, IntentId,
    auction::{Cut, Decision, Deliberation, OpeningRecord, ReceivedBid, Standings},
    eip712::SigningDomain,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Vector {
    name: String,
    #[serde(rename = "shows")]
    _shows: String,
    #[serde(rename = "derivation")]
    _derivation: Vec<String>,
    opening: OpeningRecord,
    intents: BTreeMap<String, Intent>,
    bids: Vec<Received>,
    standings: Standings,
    expected: Expected,
}

#[derive(Deserialize)]
struct Received {
    name: String,
    id: BidId,
    ms: u64,
    seq: u64,
    bid: Bid,
    /// Without the rank, which hashes decide.
    verdict: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    total_score: Amount,
    gap: Amount,
    /// In any order.
    second_pass: Vec<Value>,
    references: BTreeMap<Address, Amount>,
}

pub(crate) fn judge(vector: &Value) {
    let vector: Vector = serde_json::from_value(vector.clone()).unwrap();
    let name = &vector.name;
    let domain = SigningDomain::new(vector.opening.chain_id, vector.opening.settlement);
    let intents: BTreeMap<IntentId, Intent> =
        vector.intents.values().map(|intent| (intent.id(&domain), intent.clone())).collect();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (label, intent) in &vector.intents {
        labels.insert(intent.id(&domain).to_string(), label.clone());
    }
    let mut bids = Vec::new();
    for entry in &vector.bids {
        assert_eq!(entry.bid.id(&domain), entry.id, "{name}: the id of {}", entry.name);
        labels.entry(entry.id.to_string()).or_insert_with(|| entry.name.clone());
        let Received { id, ms, seq, .. } = *entry;
        bids.push(ReceivedBid { id, ms, seq, bid: entry.bid.clone() });
    }
    let cut = Cut::new(vector.opening.clone(), intents).unwrap();
    let decision = decide(&cut, &bids, &vector.standings);
    bids.reverse();
    assert_eq!(decide(&cut, &bids, &vector.standings), decision, "{name}: the order of the slice");

    for (entry, verdict) in vector.bids.iter().zip(&decision.verdicts) {
        let mut found = serde_json::to_value(verdict.ruling).unwrap();
        found.as_object_mut().unwrap().remove("rank");
        label(&mut found, &labels);
        assert_eq!(found, entry.verdict, "{name}: {}", entry.name);
    }
    assert_eq!(decision.total_score, vector.expected.total_score, "{name}");
    assert_eq!(decision.gap, vector.expected.gap, "{name}");
    let references: BTreeMap<Address, Amount> =
        decision.references.iter().map(|found| (found.solver, found.score)).collect();
    assert_eq!(references, vector.expected.references, "{name}");
    second_pass(&vector, &cut, &decision);
    settlement_order(&vector, &cut, &decision);
}

fn decide(cut: &Cut, bids: &[ReceivedBid], standings: &Standings) -> Decision {
    let left_out = BTreeMap::new();
    let mut deliberation = Deliberation::new(cut, bids, standings, &left_out);
    let mut decision = deliberation.decide();
    decision.references = deliberation.references(&decision);
    decision
}

fn second_pass(vector: &Vector, cut: &Cut, decision: &Decision) {
    let hash = cut.open_hash();
    let place = |pair: &domain::auction::PairDecision| {
        let kind = u8::from(pair.token == pair.sell);
        let (sell, buy) = (pair.sell, pair.buy);
        keccak256([hash.as_bytes(), sell.as_slice(), buy.as_slice(), &[kind]].concat())
    };
    assert!(decision.second_pass.is_sorted_by_key(place), "{}", vector.name);
    let mut found: Vec<Value> = decision
        .second_pass
        .iter()
        .map(|pair| {
            let mut pair = serde_json::to_value(pair).unwrap();
            pair.as_object_mut().unwrap().remove("nodes");
            pair
        })
        .collect();
    found.sort_by_key(Value::to_string);
    let mut expected = vector.expected.second_pass.clone();
    expected.sort_by_key(Value::to_string);
    assert_eq!(found, expected, "{}", vector.name);
}

/// Those of the first pass by `keccak256(openHash ‖ solver)` and their solver's order; then those of
/// each pair without a price.
fn settlement_order(vector: &Vector, cut: &Cut, decision: &Decision) {
    let of_winner = |id: &BidId| vector.bids.iter().position(|entry| entry.id == *id).unwrap();
    let winners: Vec<usize> = decision.winners.iter().map(of_winner).collect();
    for (rank, at) in winners.iter().enumerate() {
        let ruling = serde_json::to_value(decision.verdicts[*at].ruling).unwrap();
        assert_eq!(ruling["rank"], json!(rank), "{}", vector.name);
    }
    let token = |at: &usize| vector.bids[*at].verdict.get("token").cloned();
    let place = |at: &usize| -> (B256, usize) {
        let solver = vector.bids[*at].bid.terms().solver;
        (keccak256([cut.open_hash().as_bytes(), solver.as_slice()].concat()), *at)
    };
    let second = winners.iter().position(|at| token(at).is_some()).unwrap_or(winners.len());
    assert!(winners[..second].is_sorted_by_key(place), "{}", vector.name);
    assert!(winners[second..].iter().all(|at| token(at).is_some()), "{}", vector.name);
}

/// Puts names where ids are.
fn label(value: &mut Value, labels: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = labels.get(text) {
                text.clone_from(name);
            }
        }
        Value::Object(object) => object.values_mut().for_each(|value| label(value, labels)),
        Value::Array(array) => array.iter_mut().for_each(|value| label(value, labels)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
