//! Records that were tampered with: as text, and number by number with all hashes made right again.

use std::collections::BTreeMap;

use domain::{
    Bid, BidId, IntentId,
    auction::{
        AuctionRecord, Cut, Decision, Deliberation, Ending, Grounds, PublicRecord, ReceivedBid,
        RecordedBid, Retrial, RunnerUp, Standings, decide, left_unfilled,
    },
    batch::{OwnerSignature, SignedBid, SignedIntent},
    bid::{End, Leg},
    eip712::SigningDomain,
    event::{Fault, TxRef},
    signature::SigningKey,
    status::AuctionStatus,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::market::{Market, Numbers};

/// What is decided once more, after every winner failed by its solver's fault.
fn second(
    cut: &Cut,
    bids: &[ReceivedBid],
    first: &Decision,
    standings: &Standings,
) -> Option<RunnerUp> {
    let won = |bid: &&BidId| bids.iter().find(|found| found.id == **bid);
    let fills = first.winners.iter().filter_map(|bid| Some(won(&bid)?.bid.fills()));
    let left = left_unfilled(fills.map(|fills| (fills, Some(Fault::Solver))));
    if left.is_empty() {
        return None;
    }
    let ending = |bid: &BidId| Ending { bid: *bid, fault: Some(Fault::Solver) };
    let opening = cut.opening();
    let grounds = Grounds {
        reveal: TxRef { tx: opening.block.hash, block: opening.block },
        endings: first.winners.iter().map(ending).collect(),
        block: opening.block,
        block_time_s: opening.block_time_s,
        intents: left.iter().filter_map(|id| opening.intent(*id).copied()).collect(),
        standings: standings.clone(),
    };
    let retrial = Retrial::new(cut, first, &grounds);
    let mut bids = bids.to_vec();
    bids.retain(|bid| retrial.admits(bid.id, &bid.bid));
    let decision = decide(retrial.cut(), &bids, standings);
    Some(RunnerUp { grounds, simulation: None, decision })
}

/// The published record of a market, if it makes an auction.
fn record(market: &Market) -> Option<PublicRecord> {
    let mut bids = market.bids.clone();
    bids.sort_unstable_by_key(|bid| (bid.ms, bid.seq));
    bids.dedup_by_key(|bid| (bid.ms, bid.seq));
    let cut = Cut::new(market.opening.clone(), market.intents.clone()).ok()?;
    let left_out = BTreeMap::new();
    let mut deliberation = Deliberation::new(&cut, &bids, &market.standings, &left_out);
    let mut decision = deliberation.decide();
    decision.references = deliberation.references(&decision);
    let standings = Standings { block: Some(market.opening.block), ..market.standings.clone() };
    let runner_up = second(&cut, &bids, &decision, &standings);
    let key = SigningKey::from_bytes([7; 32]).unwrap();
    let recorded = |bid: &ReceivedBid| RecordedBid {
        id: bid.id,
        ms: bid.ms,
        seq: bid.seq,
        signed: SignedBid { bid: bid.bid.clone(), signature: key.sign(bid.id.get()) },
    };
    let bids: Vec<RecordedBid> = bids.iter().map(recorded).collect();
    let signed = |(id, intent): (&IntentId, &domain::Intent)| {
        let signature = OwnerSignature::Contract(vec![1, 2, 3].into());
        (*id, SignedIntent { intent: intent.clone(), signature })
    };
    let record = AuctionRecord {
        opening: market.opening.clone(),
        closing: AuctionRecord::closing_of(&bids),
        intents: market.intents.iter().map(signed).collect(),
        bids,
        standings,
        simulation: None,
        decision: Ok(decision),
        runner_up,
    };
    Some(record.public(AuctionStatus::Published))
}

/// Every place in a JSON value that holds a value of its own.
fn leaves(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                leaves(value, &format!("{at}/{key}"), out);
            }
        }
        Value::Array(array) => {
            for (n, value) in array.iter().enumerate() {
                leaves(value, &format!("{at}/{n}"), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push(at.to_owned());
        }
    }
}

fn tamper(value: &mut Value, numbers: &mut Numbers) {
    let mut places = Vec::new();
    leaves(value, "", &mut places);
    for _ in 0..=numbers.below(3) {
        let place = &places[numbers.below(places.len() as u64) as usize];
        let Some(leaf) = value.pointer_mut(place) else { continue };
        // mostly of the same type, so that it is read
        *leaf = match (&*leaf, numbers.below(8)) {
            (_, 0) => numbers.of(&[Value::Null, Value::Bool(true), json!(-1)].each_ref()).clone(),
            (_, 1) => json!("0x"),
            (Value::Number(_), _) => json!(numbers.of(&[0, 1, 255, u64::from(u32::MAX), u64::MAX])),
            (Value::Bool(old), _) => json!(!old),
            (Value::String(text), _) if text.starts_with("0x") => {
                let mut text = text.clone().into_bytes();
                let at = 2 + numbers.below(text.len().saturating_sub(2).max(1) as u64) as usize;
                if let Some(digit) = text.get_mut(at) {
                    *digit = b'0' + numbers.below(10) as u8;
                }
                json!(String::from_utf8(text).unwrap())
            }
            _ => json!(numbers.amount()),
        };
    }
}

/// Makes every hash right again, so that what was changed gets as far as the decision.
fn seal(record: &mut PublicRecord) {
    let Some(contents) = &mut record.contents else { return };
    let domain = SigningDomain::new(record.opening.chain_id, record.opening.settlement);
    let mut ids = BTreeMap::new();
    for (entry, signed) in record.opening.intents.iter_mut().zip(&contents.intents) {
        let id = signed.intent.id(&domain);
        ids.insert(entry.id, id);
        entry.id = id;
    }
    record.opening.intents.sort_unstable_by_key(|entry| entry.id);
    let key = SigningKey::from_bytes([7; 32]).unwrap();
    for bid in &mut contents.bids {
        let old = &bid.signed.bid;
        let end = |end: End| match end {
            End::Intent(id) => End::Intent(ids.get(&id).copied().unwrap_or(id)),
            End::Filler => End::Filler,
        };
        let legs = old.legs().iter();
        let legs = legs.map(|leg| Leg { from: end(leg.from), to: end(leg.to), amount: leg.amount });
        let Ok(new) = Bid::new(old.terms().clone(), legs.collect(), old.callback().clone()) else {
            continue;
        };
        bid.id = new.id(&domain);
        bid.signed = SignedBid { signature: key.sign(bid.id.get()), bid: new };
    }
    contents.bids.sort_unstable_by_key(|bid| (bid.ms, bid.seq));
    record.closing = Some(AuctionRecord::closing_of(&contents.bids));
    record.open_hash = record.opening.hash();
}

proptest! {
    #![proptest_config(crate::config(200))]

    #[test]
    fn a_record_that_was_tampered_with_is_read_and_judged_or_refused(seed in any::<u64>(), intents in 1usize..5, bids in 0usize..8) {
        let market = Market::of(seed, intents, bids);
        let Some(record) = record(&market) else { return Ok(()) };
        let numbers = &mut Numbers(seed ^ 2);
        let mut value = serde_json::to_value(&record).unwrap();
        tamper(&mut value, numbers);
        let Ok(mut tampered) = serde_json::from_value::<PublicRecord>(value) else { return Ok(()) };
        let _ = tampered.verify();
        seal(&mut tampered);
        let _ = tampered.verify();
    }

    #[test]
    fn an_untouched_record_verifies_however_absurd(seed in any::<u64>(), intents in 0usize..5, bids in 0usize..8) {
        let market = Market::of(seed, intents, bids);
        let Some(mut record) = record(&market) else { return Ok(()) };
        prop_assert_eq!(record.verify(), Ok(()));
        let text = record.canonical().unwrap();
        prop_assert_eq!(&serde_json::from_str::<PublicRecord>(&text).unwrap(), &record);
        seal(&mut record);
        prop_assert_eq!(record.verify(), Ok(()));
    }

    #[test]
    fn text_that_was_a_record_once_is_read_or_refused(seed in any::<u64>(), bids in 0usize..4) {
        let market = Market::of(seed, 2, bids);
        let Some(record) = record(&market) else { return Ok(()) };
        let mut text = record.canonical().unwrap().into_bytes();
        let numbers = &mut Numbers(seed ^ 3);
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(text.len() as u64) as usize;
            match numbers.below(4) {
                0 => text.truncate(at.max(1)),
                1 => text[at] = numbers.below(256) as u8,
                2 => text[at] = numbers.of(b"{}[]\",:0x-e9"),
                _ => {
                    let from = numbers.below(text.len() as u64) as usize;
                    let part = text[from..text.len().min(from + 90)].to_vec();
                    text.splice(at..at, part);
                }
            }
        }
        if let Ok(record) = serde_json::from_slice::<PublicRecord>(&text) {
            let _ = record.verify();
        }
    }
}
