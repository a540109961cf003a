//! Random histories with fixed seeds, with the reader of logs beside the worker: whatever happened
//! in between, in the end every intent is filled exactly once.

use std::collections::BTreeSet;

use alloy::primitives::U256;
use domain::status::{IntentStatus as I, SettlementStatus as S};
use infra::pg::settlement::{Phase, RowLease};
use serde_json::json;
use settlement::{Indexer, Worker};

use super::{
    index,
    scene::{Scene, Swap, WETH},
};

const TICKS: usize = 40;
const OWNERS: usize = 4;

/// A small generator (Knuth's MMIX): the same history for the same seed, on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

struct History<'a> {
    scene: &'a Scene,
    worker: Worker,
    reader: Indexer,
    leases: Vec<RowLease>,
    automine: bool,
    log: Vec<String>,
}

impl History<'_> {
    async fn claim(&mut self) {
        for phase in [Phase::Sending, Phase::Settling] {
            self.leases.extend(self.worker.claim(phase, 8).await.unwrap());
        }
    }

    /// One step of one row; whatever it says, the next step must cope.
    async fn step(&mut self, n: u64) {
        if self.leases.is_empty() {
            self.claim().await;
        }
        let Some(lease) = self.leases.get(n as usize % self.leases.len().max(1)).copied() else {
            return;
        };
        let came_to = self.worker.step(lease).await;
        let status = self.scene.row(lease.id).await.status;
        self.log.push(format!("step {}: {came_to:?}, {status}", lease.id));
        if let Err(error) = came_to {
            assert!(error.retryable() || error.fenced(), "{error}: {:#?}", self.log);
        }
    }

    async fn kill(&mut self) {
        self.log.push("kill".into());
        self.scene.leases_run_out().await;
        self.leases.clear();
        self.worker = self.scene.worker();
        self.reader = index::indexer(self.scene).await;
    }

    /// One step of the reader, whatever it finds.
    async fn read(&mut self) {
        let came_to = index::step(&mut self.reader).await;
        self.log.push(format!("read: {came_to:?}"));
        if let Err(error) = came_to {
            assert!(error.retryable(), "{error}: {:#?}", self.log);
        }
    }

    async fn set_automine(&mut self, on: bool) {
        self.log.push(format!("automine {on}"));
        self.automine = on;
        self.scene.rpc("evm_setAutomine", json!([on])).await;
    }

    async fn tick(&mut self, dice: &mut Dice) {
        match dice.below(20) {
            0..=10 => self.step(dice.below(8)).await,
            11 | 12 => self.kill().await,
            13 => self.set_automine(!self.automine).await,
            14 => {
                self.log.push("drop".into());
                self.scene.rpc("anvil_dropAllTransactions", json!([])).await;
            }
            15 | 16 => {
                let depth = 1 + dice.below(3);
                self.log.push(format!("reorg {depth}"));
                // anvil must not be mining meanwhile: it would lose the state of that block
                self.scene.rpc("evm_setAutomine", json!([false])).await;
                self.scene.rpc.mine(1).await.unwrap();
                self.scene.rpc.reorg(depth + 1).await.unwrap();
                self.scene.rpc("evm_setAutomine", json!([self.automine])).await;
            }
            17 | 18 => self.read().await,
            _ => {
                self.log.push("mine".into());
                self.scene.rpc.mine(1).await.unwrap();
            }
        }
    }

    /// Calm weather, until nothing is left to do.
    async fn calm(&mut self, rows: &[i64]) {
        self.set_automine(true).await;
        self.kill().await;
        for _ in 0..40 {
            self.claim().await;
            for n in 0..self.leases.len() as u64 * 3 {
                self.step(n).await;
            }
            index::catch_up(&mut self.reader).await;
            self.scene.rpc.mine(1).await.unwrap();
            let mut open = BTreeSet::new();
            for id in rows {
                open.insert(self.scene.row(*id).await.status);
            }
            if open == BTreeSet::from([S::Final]) {
                return;
            }
            self.scene.leases_run_out().await;
            self.leases.clear();
        }
        panic!("still not final: {:#?}", self.log);
    }
}

async fn history(scene: &Scene, seed: u64) {
    let mut before = Vec::new();
    for owner in 0..OWNERS {
        before.push(scene.usdc(owner).await);
    }
    // blocks that may be taken back without touching what the history stands on
    scene.rpc.mine(6).await.unwrap();
    let mut rows = Vec::new();
    let swaps: Vec<Swap> = (0..6).map(|n| scene.swap(n % OWNERS, WETH / 100)).collect();
    for (n, pair) in (0..).zip(swaps.chunks(2)) {
        rows.push(scene.queue(seed * 3 + n + 1, &[&pair[0], &pair[1]]).await);
    }
    let worker = scene.worker();
    let reader = index::indexer(scene).await;
    let (leases, log) = (Vec::new(), vec![format!("seed {seed}")]);
    let mut history = History { scene, worker, reader, leases, automine: true, log };
    let mut dice = Dice(seed);
    for _ in 0..TICKS {
        history.tick(&mut dice).await;
    }
    history.calm(&rows).await;
    let mut bought = [U256::ZERO; OWNERS];
    for (n, swap) in swaps.iter().enumerate() {
        let intent = scene.intent(swap).await;
        assert_eq!(
            (intent.status, intent.filled),
            (I::Filled, swap.sell_amount()),
            "{:#?}",
            history.log
        );
        bought[n % OWNERS] += swap.bought;
        let fills = scene.lines(swap).await.into_iter().filter(|kind| kind == "filled").count();
        let undone = scene.lines(swap).await.into_iter().filter(|kind| kind == "reorged").count();
        assert!(fills <= undone + 1, "told once, and once more after a reorg: {:#?}", history.log);
    }
    for owner in 0..OWNERS {
        let got = scene.usdc(owner).await - before[owner];
        assert_eq!(got, bought[owner], "owner {owner}: {:#?}", history.log);
    }
}

/// A node for every few of them: anvil loses its old states after several dozen reorgs.
async fn histories(seeds: std::ops::Range<u64>) {
    let scene = Scene::start(400).await;
    for seed in seeds {
        history(&scene, seed).await;
    }
}

#[tokio::test]
async fn whatever_happens_on_the_way_every_intent_is_filled_exactly_once() {
    tokio::join!(histories(0..8), histories(8..16), histories(16..24));
}
