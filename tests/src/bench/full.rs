//! `decide_full_dex_*`: the whole decision of an auction of real bids under the default parameters:
//! every rule checked, fairness per intent, winners with their proof. The gas budget binds from a
//! thousand bids on, which makes the search harder than the packing alone (`decide_dex_*`).
//! `references_full_dex_*`: after it, the reference score of every winning solver.

use std::{collections::BTreeMap, hint::black_box, io, time::Duration};

use domain::{
    Amount, BidId,
    auction::{Decision, Deliberation, LeftOut, Reference, Ruling},
};

use super::{Row, median, stopwatch::Stopwatch};
use crate::instances::{
    dex,
    market::{self, Fills, Market},
};

/// Bids, auctions, and how often each is decided.
const SIZES: [(usize, u64, usize); 3] = [(69, 21, 9), (1_000, 11, 3), (10_000, 5, 1)];
/// How long references of one size are counted: where they take long, of fewer auctions.
const REFERENCES_LIMIT: Duration = Duration::from_secs(20);

pub(super) fn measure() -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (bids, auctions, times) in SIZES {
        let mut whole = Figures::default();
        let mut graded = Figures::default();
        let mut counted = Duration::ZERO;
        for seed in 1..=auctions {
            let instance = dex::instance(seed, bids);
            let auction = market::of(&instance, Fills::Whole)?;
            let decision = whole.decide(&auction, times)?;
            if counted < REFERENCES_LIMIT {
                counted += whole.count_references(&auction, &decision);
            }
            graded.decide(&market::of(&instance, Fills::Graded)?, times)?;
        }
        rows.push(whole.row(&format!("decide_full_dex_{bids}"))?);
        rows.push(graded.row(&format!("decide_full_graded_dex_{bids}"))?);
        rows.push(whole.references(&format!("references_full_dex_{bids}"))?);
    }
    Ok(rows)
}

/// What was seen over the auctions of one size.
#[derive(Default)]
struct Figures {
    decided_us: Vec<f64>,
    /// Over the total score; zero where the optimum is proven.
    gaps: Vec<f64>,
    kept: Vec<f64>,
    winners: Vec<f64>,
    referenced_us: Vec<f64>,
    solvers: Vec<f64>,
    reference_gaps: Vec<f64>,
}

impl Figures {
    fn decide(&mut self, market: &Market, times: usize) -> io::Result<Decision> {
        let mut took = Vec::with_capacity(times);
        let mut decided = None;
        for _ in 0..times {
            let left_out = BTreeMap::new();
            let begun = Stopwatch::start();
            let decision = black_box(deliberation(market, &left_out).decide());
            took.push(begun.microseconds());
            decided = Some(decision);
        }
        let decision = decided.ok_or_else(|| io::Error::other("not decided once"))?;
        self.decided_us.push(median(&mut took)?);
        self.gaps.push(over(decision.gap, decision.total_score));
        self.kept.push(number(kept(&decision)) / number(market.bids.len()));
        self.winners.push(number(decision.winners.len()));
        Ok(decision)
    }

    /// As the auction does it: right after the decision, by the same deliberation.
    fn count_references(&mut self, market: &Market, decision: &Decision) -> Duration {
        let left_out = BTreeMap::new();
        let mut deliberation = deliberation(market, &left_out);
        black_box(deliberation.decide());
        let begun = Stopwatch::start();
        let references = deliberation.references(decision);
        let took = begun.elapsed();
        self.referenced_us.push(took.as_secs_f64() * 1e6);
        self.solvers.push(number(references.len()));
        let gap = |reference: &Reference| over(reference.gap, reference.score);
        self.reference_gaps.extend(references.iter().map(gap));
        took
    }

    fn row(&mut self, name: &str) -> io::Result<Row> {
        let note = format!(
            "{} auctions, {:.0} % of the bids in the search, {:.0} winners{}",
            self.gaps.len(),
            median(&mut self.kept)? * 100.0,
            median(&mut self.winners)?,
            gap_of_the_rest(&self.gaps)
        );
        let row = Row::plain(name, median(&mut self.decided_us)?, "us");
        Ok(row.proven(share_proven(&self.gaps)).note(note))
    }

    fn references(&mut self, name: &str) -> io::Result<Row> {
        let note = format!(
            "{} auctions, {:.0} winning solvers{}",
            self.referenced_us.len(),
            median(&mut self.solvers)?,
            gap_of_the_rest(&self.reference_gaps)
        );
        let row = Row::plain(name, median(&mut self.referenced_us)?, "us");
        Ok(row.proven(share_proven(&self.reference_gaps)).note(note))
    }
}

fn deliberation<'a>(market: &'a Market, left_out: &BTreeMap<BidId, LeftOut>) -> Deliberation<'a> {
    Deliberation::new(&market.cut, &market.bids, &market.standings, left_out)
}

fn kept(decision: &Decision) -> usize {
    let dropped = |ruling: &Ruling| matches!(ruling, Ruling::Dropped(_));
    decision.verdicts.iter().filter(|verdict| !dropped(&verdict.ruling)).count()
}

/// The share of gaps that are zero.
pub(super) fn share_proven(gaps: &[f64]) -> f64 {
    number(gaps.iter().filter(|gap| **gap == 0.0).count()) / number(gaps.len().max(1))
}

/// For a note: the mean and the largest gap where there is one.
pub(super) fn gap_of_the_rest(gaps: &[f64]) -> String {
    let open: Vec<f64> = gaps.iter().copied().filter(|gap| *gap > 0.0).collect();
    if open.is_empty() {
        return String::new();
    }
    let mean = open.iter().sum::<f64>() / number(open.len());
    let most = open.iter().copied().fold(0.0, f64::max);
    format!("; gap of the rest {:.3} %, at most {:.3} %", mean * 100.0, most * 100.0)
}

fn over(gap: Amount, total: Amount) -> f64 {
    let number = |amount: Amount| amount.to_string().parse::<f64>().unwrap_or(f64::INFINITY);
    if gap.is_zero() { 0.0 } else { number(gap) / number(total).max(1.0) }
}

fn number(n: usize) -> f64 {
    super::intake::count(n)
}
