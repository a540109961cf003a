//! What the loop says about itself: one log line and a few figures per auction.

use std::time::Duration;

use domain::{AuctionId, auction::Simulation};
use infra::pg::auction::Outcome;

use crate::{conclude::Ruled, cut::Opened};

/// How long after the close each part of the outcome was there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// The queue is closed and read to its end.
    pub(crate) collected: Duration,
    /// Root and count are announced.
    pub(crate) closed: Duration,
    /// There is a first decision.
    pub(crate) drafted: Duration,
    /// It is decided, and the winners are run.
    pub(crate) judged: Duration,
    /// The outcome is committed.
    pub(crate) written: Duration,
}

pub(crate) fn opened(opened: &Opened) {
    let opening = opened.cut.opening();
    tracing::info!(
        auction = opening.auction_id.get(),
        intents = opening.intents.len(),
        block = opening.block.number,
        closes_at_ms = opening.closes_at_ms,
        "auction opened"
    );
    metrics::counter!("gavel_auctions_opened_total").increment(1);
    metrics::histogram!("gavel_auction_intents").record(count(opening.intents.len()));
    let alone = opening.intents.iter().filter(|entry| entry.alone).count();
    metrics::counter!("gavel_auction_intents_alone_total").increment(alone as u64);
}

/// How long the window that opens is.
pub(crate) fn window(window: Duration) {
    metrics::gauge!("gavel_auction_window_seconds").set(window.as_secs_f64());
}

/// The winners were run, as far as the node answered.
pub(crate) fn simulated(simulation: &Simulation, took: Duration) {
    metrics::histogram!("gavel_simulation_seconds").record(took);
    metrics::histogram!("gavel_simulation_rounds").record(f64::from(simulation.rounds));
    metrics::counter!("gavel_simulation_incomplete_total")
        .increment(u64::from(!simulation.complete));
    for drop in &simulation.drops {
        let how = if drop.batch.len() == 1 { "alone" } else { "beside_others" };
        metrics::counter!("gavel_simulation_drops_total", "how" => how).increment(1);
        tracing::info!(
            bid = %drop.bid, fault = drop.fault, reason = %drop.reason, how,
            "a winner did not settle when it was run"
        );
    }
}

pub(crate) fn concluded(opened: &Opened, ruled: &Ruled, pace: &Pace) {
    let auction = opened.id().get();
    let bids = ruled.closing.bid_count;
    metrics::histogram!("gavel_auction_close_to_decision_seconds").record(pace.written);
    metrics::histogram!("gavel_auction_bids").record(f64::from(bids));
    let took_ms = pace.written.as_millis();
    match &ruled.outcome {
        Outcome::Void { reason } => {
            metrics::counter!("gavel_auctions_void_total", "reason" => reason.clone()).increment(1);
            tracing::warn!(auction, bids, reason, took_ms, "auction void");
        }
        Outcome::Decided { decision, .. } => {
            let unproven = !decision.gap.is_zero();
            metrics::counter!("gavel_auctions_decided_total").increment(1);
            metrics::counter!("gavel_auctions_unproven_total").increment(u64::from(unproven));
            metrics::histogram!("gavel_auction_nodes").record(count(decision.nodes as usize));
            metrics::histogram!("gavel_auction_winners").record(count(decision.winners.len()));
            tracing::info!(
                auction,
                bids,
                winners = decision.winners.len(),
                total_score = %decision.total_score,
                gap = %decision.gap,
                nodes = decision.nodes,
                collected_ms = pace.collected.as_millis(),
                closed_ms = pace.closed.as_millis(),
                drafted_ms = pace.drafted.as_millis(),
                judged_ms = pace.judged.as_millis(),
                took_ms,
                "auction decided"
            );
        }
    }
}

/// What follows from an outcome is done, `after` the close.
pub(crate) fn followed(next: Option<&Opened>, after: Duration) {
    metrics::histogram!("gavel_auction_close_to_next_seconds").record(after);
    tracing::debug!(
        next = next.map(|next| next.id().get()),
        after_ms = after.as_millis(),
        "wound up"
    );
}

/// What failed on chain was decided over once more.
pub(crate) fn runner_up(auction: AuctionId, winners: usize, free: usize) {
    let found = if winners > 0 { "found" } else { "none" };
    metrics::counter!("gavel_auction_runner_ups_total", "found" => found).increment(1);
    tracing::info!(auction = auction.get(), winners, free, "runner-up decided");
}

/// Counts are far below 2^32; figures of metrics are floating point by convention.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
