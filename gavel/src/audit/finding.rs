//! What an audit comes to, in a line for people or for machines.

use std::fmt::Write as _;

use alloy_primitives::B256;
use domain::{Amount, AuctionId};
use serde_json::{Value, json};

use super::fault::Fault;

/// How an auction stands up to its audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Everything comes out as published, as far as it could be repeated.
    Ok,
    /// Not everything is public yet: why.
    Pending(String),
    /// Without winners, because its bids could not be vouched for: the operator's reason.
    Void(String),
    /// The first difference.
    Failed(Fault),
}

/// One auction's audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) auction: AuctionId,
    pub(crate) state: State,
    pub(crate) bids: Option<u32>,
    pub(crate) winners: Option<usize>,
    pub(crate) score: Option<Amount>,
    pub(crate) gap: Option<Amount>,
    /// Receipts that were held against it.
    pub(crate) receipts: usize,
    /// The reveal, if it took place.
    pub(crate) settled: Option<B256>,
    /// The reveal of the second attempt.
    pub(crate) runner_up: Option<B256>,
    /// Reveals of a batch that had been revealed before.
    pub(crate) again: Vec<B256>,
    /// Winners that failed on chain, in either attempt.
    pub(crate) failed_bids: usize,
    /// What could not be repeated, and why.
    pub(crate) unchecked: Vec<String>,
}

impl Finding {
    pub(crate) const fn new(auction: AuctionId) -> Self {
        Self {
            auction,
            state: State::Ok,
            bids: None,
            winners: None,
            score: None,
            gap: None,
            receipts: 0,
            settled: None,
            runner_up: None,
            again: Vec::new(),
            failed_bids: 0,
            unchecked: Vec::new(),
        }
    }

    /// The same, found wanting.
    #[must_use]
    pub(crate) fn failed(self, fault: Fault) -> Self {
        Self { state: State::Failed(fault), ..self }
    }

    /// `auction 17  ok   12 bids  3 winners  score 1.234e18  proven  settled in 0x…  payments checked`
    pub(crate) fn text(&self) -> String {
        let mut line = format!("auction {:<5}", self.auction);
        let word = match &self.state {
            State::Ok => "ok",
            State::Pending(_) => "pending",
            State::Void(_) => "void",
            State::Failed(_) => "FAILED",
        };
        let _ = write!(line, " {word:<8}");
        if let Some(bids) = self.bids {
            let _ = write!(line, " {bids} bids ");
        }
        if let (Some(winners), Some(score)) = (self.winners, self.score) {
            let _ = write!(line, " {winners} winners  score {} ", scientific(score));
        }
        match self.gap {
            Some(gap) if gap.is_zero() => line.push_str(" proven "),
            Some(gap) => drop(write!(line, " gap {} ", scientific(gap))),
            None => {}
        }
        if self.receipts > 0 {
            let _ = write!(line, " {} receipts held ", self.receipts);
        }
        match (&self.state, self.settled) {
            (State::Ok, Some(tx)) => {
                let _ = write!(line, " settled in {tx}  payments checked ");
            }
            (State::Ok, None) if self.winners.is_some_and(|n| n > 0) && self.checked_chain() => {
                line.push_str(" not settled: given up or expired ");
            }
            (State::Ok, None) => {}
            (State::Pending(why) | State::Void(why), _) => drop(write!(line, " {why} ")),
            (State::Failed(fault), _) => drop(write!(line, " {fault} ")),
        }
        if self.failed_bids > 0 {
            let _ = write!(line, " {} failed on chain ", self.failed_bids);
        }
        if let (State::Ok, Some(tx)) = (&self.state, self.runner_up) {
            let _ = write!(line, " runner-up settled in {tx} ");
        }
        for tx in &self.again {
            let _ = write!(line, " revealed again in {tx} ");
        }
        for what in &self.unchecked {
            let _ = write!(line, " unchecked: {what} ");
        }
        line.trim_end().to_owned()
    }

    fn checked_chain(&self) -> bool {
        !self.unchecked.iter().any(|what| what.starts_with("the chain"))
    }

    pub(crate) fn json(&self) -> Value {
        let (state, why) = match &self.state {
            State::Ok => ("ok", Value::Null),
            State::Pending(why) => ("pending", json!(why)),
            State::Void(why) => ("void", json!(why)),
            State::Failed(fault) => {
                ("failed", json!({ "code": fault.code(), "detail": fault.to_string() }))
            }
        };
        json!({
            "auction": self.auction, "state": state, "why": why, "bids": self.bids,
            "winners": self.winners, "score": self.score, "gap": self.gap,
            "receipts": self.receipts, "settled": self.settled,
            "runner_up": self.runner_up, "revealed_again": self.again,
            "failed_bids": self.failed_bids, "unchecked": self.unchecked,
        })
    }
}

/// An amount with four digits, as a calculator shows it: 1.234e18.
pub(crate) fn scientific(amount: Amount) -> String {
    let digits = amount.to_string();
    if digits.len() <= 6 {
        return digits;
    }
    let (first, rest) = digits.split_at(1);
    format!("{first}.{}e{}", rest.get(..3).unwrap_or(rest), digits.len() - 1)
}

/// How many of each there were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) ok: usize,
    pub(crate) pending: usize,
    pub(crate) void: usize,
    pub(crate) failed: usize,
    pub(crate) settled: usize,
    pub(crate) bids: u64,
    pub(crate) unchecked: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, finding: &Finding) {
        match &finding.state {
            State::Ok => self.ok += 1,
            State::Pending(_) => self.pending += 1,
            State::Void(_) => self.void += 1,
            State::Failed(_) => self.failed += 1,
        }
        self.settled += usize::from(finding.settled.is_some());
        self.bids += u64::from(finding.bids.unwrap_or_default());
        self.unchecked += usize::from(!finding.unchecked.is_empty());
    }

    pub(crate) const fn total(&self) -> usize {
        self.ok + self.pending + self.void + self.failed
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ok, pending, void, failed, settled, bids, unchecked } = self;
        write!(
            f,
            "{} auctions, {bids} bids: {ok} ok ({settled} settled), {pending} pending, {void} void, \
             {failed} failed; {unchecked} with something unchecked",
            self.total()
        )?;
        if *unchecked > 0 { f.write_str(": --strict fails on that") } else { Ok(()) }
    }
}
