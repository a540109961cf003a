use alloy::primitives::{B256, Bytes, Log};
use alloy_sol_types::SolEvent;
use domain::{Amount, AuctionId, BidId};
use infra::{
    chain::abi,
    pg::settlement::{PlannedBid, Route, SettlementRow},
};

use super::*;
use crate::decide::{Action, Reason, next};

const OURS: Address = Address::repeat_byte(0xaa);
const SETTLER: Address = Address::repeat_byte(0x55);

fn scene(head: u64, chain_nonce: u64) -> Scene {
    let block = BlockRef { number: head, hash: B256::with_last_byte(head as u8) };
    Scene {
        settlement: OURS,
        settings: Settings {
            lanes: 1,
            confirmations: 2,
            finality_blocks: 12,
            resend_after_blocks: 3,
            max_fee: 100,
            max_tip: 10,
            block_time_s: 12,
            private_blocks: 2,
            strike_s: 3_600,
            lease: std::time::Duration::from_secs(1),
        },
        max_delay: 64,
        head: Head { block, timestamp_s: 1_000, base_fee: 1 },
        chain_nonce,
    }
}

fn commitment(id: i64) -> Commitment {
    Commitment {
        id,
        settler: SETTLER,
        lane: 0,
        salt: B256::ZERO,
        commitment: B256::with_last_byte(id as u8),
        public: false,
        live: true,
    }
}

fn attempt(id: i64, kind: TxKind, nonce: u64) -> Attempt {
    Attempt {
        id,
        settlement_id: 1,
        commitment_id: 1,
        kind,
        settler: SETTLER,
        nonce,
        replacement: 0,
        raw: Bytes::new(),
        hash: B256::with_last_byte(id as u8),
        status: AttemptStatus::Broadcast,
        sent_at_block: 10,
        block: None,
        route: Route { private_block: None, public_block: Some(10) },
    }
}

fn stored(status: SettlementStatus, attempts: Vec<Attempt>) -> Stored {
    Stored {
        row: SettlementRow {
            id: 1,
            auction: AuctionId::new(1),
            attempt: 1,
            status,
            batch: Bytes::new(),
            bids: vec![planned(2_000), planned(1_500)],
            results: None,
            reason: None,
            watch_until: None,
            runner_up_due: false,
            age_ms: 0,
        },
        commitments: vec![commitment(1)],
        attempts,
    }
}

fn planned(last_s: u64) -> PlannedBid {
    let (bid, penalty) = (BidId::new(B256::ZERO), Amount::ZERO);
    PlannedBid { bid, solver: SETTLER, gas: 1, penalty, nonce: None, fills: Vec::new(), last_s }
}

fn receipt(number: u64, log: Option<Log>) -> Receipt {
    let block = BlockRef { number, hash: B256::with_last_byte(number as u8) };
    let succeeded = log.is_some();
    let logs = log.into_iter().collect();
    Receipt { succeeded, block, index: 0, gas_used: 1, logs }
}

fn committed(id: i64) -> Option<Log> {
    let commitment = commitment(id).commitment;
    let event = abi::Committed { commitment };
    Some(Log { address: OURS, data: event.encode_log_data() })
}

fn revealed(id: i64) -> Option<Log> {
    let commitment = commitment(id).commitment;
    let event = abi::Revealed { commitment, auctionId: 1, attempt: 1 };
    Some(Log { address: OURS, data: event.encode_log_data() })
}

fn shown(receipts: Vec<(i64, Receipt)>) -> Shown {
    Shown { receipts: receipts.into_iter().collect(), contradicted: BTreeSet::new() }
}

fn action(scene: Scene, stored: &Stored, receipts: Vec<(i64, Receipt)>) -> Action {
    let view = scene.view(stored, &shown(receipts));
    next(stored.row.status, &view.facts)
}

/// A commit recorded in block `number`.
fn recorded_commit(number: u64) -> Attempt {
    let block = BlockRef { number, hash: B256::with_last_byte(number as u8) };
    let status = AttemptStatus::Mined;
    Attempt { status, block: Some(block), ..attempt(1, TxKind::Commit, 0) }
}

#[test]
fn a_commit_counts_once_it_has_its_confirmations() {
    let row = stored(SettlementStatus::CommitSent, vec![attempt(1, TxKind::Commit, 0)]);
    let in_block = |n| vec![(1, receipt(n, committed(1)))];
    assert_eq!(action(scene(12, 1), &row, in_block(12)), Action::Wait);
    assert_eq!(action(scene(13, 1), &row, in_block(12)), Action::SeeCommit);
}

#[test]
fn a_transaction_without_a_receipt_waits_then_bids_more_and_is_lost_with_its_nonce() {
    let row = stored(SettlementStatus::CommitSent, vec![attempt(1, TxKind::Commit, 5)]);
    assert_eq!(action(scene(12, 5), &row, vec![]), Action::Rebroadcast);
    assert_eq!(action(scene(13, 5), &row, vec![]), Action::Bump);
    assert_eq!(action(scene(13, 6), &row, vec![]), Action::Commit);
}

#[test]
fn a_commit_that_reverted_is_made_anew_until_the_tries_are_used_up() {
    let mut row = stored(SettlementStatus::CommitSent, vec![attempt(1, TxKind::Commit, 0)]);
    let reverted = || vec![(1, receipt(12, None))];
    assert_eq!(action(scene(12, 1), &row, reverted()), Action::Wait, "not confirmed yet");
    assert_eq!(action(scene(13, 1), &row, reverted()), Action::Commit);
    row.commitments = vec![commitment(1); MAX_COMMITMENTS];
    let gone = Action::GiveUp(Reason::TriesExhausted);
    assert_eq!(action(scene(13, 1), &row, reverted()), gone);
    // a commit now is revealed three blocks of twelve seconds later: at 1,036
    for (last_s, reason) in [(1_036, Reason::TriesExhausted), (1_035, Reason::IntentsExpired)] {
        row.row.bids = vec![planned(900), planned(last_s)];
        assert_eq!(action(scene(13, 1), &row, reverted()), Action::GiveUp(reason));
    }
}

#[test]
fn the_replacement_and_the_replaced_are_both_looked_for() {
    let old = attempt(1, TxKind::Commit, 0);
    let new = Attempt { replacement: 1, ..attempt(2, TxKind::Commit, 0) };
    let row = stored(SettlementStatus::CommitSent, vec![old, new]);
    for mined in [1, 2] {
        let receipts = vec![(mined, receipt(12, committed(1)))];
        let view = scene(13, 1).view(&row, &shown(receipts));
        assert_eq!(view.commit.unwrap().attempt.id, mined);
    }
}

#[test]
fn a_commit_in_another_block_than_recorded_was_reorganised() {
    let row = stored(SettlementStatus::Committed, vec![recorded_commit(12)]);
    let in_block = |n| vec![(1, receipt(n, committed(1)))];
    assert_eq!(action(scene(14, 1), &row, in_block(12)), Action::Reveal);
    assert_eq!(action(scene(14, 1), &row, in_block(13)), Action::ForgetCommit);
    assert_eq!(action(scene(14, 1), &row, vec![]), Action::ForgetCommit);
}

#[test]
fn a_commitment_is_too_old_when_no_later_block_can_take_its_reveal() {
    let row = stored(SettlementStatus::Committed, vec![recorded_commit(12)]);
    let receipts = || vec![(1, receipt(12, committed(1)))];
    assert_eq!(action(scene(75, 1), &row, receipts()), Action::Reveal);
    assert_eq!(action(scene(76, 1), &row, receipts()), Action::Wait);
    // the block that could have taken it has its confirmations
    assert_eq!(action(scene(77, 1), &row, receipts()), Action::Wait);
    assert_eq!(action(scene(78, 1), &row, receipts()), Action::Outlive);
}

#[test]
fn a_reveal_of_an_earlier_commitment_is_not_overlooked() {
    let mut row = stored(
        SettlementStatus::CommitSent,
        vec![
            attempt(1, TxKind::Commit, 0),
            attempt(2, TxKind::Reveal, 1),
            Attempt { commitment_id: 2, ..attempt(3, TxKind::Commit, 2) },
        ],
    );
    row.commitments.push(commitment(2));
    let receipts = vec![(2, receipt(12, revealed(1)))];
    assert_eq!(action(scene(13, 2), &row, receipts), Action::SeeReveal);
    assert_eq!(action(scene(12, 2), &row, vec![]), Action::Rebroadcast);
}

#[test]
fn of_two_reveals_the_one_that_was_mined_first_counts() {
    let mut row = stored(
        SettlementStatus::RevealSent,
        vec![
            attempt(1, TxKind::Reveal, 1),
            Attempt { commitment_id: 2, ..attempt(2, TxKind::Reveal, 3) },
        ],
    );
    row.commitments.push(commitment(2));
    let receipts = vec![(1, receipt(12, revealed(1))), (2, receipt(13, revealed(2)))];
    let view = scene(14, 4).view(&row, &shown(receipts));
    assert_eq!(view.reveal.unwrap().0.id, 1);
}

#[test]
fn a_revealed_settlement_ends_when_it_is_deep_and_goes_back_when_it_is_lost() {
    let block = BlockRef { number: 20, hash: B256::with_last_byte(20) };
    let reveal = Attempt {
        status: AttemptStatus::Mined,
        block: Some(block),
        ..attempt(2, TxKind::Reveal, 1)
    };
    let row = stored(SettlementStatus::Revealed, vec![recorded_commit(12), reveal]);
    let commit = || (1, receipt(12, committed(1)));
    let both = || vec![commit(), (2, receipt(20, revealed(1)))];
    assert_eq!(action(scene(31, 2), &row, both()), Action::Wait);
    assert_eq!(action(scene(32, 2), &row, both()), Action::Finalise);
    assert_eq!(action(scene(21, 1), &row, vec![commit()]), Action::ForgetReveal);
    assert_eq!(action(scene(21, 0), &row, vec![]), Action::ForgetCommit);
}

#[test]
fn a_receipt_that_contradicts_a_canonical_block_takes_nothing_back() {
    let row = stored(SettlementStatus::Committed, vec![recorded_commit(12)]);
    for receipts in [vec![], vec![(1, receipt(13, committed(1)))]] {
        let lie = Shown { contradicted: BTreeSet::from([1]), ..shown(receipts) };
        let view = scene(14, 1).view(&row, &lie);
        assert_eq!(next(row.row.status, &view.facts), Action::Reveal, "{lie:?}");
    }
    let moved = recorded_commit(12);
    let elsewhere = |receipts| is_elsewhere(&moved, &shown(receipts).receipts);
    assert!(!elsewhere(vec![(1, receipt(12, committed(1)))]));
    assert!(elsewhere(vec![(1, receipt(13, committed(1)))]) && elsewhere(vec![]));
}

#[test]
fn a_row_that_ended_is_looked_at_until_its_reveal_could_not_come_back() {
    let reveal = attempt(2, TxKind::Reveal, 1);
    let mut row = stored(SettlementStatus::Expired, vec![recorded_commit(12), reveal]);
    row.row.watch_until = Some(90);
    assert_eq!(action(scene(89, 1), &row, vec![]), Action::Wait);
    assert_eq!(action(scene(90, 1), &row, vec![]), Action::LookAway);
    let back = vec![(2, receipt(88, revealed(1)))];
    assert_eq!(action(scene(90, 2), &row, back), Action::SeeReveal);
}
