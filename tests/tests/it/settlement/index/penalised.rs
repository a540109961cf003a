//! What a solver's failed bid costs it.

use alloy::primitives::U256;
use domain::{
    Amount,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::index as store;
use serde_json::{Value, json};
use tests::{anvil::CHAIN_ID, market::PENALTY};

use super::{
    super::scene::{Scene, WETH},
    catch_up, head, indexer, status, step, told,
};

#[tokio::test]
async fn a_penalty_is_told_kept_for_the_solver_s_standing_and_taken_back_with_its_block() {
    let scene = Scene::start(64).await;
    let (mut short, good) = (scene.swap(0, WETH), scene.swap(1, WETH));
    // more than the solver's filler has
    short.bought = U256::from(10u64.pow(18));
    scene.queue(1, &[&short, &good]).await;
    let solver = scene.stack.market.solvers[0].key.address();
    let mut reader = indexer(&scene).await;
    catch_up(&mut reader).await;
    let worker = scene.worker();
    let lease = scene.lease(&worker).await;
    scene.step_until(&worker, lease, S::Revealed).await;
    let block = head(&scene).await;
    catch_up(&mut reader).await;

    let (kind, event) = scene.events().await.pop().unwrap();
    assert_eq!(kind, "solver.penalty");
    let wei = |value: &Value| -> u128 { value.as_str().unwrap().parse().unwrap() };
    assert_eq!(wei(&event["amount"]), PENALTY);
    let share = wei(&event["shares"][0]["amount"]);
    assert!(share > 0, "{event}");
    assert_eq!(wei(&event["burned"]), PENALTY - share, "whatever the shares are");
    let owner = scene.stack.owner(0).address().to_checksum(None);
    assert_eq!(event["shares"][0]["owner"], json!(owner));
    assert_eq!((&event["reorged"], &event["block"]["hash"]), (&json!(false), &json!(block.hash)));
    let mut conn = scene.pool.acquire().await.unwrap();
    let scope = store::Scope { chain_id: CHAIN_ID, contract: scene.stack.market.settlement };
    let lost = store::penalties(&mut conn, scope, solver).await.unwrap();
    assert_eq!((lost.count, lost.amount), (1, Amount::from(PENALTY)));
    let other = scene.stack.owner(0).address();
    let nothing = store::penalties(&mut conn, scope, other).await.unwrap();
    assert_eq!(nothing, store::Penalties::default());

    scene.rpc.reorg(1).await.unwrap();
    step(&mut reader).await.unwrap();
    let lost = store::penalties(&mut conn, scope, solver).await.unwrap();
    assert_eq!(lost.count, 0);
    assert_eq!(scene.events().await.pop().unwrap().1["reorged"], true);
    assert_eq!(told(&scene, "solver.penalty").await, 2);
    assert_eq!(
        status(&scene, &good).await,
        I::Filled,
        "our own fills are the worker's to take back"
    );
}
