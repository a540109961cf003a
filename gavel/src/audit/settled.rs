//! A reveal against the record: pure.

use std::collections::BTreeMap;

use alloy::sol_types::SolCall as _;
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use domain::{
    BidId, IntentId,
    auction::{Cut, PublicRecord, Shares},
    batch::{self, BatchBid, SignedBid, SignedIntent},
    commitment::{BatchHeader, CommitPlace, commitment},
    eip712::SigningDomain,
};
use infra::chain::abi;

use super::fault::Fault;

/// A reveal as the chain has it.
#[derive(Clone, Debug)]
pub(super) struct Reveal {
    pub(super) tx: B256,
    pub(super) block: u64,
    /// Of the log.
    pub(super) settler: Address,
    pub(super) lane: U256,
    pub(super) commitment: B256,
    pub(super) attempt: u8,
    /// The block in which this settler made this commitment in this lane, if it did.
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
    /// The winners of a published record, nobody included; `None` while it is not published, and
    /// where nothing was decided.
    pub(super) fn of(record: &PublicRecord) -> Option<Self> {
        let (contents, decision) = (record.contents.as_ref()?, record.decision.as_ref()?);
        let closing = record.closing?;
        let bids: BTreeMap<BidId, &SignedBid> =
            contents.bids.iter().map(|bid| (bid.id, &bid.signed)).collect();
        let winning = decision.winners.iter().map(|id| bids.get(id).map(|bid| (*bid).clone()));
        let domain = SigningDomain::new(record.opening.chain_id, record.opening.settlement);
        let intents: BTreeMap<_, _> = contents
            .intents
            .iter()
            .map(|found| (found.intent.id(&domain), found.clone()))
            .collect();
        let messages = intents.iter().map(|(id, found)| (*id, found.intent.clone())).collect();
        Some(Self {
            ids: decision.winners.clone(),
            bids: winning.collect::<Option<_>>()?,
            intents,
            domain,
            cut: Cut::new(record.opening.clone(), messages).ok()?,
            header: BatchHeader {
                auction: record.opening.auction_id,
                attempt: 1,
                open_hash: record.open_hash,
                bids_root: closing.bids_root,
                bid_count: closing.bid_count,
            },
        })
    }

    /// The batch of some of the auction's bids, in this order.
    pub(super) fn pack(&self, bids: &[SignedBid]) -> Result<Bytes, Fault> {
        let shares = Shares::of(&self.cut);
        let in_batch = |signed: &SignedBid| BatchBid {
            shares: shares.of_bid(&signed.bid),
            signed: signed.clone(),
        };
        let bids: Vec<BatchBid> = bids.iter().map(in_batch).collect();
        batch::encode(&self.header, &bids, &self.intents)
            .map_err(|error| Fault::NoBatch(error.to_string()))
    }
}

/// The revealed batch is what the winners make, it was committed to before, by who revealed it.
pub(super) fn check(winners: &Winners, reveal: &Reveal) -> Result<(), Fault> {
    let tx = reveal.tx;
    if reveal.attempt != winners.header.attempt {
        return Err(Fault::Attempt { attempt: reveal.attempt, tx });
    }
    let direct = reveal.to == Some(winners.domain.settlement()) && reveal.sender == reveal.settler;
    let call = abi::revealCall::abi_decode(&reveal.input).ok();
    let call = call.filter(|call| direct && call.lane == reveal.lane);
    let call = call.ok_or(Fault::RevealCall(tx))?;
    let batch = winners.pack(&winners.bids)?;
    if call.batch != batch {
        let same = call.batch.iter().zip(&batch).take_while(|(a, b)| a == b).count();
        return Err(Fault::Batch { tx, at: same });
    }
    let place = CommitPlace { settler: reveal.settler, lane: reveal.lane };
    let made = commitment(&winners.domain, place, &winners.header, &call.batch, call.salt);
    if made != reveal.commitment {
        return Err(Fault::Commitment { tx, found: reveal.commitment, made });
    }
    let Some(committed) = reveal.committed else {
        let lane = reveal.lane.to_string();
        return Err(Fault::NotCommitted { tx, lane, settler: reveal.settler });
    };
    if committed >= reveal.block {
        return Err(Fault::TooEarly { committed, revealed: reveal.block });
    }
    Ok(())
}
