use alloy_primitives::{Address, B256};
use serde_json::json;

use super::*;

fn deployment() -> SigningDomain {
    SigningDomain::new(31_337, Address::repeat_byte(5))
}

fn body() -> Map<String, Value> {
    let value = json!({
        "bid": {
            "auctionId": 7,
            "solver": Address::repeat_byte(1), "filler": Address::repeat_byte(2),
            "gas": 300_000, "callbackGas": 0, "penalty": "1000", "validUntil": 1_700_000_000,
            "nonce": "256", "salt": B256::repeat_byte(3), "clientBidId": B256::repeat_byte(4),
        },
        "legs": [
            {"from": B256::repeat_byte(8), "to": B256::ZERO, "amount": "10"},
            {"from": B256::ZERO, "to": B256::repeat_byte(8), "amount": "9"},
        ],
        "signature": format!("0x{}", "11".repeat(64)),
    });
    value.as_object().unwrap().clone()
}

#[test]
fn a_signed_bid_reads_back_and_names_its_signer() {
    let key = SigningKey::from_bytes([7; 32]).unwrap();
    let bid = BidSubmission::parse(body()).unwrap().signed.bid;
    let signed = BidSubmission::sign(bid, &key, &deployment());
    let json = serde_json::to_value(&signed).unwrap();
    let read = BidSubmission::parse(json.as_object().unwrap().clone()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.signer(&deployment()), Ok(key.address()));
    let elsewhere = SigningDomain::new(1, Address::repeat_byte(5));
    assert_ne!(read.signer(&elsewhere), Ok(key.address()));
}

#[test]
fn errors_of_the_bid_and_of_the_signature_come_together() {
    let mut bad = body();
    bad["bid"]["gas"] = json!("300000");
    bad["signature"] = json!(7);
    bad.insert("tip".into(), json!("1"));
    let Err(SubmissionError::Fields(errors)) = BidSubmission::parse(bad) else {
        panic!("three wrong fields")
    };
    let fields: Vec<_> = errors.as_slice().iter().map(|e| e.field.as_str()).collect();
    assert_eq!(fields, ["gas", "tip", "signature"]);
}

#[test]
fn a_truncated_signature_is_told_apart_from_wrong_fields() {
    let mut bad = body();
    bad["signature"] = json!("0x1234");
    assert_eq!(
        BidSubmission::parse(bad),
        Err(SubmissionError::Signature(SignatureError::Length(2)))
    );
    let mut bad = body();
    bad.remove("signature");
    assert!(matches!(BidSubmission::parse(bad), Err(SubmissionError::Fields(_))));
}
