//! What is public of a solver.

use alloy::primitives::{Address, B256};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde_json::{Value, json};
use tests::{client::PATIENCE, rpc::calldata, stack::Plan, wait};

use super::edge::{Edge, problem};

impl Edge {
    async fn solver(&self, solver: Address) -> Value {
        let answer = self.client.get(&format!("/v1/solvers/{solver:?}")).await.unwrap();
        assert_eq!(answer.status, 200, "{:#}", answer.body);
        answer.body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solver_is_shown_with_what_the_contract_holds_for_it() {
    let edge = Edge::start().await;
    let (rpc, market) = (edge.stack.rpc().unwrap(), &edge.stack.market);
    let solver = market.solvers[0].key.address();
    let before = edge.solver(solver).await;
    assert_eq!(before["solver"], json!(solver.to_checksum(None)));
    assert_eq!((&before["registered"], &before["paused"]), (&json!(true), &json!(false)));
    let of = |view: &Value, field: &str| -> u128 { view[field].as_str().unwrap().parse().unwrap() };
    assert!(of(&before, "bond") > 0 && of(&before, "deposit") > 0, "{before:#}");
    assert_eq!((of(&before, "bond_leaving"), of(&before, "deposit_leaving")), (0, 0));
    assert_eq!((&before["penalties"], &before["simulation_drops"]), (&json!(0), &json!(0)));
    assert_eq!(of(&before, "penalised"), 0);

    // fund 0 is the bond
    let asked =
        calldata("requestWithdrawal(uint8,uint128)", &[B256::ZERO, B256::with_last_byte(7)]);
    rpc.set_balance(solver, 10u128.pow(18)).await.unwrap();
    rpc.send_as(solver, market.settlement, asked).await.unwrap();
    let pause = calldata("setPaused(address,bool)", &[solver.into_word(), B256::with_last_byte(1)]);
    rpc.send_as(market.operator.address(), market.settlement, pause).await.unwrap();
    let after = wait::until("the pause being mined", PATIENCE, || async {
        let view = edge.solver(solver).await;
        if view["paused"] == true { Ok(view) } else { Err(view.to_string()) }
    });
    let after = after.await.unwrap();
    assert_eq!(after["registered"], true, "as before");
    assert_eq!((of(&after, "bond"), of(&after, "bond_leaving")), (of(&before, "bond") - 7, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_is_no_solver_there_is_nothing_to_tell() {
    let edge = Edge::start().await;
    for nobody in [edge.stack.owner(0).address(), Address::ZERO] {
        let view = edge.solver(nobody).await;
        assert_eq!((&view["registered"], &view["bond"]), (&json!(false), &json!("0")), "{view:#}");
    }
    let answer = edge.client.get("/v1/solvers/0x12").await.unwrap();
    problem(answer, 400, "parameter_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_is_asked_about_four_solvers_at_once_and_records_are_read_meanwhile() {
    let edge = Edge::with(Plan::default(), |config| {
        config.api.record_permits = 1;
        config.chain.rpc_timeout_ms = 6_000;
    });
    let edge = edge.await;
    edge.cables.chain.silence();
    let paths: Vec<String> =
        (1..=10).map(|n| format!("/v1/solvers/{:?}", Address::with_last_byte(n))).collect();
    let mut asked: FuturesUnordered<_> = paths.iter().map(|path| edge.client.get(path)).collect();
    for _ in 0..6 {
        let answer = asked.next().await.unwrap().unwrap();
        problem(answer, 503, "busy");
    }
    let record = edge.client.get("/v1/auctions/7/export").await.unwrap();
    problem(record, 404, "auction_unknown");
    while let Some(answer) = asked.next().await {
        let body = problem(answer.unwrap(), 503, "dependency_unavailable");
        assert_eq!(body["dependency"], "chain");
    }
}
