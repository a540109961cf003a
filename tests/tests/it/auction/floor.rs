//! A house with a settlement worker and somebody who decides second attempts, all driven by hand.

use std::{sync::Arc, time::Duration};

use alloy::primitives::U256;
use auction::{Market, RunnersUp};
use domain::{
    AuctionId, BidId, IntentId,
    batch::SignedBid,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::{
    self,
    settlement::{self as store, Phase, RowLease, SettlementRow},
};
use settlement::{
    Node, Worker,
    key::{LocalKey, SettlerKey},
};
use tests::{rpc::calldata, stack::Plan};

use super::house::{House, concluded, opened, step};

pub(super) const WETH: u128 = 10u128.pow(18);
pub(super) const FAIR: u128 = 2_490_000_000;

pub(super) async fn house(settings: &[(&'static str, &str)]) -> House {
    let settings = settings.iter().chain(&[("chain.finality_blocks", "64")]);
    let settings = settings.map(|(key, value)| (*key, (*value).to_owned())).collect();
    House::with(Plan { window_ms: 1_000, solvers: 2, settings, ..Plan::default() }).await
}

/// A house with a settlement worker and somebody who decides second attempts.
pub(super) struct Floor {
    pub(super) house: House,
    pub(super) market: Market,
    pub(super) worker: Worker,
    pub(super) second: RunnersUp,
}

impl Floor {
    pub(super) async fn open() -> Self {
        Self::open_in(house(&[]).await).await
    }

    pub(super) async fn open_in(house: House) -> Self {
        let role = format!("auction:{}", house.chain_id());
        let ttl = Duration::from_secs(600);
        let lease = pg::lease::acquire(&house.pool, &role, "test", ttl).await.unwrap().unwrap();
        let market = house.market(lease.clone()).await;
        let (config, pool) = (Arc::clone(&house.config), house.pool.clone());
        let second = RunnersUp::new(config, pool.clone(), house.chain.clone(), lease);
        let key = house.stack.market.settler.key().clone();
        let key: Arc<dyn SettlerKey> = Arc::new(LocalKey::new(key));
        let settings = settlement::settings(&house.config);
        let max_delay = house.chain.max_delay().await.unwrap().into();
        let worker =
            Worker::new(pool, Node::new(house.chain.clone()), vec![key], settings, max_delay);
        Self { house, market, worker, second }
    }

    /// Auction 1: what the first solver bids on each intent is best, what the second bids is next.
    pub(super) async fn auction(
        &mut self,
        owners: &[usize],
        next_best: bool,
    ) -> Vec<(IntentId, [SignedBid; 2])> {
        let mut intents = Vec::new();
        for owner in owners {
            intents.push(self.house.accept(*owner, &self.house.one_weth()).await);
        }
        assert_eq!(step(&mut self.market).await.unwrap(), opened(1));
        let mut bids = Vec::new();
        for intent in intents {
            let better = self.house.bid(0, 1, &[(intent, WETH, FAIR + 5_000_000)]);
            let next = self.house.bid(1, 1, &[(intent, WETH, FAIR)]);
            self.house.submit(1, &better).await;
            if next_best {
                self.house.submit(1, &next).await;
            }
            bids.push((intent, [better, next]));
        }
        assert_eq!(step(&mut self.market).await.unwrap(), concluded(1, None));
        bids
    }

    /// The first solver's filler keeps enough for so many of its bids.
    pub(super) async fn drain(&self, for_bids: u128) {
        let (rpc, usdc) = (self.house.stack.rpc().unwrap(), self.house.stack.token("USDC"));
        let filler = self.house.stack.market.solvers[0].filler;
        let there = rpc.token_balance(usdc, filler).await.unwrap();
        let amount = there - U256::from(for_bids * (FAIR + 5_000_000));
        let to = self.house.stack.owner(3).address().into_word();
        rpc.set_balance(filler, WETH).await.unwrap();
        let data = calldata("transfer(address,uint256)", &[to, amount.into()]);
        rpc.send_as(filler, usdc, data).await.unwrap();
    }

    pub(super) async fn lease(&self, phase: Phase) -> RowLease {
        let leases = self.worker.claim(phase, 8).await.unwrap();
        assert_eq!(leases.len(), 1, "one row");
        leases[0]
    }

    pub(super) async fn step_until(&self, lease: RowLease, wanted: S) {
        for _ in 0..12 {
            if self.row(lease.id).await.status == wanted {
                return;
            }
            self.worker.step(lease).await.unwrap();
        }
        panic!("{:?} instead of {wanted}", self.row(lease.id).await.status);
    }

    pub(super) async fn row(&self, id: i64) -> SettlementRow {
        store::get(&mut self.house.pool.acquire().await.unwrap(), id).await.unwrap()
    }

    pub(super) async fn attempts(&self) -> Vec<SettlementRow> {
        let mut conn = self.house.pool.acquire().await.unwrap();
        let chain_id = self.house.chain_id();
        store::of_auction(&mut conn, chain_id, AuctionId::new(1)).await.unwrap()
    }

    /// The first attempt, up to its reveal, in which the best bids fail but for `settling` of them.
    pub(super) async fn reveal(&self, settling: u128) -> RowLease {
        let lease = self.lease(Phase::Sending).await;
        self.step_until(lease, S::Committed).await;
        self.drain(settling).await;
        self.step_until(lease, S::Revealed).await;
        lease
    }

    pub(super) async fn status(&self, intent: IntentId) -> I {
        self.house.intent(intent).await.status
    }

    pub(super) fn id(&self, signed: &SignedBid) -> BidId {
        signed.bid.id(self.house.stack.domain())
    }

    pub(super) async fn usdc(&self, owner: usize) -> U256 {
        let account = self.house.stack.owner(owner).address();
        let rpc = self.house.stack.rpc().unwrap();
        rpc.token_balance(self.house.stack.token("USDC"), account).await.unwrap()
    }

    pub(super) async fn in_flight(&self) -> U256 {
        let mut conn = self.house.pool.acquire().await.unwrap();
        let found = pg::auction::in_flight(&mut conn, self.house.chain_id()).await.unwrap();
        found.values().map(|amount| amount.get()).sum()
    }

    pub(super) async fn rpc(&self) -> tests::rpc::Rpc {
        self.house.stack.rpc().unwrap()
    }
}
