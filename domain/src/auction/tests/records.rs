use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};

use super::super::{
    Cut, CutError, InsightReason, bid_leaves, bids_root, bids_tree, fixture::*, insights,
};
use crate::{Amount, OpenHash, merkle};

fn word(n: u64) -> B256 {
    B256::left_padding_from(&n.to_be_bytes())
}

#[test]
fn the_opening_hash_can_be_recomputed_from_fourteen_words() {
    let mut market = Market::new();
    market.intent(Want::swap(1, (X, 1_000), (Y, 900)).partial().filled(5).alone());
    let opening = &market.opening;
    let entry = opening.intents[0];
    let fundable = entry.fundable.get().to_be_bytes::<32>().into();
    let leaf = [entry.id.get(), fundable, word(5), word(1)];
    let root = keccak256(keccak256(leaf.concat()));
    assert_eq!(opening.intents_root(), root);
    let p = opening.params;
    let params = [
        keccak256(super::super::params::TYPE),
        word(p.surplus_cap_bps.into()),
        word(p.min_fill_bps.into()),
        word(p.gas_budget),
        word(p.byte_budget),
        word(p.max_winners.into()),
        word(p.node_budget),
        word(p.max_intents.into()),
        word(p.max_bids.into()),
        word(p.confirmations.into()),
        word(p.max_delay_blocks.into()),
        word(p.seconds_per_block.into()),
        p.penalty_floor.get().to_be_bytes::<32>().into(),
        word(p.penalty_bps.into()),
        p.native_token.into_word(),
    ];
    let price = |n: u8| [token(n).into_word(), word(1_000_000_000_000_000_000)].concat();
    let words = [
        keccak256(super::super::opening::TYPE),
        opening.previous.get(),
        word(31_337),
        opening.settlement.into_word(),
        word(7),
        word(100),
        B256::repeat_byte(0xbb),
        word(1_789_999_999),
        word(1_790_000_000_000),
        word(CLOSES_AT_MS),
        keccak256(params.concat()),
        keccak256([price(X), price(Y), price(Z)].concat()),
        root,
        word(1),
    ];
    assert_eq!(opening.hash(), OpenHash::new(keccak256(words.concat())));
}

#[test]
fn every_field_of_the_record_is_in_its_hash() {
    let mut market = Market::new();
    market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let record = serde_json::to_value(&market.opening).unwrap();
    let before = market.opening.hash();
    let mut seen = std::collections::BTreeSet::from([before]);
    let mut changes = 0;
    let mut change = |pointer: &str, value: serde_json::Value| {
        let mut changed = record.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        let changed: super::super::OpeningRecord = serde_json::from_value(changed).unwrap();
        changes += 1;
        assert!(seen.insert(changed.hash()), "{pointer}");
    };
    for field in ["auction_id", "chain_id", "block_time_s", "opened_at_ms", "closes_at_ms"] {
        change(&format!("/{field}"), 5.into());
    }
    for field in market_params() {
        let value = match field.as_str() {
            "penalty_floor" => "77".into(),
            "native_token" => token(77).to_string().into(),
            _ => 77.into(),
        };
        change(&format!("/params/{field}"), value);
    }
    change("/previous", word(1).to_string().into());
    change("/settlement", token(9).to_string().into());
    change("/block/number", 5.into());
    change("/block/hash", word(1).to_string().into());
    change("/prices/0/price", "5".into());
    change("/prices/0/token", token(0).to_string().into());
    change("/intents/0/fundable", "5".into());
    change("/intents/0/filled", "5".into());
    change("/intents/0/id", word(1).to_string().into());
    change("/intents", serde_json::json!([]));
    assert!(changes > 20);
}

fn market_params() -> Vec<String> {
    let params = serde_json::to_value(super::super::Params::default()).unwrap();
    params.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_record_reads_back_from_its_json_with_the_same_hash() {
    let mut market = Market::new();
    market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let json = serde_json::to_string(&market.opening).unwrap();
    let back: super::super::OpeningRecord = serde_json::from_str(&json).unwrap();
    assert_eq!(back.hash(), market.opening.hash());
    assert!(
        serde_json::from_str::<super::super::OpeningRecord>(
            &json.replace("\"previous\"", "\"prev\"")
        )
        .is_err()
    );
}

#[test]
fn a_cut_takes_only_its_own_intents_in_canonical_order() {
    let mut market = Market::new();
    let a = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let b = market.intent(Want::swap(2, (X, 1_000), (Y, 900)));
    let missing = Cut::new(market.opening.clone(), BTreeMap::new());
    assert_eq!(missing.unwrap_err(), CutError::MissingIntent(a.min(b)));
    let mut swapped = market.intents.clone();
    swapped.insert(a, market.intents[&b].clone());
    let foreign = Cut::new(market.opening.clone(), swapped);
    assert_eq!(foreign.unwrap_err(), CutError::ForeignIntent(a));
    market.opening.intents.reverse();
    let unsorted = Cut::new(market.opening.clone(), market.intents.clone());
    assert_eq!(unsorted.unwrap_err(), CutError::NotAscending("intents"));
}

#[test]
fn every_bid_has_a_leaf_in_stream_order_and_a_proof() {
    let mut market = Market::new();
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    assert_eq!(bids_root(&market.bids), B256::ZERO);
    for n in 1..=7 {
        market.bid(n, &[(id, 1_000, 901)]);
    }
    let root = bids_root(&market.bids);
    let leaves = bid_leaves(&market.bids);
    let tree = bids_tree(&leaves);
    assert_eq!(tree.root(), root);
    for (n, leaf) in leaves.iter().enumerate() {
        assert_eq!((leaf.index as usize, leaf.bid), (n, market.bids[n].id));
        let words = [word(leaf.index.into()), leaf.bid.get(), word(leaf.ms), word(leaf.seq)];
        assert_eq!(leaf.hash(), keccak256(keccak256(words.concat())));
        assert!(merkle::verify(root, leaf.hash(), &tree.proof(leaf.hash()).unwrap()));
    }
    market.bids.reverse();
    assert_eq!(bids_root(&market.bids), root);
    market.bids.pop();
    assert_ne!(bids_root(&market.bids), root);
}

#[test]
fn an_intent_enters_only_if_it_outlives_the_latest_settlement() {
    let mut market = Market::new();
    let id = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let intent = &market.intents[&id];
    let params = market.opening.params;
    let latest = params.latest_settlement_s(CLOSES_AT_MS);
    assert_eq!(latest, CLOSES_AT_MS / 1_000 + 21 * 12);
    assert!(params.admits(intent, CLOSES_AT_MS));
    let spare = u64::from(intent.valid_to()) - latest;
    assert!(params.admits(intent, CLOSES_AT_MS + spare * 1_000));
    assert!(!params.admits(intent, CLOSES_AT_MS + spare * 1_000 + 1));
}

#[test]
fn every_intent_learns_why_it_was_not_filled() {
    let mut market = Market::new();
    let won = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let outbid = market.intent(Want::swap(2, (X, 1_000), (Y, 900)));
    let dropped = market.intent(Want::swap(3, (X, 1_000), (Y, 900)));
    let alone = market.intent(Want::swap(4, (X, 1_000), (Y, 900)));
    let poor = market.intent(Want::swap(5, (X, 1_000), (Y, 900)).fundable(999));
    let too = market.intent(Want::swap(6, (X, 1_000), (Y, 900)));
    let winner = market.bid(1, &[(won, 1_000, 990), (too, 1_000, 990)]);
    market.bid(2, &[(won, 1_000, 910), (outbid, 1_000, 910)]);
    market.bid(3, &[(dropped, 1_000, 899)]);
    let decision = market.decide();
    let insights = insights(&market.cut(), &market.bids, &decision);
    let of = |id| insights.iter().find(|insight| insight.intent == id).unwrap();
    assert_eq!(insights.len(), 6);
    assert_eq!(of(won).reason, InsightReason::Won { winners: vec![market.bids[winner].id] });
    assert_eq!(of(won).best.unwrap().surplus, Amount::from(90u64));
    assert_eq!((of(won).bids, of(won).valid_bids), (2, 2));
    assert_eq!(
        of(outbid).reason,
        InsightReason::Outbid { short_by: Amount::from(160u64), token: None }
    );
    let codes = vec!["limit_broken".to_owned()];
    assert_eq!(of(dropped).reason, InsightReason::AllDropped { codes });
    assert_eq!(of(dropped).best, None);
    assert_eq!(of(alone).reason, InsightReason::NoBid);
    assert_eq!(of(poor).reason, InsightReason::Unfunded { fundable: Amount::from(999u64) });
    assert_eq!(of(won).clone().sealed().best, None);
}

#[test]
fn a_bid_takes_as_many_bytes_as_its_section_of_a_batch_has() {
    use crate::batch::{self, BatchBid, OwnerSignature, SignedBid, SignedIntent};
    let key = crate::signature::SigningKey::from_bytes([7; 32]).unwrap();
    let mut market = Market::new();
    let a = market.intent(Want::swap(1, (X, 1_000), (Y, 900)));
    let b = market.intent(Want::swap(2, (X, 1 << 100), (Z, 1)).exact_out());
    let one = market.bid(1, &[(a, 1_000, 950)]);
    let other = market.bid_with(2, &[(a, 1_000, 950), (b, 70_000, 1)], |terms| terms.penalty = 0);
    let signed = |at: usize| {
        let (bid, signature) = (market.bids[at].bid.clone(), key.sign(market.bids[at].id.get()));
        BatchBid::unshared(SignedBid { bid, signature })
    };
    let signature = OwnerSignature::Ecdsa(key.sign(B256::ZERO));
    let intents = market.intents.iter().map(|(id, intent)| {
        (*id, SignedIntent { intent: intent.clone(), signature: signature.clone() })
    });
    let intents: BTreeMap<_, _> = intents.collect();
    let header = crate::commitment::BatchHeader {
        auction: market.opening.auction_id,
        attempt: 1,
        open_hash: market.opening.hash(),
        bids_root: B256::ZERO,
        bid_count: 2,
    };
    let length = |bids: &[BatchBid]| batch::encode(&header, bids, &intents).unwrap().len() as u64;
    let section = |at: usize| market.load(at).bytes;
    let both = length(&[signed(one), signed(other)]);
    assert_eq!(both - length(&[signed(one)]), section(other));
    assert_eq!(both - length(&[signed(other)]), section(one));
}
