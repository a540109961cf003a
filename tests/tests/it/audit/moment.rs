//! The block at which the registry was read and the winners were run: whoever chooses it chooses what
//! they say, so it has to be the newest one of the auction's own time.

use domain::{auction::PublicRecord, event::BlockRef};
use serde_json::json;
use tests::rpc::Rpc;

use super::{
    audit, audited, fails,
    forge::simulation,
    history::History,
    line,
    proxy::{Proxy, rpc_method},
};

/// Blocks that a node may be behind at an opening.
const BEHIND: u64 = 8;
/// Longer than any auction takes to settle, and an hour after that.
const HOURS_S: u64 = 2 * 3_600;
const OUTSIDE: &str = "was not the newest one between opening and settlement";

pub(super) async fn a_block_is_of_its_auction(history: &History) {
    let opening = &history.record.opening;
    let from_s =
        opening.opened_at_ms / 1_000 - u64::from(opening.params.seconds_per_block) * BEHIND;
    let rpc = Rpc::new(&history.rpc).unwrap();
    let before = block(&rpc, opening.block.number - 2).await;
    // bidders stood as they did later, so that all there is to tell is when the next block came
    let (code, out, err) = followed(history, before, from_s).await;
    assert_eq!(code, 0, "a node may be a little behind: {out}\n{err}");
    fails(history, followed(history, before, from_s - 1).await, OUTSIDE);

    // in one of its two places only it is not even consistent
    let mut elsewhere = history.record.clone();
    simulation(&mut elsewhere).block = before;
    let word = "the winners were run at another block than the registry was read at";
    fails(history, audited(history, &elsewhere).await, word);
}

/// What the audit says of the target as decided on the state after `block`, by a chain on which the
/// next block came at `time_s`: the market is too young for blocks that are old enough.
async fn followed(history: &History, block: BlockRef, time_s: u64) -> (i32, String, String) {
    let next = json!(format!("{:#x}", block.number + 1));
    let node = Proxy::start(&history.rpc, move |_, request, mut answer| {
        let asked = rpc_method(request).is_some_and(|method| method.starts_with("eth_getBlockBy"));
        if asked && answer["result"]["number"] == next {
            answer["result"]["timestamp"] = json!(format!("{time_s:#x}"));
        }
        answer
    });
    let node = node.await;
    let file = history.folder.path().join("moved.json");
    std::fs::write(&file, read_at(history, block).canonical().unwrap()).unwrap();
    audit(line(&[("file", &file.display().to_string()), ("rpc", &node.url)])).await
}

/// Turns the node's clock on, so nothing else can be asked of this market afterwards.
pub(super) async fn hours_later(history: &History) {
    let rpc = Rpc::new(&history.rpc).unwrap();
    rpc.call("evm_increaseTime", json!([HOURS_S])).await.unwrap();
    rpc.mine(1).await.unwrap();
    let after = block(&rpc, rpc.block_number().await.unwrap()).await;
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

async fn block(rpc: &Rpc, number: u64) -> BlockRef {
    let asked = json!([format!("{number:#x}"), false]);
    let found = rpc.call("eth_getBlockByNumber", asked).await.unwrap();
    BlockRef { number, hash: serde_json::from_value(found["hash"].clone()).unwrap() }
}
