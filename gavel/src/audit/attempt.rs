//! One of an auction's decisions, as its record tells it: its own, and the runner-up's.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    BidId, Intent, IntentId,
    auction::{
        Announced, Contents, Cut, Ending, PublicRecord, RecordedBid, Retrial, Simulation,
        Standings, Verdict, left_unfilled,
    },
};

/// A decision with what it was made on.
#[derive(Clone, Debug)]
pub(super) struct Attempt<'a> {
    /// 1 for the auction's own, 2 for the runner-up.
    pub(super) number: u8,
    /// The bids that were judged, in stream order.
    pub(super) bids: Vec<&'a RecordedBid>,
    pub(super) standings: &'a Standings,
    pub(super) simulation: Option<&'a Simulation>,
    pub(super) verdicts: &'a [Verdict],
    pub(super) winners: &'a [BidId],
}

impl<'a> Attempt<'a> {
    /// The auction's own decision; a void auction's has no winners.
    pub(super) fn first(record: &'a PublicRecord, contents: &'a Contents) -> Self {
        let winners = |decision: &'a Announced| decision.winners.as_slice();
        Self {
            number: 1,
            bids: contents.bids.iter().collect(),
            standings: &contents.standings,
            simulation: contents.simulation.as_ref(),
            verdicts: &contents.verdicts,
            winners: record.decision.as_ref().map_or(&[], winners),
        }
    }

    /// The decision over what failed on chain, if there was one.
    pub(super) fn second(contents: &'a Contents) -> Option<Self> {
        let second = contents.runner_up.as_ref()?;
        let decision = &second.decision;
        // of a record that holds, these are the bids that could win it
        let judged: BTreeSet<BidId> = decision.verdicts.iter().map(|found| found.bid).collect();
        Some(Self {
            number: 2,
            bids: contents.bids.iter().filter(|bid| judged.contains(&bid.id)).collect(),
            standings: &second.grounds.standings,
            simulation: second.simulation.as_ref(),
            verdicts: &decision.verdicts,
            winners: &decision.winners,
        })
    }

    /// What it was decided on, of the auction's intents as `messages`.
    pub(super) fn cut(
        &self,
        record: &PublicRecord,
        contents: &Contents,
        messages: BTreeMap<IntentId, Intent>,
    ) -> Option<Cut> {
        let cut = Cut::new(record.opening.clone(), messages).ok()?;
        match &contents.runner_up {
            Some(second) if self.number > 1 => {
                let first = contents.decision(record.decision.as_ref()?);
                Some(Retrial::new(&cut, &first, &second.grounds).cut().clone())
            }
            Some(_) | None => Some(cut),
        }
    }

    /// All there are of a published record.
    pub(super) fn all(record: &'a PublicRecord, contents: &'a Contents) -> Vec<Self> {
        [Some(Self::first(record, contents)), Self::second(contents)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// How many bids could have won a second attempt after these ends, had there been one.
pub(super) fn left_for_second(record: &PublicRecord, endings: &[Ending]) -> usize {
    let Some(contents) = &record.contents else { return 0 };
    let ended = endings.iter().filter_map(|ending| {
        let bid = contents.bids.iter().find(|bid| bid.id == ending.bid)?;
        Some((bid.signed.bid.fills(), ending.fault))
    });
    could_win(record, &left_unfilled(ended)).len()
}

/// The bids that could have won a second attempt, whatever the first one's winners came to: a reorg
/// may have taken back the ends that it rested on, and the attempt with them.
pub(super) fn may_have_won_second(record: &PublicRecord) -> Vec<&RecordedBid> {
    let (Some(contents), Some(announced)) = (&record.contents, &record.decision) else {
        return Vec::new();
    };
    let winners = contents.bids.iter().filter(|bid| announced.winners.contains(&bid.id));
    let fills = winners.flat_map(|bid| bid.signed.bid.fills());
    could_win(record, &fills.map(|fill| fill.intent).collect())
}

/// The bids that could win a second attempt over these intents.
fn could_win<'a>(record: &'a PublicRecord, left: &BTreeSet<IntentId>) -> Vec<&'a RecordedBid> {
    let (Some(contents), Some(announced)) = (&record.contents, &record.decision) else {
        return Vec::new();
    };
    if left.is_empty() {
        return Vec::new();
    }
    let spent: BTreeSet<BidId> = contents.decision(announced).left_out().into_keys().collect();
    let could_win = |bid: &&RecordedBid| {
        let mut fills = bid.signed.bid.fills().iter();
        !spent.contains(&bid.id)
            && !announced.winners.contains(&bid.id)
            && fills.all(|fill| left.contains(&fill.intent))
    };
    contents.bids.iter().filter(could_win).collect()
}
