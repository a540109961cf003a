//! Criterion benches of the pure parts: `cargo bench --workspace --bench pure [filter]`. `make bench`
//! has the figures that are held against something; these are for working on them.
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a bench")]

use std::{collections::BTreeMap, hint::black_box};

use alloy::primitives::U256;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::auction::{
    Deliberation, Params, bids_root,
    pack::{Packer, Problem, RowSpec},
};
use tests::instances::{
    Instance, dex, greedy,
    market::{self, Fills, Market},
};

const SIZES: [usize; 3] = [69, 1_000, 10_000];

/// The winner determination: the problem built and solved.
fn decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide");
    group.sample_size(20);
    for bids in SIZES {
        let auction = dex::instance(1, bids);
        group.bench_function(BenchmarkId::new("dex", bids), |b| {
            let solve = |(weights, rows)| {
                let mut packer = Packer::new(Problem::new(weights, rows));
                packer.solve(&vec![true; bids], Params::default().node_budget)
            };
            b.iter_batched(|| input(&auction), solve, BatchSize::LargeInput);
        });
        group.bench_function(BenchmarkId::new("greedy", bids), |b| {
            b.iter(|| greedy::winners(black_box(&auction), greedy::Order::Score));
        });
    }
    group.finish();
}

fn input(auction: &Instance) -> (Vec<i128>, Vec<RowSpec>) {
    let rows = auction.rows.iter().map(|row| RowSpec {
        capacity: U256::from(row.capacity),
        uses: row.uses.iter().map(|(bid, amount)| (*bid, U256::from(*amount))).collect(),
        global: false,
    });
    (auction.weights.iter().map(|weight| i128::from(*weight)).collect(), rows.collect())
}

/// The rules around it, on real bids: every bid checked and scored, fairness, rows. Not solved.
fn rules(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules");
    group.sample_size(20);
    for bids in SIZES {
        let auction = market::of(&dex::instance(1, bids), Fills::Whole).unwrap();
        let left_out = BTreeMap::new();
        group.bench_function(BenchmarkId::new("prepare", bids), |b| {
            b.iter(|| {
                let Market { cut, bids, standings } = black_box(&auction);
                Deliberation::new(cut, bids, standings, &left_out)
            });
        });
    }
    group.finish();
}

/// What fixes an auction: hashes and roots.
fn roots(c: &mut Criterion) {
    let auction = market::of(&dex::instance(1, 1_000), Fills::Whole).unwrap();
    let domain = auction.cut.domain();
    c.bench_function("roots/bids_root/1000", |b| b.iter(|| bids_root(black_box(&auction.bids))));
    c.bench_function("roots/open_hash/333", |b| {
        b.iter(|| black_box(auction.cut.opening()).hash());
    });
    c.bench_function("roots/bid_digest", |b| {
        b.iter(|| black_box(&auction.bids[0].bid).id(&domain));
    });
    let intent = auction.cut.intents().values().next().unwrap();
    c.bench_function("roots/intent_digest", |b| b.iter(|| black_box(intent).id(&domain)));
}

criterion_group!(pure, decide, rules, roots);
criterion_main!(pure);
