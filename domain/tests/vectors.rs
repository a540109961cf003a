//! The golden vectors in `tests/vectors`, which viem and ethers made: reproduced here byte for byte.
//! `batch.json` and `opening.json` are made here, and checked by TypeScript, the first by forge too:
//! `GAVEL_WRITE_VECTORS=1 cargo test --workspace --test vectors` writes it anew.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeMap, path::PathBuf};

use alloy_primitives::{Address, B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, BidId, Intent, IntentId, OpenHash,
    auction::{BidLeaf, OpeningRecord, Params, bids_tree},
    batch::{self, BatchBid, DecodeError, OwnerSignature, SignedBid, SignedIntent},
    commitment::{BatchHeader, CommitPlace, commitment},
    eip712::{SigningDomain, TypedCancel, TypedReceipt},
    event::{BlockRef, CutIntent, TokenPrice},
    merkle,
    signature::{EcdsaSignature, SigningKey},
};
use serde::Deserialize;
use serde_json::{Value, json};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(format!("{name}.json"))
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DomainVector {
    chain_id: u64,
    verifying_contract: Address,
}

impl DomainVector {
    fn signing(&self) -> SigningDomain {
        SigningDomain::new(self.chain_id, self.verifying_contract)
    }
}

#[derive(Deserialize)]
struct Eip712 {
    domain: DomainVector,
    intents: Vec<Signed<IntentVector>>,
    cancels: Vec<Signed<CancelVector>>,
    bids: Vec<Signed<BidVector>>,
    receipts: Vec<Signed<ReceiptVector>>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed<T> {
    name: String,
    #[serde(flatten)]
    message: T,
    digest: B256,
    private_key: B256,
    signature: Bytes,
}

impl<T> Signed<T> {
    fn check(&self, digest: B256) {
        assert_eq!(digest, self.digest, "digest of {:?}", self.name);
        let key = SigningKey::from_bytes(self.private_key.0).unwrap();
        let signature = EcdsaSignature::parse(&self.signature).unwrap();
        assert_eq!(key.sign(digest), signature, "signature of {:?}", self.name);
        assert_eq!(signature.to_rsv(), self.signature[..], "signature of {:?}", self.name);
        assert_eq!(signature.recover(digest), Ok(key.address()), "signer of {:?}", self.name);
    }
}

#[derive(Clone, Deserialize)]
struct IntentVector {
    intent: Intent,
}

#[derive(Clone, Deserialize)]
struct CancelVector {
    owner: Address,
    intents: Vec<B256>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BidVector {
    bid: Value,
    legs: Value,
    callback: Bytes,
    legs_hash: B256,
    callback_hash: B256,
}

impl BidVector {
    /// By its parts: what is hashed is wider than what the door lets in (a filler of zero).
    fn read(&self) -> Bid {
        let terms = serde_json::from_value(self.bid.clone()).unwrap();
        let legs = serde_json::from_value(self.legs.clone()).unwrap();
        Bid::new(terms, legs, self.callback.clone()).unwrap()
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptVector {
    open_hash: B256,
    bid: B256,
    ms: u64,
    seq: u64,
}

#[test]
fn typed_data_is_hashed_signed_and_recovered_as_wallets_do() {
    let vectors: Eip712 = read("eip712");
    let domain = vectors.domain.signing();
    for vector in &vectors.intents {
        vector.check(vector.message.intent.id(&domain).get());
    }
    for vector in &vectors.cancels {
        let CancelVector { owner, intents } = vector.message.clone();
        vector.check(domain.digest(&TypedCancel { owner, intents }));
    }
    for vector in &vectors.bids {
        let bid = vector.message.read();
        assert_eq!(bid.legs_hash(), vector.message.legs_hash, "legs of {:?}", vector.name);
        let callback = alloy_primitives::keccak256(bid.callback());
        assert_eq!(callback, vector.message.callback_hash, "callback of {:?}", vector.name);
        vector.check(bid.id(&domain).get());
    }
    for vector in &vectors.receipts {
        let ReceiptVector { open_hash, bid, ms, seq } = vector.message.clone();
        vector.check(domain.digest(&TypedReceipt { openHash: open_hash, bid, ms, seq }));
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitmentVector {
    name: String,
    chain_id: u64,
    settlement: Address,
    settler: Address,
    lane: String,
    auction_id: u64,
    attempt: u8,
    open_hash: B256,
    bids_root: B256,
    bid_count: u32,
    batch: Bytes,
    salt: B256,
    commitment: B256,
}

#[test]
fn commitments_are_those_of_abi_encode() {
    for vector in read::<Vec<CommitmentVector>>("commitment") {
        let header = BatchHeader {
            auction: AuctionId::new(vector.auction_id),
            attempt: vector.attempt,
            open_hash: OpenHash::new(vector.open_hash),
            bids_root: vector.bids_root,
            bid_count: vector.bid_count,
        };
        let lane = U256::from_str_radix(&vector.lane, 10).unwrap();
        let place = CommitPlace { settler: vector.settler, lane };
        let domain = SigningDomain::new(vector.chain_id, vector.settlement);
        let made = commitment(&domain, place, &header, &vector.batch, vector.salt);
        assert_eq!(made, vector.commitment, "{:?}", vector.name);
    }
}

#[derive(Deserialize)]
struct MerkleVector {
    name: String,
    leaves: Vec<LeafVector>,
    root: B256,
    proofs: Vec<ProofVector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeafVector {
    index: u32,
    bid_digest: BidId,
    ms: u64,
    seq: u64,
}

#[derive(Deserialize)]
struct ProofVector {
    leaf: usize,
    proof: Vec<B256>,
}

#[test]
fn bids_roots_and_proofs_are_openzeppelins() {
    for vector in read::<Vec<MerkleVector>>("merkle") {
        let leaf = |leaf: &LeafVector| BidLeaf {
            index: leaf.index,
            bid: leaf.bid_digest,
            ms: leaf.ms,
            seq: leaf.seq,
        };
        let leaves: Vec<BidLeaf> = vector.leaves.iter().map(leaf).collect();
        let tree = bids_tree(&leaves);
        assert_eq!(tree.root(), vector.root, "{:?}", vector.name);
        for ProofVector { leaf, proof } in &vector.proofs {
            let hash = leaves[*leaf].hash();
            assert_eq!(tree.proof(hash).as_ref(), Some(proof), "{:?} {leaf}", vector.name);
            assert!(merkle::verify(vector.root, hash, proof), "{:?} {leaf}", vector.name);
        }
    }
}

/// A batch under a name, of bids by the names they have in `eip712.json`.
struct Plan<'a> {
    name: &'a str,
    attempt: u8,
    bids: &'a [&'a str],
    /// Whose owner is a contract, with what its `isValidSignature` is to be given.
    contract: Option<(&'a str, Bytes)>,
}

fn plans() -> Vec<Plan<'static>> {
    const MATCHED: &str = "two users matched, no callback";
    const RING: &str = "three-way ring";
    const FILLER: &str = "filled by the filler, short callback";
    let plan =
        |name, bids: &'static [&'static str]| Plan { name, attempt: 1, bids, contract: None };
    let long: Bytes = (0u8..=255).cycle().take(300).collect();
    vec![
        plan("two users matched", &[MATCHED]),
        plan("a three-way ring", &[RING]),
        plan("filled from inventory, with a callback", &[FILLER]),
        plan("a callback of many bytes", &["long callback"]),
        Plan { attempt: 2, ..plan("three bids of a runner-up", &[RING, FILLER, MATCHED]) },
        Plan {
            contract: Some(("ring: silver for copper", long)),
            ..plan("an owner that is a contract", &[RING])
        },
        Plan {
            contract: Some(("ring: gold for silver", Bytes::new())),
            ..plan("an owner that is a contract and needs no signature", &[RING])
        },
    ]
}

fn made_batch(vectors: &Eip712, plan: &Plan<'_>) -> Value {
    let domain = vectors.domain.signing();
    let header = BatchHeader {
        auction: AuctionId::new(42),
        attempt: plan.attempt,
        open_hash: OpenHash::new(B256::repeat_byte(0x0a)),
        bids_root: B256::repeat_byte(0x0b),
        bid_count: 9,
    };
    let find = |name: &&str| vectors.bids.iter().find(|bid| bid.name == **name).expect(name);
    let chosen: Vec<_> = plan.bids.iter().map(find).collect();
    let signed_bids: Vec<SignedBid> = chosen
        .iter()
        .map(|vector| SignedBid {
            bid: vector.message.read(),
            signature: EcdsaSignature::parse(&vector.signature).unwrap(),
        })
        .collect();
    let mut intents = BTreeMap::<IntentId, SignedIntent>::new();
    let mut listed = Vec::new();
    for vector in &vectors.intents {
        let id = vector.message.intent.id(&domain);
        if !signed_bids.iter().any(|signed| signed.bid.fill_of(id).is_some()) {
            continue;
        }
        let bytes = plan.contract.as_ref().filter(|(name, _)| *name == vector.name);
        let (signature, shown) = match bytes {
            Some((_, bytes)) => (OwnerSignature::Contract(bytes.clone()), bytes),
            None => {
                let signature = EcdsaSignature::parse(&vector.signature).unwrap();
                (OwnerSignature::Ecdsa(signature), &vector.signature)
            }
        };
        listed.push(json!({
            "id": id, "intent": vector.message.intent, "signature": shown,
            "contract": bytes.is_some(),
        }));
        intents.insert(id, SignedIntent { intent: vector.message.intent.clone(), signature });
    }
    let in_batch: Vec<BatchBid> = signed_bids.into_iter().map(shared).collect();
    let bytes = batch::encode(&header, &in_batch, &intents).unwrap();
    let bids: Vec<Value> = chosen
        .iter()
        .zip(&in_batch)
        .map(|(vector, BatchBid { shares, .. })| {
            let BidVector { bid, legs, callback, .. } = &vector.message;
            json!({
                "digest": vector.digest, "bid": bid, "legs": legs, "callback": callback,
                "signature": vector.signature, "shares": shares,
            })
        })
        .collect();
    json!({
        "name": plan.name,
        "chainId": domain.chain_id(),
        "settlement": domain.settlement(),
        "header": {
            "auctionId": header.auction, "attempt": header.attempt, "openHash": header.open_hash,
            "bidsRoot": header.bids_root, "bidCount": header.bid_count,
        },
        "bids": bids,
        "intents": listed,
        "batch": bytes,
    })
}

/// The n-th intent of a bid that has a penalty gets n + 1 basis points, the first one what is left
/// of 10,000 but one.
fn shared(signed: SignedBid) -> BatchBid {
    let mut bid = BatchBid::unshared(signed);
    for (n, share) in (1u16..).zip(&mut bid.shares) {
        *share = n;
    }
    let others: u16 = bid.shares.iter().skip(1).sum();
    if let Some(first) = bid.shares.first_mut() {
        *first = 9_999 - others;
    }
    bid
}

#[test]
fn batches_are_packed_to_the_bytes_that_are_kept() {
    let vectors: Eip712 = read("eip712");
    let made: Vec<Value> = plans().iter().map(|plan| made_batch(&vectors, plan)).collect();
    kept("batch", &made);
}

#[test]
fn a_batch_reads_back_and_no_other_bytes_say_the_same() {
    let vectors: Eip712 = read("eip712");
    let domain = vectors.domain.signing();
    for kept in read::<Vec<Value>>("batch") {
        let bytes: Bytes = serde_json::from_value(kept["batch"].clone()).unwrap();
        let batch = batch::decode(&domain, &bytes).unwrap();
        assert_eq!(batch::encode(&batch.header, &batch.bids, &batch.intents).unwrap(), bytes);
        let digests: Vec<Value> =
            batch.bids.iter().map(|found| json!(found.signed.bid.id(&domain))).collect();
        let named = kept["bids"].as_array().unwrap().iter();
        assert_eq!(digests, named.map(|bid| bid["digest"].clone()).collect::<Vec<_>>());
        for length in 0..bytes.len() {
            assert!(batch::decode(&domain, &bytes[..length]).is_err(), "cut off at {length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(batch::decode(&domain, &longer).unwrap_err(), DecodeError::NotCanonical);
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << (at % 8);
            // what is not refused says something else, in the only way to say it
            if let Ok(other) = batch::decode(&domain, &changed) {
                let again = batch::encode(&other.header, &other.bids, &other.intents).unwrap();
                assert_eq!(again[..], changed[..], "byte {at}");
            }
        }
    }
}

/// No two numbers alike, so that an exchanged pair shows.
fn distinct_params() -> Params {
    Params {
        surplus_cap_bps: 1,
        min_fill_bps: 2,
        gas_budget: 3,
        byte_budget: 6,
        max_winners: 7,
        node_budget: 8,
        max_intents: 9,
        max_bids: 10,
        confirmations: 11,
        max_delay_blocks: 12,
        seconds_per_block: 13,
        penalty_floor: Amount::from(14u64),
        penalty_bps: 15,
        native_token: Address::repeat_byte(16),
    }
}

/// An opening record by its contents; the second one is chained to the first.
fn opening(number: u64, previous: OpenHash, rows: usize) -> OpeningRecord {
    let id = |n: usize| IntentId::new(B256::left_padding_from(&[n as u8 + 1]));
    let token = |n: usize| Address::with_last_byte(n as u8 + 1);
    let amount = |n: usize| Amount::new(U256::MAX >> (n * 40));
    OpeningRecord {
        auction_id: AuctionId::new(number),
        previous,
        chain_id: 31_337,
        settlement: Address::repeat_byte(0x5e),
        block: BlockRef { number: 1_000 + number, hash: B256::repeat_byte(0xb1) },
        block_time_s: 1_790_000_000 + number,
        opened_at_ms: 1_790_000_000_500 + number,
        closes_at_ms: 1_790_000_002_500 + number,
        params: distinct_params(),
        prices: (0..rows).map(|n| TokenPrice { token: token(n), price: amount(n) }).collect(),
        intents: (0..rows)
            .map(|n| CutIntent {
                id: id(n),
                fundable: amount(n),
                filled: Amount::from(n as u64),
                alone: n % 2 == 1,
            })
            .collect(),
    }
}

#[test]
fn opening_records_have_the_hashes_that_are_kept() {
    let first = opening(1, OpenHash::new(B256::ZERO), 0);
    let second = opening(2, first.hash(), 5);
    let made: Vec<Value> = [("the first, empty", &first), ("chained to the first", &second)]
        .iter()
        .map(|(name, opening)| {
            json!({
                "name": name, "opening": opening, "paramsHash": opening.params.hash(),
                "intentsRoot": opening.intents_root(), "openHash": opening.hash(),
            })
        })
        .collect();
    kept("opening", &made);
}

/// Compares with what is kept, or keeps it.
fn kept(name: &str, made: &[Value]) {
    if std::env::var_os("GAVEL_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(made).unwrap();
        std::fs::write(path(name), text + "\n").unwrap();
    }
    assert_eq!(made, read::<Vec<Value>>(name));
}
