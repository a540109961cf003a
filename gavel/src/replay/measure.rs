//! One auction decided again, several times.

use std::time::Instant;

use domain::{
    Amount, AuctionId,
    auction::{Cut, Decision, Deliberation, PublicRecord, ReceivedBid, RecordFault, RecordedBid},
    eip712::SigningDomain,
};
use serde::Serialize;

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Replayed {
    pub(super) auction: AuctionId,
    pub(super) bids: usize,
    pub(super) intents: usize,
    pub(super) winners: usize,
    /// Median over the runs, in microseconds: from the recorded bids to the winners with their proof.
    pub(super) decide_us: u64,
    /// The same, for the reference scores of all winners.
    pub(super) references_us: u64,
    /// The winners' total score: surplus in numéraire atoms.
    pub(super) score: Amount,
    /// How far the best set could at most lie above it; zero = proven optimal.
    pub(super) gap: Amount,
    pub(super) nodes: u64,
    /// What bids taken by score, as long as they fit, would have come to.
    pub(super) greedy: Amount,
    /// Whether the decision is the recorded one.
    pub(super) as_recorded: bool,
}

/// Why a record cannot be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unplayable {
    /// Its contents are sealed still.
    #[error("is not published yet")]
    Sealed,
    /// There is no decision to make.
    #[error("is void")]
    Void,
    /// Opening record and intents do not belong together.
    #[error("{0}")]
    Record(RecordFault),
}

/// Decides `runs` times. The decision comes with its references.
pub(super) fn replay(record: &PublicRecord, runs: u32) -> Result<(Replayed, Decision), Unplayable> {
    let contents = record.contents.as_ref().ok_or(Unplayable::Sealed)?;
    let announced = record.decision.as_ref().ok_or(Unplayable::Void)?;
    let domain = SigningDomain::new(record.opening.chain_id, record.opening.settlement);
    let intents =
        contents.intents.iter().map(|found| (found.intent.id(&domain), found.intent.clone()));
    let cut = Cut::new(record.opening.clone(), intents.collect())
        .map_err(|error| Unplayable::Record(error.into()))?;
    let bids: Vec<ReceivedBid> = contents.bids.iter().map(received).collect();
    let recorded = contents.decision(announced);
    let left_out = recorded.left_out();
    let (mut decide_us, mut references_us) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..runs.max(1) {
        let begun = Instant::now();
        let mut deliberation = Deliberation::new(&cut, &bids, &contents.standings, &left_out);
        let mut decision = deliberation.decide();
        decide_us.push(begun.elapsed().as_micros());
        let begun = Instant::now();
        decision.references = deliberation.references(&decision);
        references_us.push(begun.elapsed().as_micros());
        last = Some((decision, deliberation.greedy()));
    }
    let (decision, greedy) = last.ok_or(Unplayable::Void)?;
    let replayed = Replayed {
        auction: record.opening.auction_id,
        bids: bids.len(),
        intents: cut.intents().len(),
        winners: decision.winners.len(),
        decide_us: median(decide_us),
        references_us: median(references_us),
        score: decision.total_score,
        gap: decision.gap,
        nodes: decision.nodes,
        greedy,
        as_recorded: decision == recorded,
    };
    Ok((replayed, decision))
}

fn received(bid: &RecordedBid) -> ReceivedBid {
    ReceivedBid { id: bid.id, ms: bid.ms, seq: bid.seq, bid: bid.signed.bid.clone() }
}

/// The middle one, the lower of two.
pub(super) fn median(mut times: Vec<u128>) -> u64 {
    times.sort_unstable();
    let middle = times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    u64::try_from(middle).unwrap_or(u64::MAX)
}
