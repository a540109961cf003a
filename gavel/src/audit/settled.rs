//! A reveal against the record: pure.

use std::collections::{BTreeMap, BTreeSet};

use alloy::sol_types::SolCall as _;
use alloy_primitives::{Address, B256, Bytes, Log};
use domain::{
    BidId, IntentId,
    auction::{Contents, Cut, Ending, PublicRecord, Shares},
    batch::{self, BatchBid, SignedBid, SignedIntent},
    commitment::{BatchHeader, CommitPlace, commitment},
    eip712::SigningDomain,
};
use infra::chain::abi;

use super::{
    attempt::Attempt,
    fault::Fault,
    payments::{self, Ended, Unlogged},
};

/// A reveal as the chain has it.
#[derive(Clone, Debug)]
pub(super) struct Reveal {
    pub(super) tx: B256,
    pub(super) block: u64,
    /// Of the log.
    pub(super) commitment: B256,
    pub(super) attempt: u8,
    /// The block in which this commitment was made first, if it was.
    pub(super) committed: Option<u64>,
    /// Of the transaction.
    pub(super) sender: Address,
    pub(super) to: Option<Address>,
    pub(super) input: Bytes,
    /// Everything that was logged in it.
    pub(super) logs: Vec<Log>,
}

/// The winners with everything that their batch is made of.
#[derive(Debug)]
pub(super) struct Winners {
    pub(super) ids: Vec<BidId>,
    pub(super) bids: Vec<SignedBid>,
    pub(super) intents: BTreeMap<IntentId, SignedIntent>,
    pub(super) domain: SigningDomain,
    cut: Cut,
    header: BatchHeader,
}

impl Winners {
    /// The winners of one of a published record's decisions, nobody included; `None` if one of them
    /// is not recorded, or nothing was closed.
    pub(super) fn of(
        record: &PublicRecord,
        contents: &Contents,
        attempt: &Attempt<'_>,
    ) -> Option<Self> {
        let closing = record.closing?;
        let bids: BTreeMap<BidId, &SignedBid> =
            attempt.bids.iter().map(|bid| (bid.id, &bid.signed)).collect();
        let winning = attempt.winners.iter().map(|id| bids.get(id).map(|bid| (*bid).clone()));
        let domain = SigningDomain::new(record.opening.chain_id, record.opening.settlement);
        let intents: BTreeMap<_, _> = contents
            .intents
            .iter()
            .map(|found| (found.intent.id(&domain), found.clone()))
            .collect();
        let messages = intents.iter().map(|(id, found)| (*id, found.intent.clone())).collect();
        Some(Self {
            ids: attempt.winners.to_vec(),
            bids: winning.collect::<Option<_>>()?,
            intents,
            domain,
            cut: attempt.cut(record, contents, messages)?,
            header: BatchHeader {
                auction: record.opening.auction_id,
                attempt: attempt.number,
                open_hash: record.open_hash,
                bids_root: closing.bids_root,
                bid_count: closing.bid_count,
            },
        })
    }

    /// The batch of some of the auction's bids, in this order.
    pub(super) fn pack(&self, bids: &[SignedBid]) -> Result<Bytes, Fault> {
        let shares = Shares::of(&self.cut);
        let bids: Vec<BatchBid> = bids.iter().map(|signed| shares.in_batch(signed)).collect();
        batch::encode(&self.header, &bids, &self.intents)
            .map_err(|error| Fault::NoBatch(error.to_string()))
    }
}

/// What the chain shows of an auction's attempts: how the bids of each ended; `None` without a reveal.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) first: Option<Vec<Ending>>,
    pub(super) second: Option<Vec<Ending>>,
    /// Reveals of a batch that had been revealed before.
    pub(super) again: Vec<Again>,
    /// Payments that no log shows: whether they had to be logged, the plain list says.
    pub(super) unlogged: Vec<Unlogged>,
}

/// A batch revealed once more: a reorg takes a reveal back, another is sent, and both are mined.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) tx: B256,
    /// Bids that moved or cost something only now: none, if nothing changed between the two.
    pub(super) late: Vec<BidId>,
}

/// Every reveal of a published auction against the winners that it settles. The first one of an attempt
/// says how its bids ended. An honest settler reveals a batch again when a reorg took the first reveal
/// back, under a commitment with another salt, and the chain may keep both: in the later one a bid can
/// only do what it did not do before.
pub(super) fn settled(
    record: &PublicRecord,
    contents: &Contents,
    reveals: &[Reveal],
) -> Result<Settled, Fault> {
    let mut found = Settled::default();
    let attempts = Attempt::all(record, contents);
    let decided = |seen: &&Reveal| attempts.iter().any(|known| known.number == seen.attempt);
    if let Some(odd) = reveals.iter().find(|seen| !decided(seen)) {
        return Err(Fault::Attempt { attempt: odd.attempt, tx: odd.tx });
    }
    for attempt in &attempts {
        let mine = reveals.iter().filter(|seen| seen.attempt == attempt.number);
        let mine: Vec<&Reveal> = mine.collect();
        let Some((reveal, later)) = mine.split_first() else { continue };
        let winners = Winners::of(record, contents, attempt);
        let Some(winners) = winners.filter(|winners| !winners.ids.is_empty()) else {
            return Err(Fault::NobodyWon(reveal.tx));
        };
        let ended = found.read(&winners, reveal)?;
        for (n, again) in later.iter().enumerate() {
            // each commitment has a salt of its own
            let same = |seen: &&&Reveal| seen.commitment == again.commitment;
            if let Some(before) = mine[..=n].iter().find(same) {
                return Err(Fault::RevealedTwice(before.tx, again.tx));
            }
        }
        let mut spent: BTreeSet<BidId> = effective(&ended).collect();
        for again in later {
            let ended = found.read(&winners, again)?;
            let late: Vec<BidId> = effective(&ended).collect();
            if let Some(bid) = late.iter().find(|bid| !spent.insert(**bid)) {
                return Err(Fault::EndedTwice { bid: *bid, tx: again.tx });
            }
            found.again.push(Again { tx: again.tx, late });
        }
        let endings = Some(ended.into_iter().map(|ended| ended.ending).collect());
        if attempt.number == 1 { found.first = endings } else { found.second = endings }
    }
    Ok(found)
}

impl Settled {
    /// Holds a reveal against the winners; returns how their bids ended in it.
    fn read(&mut self, winners: &Winners, reveal: &Reveal) -> Result<Vec<Ended>, Fault> {
        check(winners, reveal)?;
        let (ended, unlogged) = payments::check(winners, reveal)?;
        self.unlogged.extend(unlogged);
        Ok(ended)
    }
}

fn effective(ended: &[Ended]) -> impl Iterator<Item = BidId> {
    ended.iter().filter(|ended| ended.effect).map(|ended| ended.ending.bid)
}

/// The revealed batch is what the winners make, it was committed to before, by who revealed it.
fn check(winners: &Winners, reveal: &Reveal) -> Result<(), Fault> {
    let tx = reveal.tx;
    let direct = reveal.to == Some(winners.domain.settlement());
    let call = abi::revealCall::abi_decode(&reveal.input).ok();
    let call = call.filter(|_| direct).ok_or(Fault::RevealCall(tx))?;
    let batch = winners.pack(&winners.bids)?;
    if call.batch != batch {
        let same = call.batch.iter().zip(&batch).take_while(|(a, b)| a == b).count();
        return Err(Fault::Batch { tx, at: same });
    }
    let place = CommitPlace { settler: reveal.sender, lane: call.lane };
    let made = commitment(&winners.domain, place, &winners.header, &call.batch, call.salt);
    if made != reveal.commitment {
        return Err(Fault::Commitment { tx, found: reveal.commitment, made });
    }
    let Some(committed) = reveal.committed else {
        let lane = call.lane.to_string();
        return Err(Fault::NotCommitted { tx, lane, settler: reveal.sender });
    };
    if committed >= reveal.block {
        return Err(Fault::TooEarly { committed, revealed: reveal.block });
    }
    Ok(())
}
