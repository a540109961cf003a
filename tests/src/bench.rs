//! Measurements. What matters is a ratio within one run: machines differ, and drift.
#![allow(clippy::print_stdout, clippy::float_arithmetic, reason = "a program for people; no money")]

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    anvil::Mining,
    fixture,
    postgres::{Durability, Postgres},
    repo,
    stack::{Plan, Stack},
};

mod decision;
mod gas;
mod http;
mod intake;
mod latency;
mod recovery;

/// One figure. `ratio` is `value / reference`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// What it is held against, in the same unit, measured in the same run or stated.
    pub reference: Option<f64>,
    /// The figure over the reference.
    pub ratio: Option<f64>,
}

impl Row {
    fn new(name: &str, value: f64, unit: &str, reference: f64) -> Self {
        let ratio = (reference != 0.0).then(|| value / reference);
        let (name, unit) = (name.to_owned(), unit.to_owned());
        Self { name, value, unit, reference: Some(reference), ratio }
    }
}

/// Owners in the bench's market: enough that no row of the nonce bitmap is shared by many.
const OWNERS: u64 = 64;

/// Runs everything and writes the summary.
///
/// # Errors
/// If a part does not come up or a measurement cannot be made.
pub async fn run() -> io::Result<()> {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    let mut rows = Vec::new();
    if wanted("intake") {
        println!("intake: signed intents over HTTP, durable with fsync …");
        let bed = Bed::start(Bed::plan()).await?;
        let (row, per_second) = intake::measure(&bed.stack).await?;
        rows.push(row);
        println!("intent_to_stream: at half that load …");
        rows.push(latency::measure(&bed.stack, per_second / 2.0).await?);
    }
    if wanted("decision") {
        println!("close_to_decision: 1,000 intents, 1,000 bids …");
        let bed = Bed::start(decision::plan(Bed::plan())).await?;
        rows.extend(decision::measure(&bed.stack).await?);
    }
    if wanted("gas") {
        println!("gas per swap beside CoW and UniswapX …");
        rows.extend(gas::measure()?);
    }
    print_table(&rows);
    write_summary(&rows)
}

/// Stores and a chain for one group of measurements.
struct Bed {
    stack: Stack,
    #[allow(dead_code, reason = "held: dropping it stops the server")]
    postgres: Postgres,
    #[allow(dead_code, reason = "held: dropping it removes the files")]
    folder: tempfile::TempDir,
}

impl Bed {
    fn plan() -> Plan {
        let mining = Mining::Every(1);
        Plan { mining, owners: OWNERS, window_ms: 1_000, ..Plan::default() }
    }

    async fn start(plan: Plan) -> io::Result<Self> {
        let folder = fixture::scratch()?;
        let postgres = Postgres::start(folder.path(), Durability::Fsync).await?;
        postgres.create("gavel", None).await.map_err(io::Error::other)?;
        let url = postgres.url("gavel");
        fixture::migrate(&url).await?;
        let stack = Stack::start_in(plan, folder.path(), url, &mut |_| {}).await?;
        Ok(Self { stack, postgres, folder })
    }
}

fn print_table(rows: &[Row]) {
    println!(
        "\n{:<34} {:>14} {:<8} {:>14} {:>8}",
        "measurement", "value", "unit", "reference", "ratio"
    );
    for row in rows {
        let reference = row.reference.map_or_else(|| "-".to_owned(), |r| format!("{r:.1}"));
        let ratio = row.ratio.map_or_else(|| "-".to_owned(), |r| format!("{r:.3}"));
        println!("{:<34} {:>14.1} {:<8} {reference:>14} {ratio:>8}", row.name, row.value, row.unit);
    }
}

fn write_summary(rows: &[Row]) -> io::Result<()> {
    let folder = repo::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let path: &Path = &folder.join("summary.json");
    fs::write(path, serde_json::to_string_pretty(rows)?)?;
    println!("\nwritten to target/bench/summary.json");
    Ok(())
}

/// The value below which `share` (per mille) of the samples lie.
fn quantile(samples: &mut [f64], per_mille: usize) -> io::Result<f64> {
    samples.sort_by(f64::total_cmp);
    let at = (samples.len() * per_mille / 1_000).min(samples.len().saturating_sub(1));
    samples.get(at).copied().ok_or_else(|| io::Error::other("nothing was measured"))
}
