//! Reference prices of real sources in real records: the settings, an HTTP feed, a Uniswap V2 pair.

use std::{sync::Arc, time::Duration};

use alloy::primitives::{Address, U256};
use auction::Step;
use domain::{Amount, price::Dated, status::IntentStatus};
use infra::{
    config::{Config, FeedConfig, PoolConfig, Secret},
    price::{self, Board, Heard, PriceSource as _, Quote, SourceError, UniswapV2, Worth},
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

use super::house::{House, concluded, opened, step};

const PATIENCE: Duration = Duration::from_secs(30);
const ETHER: u128 = 10u128.pow(18);
/// What the settings say: 2,500 USDC for a WETH.
const SETTING: u128 = 4 * 10u128.pow(26);
const WINDOW_S: u64 = 1_800;

/// A house whose node also has a pair of USDC and WETH, at 2,400 for one.
struct Scene {
    house: House,
    rpc: Rpc,
    sender: Sender,
    pair: Pair,
}

/// Sources at work.
struct Watching {
    board: Board,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Scene {
    async fn start() -> Self {
        Self::with_windows(300).await
    }

    async fn with_windows(window_ms: u64) -> Self {
        let house = House::with(Plan { window_ms, ..Plan::default() }).await;
        let operator = house.stack.market.operator.key().clone();
        let sender = Sender::connect(&house.stack.anvil.url(), operator).await.unwrap();
        let tokens = (house.stack.token("USDC"), house.stack.token("WETH"));
        let reserves = (U256::from(2_400_000_000_000_u128), U256::from(1_000 * ETHER));
        let pair = Pair::deploy(&sender, tokens, reserves).await.unwrap();
        let rpc = house.stack.rpc().unwrap();
        Self { house, rpc, sender, pair }
    }

    fn usdc(&self) -> Address {
        self.house.stack.token("USDC")
    }

    /// Gives USDC these sources, and the settings a change.
    fn sources(&mut self, sources: &[&str], change: impl FnOnce(&mut Config)) {
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

    fn pool(&self) -> PoolConfig {
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

    fn source(&self, pool: &PoolConfig) -> UniswapV2 {
        UniswapV2::new(pool, self.house.chain.clone(), self.house.config.chain.block_time_ms)
    }

    fn watch(&self) -> Watching {
        let (board, watch) = price::open(&self.house.config, &self.house.chain).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(watch.run(stop.clone()));
        Watching { board, stop, task }
    }

    /// The price of USDC in an auction's record.
    async fn price(&self, auction: u64) -> Option<U256> {
        let record = self.house.auction(auction).await.opening;
        assert_eq!(record.hash(), self.house.auction(auction).await.open_hash);
        let mut found = record.prices.iter().filter(|entry| entry.token == self.usdc());
        let others = self.house.config.tokens.len() - 1;
        assert!(record.prices.len() >= others, "only USDC may be without a price");
        found.next().map(|entry| entry.price.get())
    }

    async fn head_s(&self) -> u64 {
        self.house.chain.block_latest().await.unwrap().timestamp
    }

    /// Mines a block so many seconds after the last, with these calls in it; none may fail.
    async fn block_after(&self, seconds: u64, calls: &[Call]) {
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
    async fn spot(&self) -> U256 {
        let (usdc, weth) = self.pair.reserves(&self.sender).await.unwrap();
        weth * U256::from(ETHER) / usdc
    }

    /// Waits until the pair's price is there up to the newest block.
    async fn looked(&self, watching: &Watching) -> U256 {
        let head_s = self.head_s().await;
        let heard =
            watching.heard("pool", self.usdc(), |heard| heard.dated == Dated::Block(head_s)).await;
        heard.worth.in_numeraire(|_| Some(Amount::from(ETHER))).unwrap().get()
    }
}

impl Watching {
    async fn heard(
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

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

fn desk(feed: &PriceFeed) -> FeedConfig {
    FeedConfig {
        name: "desk".to_owned(),
        url: Secret::new(feed.url()),
        poll_ms: 100,
        timeout_ms: 300,
        max_body_bytes: 4_096,
        max_age_ms: 600,
    }
}

async fn now_ms(house: &House) -> u64 {
    house.queue.time_ms().await.unwrap()
}

fn says(price: u128) -> Worth {
    Worth::Numeraire(Amount::from(price))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_carries_the_median_of_the_settings_a_feed_and_a_pools_half_hour() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    let (pool, desk) = (scene.pool(), FeedConfig { max_age_ms: 60_000, ..desk(&feed) });
    scene.sources(&["configured", "desk", "pool"], |config| {
        config.prices.quorum = 2;
        config.prices.pools.push(pool);
        config.prices.feeds.push(desk);
    });
    // what was before these sources were asked is read from the node's past
    scene.block_after(WINDOW_S + 5, &[]).await;
    let watching = scene.watch();
    let spot = scene.spot().await;
    assert_eq!(scene.looked(&watching).await, spot, "nobody has traded");
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    scene.house.accept(0, &scene.house.one_weth()).await;

    // below both, between them, above them, and wildly wrong
    let (low, middle) = (SETTING - 10u128.pow(25), SETTING + 10u128.pow(25));
    let cases = [
        (low, U256::from(SETTING)),
        (middle, U256::from(middle)),
        (SETTING + 10u128.pow(26), spot),
        (SETTING * 1_000, spot),
    ];
    for (number, (price, expected)) in (1..).zip(cases) {
        let at_ms = now_ms(&scene.house).await;
        feed.say(&[(Address::ZERO, U256::from(7), at_ms), (usdc, U256::from(price), at_ms)]);
        watching.heard("desk", usdc, |heard| heard.worth == says(price)).await;
        match step(&mut market).await.unwrap() {
            Step::Opened(_) => assert_eq!(number, 1),
            other => assert_eq!(other, concluded(number - 1, Some(number))),
        }
        assert_eq!(scene.price(number).await, Some(expected), "the feed says {price}");
    }
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_dies_or_repeats_itself_goes_stale_and_its_token_is_unpriced_meanwhile() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    scene.sources(&["configured", "desk"], |config| {
        config.prices.quorum = 2;
        config.prices.feeds.push(desk(&feed));
    });
    let watching = scene.watch();
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    scene.house.accept(0, &scene.house.one_weth()).await;
    // nothing was heard of it yet
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(scene.price(1).await, None);

    let later_ms = now_ms(&scene.house).await + 4_000;
    feed.say(&[(usdc, U256::from(SETTING), later_ms)]);
    watching.heard("desk", usdc, |heard| heard.read_ms_ago < 500).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    assert_eq!(scene.price(2).await, Some(U256::from(SETTING)));

    // it answers, but always the same
    let old_ms = now_ms(&scene.house).await - 601;
    feed.say(&[(usdc, U256::from(SETTING), old_ms)]);
    watching.heard("desk", usdc, |heard| heard.dated == Dated::At(old_ms)).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(2, Some(3)));
    assert_eq!(scene.price(3).await, None);

    // it accepts and never answers: the cut does not wait for it
    let later_ms = now_ms(&scene.house).await + 4_000;
    feed.say(&[(usdc, U256::from(SETTING), later_ms)]);
    watching.heard("desk", usdc, |heard| heard.dated == Dated::At(later_ms)).await;
    feed.hang();
    watching.heard("desk", usdc, |heard| heard.read_ms_ago > 600).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(3, Some(4)));
    assert_eq!(scene.price(4).await, None);

    // it is gone
    let last = watching.heard("desk", usdc, |_| true).await;
    drop(feed);
    assert_eq!(step(&mut market).await.unwrap(), concluded(4, Some(5)));
    assert_eq!(scene.price(5).await, None);
    let heard = watching.heard("desk", usdc, |_| true).await;
    assert!(heard.read_ms_ago > last.read_ms_ago, "{heard:?}");
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_pushed_for_one_block_moves_the_price_by_that_blocks_share_of_the_window() {
    let mut scene = Scene::start().await;
    let pool = scene.pool();
    scene.sources(&["pool"], |config| {
        config.prices.pools.push(pool);
        config.prices.max_move_bps = 0;
    });
    let watching = scene.watch();
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    scene.house.accept(0, &scene.house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(scene.price(1).await, None, "never an average over less than the window");
    scene.block_after(WINDOW_S, &[]).await;
    let honest = scene.looked(&watching).await;
    assert_eq!(honest, scene.spot().await);
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    assert_eq!(scene.price(2).await, Some(honest));

    // to a hundred times the price and back again, within one block
    let me = scene.sender.address();
    let held = scene.pair.reserves(&scene.sender).await.unwrap();
    let (push, pushed) = scene.pair.buy_token(held, U256::from(9_000 * ETHER), me);
    let (back, _) = scene.pair.sell_token(pushed, held.0 - pushed.0, me);
    scene.block_after(12, &[push.clone(), back].concat()).await;
    assert_eq!(scene.looked(&watching).await, honest);
    assert_eq!(step(&mut market).await.unwrap(), concluded(2, Some(3)));
    assert_eq!(scene.price(3).await, Some(honest));

    // and left there until the next
    let held = scene.pair.reserves(&scene.sender).await.unwrap();
    let (push, _) = scene.pair.buy_token(held, U256::from(9_000 * ETHER), me);
    let before = scene.spot().await;
    scene.block_after(12, &push).await;
    let spot = scene.spot().await;
    assert!(spot > honest * U256::from(90), "{spot}");
    let unmoved = scene.looked(&watching).await;
    assert!(unmoved.abs_diff(honest) <= before.abs_diff(honest), "no time has passed at {spot}");
    scene.block_after(12, &[]).await;
    let moved = scene.looked(&watching).await;
    let share = (spot - honest) * U256::from(12) / U256::from(WINDOW_S);
    assert!(moved > unmoved && moved - unmoved <= share, "{honest} {unmoved} {moved} {share}");
    assert_eq!(step(&mut market).await.unwrap(), concluded(3, Some(4)));
    assert_eq!(scene.price(4).await, Some(moved));

    // the two blocks are no longer on the chain, and what was seen in them is forgotten
    let pushed_s = scene.head_s().await;
    scene.rpc.reorg(2).await.unwrap();
    assert!(scene.head_s().await <= pushed_s, "nothing newer puts what was seen out of use");
    assert!(scene.spot().await < honest * U256::from(2));
    let near = |heard: &Heard| {
        let price = heard.worth.in_numeraire(|_| Some(Amount::from(ETHER))).unwrap().get();
        price.abs_diff(honest) <= before.abs_diff(honest)
    };
    watching.heard("pool", scene.usdc(), near).await;
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_is_made_in_steps_that_a_restart_does_not_lengthen() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    let desk = FeedConfig { max_age_ms: 60_000, ..desk(&feed) };
    scene.sources(&["desk"], |config| {
        config.prices.max_move_bps = 1_000;
        config.prices.feeds.push(desk);
    });
    feed.say(&[(usdc, U256::from(SETTING), now_ms(&scene.house).await)]);
    let watching = scene.watch();
    watching.heard("desk", usdc, |_| true).await;
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    scene.house.accept(0, &scene.house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(scene.price(1).await, Some(U256::from(SETTING)));

    feed.say(&[(usdc, U256::from(SETTING * 2), now_ms(&scene.house).await)]);
    watching.heard("desk", usdc, |heard| heard.worth == says(SETTING * 2)).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));
    assert_eq!(scene.price(2).await, Some(U256::from(SETTING / 100 * 110)));
    // another process: it knows from the rows what the last prices were
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    assert_eq!(step(&mut market).await.unwrap(), concluded(2, Some(3)));
    assert_eq!(scene.price(3).await, Some(U256::from(SETTING / 10_000 * 12_100)));
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_reads_its_sources_beside_the_market_and_ends_with_them() {
    let mut scene = Scene::start().await;
    let (feed, usdc) = (PriceFeed::start().await.unwrap(), scene.usdc());
    let desk = FeedConfig { max_age_ms: 60_000, ..desk(&feed) };
    scene.sources(&["desk"], |config| config.prices.feeds.push(desk));
    feed.say(&[(usdc, U256::from(SETTING + 1), now_ms(&scene.house).await)]);
    let stop = CancellationToken::new();
    let (pool, queue) = (scene.house.pool.clone(), scene.house.queue.clone());
    let (config, chain) = (scene.house.config.clone(), scene.house.chain.clone());
    let running = tokio::spawn(auction::run(config, pool, queue, chain, stop.clone()));
    scene.house.accept(0, &scene.house.one_weth()).await;
    wait::until("a record with the feed's price", PATIENCE, || async {
        let last = scene.house.auctions().await.pop().ok_or("no auction yet")?;
        let priced = last.opening.prices.iter().find(|entry| entry.token == usdc);
        let price = priced.map(|entry| entry.price.get());
        if price == Some(U256::from(SETTING + 1)) { Ok(()) } else { Err(format!("{price:?}")) }
    })
    .await
    .unwrap();
    stop.cancel();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
}

/// The seconds an answer is averaged over.
fn averaged_s(answer: &Result<Vec<Quote>, SourceError>) -> Option<u64> {
    match answer.as_deref() {
        Ok([Quote { worth: Worth::Of(_, average), .. }]) => Some(average.elapsed_s()),
        Ok([]) => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_past_does_not_show_a_pool_it_is_watched_for_a_whole_window_first() {
    let mut scene = Scene::start().await;
    // the chain is old enough, but half an hour ago there was no such pair
    scene.block_after(WINDOW_S, &[]).await;
    let reserves = (U256::from(5_000_000_u64), U256::from(2 * ETHER));
    let tokens = (scene.house.stack.token("WBTC"), scene.house.stack.token("WETH"));
    scene.pair = Pair::deploy(&scene.sender, tokens, reserves).await.unwrap();
    let (young, begun_s) = (scene.pool(), scene.head_s().await);
    let mut source = scene.source(&young);
    assert_eq!(averaged_s(&source.read().await), None);
    for seconds in [WINDOW_S / 2, WINDOW_S / 2 - 1] {
        scene.block_after(seconds, &[]).await;
        assert_eq!(averaged_s(&source.read().await), None);
    }
    scene.block_after(1, &[]).await;
    assert_eq!(scene.head_s().await, begun_s + WINDOW_S);
    assert_eq!(averaged_s(&source.read().await), Some(WINDOW_S));
    // now the past does show it, to whoever starts later
    scene.block_after(100, &[]).await;
    assert_eq!(averaged_s(&scene.source(&young).read().await), Some(WINDOW_S));
    let reading = source.read().await;
    assert_eq!(averaged_s(&reading), Some(WINDOW_S + 100), "the observation it has is older");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_no_pair_of_the_two_or_holds_too_little_has_no_say() {
    let scene = Scene::start().await;
    scene.block_after(WINDOW_S, &[]).await;
    let right = scene.pool();
    let refused = |pool: PoolConfig| {
        let mut source = scene.source(&pool);
        async move { source.read().await.unwrap_err() }
    };
    let dai = scene.house.stack.token("DAI");
    let other = refused(PoolConfig { token: dai, ..right.clone() }).await;
    assert_eq!(other, SourceError::OtherPair);
    let turned = PoolConfig { token: right.quote, quote: right.token, ..right.clone() };
    assert_eq!(averaged_s(&scene.source(&turned).read().await), Some(WINDOW_S));
    let none = refused(PoolConfig { pair: Address::repeat_byte(9), ..right.clone() }).await;
    assert!(matches!(none, SourceError::Chain(_)), "{none}");

    let least = Amount::from(1_000 * ETHER);
    let thin = PoolConfig { min_quote_reserve: least, ..right };
    let mut source = scene.source(&thin);
    assert_eq!(averaged_s(&source.read().await), Some(WINDOW_S), "it holds just enough");
    // for one look a little less, then as much as before
    let me = scene.sender.address();
    let held = scene.pair.reserves(&scene.sender).await.unwrap();
    let (out, held) = scene.pair.sell_token(held, U256::from(1_000), me);
    scene.block_after(12, &out).await;
    assert_eq!(source.read().await, Err(SourceError::ThinPair));
    let (back, _) = scene.pair.buy_token(held, U256::from(ETHER), me);
    scene.block_after(12, &back).await;
    assert_eq!(averaged_s(&source.read().await), None, "the past counts no more");
    scene.block_after(WINDOW_S, &[]).await;
    assert_eq!(averaged_s(&source.read().await), Some(WINDOW_S));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_average_is_the_mean_of_the_prices_between_trades_each_for_as_long_as_it_held() {
    let scene = Scene::start().await;
    let token = scene.pool();
    // the same pair, seen from its other side: one of them is token0
    let quote = PoolConfig { token: token.quote, quote: token.token, ..token.clone() };
    let mut sources = [scene.source(&token), scene.source(&quote)];
    for source in &mut sources {
        assert_eq!(averaged_s(&source.read().await), None);
    }
    let me = scene.sender.address();
    let mut sums = [U256::ZERO; 2];
    for (seconds, part) in [(7, 3), (500, 2), (1, 5), (900, 40), (12, 2), (379, 9), (1, 3)] {
        let held = scene.pair.reserves(&scene.sender).await.unwrap();
        let time = U256::from(seconds);
        sums[0] += (held.1 << 112) / held.0 * time;
        sums[1] += (held.0 << 112) / held.1 * time;
        let (calls, _) = match part % 2 {
            0 => scene.pair.buy_token(held, held.1 / U256::from(part), me),
            _ => scene.pair.sell_token(held, held.0 / U256::from(part), me),
        };
        scene.block_after(seconds, &calls).await;
    }
    for (source, sum) in sources.iter_mut().zip(sums) {
        let answer = source.read().await;
        assert_eq!(averaged_s(&answer), Some(WINDOW_S));
        let price = answer.unwrap()[0].worth.in_numeraire(|_| Some(Amount::from(ETHER)));
        let mean = Amount::new(sum).mul_div_floor(U256::from(ETHER), U256::from(WINDOW_S) << 112);
        assert_eq!(price, mean);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_in_a_token_that_too_few_sources_know_are_decided_in_its_own_atoms() {
    let mut scene = Scene::with_windows(1_000).await;
    let feed = PriceFeed::start().await.unwrap();
    scene.sources(&["configured", "desk"], |config| {
        config.prices.quorum = 2;
        config.prices.feeds.push(desk(&feed));
    });
    let watching = scene.watch();
    let mut market = scene.house.lead().await.priced_by(watching.board.clone());
    let intent = scene.house.accept(0, &scene.house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    assert_eq!(scene.price(1).await, None);
    for bought in [2_480_000_000, 2_490_000_000] {
        scene.house.submit(1, &scene.house.bid(0, 1, &[(intent, ETHER, bought)])).await;
    }
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    let outcome = scene.house.auction(1).await.outcome.unwrap();
    let [pair] = outcome.decision().unwrap().second_pass.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(pair.token, scene.usdc());
    // what the better one gives over the 2,475 that were signed for
    assert_eq!(pair.total, Amount::from(15_000_000_u64));
    assert_eq!(scene.house.intent(intent).await.status, IntentStatus::Matched);
    watching.end().await;
}
