//! What our contract's logs tell those who did not send the transaction. The contract is the only
//! emitter believed, and an answer that contradicts itself is refused whole.

use std::ops::RangeInclusive;

use alloy::{
    primitives::{Address, B256, Log as RawLog, U256},
    providers::Provider as _,
    rpc::types::{Filter, Log},
};
use alloy_sol_types::SolEvent;
use domain::{
    Amount, BidId, IntentId,
    bid::Fill,
    event::{BlockRef, PenaltyShare, TxRef},
};

use super::{Chain, ChainError, abi};

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// Its block.
    pub block: BlockRef,
    /// Its transaction.
    pub tx: B256,
    /// Its number among all logs of the block.
    pub index: u64,
}

impl LogPlace {
    /// As evidence for what it tells.
    #[must_use]
    pub const fn evidence(&self) -> TxRef {
        TxRef { tx: self.tx, block: self.block }
    }
}

/// One thing that logs told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its last log.
    pub at: LogPlace,
    /// What.
    pub told: Told,
}

/// What the logs tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// An owner took nonces away: those of the word `word` whose bits are in `mask`.
    NoncesInvalidated {
        /// Whose.
        owner: Address,
        /// The nonces' upper 248 bits; whatever the caller gave.
        word: U256,
        /// Their lower 8 bits, one bit each.
        mask: U256,
    },
    /// A batch was revealed in which bids settled.
    Revealed(Reveal),
    /// A solver's bond was cut.
    PenaltyTaken(Penalty),
}

/// A revealed batch, as far as it settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// The commitment it opened.
    pub commitment: B256,
    /// The bids that settled, in their order.
    pub bids: Vec<Settled>,
}

/// A bid that settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The bid.
    pub bid: BidId,
    /// What it moved.
    pub fills: Vec<Fill>,
}

/// A penalty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Penalty {
    /// The bid that failed.
    pub bid: BidId,
    /// Whose bond was cut.
    pub solver: Address,
    /// By how much, wei.
    pub amount: Amount,
    /// What of it is burned, wei.
    pub burned: Amount,
    /// What owners may claim of it.
    pub shares: Vec<PenaltyShare>,
}

impl Chain {
    /// The logs of `Settlement` in the blocks `from..=to`, in order.
    ///
    /// # Errors
    /// Those of any request; nodes refuse ranges that are too long, or answers that are too large.
    pub async fn settlement_logs(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let filter = Filter::new().address(self.settlement()).from_block(from).to_block(to);
        self.ask("eth_getLogs", async { self.provider.get_logs(&filter).await }).await
    }

    /// The logs of `Settlement` in one block, by its hash: never those of another block in its
    /// place.
    ///
    /// # Errors
    /// Those of any request; nodes refuse a block they do not have.
    pub async fn settlement_logs_of(&self, block: B256) -> Result<Vec<Log>, ChainError> {
        let filter = Filter::new().address(self.settlement()).at_block_hash(block);
        self.ask("eth_getLogs", async { self.provider.get_logs(&filter).await }).await
    }
}

/// What the logs of `blocks` tell, in their order. Logs of other contracts tell nothing.
///
/// # Errors
/// [`ChainError::BadAnswer`] for logs that are not in these blocks, not in order, taken back, or
/// that our contract cannot have written.
pub fn read(
    contract: Address,
    blocks: RangeInclusive<u64>,
    logs: &[Log],
) -> Result<Vec<Found>, ChainError> {
    let mut reader = Reader::default();
    let mut last = None;
    for log in logs.iter().filter(|log| log.address() == contract) {
        let at = place(log).ok_or(ChainError::BadAnswer("eth_getLogs, with pending logs"))?;
        let order = (at.block.number, at.index);
        if !blocks.contains(&order.0) || last.is_some_and(|last| last >= order) {
            return Err(ChainError::BadAnswer("eth_getLogs, with logs out of place"));
        }
        last = Some(order);
        reader.take(at, &log.inner)?;
    }
    reader.close_reveal();
    let mut found = reader.found;
    found.sort_by_key(|found| (found.at.block.number, found.at.index));
    Ok(found)
}

/// None if it is in no block, or not any more.
fn place(log: &Log) -> Option<LogPlace> {
    let block = BlockRef { number: log.block_number?, hash: log.block_hash? };
    let at = LogPlace { block, tx: log.transaction_hash?, index: log.log_index? };
    (!log.removed).then_some(at)
}

/// Reads log by log; a reveal is what stands between its first log and the next reveal's, or the
/// end of its transaction.
#[derive(Default)]
struct Reader {
    found: Vec<Found>,
    reveal: Option<(LogPlace, Reveal)>,
}

impl Reader {
    fn take(&mut self, at: LogPlace, log: &RawLog) -> Result<(), ChainError> {
        if self.reveal.as_ref().is_some_and(|(last, _)| last.tx != at.tx) {
            self.close_reveal();
        }
        let Some(topic) = log.topics().first() else { return Ok(()) };
        match *topic {
            abi::NoncesInvalidated::SIGNATURE_HASH => {
                let log = decode::<abi::NoncesInvalidated>(log)?;
                let (owner, word, mask) = (log.owner, log.word, log.mask);
                self.found.push(Found { at, told: Told::NoncesInvalidated { owner, word, mask } });
            }
            abi::PenaltyTaken::SIGNATURE_HASH => {
                let penalty = penalty_of(decode::<abi::PenaltyTaken>(log)?)?;
                self.found.push(Found { at, told: Told::PenaltyTaken(penalty) });
            }
            abi::Revealed::SIGNATURE_HASH => {
                self.close_reveal();
                let commitment = decode::<abi::Revealed>(log)?.commitment;
                self.reveal = Some((at, Reveal { commitment, bids: Vec::new() }));
            }
            abi::BidSettled::SIGNATURE_HASH => {
                let (last, reveal) = self
                    .reveal
                    .as_mut()
                    .ok_or(ChainError::BadAnswer("eth_getLogs, without the reveal of a bid"))?;
                *last = at;
                reveal.bids.push(settled(&decode(log)?));
            }
            _ => {}
        }
        Ok(())
    }

    fn close_reveal(&mut self) {
        if let Some((at, reveal)) = self.reveal.take()
            && !reveal.bids.is_empty()
        {
            self.found.push(Found { at, told: Told::Revealed(reveal) });
        }
    }
}

fn settled(log: &abi::BidSettled) -> Settled {
    Settled { bid: BidId::new(log.bid), fills: log.fills.iter().map(Fill::from).collect() }
}

impl From<&abi::Fill> for Fill {
    fn from(fill: &abi::Fill) -> Self {
        Self {
            intent: IntentId::new(fill.intent),
            sold: Amount::new(fill.amounts >> 128),
            bought: Amount::new(fill.amounts & U256::from(u128::MAX)),
        }
    }
}

fn penalty_of(log: abi::PenaltyTaken) -> Result<Penalty, ChainError> {
    if log.owners.len() != log.amounts.len() {
        return Err(ChainError::BadAnswer("eth_getLogs, with a penalty's shares"));
    }
    let shares = log.owners.into_iter().zip(log.amounts);
    Ok(Penalty {
        bid: BidId::new(log.bid),
        solver: log.solver,
        amount: Amount::new(log.amount),
        burned: Amount::new(log.burned),
        shares: shares
            .map(|(owner, amount)| PenaltyShare { owner, amount: Amount::new(amount) })
            .collect(),
    })
}

fn decode<E: SolEvent>(log: &RawLog) -> Result<E, ChainError> {
    let decoded = E::decode_log(log).map_err(|_| ChainError::BadAnswer(E::SIGNATURE))?;
    Ok(decoded.data)
}

#[cfg(test)]
mod tests;
