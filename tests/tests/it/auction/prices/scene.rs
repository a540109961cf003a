//! A market with a pair and a feed beside it.

use std::{sync::Arc, time::Duration};

use alloy::primitives::{Address, U256};
use domain::{Amount, price::Dated};
use infra::{
    config::{Config, FeedConfig, PoolConfig, Secret},
    price::{self, Board, Heard, UniswapV2, Worth},
};
use serde_json::json;
use settlement::deploy::Sender;
use tests::{
    feed::PriceFeed,
    rpc::Rpc,
    stack::Plan,
    uniswap::{Call, Pair},
    wait,
};
use tokio_util::sync::CancellationToken;

use super::super::house::House;

pub(super) const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const ETHER: u128 = 10u128.pow(18);
/// What the settings say: 2,500 USDC for a WETH.
pub(super) const SETTING: u128 = 4 * 10u128.pow(26);
pub(super) const WINDOW_S: u64 = 1_800;

/// A house whose node also has a pair of USDC and WETH, at 2,400 for one.
pub(super) struct Scene {
    pub(super) house: House,
    pub(super) rpc: Rpc,
    pub(super) sender: Sender,
    pub(super) pair: Pair,
}

/// Sources at work.
pub(super) struct Watching {
    pub(super) board: Board,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Scene {
    pub(super) async fn start() -> Self {
        Self::with_windows(300).await
    }

    pub(super) async fn with_windows(window_ms: u64) -> Self {
        let house = House::with(Plan { window_ms, ..Plan::default() }).await;
        let operator = house.stack.market.operator.key().clone();
        let sender = Sender::connect(&house.stack.anvil.url(), operator).await.unwrap();
        let tokens = (house.stack.token("USDC"), house.stack.token("WETH"));
        let reserves = (U256::from(2_400_000_000_000_u128), U256::from(1_000 * ETHER));
        let pair = Pair::deploy(&sender, tokens, reserves).await.unwrap();
        let rpc = house.stack.rpc().unwrap();
        Self { house, rpc, sender, pair }
    }

    pub(super) fn usdc(&self) -> Address {
        self.house.stack.token("USDC")
    }

    /// Gives USDC these sources, and the settings a change.
    pub(super) fn sources(&mut self, sources: &[&str], change: impl FnOnce(&mut Config)) {
        let usdc = self.usdc();
        let mut config = Config::clone(&self.house.config);
        let token = config.tokens.iter_mut().find(|token| token.address == usdc).unwrap();
        token.sources = sources.iter().map(|source| (*source).to_owned()).collect();
        config.prices.quorum = 1;
        change(&mut config);
        // every other token has its setting alone, and so a quorum of one
        for token in config.tokens.iter_mut().filter(|token| token.address != usdc) {
            token.quorum = Some(1);
        }
        config.check().unwrap();
        self.house.config = Arc::new(config);
    }

    pub(super) fn pool(&self) -> PoolConfig {
        PoolConfig {
            name: "pool".to_owned(),
            pair: self.pair.address,
            token: self.pair.token,
            quote: self.pair.quote,
            window_s: WINDOW_S,
            min_quote_reserve: Amount::ZERO,
            poll_ms: 100,
            max_age_ms: 60_000,
        }
    }

    pub(super) fn source(&self, pool: &PoolConfig) -> UniswapV2 {
        UniswapV2::new(pool, self.house.chain.clone(), self.house.config.chain.block_time_ms)
    }

    pub(super) fn watch(&self) -> Watching {
        let (board, watch) = price::open(&self.house.config, &self.house.chain).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(watch.run(stop.clone()));
        Watching { board, stop, task }
    }

    /// The price of USDC in an auction's record.
    pub(super) async fn price(&self, auction: u64) -> Option<U256> {
        let record = self.house.auction(auction).await.opening;
        assert_eq!(record.hash(), self.house.auction(auction).await.open_hash);
        let mut found = record.prices.iter().filter(|entry| entry.token == self.usdc());
        let others = self.house.config.tokens.len() - 1;
        assert!(record.prices.len() >= others, "only USDC may be without a price");
        found.next().map(|entry| entry.price.get())
    }

    pub(super) async fn head_s(&self) -> u64 {
        self.house.chain.block_latest().await.unwrap().timestamp
    }

    /// Mines a block so many seconds after the last, with these calls in it; none may fail.
    pub(super) async fn block_after(&self, seconds: u64, calls: &[Call]) {
        let next = self.head_s().await + seconds;
        self.rpc.call("evm_setAutomine", json!([false])).await.unwrap();
        let mut sent = Vec::new();
        for (to, data) in calls {
            sent.push(self.rpc.send_as(self.sender.address(), *to, data.clone()).await.unwrap());
        }
        self.rpc.call("evm_setNextBlockTimestamp", json!([next])).await.unwrap();
        self.rpc.call("evm_mine", json!([])).await.unwrap();
        self.rpc.call("evm_setAutomine", json!([true])).await.unwrap();
        for hash in sent {
            let receipt = self.house.chain.receipt(hash).await.unwrap().unwrap();
            assert!(receipt.status(), "{hash}");
        }
        assert_eq!(self.head_s().await, next);
    }

    /// What the pair's price now would make of USDC, rounded down: WETH is at 10^18.
    pub(super) async fn spot(&self) -> U256 {
        let (usdc, weth) = self.pair.reserves(&self.sender).await.unwrap();
        weth * U256::from(ETHER) / usdc
    }

    /// Waits until the pair's price is there up to the newest block.
    pub(super) async fn looked(&self, watching: &Watching) -> U256 {
        let head_s = self.head_s().await;
        let heard =
            watching.heard("pool", self.usdc(), |heard| heard.dated == Dated::Block(head_s)).await;
        heard.worth.in_numeraire(|_| Some(Amount::from(ETHER))).unwrap().get()
    }
}

impl Watching {
    pub(super) async fn heard(
        &self,
        source: &str,
        token: Address,
        condition: impl Fn(&Heard) -> bool,
    ) -> Heard {
        wait::until("the source being heard", PATIENCE, || async {
            let heard = self.board.heard(source, token);
            heard.filter(&condition).ok_or_else(|| format!("{heard:?}"))
        })
        .await
        .unwrap()
    }

    pub(super) async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

pub(super) fn desk(feed: &PriceFeed) -> FeedConfig {
    FeedConfig {
        name: "desk".to_owned(),
        url: Secret::new(feed.url()),
        poll_ms: 100,
        timeout_ms: 300,
        max_body_bytes: 4_096,
        max_age_ms: 600,
    }
}

pub(super) async fn now_ms(house: &House) -> u64 {
    house.queue.time_ms().await.unwrap()
}

pub(super) fn says(price: u128) -> Worth {
    Worth::Numeraire(Amount::from(price))
}
