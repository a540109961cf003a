//! What a dishonest operator could publish.

use std::collections::BTreeMap;

use alloy::{
    primitives::{B256, Bytes, keccak256},
    sol_types::SolError as _,
};
use domain::{
    BidId,
    auction::{
        Announced, AuctionRecord, Cut, Deliberation, LeftOut, PublicRecord, ReceivedBid,
        RecordedBid, Simulation, SimulationDrop, leave_out,
    },
    eip712::SigningDomain,
};
use infra::chain::{MAX_TX_GAS, abi};
use serde_json::Value;

/// The record with a field changed.
pub(super) fn forge(record: &PublicRecord, change: impl FnOnce(&mut Value)) -> PublicRecord {
    let mut value = serde_json::to_value(record).unwrap();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

/// The record of the same auction as if one bid had never come: consistent in itself.
pub(super) fn without_bid(record: &PublicRecord, bid: BidId) -> PublicRecord {
    let mut forged = record.clone();
    let contents = forged.contents.as_mut().unwrap();
    contents.bids.retain(|found| found.id != bid);
    assert_eq!(contents.bids.len() + 1, record.contents.as_ref().unwrap().bids.len());
    contents.verdicts.retain(|found| found.bid != bid);
    forged.closing = Some(AuctionRecord::closing_of(&contents.bids));
    let left_out = record.contents.as_ref().unwrap();
    let left_out = left_out.decision(record.decision.as_ref().unwrap()).left_out();
    decide(forged, left_out)
}

/// The record of the same auction as if one of its winners had failed one more round of simulation.
pub(super) fn with_false_drop(record: &PublicRecord, bid: BidId) -> PublicRecord {
    let mut forged = record.clone();
    let contents = forged.contents.as_mut().unwrap();
    let mut left_out = contents.decision(record.decision.as_ref().unwrap()).left_out();
    let reason = B256::right_padding_from(&keccak256("FillerShort(address)")[..4]);
    let result =
        abi::BidResult { bid: bid.get(), settled: false, fault: 1, reason, ..Default::default() };
    let returned = Bytes::from(abi::SimulationResult { results: vec![result] }.abi_encode());
    let found = contents.simulation.get_or_insert_with(|| Simulation {
        block: record.opening.block,
        rounds: 1,
        complete: true,
        drops: Vec::new(),
    });
    let (batch, round) = (vec![bid], found.rounds);
    let drop = SimulationDrop { bid, round, batch, gas: MAX_TX_GAS, fault: 1, reason, returned };
    found.drops.push(drop);
    found.rounds += 1;
    let received = contents.bids.iter().map(|RecordedBid { id, ms, seq, signed }| ReceivedBid {
        id: *id,
        ms: *ms,
        seq: *seq,
        bid: signed.bid.clone(),
    });
    leave_out(&mut left_out, &received.collect::<Vec<_>>(), &found.drops);
    decide(forged, left_out)
}

/// What a record says of running its winners.
pub(super) fn simulation(record: &mut PublicRecord) -> &mut Simulation {
    record.contents.as_mut().unwrap().simulation.as_mut().unwrap()
}

/// The record with the decision that comes out of what it says now, nothing left out.
pub(super) fn decide_again(record: PublicRecord) -> PublicRecord {
    decide(record, BTreeMap::new())
}

fn decide(mut forged: PublicRecord, left_out: BTreeMap<BidId, LeftOut>) -> PublicRecord {
    let domain = SigningDomain::new(forged.opening.chain_id, forged.opening.settlement);
    let contents = forged.contents.as_mut().unwrap();
    let intents =
        contents.intents.iter().map(|found| (found.intent.id(&domain), found.intent.clone()));
    let cut = Cut::new(forged.opening.clone(), intents.collect()).unwrap();
    let bids: Vec<ReceivedBid> = contents
        .bids
        .iter()
        .map(|bid| ReceivedBid {
            id: bid.id,
            ms: bid.ms,
            seq: bid.seq,
            bid: bid.signed.bid.clone(),
        })
        .collect();
    let left_out =
        left_out.into_iter().filter(|(bid, _)| bids.iter().any(|found| found.id == *bid));
    let left_out = left_out.collect();
    let mut deliberation = Deliberation::new(&cut, &bids, &contents.standings, &left_out);
    let mut decision = deliberation.decide();
    decision.references = deliberation.references(&decision);
    forged.decision = Some(Announced::of(&decision));
    contents.verdicts = decision.verdicts;
    contents.second_pass = decision.second_pass;
    contents.references = decision.references;
    forged
}
