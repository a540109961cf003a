//! What a Uniswap V2 pair answers: over which time, from which blocks, and when nothing.

use alloy::primitives::{Address, U256};
use domain::Amount;
use infra::{
    config::PoolConfig,
    price::{Heard, PriceSource as _, Quote, SourceError, Worth},
};
use tests::uniswap::Pair;

use super::{
    super::house::{concluded, opened, step},
    scene::{ETHER, Scene, WINDOW_S},
};

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
