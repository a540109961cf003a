//! Which blocks come next: forward along the chain of hashes, back where it went another way.

use infra::{
    chain::{Block, Chain, logs},
    pg::{
        Pool,
        index::{self, Mark, Scope},
        lease::Lease,
    },
};
use tokio_util::sync::CancellationToken;

use super::{IndexError, IndexSettings};

/// Logs of one answer that are welcome; after a larger one the next range is shorter.
const LOGS: usize = 4_000;
/// Blocks of the first range; it doubles as long as answers stay small.
const FIRST_RANGE: u64 = 64;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// It moved, or knows better what to ask: the next step may follow at once.
    On,
    /// Nothing to do before the next block.
    Waiting,
}

/// Reads the logs of one contract, step by step, as long as its lease is valid.
#[derive(Debug)]
pub struct Indexer {
    pub(super) pool: Pool,
    pub(super) chain: Chain,
    pub(super) scope: Scope,
    pub(super) lease: Lease,
    pub(super) settings: IndexSettings,
    range: u64,
    lag: Option<u64>,
}

/// Where the chain goes on after what is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// Nowhere yet.
    Nothing,
    /// What is applied is not on it.
    Lost,
    /// With this block.
    Next(Block),
}

impl Indexer {
    /// A reader under a lease.
    #[must_use]
    pub fn new(pool: Pool, chain: Chain, settings: IndexSettings, lease: Lease) -> Self {
        let scope = Scope { chain_id: chain.domain().chain_id(), contract: chain.settlement() };
        let range = settings.range.min(FIRST_RANGE);
        Self { pool, chain, scope, lease, settings, range, lag: None }
    }

    /// Blocks between what is applied and the head, when last looked.
    #[must_use]
    pub const fn lag(&self) -> Option<u64> {
        self.lag
    }

    pub(super) const fn settings(&self) -> &IndexSettings {
        &self.settings
    }

    /// Applies one block or one range of them, or takes one back.
    ///
    /// # Errors
    /// An [`IndexError`]; what is marked is applied, and nothing else.
    pub async fn step(&mut self, token: &CancellationToken) -> Result<Walked, IndexError> {
        let head = self.chain.block_latest().await?;
        let Some(tip) = self.mark(u64::MAX).await? else { return self.begin(head).await };
        self.lag = Some(head.at.number.saturating_sub(tip.block.number));
        metrics::gauge!("gavel_index_block").set(crate::send::float(tip.block.number));
        let first = match self.look(head, tip).await? {
            Sight::Nothing => return Ok(Walked::Waiting),
            Sight::Lost => {
                self.unwind(tip, head).await?;
                return Ok(Walked::On);
            }
            Sight::Next(first) => first,
        };
        let deep = head.at.number.saturating_sub(self.settings.finality_blocks);
        let now_s = head.timestamp;
        if first.at.number < deep {
            return self.read_range(tip, first.at.number, deep, now_s, token).await;
        }
        let logs = self.chain.settlement_logs_of(first.at.hash).await?;
        let number = first.at.number;
        let found = logs::read(self.scope.contract, number..=number, &logs)?;
        if found.iter().any(|found| found.at.block != first.at) {
            return Err(infra::chain::ChainError::BadAnswer("eth_getLogs, of another block").into());
        }
        self.apply(tip, &found, first.at, now_s, token).await?;
        self.end_the_overtaken(now_s).await?;
        Ok(Walked::On)
    }

    pub(super) async fn mark(&self, number: u64) -> Result<Option<Mark>, IndexError> {
        let mut conn = self.pool.acquire().await?;
        Ok(index::mark(&mut conn, self.scope, number).await?)
    }

    /// The first mark: everything up to the block before the start counts as applied.
    async fn begin(&mut self, head: Block) -> Result<Walked, IndexError> {
        let safe = head.at.number.saturating_sub(self.settings.finality_blocks);
        let start = self.settings.start_block.unwrap_or(safe);
        let before = start.saturating_sub(1);
        if before > head.at.number {
            return Ok(Walked::Waiting);
        }
        let base = self.block(before).await?;
        tracing::info!(contract = %self.scope.contract, start, "reading logs for the first time");
        self.advance(Mark::whole(base.at)).await?;
        Ok(Walked::On)
    }

    async fn look(&self, head: Block, tip: Mark) -> Result<Sight, IndexError> {
        let half = tip.logs.is_some();
        let first = if half { tip.block.number } else { tip.block.number + 1 };
        if head.at.number < first {
            // a node that is behind, or a chain that is shorter than it was
            let known = self.mark(head.at.number).await?;
            let other = known.is_some_and(|known| {
                known.block.number == head.at.number && known.block.hash != head.at.hash
            });
            return Ok(if other { Sight::Lost } else { Sight::Nothing });
        }
        let next = if first == head.at.number { head } else { self.block(first).await? };
        let follows = if half { next.at == tip.block } else { next.parent == tip.block.hash };
        if !follows {
            return Ok(Sight::Lost);
        }
        let confirmed = head.at.number - (self.settings.confirmations - 1).min(head.at.number);
        Ok(if first <= confirmed { Sight::Next(next) } else { Sight::Nothing })
    }

    pub(super) async fn block(&self, number: u64) -> Result<Block, IndexError> {
        self.chain.block_by_number(number).await?.ok_or(IndexError::Missing(number))
    }

    /// Reads blocks that nothing takes back any more. A range that is not answered is asked for
    /// again at half its length, whatever the node's reason: they have many words for it.
    async fn read_range(
        &mut self,
        tip: Mark,
        first: u64,
        deep: u64,
        now_s: u64,
        token: &CancellationToken,
    ) -> Result<Walked, IndexError> {
        let last = deep.min(first.saturating_add(self.range - 1));
        let blocks = last - first + 1;
        let logs = match self.chain.settlement_logs(first, last).await {
            Ok(logs) if logs.len() > LOGS && blocks > 1 => {
                self.range = (blocks / 2).max(1);
                return Ok(Walked::On);
            }
            Ok(logs) => logs,
            Err(error) => {
                self.range = (blocks / 2).max(1);
                tracing::debug!(%error, first, last, "range not answered");
                let refused = matches!(error, infra::chain::ChainError::Refused { .. });
                return if refused && blocks > 1 { Ok(Walked::On) } else { Err(error.into()) };
            }
        };
        // asked for after the logs: a node that has this block had all of them
        let last = self.block(last).await?;
        let found = logs::read(self.scope.contract, first..=last.at.number, &logs)?;
        let few = logs.len() < LOGS / 4;
        drop(logs);
        self.apply(tip, &found, last.at, now_s, token).await?;
        if few && blocks == self.range {
            self.range = (self.range * 2).min(self.settings.range);
        }
        Ok(Walked::On)
    }
}
