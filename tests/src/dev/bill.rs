//! What one settlement cost, and whom: from the receipts of its two transactions.

use std::io;

use alloy::primitives::{Address, B256, Bytes, U256, utils::format_ether};
use domain::IntentId;
use infra::chain::abi::{BidSettled, SolEvent as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::demo::get;
use crate::rpc::Rpc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    gas_used: U256,
    effective_gas_price: U256,
    logs: Vec<Log>,
}

#[derive(Deserialize)]
struct Log {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

/// Prints the gas of a swap and what its solver was charged for it.
pub(super) async fn show(
    client: &reqwest::Client,
    intent_url: &str,
    rpc: &Rpc,
    intent: IntentId,
) -> io::Result<()> {
    let timeline = get(client, &format!("{intent_url}/timeline")).await?;
    let commit = receipt(rpc, last(&timeline, "committed")?).await?;
    let reveal = receipt(rpc, last(&timeline, "filled")?).await?;
    let bids: Vec<BidSettled> = reveal.logs.iter().filter_map(Log::settled).collect();
    let swaps: usize = bids.iter().map(|bid| bid.fills.len()).sum();
    let mine = bids.iter().find(|bid| bid.fills.iter().any(|fill| fill.intent == intent.get()));
    let mine = mine.ok_or_else(|| io::Error::other("no settled bid filled the intent"))?;
    let gas = commit.gas_used + reveal.gas_used;
    println!(
        "  gas                    {gas} (commit {}, reveal {})",
        commit.gas_used, reveal.gas_used
    );
    println!("  gas per swap           {} ({swaps} in the batch)", gas / U256::from(swaps.max(1)));
    println!(
        "  its solver paid        {} of the coin, for {} of its swaps",
        format_ether(mine.charge),
        mine.fills.len()
    );
    let charged: U256 = bids.iter().map(|bid| bid.charge).sum();
    let cost = commit.cost() + reveal.cost();
    println!(
        "  the settler paid       {} of the coin, all solvers together {}",
        format_ether(cost),
        format_ether(charged)
    );
    Ok(())
}

impl Receipt {
    fn cost(&self) -> U256 {
        self.gas_used * self.effective_gas_price
    }
}

impl Log {
    fn settled(&self) -> Option<BidSettled> {
        let topics = self.topics.clone();
        let log = alloy::primitives::Log::new(self.address, topics, self.data.clone())?;
        BidSettled::decode_log(&log).ok().map(|log| log.data)
    }
}

/// The transaction of the last entry of a kind.
fn last(timeline: &Value, kind: &str) -> io::Result<B256> {
    let items = timeline["items"].as_array().into_iter().flatten();
    let found = items.rev().find(|item| item["kind"] == kind);
    let tx = found.and_then(|item| item["detail"]["tx"].as_str()?.parse().ok());
    tx.ok_or_else(|| io::Error::other(format!("the timeline shows no transaction {kind}")))
}

async fn receipt(rpc: &Rpc, tx: B256) -> io::Result<Receipt> {
    let answer = rpc.call("eth_getTransactionReceipt", json!([tx])).await;
    serde_json::from_value(answer.map_err(io::Error::other)?).map_err(io::Error::other)
}
