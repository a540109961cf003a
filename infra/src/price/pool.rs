//! The time-weighted price of a Uniswap V2 pair.
//!
//! The pair is looked at in every new block that a poll finds, at that block's hash; what is remembered is
//! [`History`]. Where that does not reach back far enough (after a start, after a long silence) the missing
//! observation is read from the state of an older block, if the node still has it. Full nodes keep some
//! 128 blocks, which may be less than the window: then there is no price until the window has been
//! watched, and never one over a shorter time.

mod search;

use std::time::Duration;

use alloy::{eips::BlockId, primitives::U256};
use domain::price::{Dated, History, Observation, PairState};

use self::search::{Next, Search};
use super::{PriceSource, Quote, Reading, SourceError, Worth};
use crate::{
    chain::{Block, Chain, ChainError},
    config::PoolConfig,
};

alloy_sol_types::sol! {
    function token0() external view returns (address token);
    function token1() external view returns (address token);
    function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 touched);
    function price0CumulativeLast() external view returns (uint256 sum);
    function price1CumulativeLast() external view returns (uint256 sum);
}

/// Blocks looked at to find the one at a given time; a search by halves needs far fewer.
const PROBES: u32 = 96;
/// A window is tried to be filled from the node's past this many times while it is watched.
const FILLS_PER_WINDOW: u64 = 8;

/// One pair.
#[derive(Debug)]
pub struct UniswapV2 {
    config: PoolConfig,
    chain: Chain,
    block_time_ms: u64,
    /// Whether the token is the pair's `token0`; unknown before the pair is first looked at.
    is_token0: Option<bool>,
    history: History,
    /// The block time before which the node's past is not asked about again, Unix seconds.
    fill_from_s: u64,
}

impl UniswapV2 {
    /// The pair of these settings. `block_time_ms` is about the time between two blocks.
    #[must_use]
    pub fn new(config: &PoolConfig, chain: Chain, block_time_ms: u64) -> Self {
        let history = History::new(config.window_s);
        let config = config.clone();
        Self { config, chain, block_time_ms, is_token0: None, history, fill_from_s: 0 }
    }

    /// Looks at the newest block, and gives the average up to it, if there is one.
    async fn look(&mut self) -> Result<Vec<Quote>, SourceError> {
        let head = self.chain.block_latest().await?;
        self.retract(&head).await?;
        let known = self.history.newest().is_some_and(|newest| newest.block == head.at);
        if !known {
            match self.observe(&head, head.timestamp).await {
                Ok(seen) => self.history.push(seen),
                Err(error) => return Err(self.give_up(error, &head)),
            }
        }
        if let Some(target_s) = self.history.lacks() {
            self.fill(&head, target_s).await;
        }
        let Some((average, newest)) = self.history.average().zip(self.history.newest()) else {
            return Ok(Vec::new());
        };
        let worth = Worth::Of(self.config.quote, average);
        let dated = Dated::Block(newest.time_s);
        Ok(vec![Quote { token: self.config.token, worth, dated }])
    }

    /// A pair that was thin for a moment could be moved for nothing in it: its past counts no more,
    /// and it is watched for a whole window again.
    fn give_up(&mut self, error: SourceError, head: &Block) -> SourceError {
        if error == SourceError::ThinPair {
            self.history = History::new(self.config.window_s);
            self.fill_from_s = head.timestamp.saturating_add(self.config.window_s);
        }
        error
    }

    /// Forgets what was seen in blocks that are not on the chain any more.
    async fn retract(&mut self, head: &Block) -> Result<(), ChainError> {
        while let Some(newest) = self.history.newest() {
            let block = newest.block;
            let follows = block == head.at || block.hash == head.parent;
            if follows || self.chain.is_canonical(block).await? {
                break;
            }
            self.history.retract(block);
        }
        Ok(())
    }

    /// The pair after `block`, brought forward to `time_s`.
    async fn observe(&mut self, block: &Block, time_s: u64) -> Result<Observation, SourceError> {
        let at = BlockId::from(block.at.hash);
        let is_token0 = match self.is_token0 {
            Some(known) => known,
            None => self.side(at).await?,
        };
        self.is_token0 = Some(is_token0);
        let state = self.state(is_token0, at).await?;
        if state.quote_reserve < self.config.min_quote_reserve.get() {
            return Err(SourceError::ThinPair);
        }
        state.observe(block.at, time_s).ok_or(SourceError::ThinPair)
    }

    async fn side(&self, at: BlockId) -> Result<bool, SourceError> {
        let PoolConfig { pair, token, quote, .. } = self.config;
        let (first, second) = tokio::try_join!(
            self.chain.view(pair, &token0Call {}, at),
            self.chain.view(pair, &token1Call {}, at),
        )?;
        match (first, second) {
            pair if pair == (token, quote) => Ok(true),
            pair if pair == (quote, token) => Ok(false),
            _ => Err(SourceError::OtherPair),
        }
    }

    async fn state(&self, is_token0: bool, at: BlockId) -> Result<PairState, ChainError> {
        let (pair, chain) = (self.config.pair, &self.chain);
        let sum = async {
            match is_token0 {
                true => chain.view(pair, &price0CumulativeLastCall {}, at).await,
                false => chain.view(pair, &price1CumulativeLastCall {}, at).await,
            }
        };
        let (found, cumulative) = tokio::try_join!(chain.view(pair, &getReservesCall {}, at), sum)?;
        let (mut reserve, mut quote_reserve) =
            (U256::from(found.reserve0), U256::from(found.reserve1));
        if !is_token0 {
            std::mem::swap(&mut reserve, &mut quote_reserve);
        }
        Ok(PairState { reserve, quote_reserve, cumulative, touched_s: found.touched })
    }

    /// Reads from the node's past what the history lacks: the pair as it was at `target_s`. Not
    /// being able to is nothing to complain of, only a reason to go on watching.
    async fn fill(&mut self, head: &Block, target_s: u64) {
        if head.timestamp < self.fill_from_s {
            return;
        }
        self.fill_from_s = head.timestamp.saturating_add(self.config.window_s / FILLS_PER_WINDOW);
        let seen = self.past(head, target_s).await;
        let (source, window_s) = (&self.config.name, self.config.window_s);
        match seen {
            Ok(Some(seen)) => self.history.begin_with(seen),
            Ok(None) => tracing::info!(source, window_s, "the chain is younger than the window"),
            Err(error) => {
                tracing::info!(source, window_s, %error, "no past to average over, watching it first");
            }
        }
    }

    /// The pair as it was at a time; `None` if there was no chain then.
    async fn past(
        &mut self,
        head: &Block,
        time_s: u64,
    ) -> Result<Option<Observation>, SourceError> {
        match self.block_at(head, time_s).await? {
            // nothing has touched the pair between that block and the time asked for
            Some(block) => Ok(Some(self.observe(&block, time_s).await?)),
            None => Ok(None),
        }
    }

    /// The last block at or before a time; `None` if the chain has none.
    async fn block_at(&self, head: &Block, time_s: u64) -> Result<Option<Block>, ChainError> {
        let mut search = Search::new(*head, time_s, self.block_time_ms);
        for _ in 0..PROBES {
            let number = match search.next() {
                Next::Found(block) => return Ok(Some(block)),
                Next::None => return Ok(None),
                Next::Ask(number) => number,
            };
            let missing = ChainError::BadAnswer("a block below the head");
            search.learn(self.chain.block_by_number(number).await?.ok_or(missing)?);
        }
        Err(ChainError::BadAnswer("block times that do not ascend"))
    }
}

impl PriceSource for UniswapV2 {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn max_age_ms(&self) -> u64 {
        self.config.max_age_ms
    }

    fn poll(&self) -> Duration {
        self.config.poll()
    }

    fn read(&mut self) -> Reading<'_> {
        Box::pin(self.look())
    }
}
