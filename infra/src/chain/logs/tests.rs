use alloy::primitives::LogData;

use super::*;

const OURS: Address = Address::repeat_byte(0xaa);
const WHO: Address = Address::repeat_byte(0x11);

fn word(n: u8) -> B256 {
    B256::repeat_byte(n)
}

/// Log number `index` of block `number`, in its transaction `tx`.
fn log((number, tx, index): (u64, u8, u64), data: LogData) -> Log {
    Log {
        inner: RawLog { address: OURS, data },
        block_hash: Some(word(number as u8)),
        block_number: Some(number),
        block_timestamp: None,
        transaction_hash: Some(word(tx)),
        transaction_index: Some(0),
        log_index: Some(index),
        removed: false,
    }
}

fn revealed(commitment: u8) -> LogData {
    abi::Revealed { commitment: word(commitment), auctionId: 7, attempt: 1 }.encode_log_data()
}

fn bid_settled(bid: u8, intents: &[u8]) -> LogData {
    let amounts = (U256::from(10) << 128) | U256::from(20);
    let fill = |intent: &u8| abi::Fill { intent: word(*intent), amounts };
    let fills = intents.iter().map(fill).collect();
    abi::BidSettled { bid: word(bid), solver: WHO, charge: U256::ONE, fills }.encode_log_data()
}

fn bid_failed(bid: u8) -> LogData {
    let (bid, reason) = (word(bid), word(9));
    abi::BidFailed { bid, solver: WHO, fault: 1, reason, charge: U256::ONE }.encode_log_data()
}

fn invalidated(mask: u64) -> LogData {
    let (owner, word, mask) = (WHO, U256::MAX, U256::from(mask));
    abi::NoncesInvalidated { owner, word, mask }.encode_log_data()
}

fn penalty(amounts: Vec<U256>) -> LogData {
    let (bid, owners) = (word(0xb2), vec![WHO]);
    let (amount, burned) = (U256::from(9), U256::from(4));
    abi::PenaltyTaken { bid, solver: WHO, amount, burned, owners, amounts }.encode_log_data()
}

fn found(logs: &[Log]) -> Result<Vec<Found>, ChainError> {
    read(OURS, 5..=6, logs)
}

fn bids(found: &Found) -> Vec<(BidId, usize)> {
    match &found.told {
        Told::Revealed(reveal) => {
            reveal.bids.iter().map(|settled| (settled.bid, settled.fills.len())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_reveals_of_one_transaction_are_told_apart_and_what_a_callback_did_between_them() {
    let logs = [
        log((5, 1, 3), revealed(0xc1)),
        log((5, 1, 4), bid_settled(0xb0, &[4])),
        log((5, 1, 5), invalidated(0b10)),
        log((5, 1, 7), bid_settled(0xb1, &[1, 2])),
        log((5, 1, 8), penalty(vec![U256::from(5)])),
        log((5, 1, 9), bid_failed(0xb2)),
        log((5, 1, 10), revealed(0xc2)),
        log((5, 1, 12), bid_settled(0xb3, &[3])),
    ];
    let found = found(&logs).unwrap();
    let places: Vec<u64> = found.iter().map(|found| found.at.index).collect();
    assert_eq!(places, [5, 7, 8, 12], "each at its last log, in order");
    let Told::NoncesInvalidated { owner, mask, .. } = &found[0].told else { panic!() };
    assert_eq!((*owner, *mask), (WHO, U256::from(0b10)));
    assert_eq!(bids(&found[1]), [(BidId::new(word(0xb0)), 1), (BidId::new(word(0xb1)), 2)]);
    let Told::PenaltyTaken(taken) = &found[2].told else { panic!() };
    assert_eq!((taken.burned, taken.shares[0].amount), (Amount::from(4u64), Amount::from(5u64)));
    assert_eq!(bids(&found[3]), [(BidId::new(word(0xb3)), 1)]);
    assert_eq!(found[3].at.evidence().tx, word(1));
}

#[test]
fn logs_of_other_contracts_and_reveals_in_which_nothing_settled_tell_nothing() {
    let mut foreign = log((5, 1, 0), invalidated(1));
    foreign.inner.address = Address::repeat_byte(0xbb);
    let failed = [log((5, 1, 1), revealed(0xc1)), log((5, 1, 2), bid_failed(0xb1))];
    let [first, second] = failed;
    assert_eq!(found(&[foreign, first, second]).unwrap(), []);
}

#[test]
fn an_answer_that_contradicts_itself_is_refused_whole() {
    let good = || log((5, 1, 3), invalidated(1));
    assert_eq!(found(&[good()]).unwrap().len(), 1);
    let mut removed = good();
    removed.removed = true;
    let mut pending = good();
    pending.block_hash = None;
    let outside = log((7, 1, 3), invalidated(1));
    let before = log((4, 1, 3), invalidated(1));
    for bad in [removed, pending, outside, before] {
        assert!(found(&[bad]).is_err());
    }
    assert!(found(&[good(), good()]).is_err(), "the same log twice");
    assert!(found(&[log((6, 1, 0), invalidated(1)), good()]).is_err(), "not in order");
}

#[test]
fn bids_without_their_reveal_and_penalties_whose_shares_do_not_add_up_are_refused() {
    assert!(found(&[log((5, 1, 3), bid_settled(1, &[1]))]).is_err());
    let reveal = log((5, 1, 3), revealed(1));
    assert!(found(&[reveal.clone(), log((5, 1, 4), bid_settled(1, &[1]))]).is_ok());
    let in_another_transaction = log((5, 2, 4), bid_settled(1, &[1]));
    assert!(found(&[reveal, in_another_transaction]).is_err());
    let shares = log((5, 1, 3), penalty(Vec::new()));
    assert!(found(&[shares]).is_err(), "more owners than amounts");
}
