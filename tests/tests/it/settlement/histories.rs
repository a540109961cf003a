//! Random histories with fixed seeds. Whatever happened in between, in the end every token is
//! where it belongs, no intent was filled twice or lost, no live commitment is forgotten and no salt
//! was used twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::primitives::{Address, U256};
use domain::status::IntentStatus as I;
use infra::pg::settlement::{Phase, RowLease};
use serde_json::{Value, json};
use settlement::{Node, Settings, Worker};

use super::{
    proxy::{Fate, Proxy, is},
    scene::{Key, Scene, Swap, WETH},
};

const TICKS: usize = 40;
const OWNERS: usize = 4;
const SWAPS: usize = 6;

/// A small generator (Knuth's MMIX): the same history for the same seed, on every machine.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What several histories share: a chain, two settlers, a node that cannot be trusted, and a
/// private one that cannot either.
struct Stage {
    scene: Scene,
    public: Proxy,
    private: Proxy,
    keys: [Key; 2],
    settings: Settings,
}

impl Stage {
    async fn set(max_delay: u32) -> Self {
        let scene = Scene::start(max_delay).await;
        let public = Proxy::start(&scene.stack.anvil.url()).await;
        let private = Proxy::start(&scene.stack.anvil.url()).await;
        let keys = [scene.key.clone(), scene.second_settler(2).await];
        let settings = Settings { lanes: 2, private_blocks: 2, ..scene.settings };
        Self { scene, public, private, keys, settings }
    }

    /// A process: with both keys or with one of them, with the private node or without.
    fn worker(&self, dice: &mut Dice) -> Worker {
        let chosen = dice.below(4) as usize;
        let keys = self.keys.get(chosen).map_or(&self.keys[..], std::slice::from_ref);
        let node: Node = match dice.below(3) {
            0 => self.scene.node_at(&self.public.url, Duration::from_secs(2)),
            _ => self.scene.node_through(&self.public.url, &self.private.url),
        };
        self.scene.worker_on(node, keys, self.settings)
    }
}

/// What the nodes do with the next requests, by the same dice.
fn weather(dice: &Arc<Mutex<Dice>>, request: &Value) -> Fate {
    let face = dice.lock().unwrap().below(24);
    let receipt = is(request, "eth_getTransactionReceipt");
    match face {
        0 => Fate::Status(429),
        1 => Fate::Refuse(-32005, "too many requests"),
        2 if is(request, "eth_sendRawTransaction") => {
            Fate::Answer(json!(alloy::primitives::B256::ZERO))
        }
        3 | 4 if receipt => Fate::Answer(Value::Null),
        5 if receipt => Fate::Alter(Box::new(|mut receipt| {
            if receipt.is_object() {
                receipt["blockHash"] = json!(alloy::primitives::B256::repeat_byte(0xbb));
            }
            receipt
        })),
        _ => Fate::Pass,
    }
}

struct History<'a> {
    stage: &'a Stage,
    worker: Worker,
    leases: Vec<RowLease>,
    automine: bool,
    log: Vec<String>,
}

impl History<'_> {
    async fn claim(&mut self) {
        for phase in [Phase::Sending, Phase::Watching { reveal_s: 0 }] {
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
        let status = self.stage.scene.row(lease.id).await.status;
        self.log.push(format!("step {}: {came_to:?}, {status}", lease.id));
        if let Err(error) = came_to {
            assert!(error.retryable() || error.fenced(), "{error}: {:#?}", self.log);
        }
    }

    async fn kill(&mut self, dice: &mut Dice) {
        self.log.push("kill".into());
        self.stage.scene.leases_run_out().await;
        self.leases.clear();
        self.worker = self.stage.worker(dice);
    }

    async fn set_automine(&mut self, on: bool) {
        self.log.push(format!("automine {on}"));
        self.automine = on;
        self.stage.scene.rpc("evm_setAutomine", json!([on])).await;
    }

    fn set_weather(&mut self, dice: &mut Dice) {
        let bad = dice.below(2) == 0;
        self.log.push(format!("bad weather {bad}"));
        for proxy in [&self.stage.public, &self.stage.private] {
            let dice = Arc::new(Mutex::new(Dice(dice.below(1 << 30))));
            if bad {
                proxy.script(move |request| weather(&dice, request));
            } else {
                proxy.honest();
            }
        }
    }

    async fn tick(&mut self, dice: &mut Dice) {
        let scene = &self.stage.scene;
        match dice.below(22) {
            0..=10 => self.step(dice.below(8)).await,
            11 | 12 => self.kill(dice).await,
            13 => self.set_automine(!self.automine).await,
            14 => {
                self.log.push("drop".into());
                scene.rpc("anvil_dropAllTransactions", json!([])).await;
            }
            15 | 16 => {
                let depth = 1 + dice.below(3);
                self.log.push(format!("reorg {depth}"));
                // anvil must not be mining meanwhile: it would lose the state of that block
                scene.rpc("evm_setAutomine", json!([false])).await;
                scene.rpc.mine(1).await.unwrap();
                scene.rpc.reorg(depth + 1).await.unwrap();
                scene.rpc("evm_setAutomine", json!([self.automine])).await;
            }
            17 | 18 => self.set_weather(dice),
            _ => {
                self.log.push("mine".into());
                scene.rpc.mine(1).await.unwrap();
            }
        }
    }

    /// Calm weather and both keys, until nothing is left to do.
    async fn calm(&mut self, rows: &[i64]) {
        self.set_automine(true).await;
        let (stage, scene) = (self.stage, &self.stage.scene);
        stage.public.honest();
        stage.private.honest();
        self.worker = scene.worker_on(scene.node(), &stage.keys, stage.settings);
        for _ in 0..60 {
            scene.leases_run_out().await;
            self.leases.clear();
            self.claim().await;
            for n in 0..self.leases.len() as u64 * 3 {
                self.step(n).await;
            }
            scene.rpc.mine(1).await.unwrap();
            let mut open = BTreeSet::new();
            for id in rows {
                let row = scene.row(*id).await;
                if !row.status.is_done() || row.watch_until.is_some() {
                    open.insert(row.status);
                }
            }
            if open.is_empty() {
                return;
            }
        }
        panic!("still not at an end: {:#?}", self.log);
    }
}

/// USDC and WETH of everybody who has any: (account, token) to atoms.
async fn holdings(scene: &Scene) -> BTreeMap<(Address, Address), U256> {
    let market = &scene.stack.market;
    let mut accounts: Vec<Address> =
        (0..OWNERS).map(|owner| scene.stack.owner(owner).address()).collect();
    accounts.extend([market.solvers[0].filler, market.settlement]);
    let mut held = BTreeMap::new();
    for account in accounts {
        for token in ["WETH", "USDC"].map(|symbol| scene.stack.token(symbol)) {
            let balance = scene.rpc.token_balance(token, account).await.unwrap();
            held.insert((account, token), balance);
        }
    }
    held
}

async fn history(stage: &Stage, seed: u64) -> usize {
    let scene = &stage.scene;
    let mut expected = holdings(scene).await;
    // blocks that may be taken back without touching what the history stands on
    scene.rpc.mine(6).await.unwrap();
    let mut rows = Vec::new();
    let swaps: Vec<Swap> = (0..SWAPS).map(|n| scene.swap(n % OWNERS, WETH / 100)).collect();
    for (n, pair) in (0..).zip(swaps.chunks(2)) {
        rows.push(scene.queue(seed * 3 + n + 1, &[&pair[0], &pair[1]]).await);
    }
    let mut dice = Dice(seed);
    let worker = stage.worker(&mut dice);
    let (leases, log) = (Vec::new(), vec![format!("seed {seed}")]);
    let mut history = History { stage, worker, leases, automine: true, log };
    for _ in 0..TICKS {
        history.tick(&mut dice).await;
    }
    history.calm(&rows).await;

    // what the book says was filled is what moved, once, and nothing else moved
    let (weth, usdc) = (scene.stack.token("WETH"), scene.stack.token("USDC"));
    let filler = scene.stack.market.solvers[0].filler;
    let mut filled = 0;
    for (n, swap) in swaps.iter().enumerate() {
        let status = scene.stands(swap).await;
        let intent = scene.intent(swap).await;
        if status == I::Filled {
            assert_eq!(intent.filled, swap.sell_amount(), "{:#?}", history.log);
            let owner = scene.stack.owner(n % OWNERS).address();
            let sold = U256::from(WETH / 100);
            *expected.entry((owner, weth)).or_default() -= sold;
            *expected.entry((filler, weth)).or_default() += sold;
            *expected.entry((filler, usdc)).or_default() -= swap.bought;
            *expected.entry((owner, usdc)).or_default() += swap.bought;
            filled += 1;
        } else {
            let lost = intent.auction_id.is_some() || status != I::Open;
            assert!(!lost && intent.filled.is_zero(), "{status:?} {:#?}", history.log);
        }
    }
    assert_eq!(holdings(scene).await, expected, "{:#?}", history.log);
    filled
}

/// What must be true of the rows of all histories together.
async fn nothing_is_forgotten(stage: &Stage) {
    let scene = &stage.scene;
    let node = scene.node();
    for key in &stage.keys {
        for lane in 0..8 {
            let slot = node.lane(key.address(), lane).await.unwrap();
            if slot.committed_at.is_none() {
                continue;
            }
            let query = "SELECT commitment FROM commitment WHERE settler = $1 AND lane = $2";
            let query = sqlx::query_scalar(query).bind(key.address().to_vec()).bind(lane as i64);
            let known: Vec<Vec<u8>> = query.fetch_all(&scene.pool).await.unwrap();
            let ours = known.iter().any(|known| slot.holds(known.as_slice().try_into().unwrap()));
            assert!(ours, "a commitment in lane {lane} that nobody knows");
        }
    }
    // no commit was written for a salt that a reveal had made public before, and no salt twice
    let again = "SELECT count(*) FROM tx_attempt AS commit JOIN tx_attempt AS reveal
        ON reveal.commitment_id = commit.commitment_id AND reveal.kind = 'reveal'
        WHERE commit.kind = 'commit' AND commit.id > reveal.id";
    let twice = "SELECT count(*) - count(DISTINCT salt) FROM commitment";
    let held = "SELECT count(*) FROM commitment WHERE live";
    for (query, what) in
        [(again, "commits of public salts"), (twice, "salts used twice"), (held, "lanes held")]
    {
        let found: i64 = sqlx::query_scalar(query).fetch_one(&scene.pool).await.unwrap();
        assert_eq!(found, 0, "{what}");
    }
}

/// A node for every few of them: anvil loses its old states after several dozen reorgs. Returns how
/// many intents were filled, of how many.
async fn histories(seeds: std::ops::Range<u64>, max_delay: u32) -> (usize, usize) {
    let stage = Stage::set(max_delay).await;
    let (mut filled, mut all) = (0, 0);
    for seed in seeds {
        filled += history(&stage, seed).await;
        all += SWAPS;
    }
    nothing_is_forgotten(&stage).await;
    (filled, all)
}

/// Forty histories on five chains, two at a time. All of them together are two hundred.
async fn forty(first: u64, max_delay: u32) -> (usize, usize) {
    let part = |n: u64| Box::pin(histories(first + 8 * n..first + 8 * (n + 1), max_delay));
    let (a, b) = tokio::join!(
        async {
            let (one, two, three) = (part(0).await, part(1).await, part(2).await);
            (one.0 + two.0 + three.0, one.1 + two.1 + three.1)
        },
        async {
            let (one, two) = (part(3).await, part(4).await);
            (one.0 + two.0, one.1 + two.1)
        },
    );
    (a.0 + b.0, a.1 + b.1)
}

/// Commitments that outlive everything: in the end each intent is filled.
const LONG: u32 = 400;
/// Commitments that outlive little: some intents are free again.
const SHORT: u32 = 10;

#[tokio::test]
async fn whatever_happens_on_the_way_every_intent_is_filled_exactly_once() {
    let (filled, all) = forty(0, LONG).await;
    assert_eq!(filled, all);
}

#[tokio::test]
async fn whatever_happens_on_the_way_every_intent_is_filled_exactly_once_2() {
    let (filled, all) = forty(40, LONG).await;
    assert_eq!(filled, all);
}

#[tokio::test]
async fn whatever_happens_on_the_way_every_intent_is_filled_exactly_once_3() {
    let (filled, all) = forty(80, LONG).await;
    assert_eq!(filled, all);
}

#[tokio::test]
async fn where_commitments_grow_old_every_intent_is_filled_once_or_free() {
    let (filled, all) = forty(120, SHORT).await;
    assert!(filled > all / 2 && filled < all, "{filled} of {all}");
}

#[tokio::test]
async fn where_commitments_grow_old_every_intent_is_filled_once_or_free_2() {
    let (filled, all) = forty(160, SHORT).await;
    assert!(filled > all / 2 && filled < all, "{filled} of {all}");
}

#[tokio::test]
#[ignore = "one history: GAVEL_TEST_SEED, GAVEL_TEST_MAX_DELAY"]
async fn one_history() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("GAVEL_TEST_SEED").unwrap_or(0);
    let max_delay = number("GAVEL_TEST_MAX_DELAY").unwrap_or(u64::from(LONG));
    histories(seed..seed + 1, u32::try_from(max_delay).unwrap()).await;
}
