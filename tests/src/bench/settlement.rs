//! How fast decided batches are settled: one per block of a second, with 50 swaps each, by a
//! settlement process that shares the machine with Postgres, the node and whoever queues them.
//!
//! `settled_batches_per_block`: over the blocks from the first reveal to the last.
//! `decision_to_commit_sent_p99`: from the row being written until the node has the commit.
//! `commit_mined_to_reveal_sent_p99`: from the commit's block being seen at the node, by asking it every
//! few milliseconds, until the node has the reveal.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use infra::pg::{self, Pool};
use serde_json::Value;
use sqlx::Row as _;

use super::{Bed, Row, intake::count, quantile};
use crate::{
    batches::{Batches, Swap},
    orders::Order,
    rpc::Rpc,
    stack::{Plan, Service, Stack},
    wait,
};

/// More than a hundred: the 99th percentile of fewer is the worst of them.
const BATCHES: usize = 110;
const BIDS: usize = 10;
const SWAPS: usize = 50;
/// What the issue asks for.
const GOAL_MS: f64 = 50.0;
const BLOCK_MS: f64 = 1_000.0;

type Blocks = Arc<Mutex<BTreeMap<u64, f64>>>;

/// What the market of this measurement is made of.
pub(super) fn plan() -> Plan {
    Plan { settings: vec![("settlement.lanes", "8".to_owned())], ..Bed::plan() }
}

pub(super) async fn measure(stack: &Stack) -> io::Result<Vec<Row>> {
    let pool = pg::connect(&stack.config()?.postgres).map_err(io::Error::other)?;
    let (batches, mut swaps) = (Batches::default(), Vec::with_capacity(BATCHES * SWAPS));
    let order = Order::sell(stack.token("WETH"), 10u128.pow(15), stack.token("USDC"), 2_000_000);
    for n in 0..BATCHES * SWAPS {
        swaps.push(batches.swap(stack, n % stack.market.owners.len(), &order, 2_100_000)?);
    }
    for part in swaps.chunks(500) {
        batches.post(&pool, &part.iter().collect::<Vec<_>>()).await?;
    }
    let service = stack.serve("settlement").await?;
    let blocks = Blocks::default();
    let watching = tokio::spawn(watch(stack.rpc()?, Arc::clone(&blocks)));
    for (n, part) in (1..).zip(swaps.chunks(SWAPS)) {
        let seen = newest(&blocks);
        let bids: Vec<Vec<&Swap>> =
            part.chunks(SWAPS / BIDS).map(|swaps| swaps.iter().collect()).collect();
        batches.decide(stack, &pool, n, &bids).await?;
        // the next one in the next block
        wait::until("a block", Duration::from_secs(30), || {
            let new = newest(&blocks) > seen;
            async move { if new { Ok(()) } else { Err("none".to_owned()) } }
        })
        .await
        .map_err(io::Error::other)?;
    }
    settled(&pool).await?;
    watching.abort();
    let blocks = blocks.lock().map_err(|_| io::Error::other("the watcher panicked"))?.clone();
    figures(stack, &pool, &service, &blocks).await
}

fn newest(blocks: &Blocks) -> u64 {
    let blocks = blocks.lock().ok();
    blocks.and_then(|blocks| blocks.keys().last().copied()).unwrap_or(0)
}

/// Notes when each block is seen, Unix milliseconds.
async fn watch(rpc: Rpc, blocks: Blocks) {
    loop {
        if let Ok(number) = rpc.block_number().await
            && let Ok(mut blocks) = blocks.lock()
        {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            blocks.entry(number).or_insert(now.as_secs_f64() * 1_000.0);
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
}

async fn settled(pool: &Pool) -> io::Result<()> {
    wait::until("every batch revealed", Duration::from_secs(120), || async {
        let query = "SELECT count(*) FROM settlement WHERE status NOT IN ('revealed', 'final')";
        let open: i64 =
            sqlx::query_scalar(query).fetch_one(pool).await.map_err(|e| e.to_string())?;
        if open == 0 { Ok(()) } else { Err(format!("{open} are not")) }
    })
    .await
    .map_err(io::Error::other)
}

async fn figures(
    stack: &Stack,
    pool: &Pool,
    service: &Service,
    blocks: &BTreeMap<u64, f64>,
) -> io::Result<Vec<Row>> {
    let (commits, reveals) = sent(stack, service)?;
    let query =
        "SELECT s.auction_id, extract(epoch FROM s.created_at)::float8 * 1000 AS decided_ms,
            c.block_number AS committed, r.block_number AS revealed
        FROM settlement s
        JOIN tx_attempt c ON c.settlement_id = s.id AND c.kind = 'commit' AND c.status = 'mined'
        JOIN tx_attempt r ON r.settlement_id = s.id AND r.kind = 'reveal' AND r.status = 'mined'";
    let rows = sqlx::query(query).fetch_all(pool).await.map_err(io::Error::other)?;
    let (mut to_commit, mut to_reveal, mut revealed_in) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let number = |column| row.try_get::<i64, _>(column).map(|n| u64::try_from(n).unwrap_or(0));
        let auction = number("auction_id").map_err(io::Error::other)?;
        let decided: f64 = row.try_get("decided_ms").map_err(io::Error::other)?;
        let committed = number("committed").map_err(io::Error::other)?;
        revealed_in.push(number("revealed").map_err(io::Error::other)?);
        to_commit.extend(commits.get(&auction));
        if let (Some(age), Some(seen)) = (reveals.get(&auction), blocks.get(&committed)) {
            to_reveal.push((decided + age - seen).max(0.0));
        }
    }
    if rows.len() != BATCHES || to_commit.len() != BATCHES || to_reveal.len() != BATCHES {
        return Err(io::Error::other(format!(
            "of {BATCHES} batches {} were settled, {} commits and {} reveals told",
            rows.len(),
            to_commit.len(),
            to_reveal.len()
        )));
    }
    revealed_in.sort_unstable();
    let span = revealed_in.last().zip(revealed_in.first()).map_or(0, |(last, first)| last - first);
    let per_block = count(BATCHES - 1) / count(usize::try_from(span.max(1)).unwrap_or(1));
    let medians = (quantile(&mut to_commit, 500)?, quantile(&mut to_reveal, 500)?);
    Ok(vec![
        Row::new("settled_batches_per_block", per_block, "batches", 1.0)
            .note(format!("{SWAPS} swaps in {BIDS} bids each, blocks of a second")),
        Row::new("decision_to_commit_sent_p99", quantile(&mut to_commit, 990)?, "ms", GOAL_MS)
            .note(format!("median {:.0}", medians.0)),
        Row::new("commit_mined_to_reveal_sent_p99", quantile(&mut to_reveal, 990)?, "ms", BLOCK_MS)
            .note(format!("median {:.0}", medians.1)),
    ])
}

type Ages = BTreeMap<u64, f64>;

/// How old each batch was when the node had its commit and its reveal, as the role logged it.
fn sent(stack: &Stack, service: &Service) -> io::Result<(Ages, Ages)> {
    let port = service.api_url.rsplit(':').next().unwrap_or_default();
    let log = std::fs::read_to_string(stack.folder().join(format!("gavel-{port}.log")))?;
    let (mut commits, mut reveals) = (Ages::new(), Ages::new());
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let ages = match line["message"].as_str() {
            Some("commit sent") => &mut commits,
            Some("reveal sent") => &mut reveals,
            _ => continue,
        };
        let number = |name: &str| match &line[name] {
            Value::String(text) => text.parse::<u64>().ok(),
            other => other.as_u64(),
        };
        if let (Some(auction), Some(age)) = (number("auction"), number("age_ms")) {
            ages.entry(auction).or_insert(count(usize::try_from(age).unwrap_or(0)));
        }
    }
    Ok((commits, reveals))
}
