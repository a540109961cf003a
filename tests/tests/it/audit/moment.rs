//! The block at which the registry was read and the winners were run: whoever chooses it chooses what
//! they say, so it has to be the newest one of the auction's own time.

use alloy::primitives::B256;
use domain::{auction::PublicRecord, event::BlockRef};
use serde_json::{Value, json};
use tests::rpc::Rpc;

use super::{audited, fails, forge::simulation, history::History};

/// Blocks that a node may be behind at an opening.
const BEHIND: u64 = 8;
/// Longer than any auction takes to settle, and an hour after that.
const HOURS_S: u64 = 2 * 3_600;
const OUTSIDE: &str = "was not the newest one between opening and settlement";

pub(super) async fn a_block_is_of_its_auction(history: &History) {
    let rpc = Rpc::new(&history.rpc).unwrap();
    let opening = &history.record.opening;
    let from_s =
        opening.opened_at_ms / 1_000 - u64::from(opening.params.seconds_per_block) * BEHIND;
    // the newest one that was followed by another before anybody could have taken it for the newest
    let mut number = opening.block.number - 1;
    while block(&rpc, number + 1).await.1 >= from_s {
        number -= 1;
    }
    let (before, _) = block(&rpc, number).await;
    fails(history, audited(history, &read_at(history, before)).await, OUTSIDE);

    // the same block in one of the two places only is not even consistent
    let mut elsewhere = history.record.clone();
    simulation(&mut elsewhere).block = before;
    let word = "the winners were run at another block than the registry was read at";
    fails(history, audited(history, &elsewhere).await, word);
}

/// Turns the node's clock on, so nothing else can be asked of this market afterwards.
pub(super) async fn hours_later(history: &History) {
    let rpc = Rpc::new(&history.rpc).unwrap();
    rpc.call("evm_increaseTime", json!([HOURS_S])).await.unwrap();
    rpc.mine(1).await.unwrap();
    let (after, _) = block(&rpc, rpc.block_number().await.unwrap()).await;
    fails(history, audited(history, &read_at(history, after)).await, OUTSIDE);

    let mut sealed = history.record.clone();
    sealed.contents = None;
    let word = "nothing was published an hour after";
    fails(history, audited(history, &sealed).await, word);
}

/// The target's record as if it had been decided on the state after another block.
fn read_at(history: &History, block: BlockRef) -> PublicRecord {
    let mut moved = history.record.clone();
    simulation(&mut moved).block = block;
    moved.contents.as_mut().unwrap().standings.block = Some(block);
    assert_eq!(moved.verify(), Ok(()), "by itself nothing is wrong with it");
    moved
}

/// A block with its time.
async fn block(rpc: &Rpc, number: u64) -> (BlockRef, u64) {
    let asked = json!([format!("{number:#x}"), false]);
    let found: Value = rpc.call("eth_getBlockByNumber", asked).await.unwrap();
    let hash: B256 = serde_json::from_value(found["hash"].clone()).unwrap();
    let time = found["timestamp"].as_str().unwrap().trim_start_matches("0x");
    (BlockRef { number, hash }, u64::from_str_radix(time, 16).unwrap())
}
