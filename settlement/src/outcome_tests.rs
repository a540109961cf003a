use alloy::primitives::{LogData, U256};

use super::*;

const OURS: Address = Address::repeat_byte(0xaa);
const SOLVER: Address = Address::repeat_byte(0x11);

fn expected() -> Expected {
    Expected { settlement: OURS, commitment: B256::repeat_byte(0xc0) }
}

fn log(data: LogData) -> Log {
    Log { address: OURS, data }
}

fn word(n: u8) -> B256 {
    B256::repeat_byte(n)
}

fn bid_settled(bid: u8, intents: &[u8]) -> Log {
    let amounts = (U256::from(10) << 128) | U256::from(20);
    let fill = |intent: &u8| abi::Fill { intent: word(*intent), amounts };
    let fills = intents.iter().map(fill).collect();
    let (bid, charge) = (word(bid), U256::from(5));
    log(abi::BidSettled { bid, solver: SOLVER, charge, fills }.encode_log_data())
}

fn bid_failed(bid: u8, fault: u8) -> Log {
    let (bid, charge) = (word(bid), U256::from(6));
    let event = abi::BidFailed { bid, solver: SOLVER, fault, reason: word(9), charge };
    log(event.encode_log_data())
}

fn penalty(bid: u8) -> Log {
    let event = abi::PenaltyTaken {
        bid: word(bid),
        solver: SOLVER,
        amount: U256::from(7),
        burned: U256::from(7),
        owners: Vec::new(),
        amounts: Vec::new(),
    };
    log(event.encode_log_data())
}

fn fill(intent: u8) -> Fill {
    Fill {
        intent: IntentId::new(word(intent)),
        sold: Amount::from(10u64),
        bought: Amount::from(20u64),
    }
}

/// Bid 0xb1 fills 1 and 2, bid 0xb2 fills 3.
fn planned() -> Vec<PlannedBid> {
    let bid = |id, fills| PlannedBid {
        bid: BidId::new(word(id)),
        solver: SOLVER,
        gas: 1,
        penalty: Amount::from(7u64),
        nonce: None,
        fills,
        last_s: 2_000,
    };
    vec![bid(0xb1, vec![fill(1), fill(2)]), bid(0xb2, vec![fill(3)])]
}

fn results(logs: &[Log]) -> Result<Vec<BidResult>, OutcomeError> {
    expected().results(&planned(), logs)
}

#[test]
fn each_bid_gets_the_fills_of_its_end_and_what_was_charged() {
    let read = results(&[bid_settled(0xb1, &[2, 1]), bid_settled(0xb2, &[3])]).unwrap();
    assert_eq!(read[0].fills, [fill(1), fill(2)]);
    assert_eq!(read[1].fills, [fill(3)]);
    assert!(read.iter().all(|bid| bid.failure.is_none() && bid.charge == Amount::from(5u64)));
}

#[test]
fn a_failed_bid_fills_nothing_and_says_why_and_what_it_cost() {
    let read = results(&[penalty(0xb1), bid_failed(0xb1, 1), bid_settled(0xb2, &[3])]).unwrap();
    assert!(read[0].fills.is_empty());
    assert_eq!(read[0].failure, Some(Failure { fault: Fault::Solver, reason: word(9) }));
    assert_eq!((read[0].charge, read[0].penalty), (Amount::from(6u64), Amount::from(7u64)));
    assert_eq!(read[1].fills, [fill(3)]);
    assert_eq!(read[1].penalty, Amount::ZERO);
}

#[test]
fn logs_of_other_contracts_are_not_believed() {
    let foreign = |mut log: Log| {
        log.address = Address::repeat_byte(0xbb);
        log
    };
    let ours = [bid_failed(0xb1, 0), bid_failed(0xb2, 2)];
    let mut logs = vec![foreign(penalty(0xb1)), foreign(bid_settled(0xb1, &[1, 2]))];
    logs.extend(ours.clone());
    assert_eq!(results(&logs), results(&ours));
    let commit = log(abi::Committed { commitment: word(0xc0) }.encode_log_data());
    assert!(expected().committed([&commit]));
    assert!(!expected().committed([&foreign(commit)]));
}

#[test]
fn another_commitment_is_not_ours() {
    let other = abi::Committed { commitment: word(1) };
    assert!(!expected().committed([&log(other.encode_log_data())]));
    let reveal = abi::Revealed { commitment: word(0xc0), auctionId: 7, attempt: 1 };
    let reveal = log(reveal.encode_log_data());
    assert!(expected().revealed([&reveal]));
    assert!(!expected().committed([&reveal]), "a reveal is not a commit");
}

#[test]
fn logs_that_do_not_fit_the_batch_are_an_error() {
    use OutcomeError as E;
    assert_eq!(results(&[]), Err(E::Count { expected: 2, found: 0 }));
    assert_eq!(results(&[bid_failed(0xb2, 0)]), Err(E::OtherBid(0)));
    assert_eq!(results(&[bid_settled(0xb1, &[1])]), Err(E::Fills(0)));
    assert_eq!(results(&[bid_settled(0xb1, &[1, 1])]), Err(E::Fills(0)));
    assert_eq!(results(&[bid_settled(0xb1, &[1, 3])]), Err(E::OtherIntent(0)));
    assert_eq!(results(&[penalty(0xb2), bid_failed(0xb1, 1)]), Err(E::OtherBid(0)));
    assert_eq!(results(&[bid_failed(0xb1, 3)]), Err(E::Fault));
    let more = [bid_failed(0xb1, 0), bid_failed(0xb2, 0), bid_failed(0xb2, 0)];
    assert_eq!(results(&more), Err(E::OtherBid(2)));
}
