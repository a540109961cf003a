//! The winner determination alone, on what a MILP solver would be given too: weights and rows.
//!
//! - `decide_dex_*`: the problem built and solved to proven optimality;
//! - `references_dex_*`: after it, the optimum without each of the winning solvers (A6);
//! - `surplus_vs_greedy_dex_*`: what that gives users beyond a greedy auction. Never less: a run in
//!   which greedy takes more anywhere fails;
//! - `cats_*_1000`: the five families of hard auctions, a second each.

use std::{hint::black_box, io, time::Duration};

use super::{
    Row,
    engine::{self, Solved},
    full::{gap_of_the_rest, share_proven},
    intake::count,
    median,
    stopwatch::Stopwatch,
};
use crate::instances::{
    Instance,
    cats::Family,
    dex,
    greedy::{self, Order},
};

/// Bids, auctions, how often each is decided, and what is asked for: microseconds for the winners
/// and for all references.
const SIZES: [(usize, u64, usize, f64, f64); 3] =
    [(69, 51, 15, 60.0, 200.0), (1_000, 21, 7, 1_500.0, 25_000.0), (10_000, 21, 3, 25e3, 500e3)];
const CATS_BIDS: usize = 1_000;
const CATS_AUCTIONS: u64 = 10;
/// What one of them gets.
const CATS_LIMIT: Duration = Duration::from_secs(1);

/// How long references of one size are counted: where they take long, of fewer auctions.
const REFERENCES_LIMIT: Duration = Duration::from_secs(20);

/// The rows of the DEX-like mix.
pub(super) fn dex() -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (bids, auctions, times, decide_goal, references_goal) in SIZES {
        let mut decided = Figures::default();
        let mut referenced = Figures::default();
        let mut gains = [const { Vec::new() }; 2];
        let mut counted = Duration::ZERO;
        for seed in 1..=auctions {
            let auction = dex::instance(seed, bids);
            let solved = decided.decide(&auction, times)?;
            if counted < REFERENCES_LIMIT {
                let begun = Stopwatch::start();
                referenced.count_references(&auction, &solved, times.div_ceil(3))?;
                counted += begun.elapsed();
            }
            for (order, gains) in [Order::Score, Order::PerRoot].into_iter().zip(&mut gains) {
                gains.push(gain(&auction, &solved, order)?);
            }
        }
        rows.push(decided.row(&format!("decide_dex_{bids}"), decide_goal)?);
        rows.push(referenced.row(&format!("references_dex_{bids}"), references_goal)?);
        rows.push(surplus(&format!("surplus_vs_greedy_dex_{bids}"), &gains[0], "by score"));
        rows.push(surplus(&format!("surplus_vs_root_dex_{bids}"), &gains[1], "by score over root"));
    }
    Ok(rows)
}

/// The rows of the CATS families.
pub(super) fn cats() -> io::Result<Vec<Row>> {
    Family::ALL.into_iter().map(family).collect()
}

#[derive(Default)]
struct Figures {
    took_us: Vec<f64>,
    gaps: Vec<f64>,
    solvers: Vec<f64>,
}

impl Figures {
    fn decide(&mut self, auction: &Instance, times: usize) -> io::Result<Solved> {
        let mut took = Vec::with_capacity(times);
        let mut solved = None;
        for _ in 0..times {
            let input = engine::Input::of(auction);
            let begun = Stopwatch::start();
            let mut engine = black_box(input).build();
            let solution = black_box(engine.decide());
            took.push(begun.microseconds());
            solved = Some(solution);
        }
        let solved = solved.ok_or_else(|| io::Error::other("not decided once"))?;
        self.took_us.push(median(&mut took)?);
        self.gaps.push(solved.gap());
        Ok(solved)
    }

    fn count_references(
        &mut self,
        auction: &Instance,
        solved: &Solved,
        times: usize,
    ) -> io::Result<()> {
        let solvers = engine::winning_solvers(auction, solved);
        let mut took = Vec::with_capacity(times);
        for n in 0..times {
            let mut engine = engine::Input::of(auction).build();
            engine.decide();
            let begun = Stopwatch::start();
            let references: Vec<Solved> =
                solvers.iter().map(|solver| engine.without(auction, *solver)).collect();
            took.push(begun.microseconds());
            if n == 0 {
                self.gaps.extend(references.iter().map(Solved::gap));
            }
        }
        self.took_us.push(median(&mut took)?);
        self.solvers.push(count(solvers.len()));
        Ok(())
    }

    fn row(&mut self, name: &str, goal_us: f64) -> io::Result<Row> {
        let p99 = super::quantile(&mut self.took_us, 990)?;
        let mut note =
            format!("median of {} auctions, the slowest {p99:.0} us", self.took_us.len());
        if !self.solvers.is_empty() {
            note += &format!(", {:.0} winning solvers", median(&mut self.solvers)?);
        }
        let row = Row::new(name, median(&mut self.took_us)?, "us", goal_us);
        let note = note + &gap_of_the_rest(&self.gaps);
        Ok(row.proven(share_proven(&self.gaps)).note(note))
    }
}

/// How much more than a greedy auction, as a share of what that takes.
fn gain(auction: &Instance, solved: &Solved, order: Order) -> io::Result<f64> {
    let greedy = greedy::total(auction, order);
    if solved.weight < greedy {
        let text = format!("greedy takes {greedy}, the decision {}", solved.weight);
        return Err(io::Error::other(text));
    }
    Ok((solved.weight - greedy) as f64 / greedy as f64)
}

fn surplus(name: &str, gains: &[f64], order: &str) -> Row {
    let mean = gains.iter().sum::<f64>() / count(gains.len());
    let least = gains.iter().copied().fold(f64::INFINITY, f64::min);
    let most = gains.iter().copied().fold(0.0, f64::max);
    let note = format!(
        "more surplus than greedy {order}, mean of {} auctions, {:.2} to {:.2} %",
        gains.len(),
        least * 100.0,
        most * 100.0
    );
    Row::plain(name, mean * 100.0, "%").note(note)
}

fn family(family: Family) -> io::Result<Row> {
    let mut took_ms = Vec::new();
    let mut gaps = Vec::new();
    for seed in 1..=CATS_AUCTIONS {
        let auction = family.instance(seed, CATS_BIDS);
        let (solved, took) = within(&auction, CATS_LIMIT);
        for order in [Order::Score, Order::PerRoot] {
            gain(&auction, &solved, order)?;
        }
        gaps.push(solved.gap());
        took_ms.push(took.as_secs_f64() * 1e3);
    }
    let note = format!(
        "proven optimal within 1 s, of {CATS_AUCTIONS} auctions; median {:.1} ms{}",
        median(&mut took_ms)?,
        gap_of_the_rest(&gaps)
    );
    let share = share_proven(&gaps);
    let row = Row::plain(&format!("cats_{}_{CATS_BIDS}", family.name()), share * 100.0, "%");
    Ok(row.proven(share).note(note))
}

/// The best of a growing number of nodes that was found within the time. Searches are limited by
/// nodes, so that they can be repeated; what fits into the time is found out by trying.
fn within(auction: &Instance, limit: Duration) -> (Solved, Duration) {
    let mut budget = 256;
    let mut best: Option<(Solved, Duration)> = None;
    loop {
        let begun = Stopwatch::start();
        let solved = engine::Input::of(auction).build().within(budget);
        let took = begun.elapsed();
        let proven = solved.gap() == 0.0;
        // the first try stands even if it was slow: there is no smaller one
        match best {
            Some(best) if took > limit => return best,
            _ if proven || took > limit / 2 => return (solved, took),
            _ => best = Some((solved, took)),
        }
        let fitting = limit.as_secs_f64() * 0.9 / took.as_secs_f64().max(1e-6);
        budget = (budget as f64 * fitting.clamp(2.0, 16.0)) as u64;
    }
}
