//! The desk: which answers are put together, and what bounds them.

use std::time::Duration;

use alloy::primitives::{B256, U256};
use domain::{
    event::BlockRef,
    price::{Average, Dated, PairState},
};
use infra::{
    config::{CONFIGURED, PoolConfig},
    price::{Configured, PriceSource, Quote, SourceError, Worth, watch},
};
use tokio_util::sync::CancellationToken;

use super::*;

const WETH: Address = Address::repeat_byte(0xee);
const USDC: Address = Address::repeat_byte(0xaa);
const MOMENT: Moment = Moment { now_ms: 1_790_000_000_000, block_time_s: 1_790_000_000 };
const ETHER: u64 = 1_000_000_000_000_000_000;

/// Says the same thing every time.
struct Fixed(&'static str, Vec<Quote>);

impl PriceSource for Fixed {
    fn name(&self) -> &str {
        self.0
    }

    fn max_age_ms(&self) -> u64 {
        60_000
    }

    fn poll(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn read(&mut self) -> infra::price::Reading<'_> {
        let quotes = self.1.clone();
        Box::pin(async { Ok::<_, SourceError>(quotes) })
    }
}

fn says(source: &'static str, token: Address, price: u64, at_ms: u64) -> Fixed {
    let worth = Worth::Numeraire(Amount::from(price));
    Fixed(source, vec![Quote { token, worth, dated: Dated::At(at_ms) }])
}

/// So many atoms of WETH for one of USDC, over an hour.
fn pool(price: u64) -> Fixed {
    let state = PairState {
        reserve: U256::from(1),
        quote_reserve: U256::from(price),
        cumulative: U256::ZERO,
        touched_s: 0,
    };
    let block = BlockRef { number: 1, hash: B256::ZERO };
    let seen = |time_s| state.observe(block, time_s).unwrap();
    let average: Average = seen(3_600).average_since(&seen(0)).unwrap();
    let dated = Dated::Block(MOMENT.block_time_s);
    Fixed("pool", vec![Quote { token: USDC, worth: Worth::Of(WETH, average), dated }])
}

fn token(symbol: &str, address: Address, price: u64, sources: &[&str]) -> TokenConfig {
    TokenConfig {
        symbol: symbol.to_owned(),
        address,
        decimals: 18,
        price: Amount::from(price),
        sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        quorum: None,
    }
}

fn config(quorum: u32, tokens: Vec<TokenConfig>) -> Arc<Config> {
    let mut config = Config { tokens, ..Config::default() };
    config.prices.quorum = quorum;
    config.prices.pools.push(PoolConfig {
        name: "pool".to_owned(),
        pair: Address::repeat_byte(0xff),
        token: USDC,
        quote: WETH,
        window_s: 1_800,
        min_quote_reserve: Amount::ZERO,
        poll_ms: 1_000,
        max_age_ms: 60_000,
    });
    Arc::new(config)
}

/// A board on which every source has spoken once.
async fn board(config: &Config, sources: Vec<Fixed>) -> Board {
    let spoken: Vec<_> = sources.iter().map(|fixed| (fixed.0, fixed.1[0].token)).collect();
    let sources = sources.into_iter().map(|source| Box::new(source) as _).collect();
    let (board, watch) = watch(&Configured::new(&config.tokens), sources);
    let stop = CancellationToken::new();
    let running = tokio::spawn(watch.run(stop.clone()));
    for (source, token) in spoken {
        while board.heard(source, token).is_none() {
            tokio::task::yield_now().await;
        }
    }
    stop.cancel();
    running.await.unwrap();
    board
}

fn prices(desk: &Desk, auction: u64) -> Vec<(Address, u64)> {
    let prices = desk.prices(AuctionId::new(auction), MOMENT).into_iter();
    prices.map(|entry| (entry.token, u64::try_from(entry.price.get()).unwrap())).collect()
}

fn record(auction: u64, token: Address, price: u64) -> (AuctionId, Vec<TokenPrice>) {
    (AuctionId::new(auction), vec![TokenPrice { token, price: Amount::from(price) }])
}

#[test]
fn with_settings_alone_a_record_has_exactly_their_prices_by_token() {
    let own = [CONFIGURED];
    let config = config(1, vec![token("WETH", WETH, ETHER, &own), token("USDC", USDC, 7, &own)]);
    let board = Board::configured(&config.tokens);
    // an operator's correction is taken whole, whatever was before
    let desk = Desk::new(config, board, &[record(1, USDC, 7_000_000)]);
    assert_eq!(prices(&desk, 2), [(USDC, 7), (WETH, ETHER)]);
}

#[tokio::test]
async fn a_price_is_the_median_of_what_the_tokens_own_sources_say() {
    let sources = [CONFIGURED, "a", "b"];
    let config = config(2, vec![token("USDC", USDC, 1_000, &sources)]);
    let fresh = MOMENT.now_ms - 1_000;
    let said = vec![
        says("a", USDC, 1_020, fresh),
        says("b", USDC, 1_010, fresh),
        says("c", USDC, 1, fresh),
    ];
    let board = board(&config, said).await;
    assert_eq!(prices(&Desk::new(config, board, &[]), 1), [(USDC, 1_010)]);
}

#[tokio::test]
async fn a_token_with_too_few_fresh_sources_is_not_in_the_record() {
    let sources = ["a", "b"];
    let config = config(2, vec![token("USDC", USDC, 0, &sources)]);
    let (fresh, stale) = (MOMENT.now_ms - 60_000, MOMENT.now_ms - 60_001);
    let both = board(&config, vec![says("a", USDC, 5, fresh), says("b", USDC, 5, fresh)]).await;
    assert_eq!(prices(&Desk::new(Arc::clone(&config), both, &[]), 1), [(USDC, 5)]);
    let one = board(&config, vec![says("a", USDC, 5, fresh), says("b", USDC, 5, stale)]).await;
    assert_eq!(prices(&Desk::new(config, one, &[]), 1), []);
}

#[tokio::test]
async fn a_pools_average_is_priced_by_the_token_it_is_quoted_in() {
    let usdc = token("USDC", USDC, 0, &["pool"]);
    let weth = |price| token("WETH", WETH, price, &[CONFIGURED]);
    // the quoted token stands first: its price must wait for the other's
    let known = config(1, vec![usdc.clone(), weth(3)]);
    let board_of = board(&known, vec![pool(40)]).await;
    assert_eq!(prices(&Desk::new(known, board_of, &[]), 1), [(USDC, 120), (WETH, 3)]);
    let unknown = config(1, vec![usdc, weth(0)]);
    let board_of = board(&unknown, vec![pool(40)]).await;
    assert_eq!(prices(&Desk::new(unknown, board_of, &[]), 1), []);
}

#[tokio::test]
async fn the_last_record_with_a_price_bounds_the_next_until_it_is_long_ago() {
    let config = config(1, vec![token("USDC", USDC, 0, &["a"])]);
    let jump = board(&config, vec![says("a", USDC, 5_000, MOMENT.now_ms)]).await;
    let desk = |records: &[_]| Desk::new(Arc::clone(&config), jump.clone(), records);
    assert_eq!(prices(&desk(&[]), 9), [(USDC, 5_000)], "a new token has no bound");
    let (newer, older) = (record(8, USDC, 1_000), record(7, USDC, 2_000));
    assert_eq!(prices(&desk(&[newer.clone(), older.clone()]), 9), [(USDC, 1_100)]);
    assert_eq!(prices(&desk(&[older, newer.clone()]), 9), [(USDC, 1_100)]);
    // being kept without a price does not set it free
    assert_eq!(prices(&desk(std::slice::from_ref(&newer)), 8 + MEMORY), [(USDC, 1_100)]);
    assert_eq!(prices(&desk(&[newer]), 9 + MEMORY), [(USDC, 5_000)]);
}

#[tokio::test]
async fn a_jump_is_followed_in_steps_of_written_records() {
    let config = config(1, vec![token("USDC", USDC, 0, &["a"])]);
    let jump = board(&config, vec![says("a", USDC, 1_300, MOMENT.now_ms)]).await;
    let mut desk = Desk::new(config, jump, &[record(1, USDC, 1_000)]);
    // asked twice without a record in between, as after a failed transaction
    assert_eq!(prices(&desk, 2), [(USDC, 1_100)]);
    for (auction, price) in [(2, 1_100), (3, 1_210), (4, 1_300)] {
        assert_eq!(prices(&desk, auction), [(USDC, price)]);
        desk.remember(AuctionId::new(auction), &record(auction, USDC, price).1);
    }
}

#[tokio::test]
async fn what_is_left_out_unpriced_or_held_back_is_counted_by_token_and_source() {
    let metrics = infra::telemetry::metrics().unwrap();
    let (lone, jumpy) = (Address::repeat_byte(0x71), Address::repeat_byte(0x72));
    let config = config(
        2,
        vec![token("LONE", lone, 0, &["a", "b", "c"]), token("JUMP", jumpy, 5, &[CONFIGURED, "d"])],
    );
    let said = vec![
        says("a", lone, 5, MOMENT.now_ms),
        says("b", lone, 5, 0),
        says("d", jumpy, 5, MOMENT.now_ms),
    ];
    let board = board(&config, said).await;
    let desk = Desk::new(config, board, &[record(1, jumpy, 1)]);
    assert_eq!(prices(&desk, 2), [(jumpy, 2)]);
    let text = metrics.render();
    let counted = |name: &str, token: Address, labels: &str| {
        let token = token.to_checksum(None);
        let line = format!("gavel_price_{name}_total{{token=\"{token}\"{labels}}} 1");
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    };
    counted("answers_left_out", lone, ",source=\"b\",reason=\"stale\"");
    counted("answers_left_out", lone, ",source=\"c\",reason=\"absent\"");
    counted("unpriced", lone, "");
    counted("held_back", jumpy, "");
    assert!(!text.contains("source=\"a\""), "{text}");
}
