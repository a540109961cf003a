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
mod engine;
mod full;
mod gas;
mod highs;
mod http;
mod intake;
mod latency;
mod memory;
mod packing;
mod recovery;
mod settlement;
mod stopwatch;

pub use highs::write_instances;

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
    /// Of what was searched, the share whose optimum was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_proven: Option<f64>,
    /// What else belongs to the figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Row {
    fn new(name: &str, value: f64, unit: &str, reference: f64) -> Self {
        let ratio = (reference != 0.0).then(|| value / reference);
        Self { reference: Some(reference), ratio, ..Self::plain(name, value, unit) }
    }

    /// A figure that is held against nothing.
    fn plain(name: &str, value: f64, unit: &str) -> Self {
        let (name, unit) = (name.to_owned(), unit.to_owned());
        Self { name, value, unit, reference: None, ratio: None, share_proven: None, note: None }
    }

    fn proven(self, share: f64) -> Self {
        Self { share_proven: Some(share), ..self }
    }

    fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

/// Owners in the bench's market: enough that no row of the nonce bitmap is shared by many.
const OWNERS: u64 = 64;

/// Runs everything, or the parts whose rows' names go with `only`, and writes the summary.
///
/// # Errors
/// If a part does not come up or a measurement cannot be made.
pub async fn run(only: Option<&str>) -> io::Result<()> {
    // a part is named by what its rows begin with; asked for by a piece of that or by a whole row
    let goes_with = |name: &str, only: &str| name.contains(only) || only.contains(name);
    let wanted =
        |names: &str| only.is_none_or(|only| names.split(' ').any(|name| goes_with(name, only)));
    let mut rows = Vec::new();
    if wanted("decide_dex references_dex surplus_vs_greedy_dex surplus_vs_root_dex") {
        println!("decide_dex: the winner determination alone, on the DEX-like mix …");
        rows.extend(packing::dex()?);
    }
    if wanted("highs_ratio_dex") {
        rows.extend(highs::rows()?);
    }
    if wanted("cats_paths cats_regions cats_arbitrary cats_matching cats_scheduling") {
        println!("cats: five families of hard auctions, a second each …");
        rows.extend(packing::cats()?);
    }
    if wanted("intake intent_to_stream_p99") {
        println!("intake: signed intents over HTTP, durable with fsync …");
        let bed = Bed::start(Bed::plan()).await?;
        let (row, per_second) = intake::measure(&bed.stack).await?;
        rows.push(row);
        println!("intent_to_stream: at half that load …");
        rows.push(latency::measure(&bed.stack, per_second / 2.0).await?);
    }
    if wanted("decision close_to_decision_p99 close_to_stream_p99") {
        println!("close_to_decision: 1,000 intents, 1,000 bids …");
        let bed = Bed::start(decision::plan()).await?;
        rows.extend(decision::measure(&bed.stack).await?);
    }
    if wanted("decide_full_dex references_full_dex") {
        println!("decide_full: the whole decision over real bids, rules and fairness included …");
        rows.extend(full::measure()?);
    }
    if wanted("memory_100k_intents_10k_bids") {
        println!("memory: 100,000 open intents, 10,000 bids …");
        rows.extend(memory::measure().await?);
    }
    const SETTLED: &str = "settled_batches_per_block decision_to_commit_sent_p99 \
        commit_mined_to_reveal_sent_p99 settlement";
    if wanted(SETTLED) {
        println!("settlement: a batch of 50 swaps in every block of a second …");
        let bed = Bed::start(settlement::plan()).await?;
        rows.extend(settlement::measure(&bed.stack).await?);
    }
    if wanted("gas") {
        println!("gas per swap beside CoW and UniswapX …");
        rows.extend(gas::measure()?);
    }
    print_table(&rows);
    write_summary(rows, only.is_none())
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
        "\n{:<34} {:>14} {:<8} {:>14} {:>8} {:>7}  note",
        "measurement", "value", "unit", "reference", "ratio", "proven"
    );
    for row in rows {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let reference = or_dash(row.reference.map(|r| format!("{r:.1}")));
        let ratio = or_dash(row.ratio.map(|r| format!("{r:.3}")));
        let proven = or_dash(row.share_proven.map(|share| format!("{:.0} %", share * 100.0)));
        println!(
            "{:<34} {:>14.1} {:<8} {reference:>14} {ratio:>8} {proven:>7}  {}",
            row.name,
            row.value,
            row.unit,
            row.note.as_deref().unwrap_or_default()
        );
    }
}

/// Writes all rows; after a run of some parts, these rows in the place of those of the last run.
fn write_summary(rows: Vec<Row>, all: bool) -> io::Result<()> {
    let folder = repo::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let path: &Path = &folder.join("summary.json");
    let mut summary: Vec<Row> = match fs::read_to_string(path) {
        Ok(text) if !all => serde_json::from_str(&text)?,
        _ => Vec::new(),
    };
    for row in rows {
        match summary.iter_mut().find(|known| known.name == row.name) {
            Some(known) => *known = row,
            None => summary.push(row),
        }
    }
    fs::write(path, serde_json::to_string_pretty(&summary)?)?;
    println!("\nwritten to target/bench/summary.json");
    Ok(())
}

/// The one in the middle.
fn median(samples: &mut [f64]) -> io::Result<f64> {
    quantile(samples, 500)
}

/// The value below which `share` (per mille) of the samples lie.
fn quantile(samples: &mut [f64], per_mille: usize) -> io::Result<f64> {
    samples.sort_by(f64::total_cmp);
    // the nearest rank: so many per mille are not above it
    let at = (samples.len() * per_mille).div_ceil(1_000).saturating_sub(1);
    samples.get(at).copied().ok_or_else(|| io::Error::other("nothing was measured"))
}
