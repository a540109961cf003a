//! Numbers for people.

use std::fmt::Write as _;

use domain::{Amount, auction::Ruling};

use super::{measure::Replayed, own::OwnBids};
use crate::audit::scientific;

pub(super) const HEAD: &str = "auction   bids  winners  decide us  references us  optimal      score         greedy        over greedy  as recorded";

pub(super) fn row(found: &Replayed) -> String {
    let optimal = if found.gap.is_zero() {
        "proven".to_owned()
    } else {
        format!("gap {}", scientific(found.gap))
    };
    format!(
        "{:<9} {:<5} {:<8} {:<10} {:<14} {optimal:<12} {:<13} {:<13} {:<12} {}",
        found.auction.to_string(),
        found.bids,
        found.winners,
        found.decide_us,
        found.references_us,
        scientific(found.score),
        scientific(found.greedy),
        over(found.score, found.greedy),
        if found.as_recorded { "yes" } else { "NO" },
    )
}

/// How much more the one is than the other, in hundredths of a per cent rounded down.
pub(super) fn over(score: Amount, greedy: Amount) -> String {
    let more = score.saturating_sub(greedy);
    let bps = if greedy.is_zero() {
        None
    } else {
        more.mul_div_floor(alloy_primitives::U256::from(10_000), greedy.get())
    };
    match bps.and_then(|bps| u64::try_from(bps.get()).ok()) {
        Some(bps) => format!("+{}.{:02} %", bps / 100, bps % 100),
        None if more.is_zero() => "+0.00 %".to_owned(),
        None => "all".to_owned(),
    }
}

/// A line for each of the solver's bids, and one for what it added.
pub(super) fn own(found: &OwnBids) -> String {
    let mut text = String::new();
    for bid in &found.bids {
        let line = match &bid.ruling {
            Ruling::Won { score, rank, token: None } => {
                format!("won    rank {rank}, score {}", scientific(*score))
            }
            Ruling::Won { score, rank, token: Some(token) } => {
                format!("won    rank {rank}, {} atoms of {token}", scientific(*score))
            }
            Ruling::Lost { score, short_by, token } => {
                let unit = token.map(|token| format!(" atoms of {token}")).unwrap_or_default();
                let (score, short_by) = (scientific(*score), scientific(*short_by));
                format!("lost   score {score}, short by {short_by}{unit}")
            }
            Ruling::Dropped(reason) => format!("dropped {}: {reason}", reason.code()),
        };
        let _ = writeln!(text, "  {} {line}", bid.bid);
    }
    if let Some(reference) = found.reference {
        let added = found.total.saturating_sub(reference);
        let (reference, added) = (scientific(reference), scientific(added));
        let _ = writeln!(text, "  without this solver {reference}: it added {added}");
    }
    text
}

/// Over all auctions.
#[derive(Debug, Default)]
pub(super) struct Sum {
    auctions: u64,
    proven: u64,
    as_recorded: u64,
    score: Amount,
    greedy: Amount,
    times: Vec<u128>,
}

impl Sum {
    pub(super) fn add(&mut self, found: &Replayed) {
        self.auctions += 1;
        self.proven += u64::from(found.gap.is_zero());
        self.as_recorded += u64::from(found.as_recorded);
        self.score = self.score.checked_add(found.score).unwrap_or(Amount::MAX);
        self.greedy = self.greedy.checked_add(found.greedy).unwrap_or(Amount::MAX);
        self.times.push(found.decide_us.into());
    }

    /// How many came out otherwise than recorded.
    pub(super) const fn differing(&self) -> u64 {
        self.auctions - self.as_recorded
    }

    pub(super) fn text(self) -> String {
        format!(
            "{} auctions: {} proven optimal, {} as recorded, score {} (greedy {}, {}), median {} us",
            self.auctions,
            self.proven,
            self.as_recorded,
            scientific(self.score),
            scientific(self.greedy),
            over(self.score, self.greedy),
            super::measure::median(self.times),
        )
    }
}
