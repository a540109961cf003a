//! `highs_ratio_*`: the same auctions solved by HiGHS, by `tests/compare/highs.py`. It is a program
//! of its own in another language, so it runs by itself (`make compare`) and leaves its rows here.

use std::{fs, hint::black_box, io, path::Path};

use serde_json::json;

use super::{
    Row,
    engine::{Input, Solved},
    median,
    stopwatch::Stopwatch,
};
use crate::{
    instances::{Instance, cats::Family, dex},
    repo,
};

/// Bids, auctions and how often we decide each.
const DEX: [(usize, u64, usize); 3] = [(69, 21, 15), (1_000, 21, 7), (10_000, 11, 3)];
/// Of each family: HiGHS, too, needs long for some of a thousand bids.
const CATS: [(usize, u64); 2] = [(69, 5), (1_000, 2)];

/// What the last comparison said, if there was one.
pub(super) fn rows() -> io::Result<Vec<Row>> {
    match fs::read_to_string(repo::root().join("target/bench/highs.json")) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("highs_ratio: not measured here; `make compare` does it");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Writes auctions with our solution, what we proved, and our time.
///
/// # Errors
/// If they cannot be written.
pub fn write_instances(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (bids, auctions, times) in DEX {
        for seed in 1..=auctions {
            write(folder, &format!("dex_{bids}"), seed, &dex::instance(seed, bids), times)?;
        }
    }
    for family in Family::ALL {
        for (bids, auctions) in CATS {
            for seed in 1..=auctions {
                let group = format!("cats_{}_{bids}", family.name());
                write(folder, &group, seed, &family.instance(seed, bids), 1)?;
            }
        }
    }
    Ok(())
}

fn write(
    folder: &Path,
    group: &str,
    seed: u64,
    auction: &Instance,
    times: usize,
) -> io::Result<()> {
    let mut took = Vec::new();
    let mut solved: Option<Solved> = None;
    for _ in 0..times {
        let input = Input::of(auction);
        let begun = Stopwatch::start();
        solved = Some(black_box(black_box(input).build().decide()));
        took.push(begun.microseconds());
    }
    let Some(solved) = solved else { return Ok(()) };
    let row = |row: &crate::instances::Row| json!({"capacity": row.capacity, "uses": row.uses});
    let document = json!({
        "name": format!("{group}_{seed}"),
        "group": group,
        "weights": auction.weights,
        "rows": auction.rows.iter().map(row).collect::<Vec<_>>(),
        "ours": {
            "items": solved.items, "weight": solved.weight, "bound": solved.bound,
            "us": median(&mut took)?,
        },
    });
    fs::write(folder.join(format!("{group}_{seed:02}.json")), document.to_string())
}
