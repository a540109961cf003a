//! Every commit and reveal of our contract, read from its logs once.

use std::collections::{BTreeMap, HashMap};

use alloy::sol_types::SolEvent as _;
use alloy_primitives::B256;
use domain::{AuctionId, IntentId, event::Fault};
use infra::chain::{Chain, ChainError, abi};

use super::{node::patiently, settled::Reveal};

/// Blocks asked about at once; halved where a node refuses so many.
const CHUNK: u64 = 2_000;

/// A reveal as its log tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    tx: B256,
    block: u64,
    commitment: B256,
    attempt: u8,
}

/// The logs up to some block.
#[derive(Debug)]
pub(super) struct Logs {
    next: u64,
    reveals: HashMap<AuctionId, Vec<Seen>>,
    commits: HashMap<B256, u64>,
    /// In which blocks an owner was short: of the intent whose digest begins so.
    short: HashMap<[u8; 28], Vec<u64>>,
}

impl Logs {
    /// From the block `from` on; nothing is read yet.
    pub(super) fn from(from: u64) -> Self {
        Self { next: from, reveals: HashMap::new(), commits: HashMap::new(), short: HashMap::new() }
    }

    /// The reveals of an auction with their transactions; reads on to the newest block if there are
    /// fewer than `expected` so far.
    pub(super) async fn reveals(
        &mut self,
        chain: &Chain,
        auction: AuctionId,
        expected: usize,
    ) -> Result<Vec<Reveal>, ChainError> {
        if self.reveals.get(&auction).map_or(0, Vec::len) < expected {
            self.read_on(chain).await?;
        }
        let mut reveals = Vec::new();
        for seen in self.reveals.get(&auction).into_iter().flatten() {
            reveals.push(self.reveal(chain, *seen).await?);
        }
        Ok(reveals)
    }

    /// A reveal of every auction that was revealed up to the newest block, by auction.
    pub(super) async fn revealed(
        &mut self,
        chain: &Chain,
    ) -> Result<BTreeMap<AuctionId, B256>, ChainError> {
        self.read_on(chain).await?;
        let first = self.reveals.iter().filter_map(|(id, seen)| Some((*id, seen.first()?.tx)));
        Ok(first.collect())
    }

    /// Whether a bid failed up to block `last` because this intent's owner was short, among what is
    /// read: at least the blocks up to the last reveal that was asked for.
    pub(super) fn owner_short(&self, intent: IntentId, last: u64) -> bool {
        let prefix = intent.as_bytes().first_chunk();
        let blocks = prefix.and_then(|prefix| self.short.get(prefix));
        blocks.is_some_and(|blocks| blocks.iter().any(|block| *block <= last))
    }

    async fn reveal(&self, chain: &Chain, seen: Seen) -> Result<Reveal, ChainError> {
        let gone = ChainError::BadAnswer("a transaction whose log it gave");
        let call = patiently(|| chain.mined_call(seen.tx)).await?.ok_or(gone.clone())?;
        let receipt = patiently(|| chain.receipt(seen.tx)).await?.ok_or(gone)?;
        Ok(Reveal {
            tx: seen.tx,
            block: seen.block,
            commitment: seen.commitment,
            attempt: seen.attempt,
            committed: self.commits.get(&seen.commitment).copied(),
            sender: call.from,
            to: call.to,
            input: call.input,
            logs: receipt.logs().iter().map(|log| log.inner.clone()).collect(),
        })
    }

    async fn read_on(&mut self, chain: &Chain) -> Result<(), ChainError> {
        let head = patiently(|| chain.block_latest()).await?.at.number;
        let mut chunk = CHUNK;
        while self.next <= head {
            let last = head.min(self.next.saturating_add(chunk - 1));
            match patiently(|| chain.settlement_logs(self.next, last)).await {
                Ok(logs) => {
                    logs.iter().for_each(|log| self.take(log));
                    self.next = last + 1;
                }
                Err(ChainError::Refused { .. }) if chunk > 1 => chunk /= 2,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, log: &alloy::rpc::types::Log) {
        let (Some(tx), Some(block)) = (log.transaction_hash, log.block_number) else { return };
        if let Ok(found) = abi::Committed::decode_log(&log.inner) {
            // the same commitment again: the first one counts
            self.commits.entry(found.commitment).or_insert(block);
        } else if let Ok(found) = abi::Revealed::decode_log(&log.inner) {
            let seen = Seen { tx, block, commitment: found.commitment, attempt: found.attempt };
            self.reveals.entry(AuctionId::new(found.auctionId)).or_default().push(seen);
        } else if let Ok(found) = abi::BidFailed::decode_log(&log.inner)
            && Fault::try_from(found.fault) == Ok(Fault::Owner)
            && let Some(named) = found.reason.last_chunk()
        {
            self.short.entry(*named).or_default().push(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::rpc::types::Log;
    use alloy_primitives::{Address, U256};

    use super::*;

    #[test]
    fn an_owners_fault_names_its_intent_from_its_block_on() {
        let named = B256::repeat_byte(7);
        let mut reason = B256::repeat_byte(0xee);
        reason[4..].copy_from_slice(&named[..28]);
        let mut logs = Logs::from(0);
        for (fault, block) in [(0, 3), (1, 4), (2, 5)] {
            let (bid, charge) = (B256::ZERO, U256::ZERO);
            let event = abi::BidFailed { bid, solver: Address::ZERO, fault, reason, charge };
            let data = event.encode_log_data();
            let inner = alloy_primitives::Log { address: Address::ZERO, data };
            let (block_number, transaction_hash) = (Some(block), Some(B256::ZERO));
            logs.take(&Log { inner, block_number, transaction_hash, ..Log::default() });
        }
        let intent = IntentId::new(named);
        assert!(logs.owner_short(intent, 5) && logs.owner_short(intent, 6));
        assert!(!logs.owner_short(intent, 4), "nobody's fault, or the solver's");
        assert!(!logs.owner_short(IntentId::new(B256::repeat_byte(8)), 9));
    }
}
