use std::time::Duration;

use tests::{
    client::Client,
    orders::Order,
    stack::{Plan, Stack},
};

use super::{order, signed};

async fn filled_by(client: &Client, id: domain::IntentId) -> String {
    client.wait_for(id, "filled").await.unwrap();
    let view = client.get(&format!("/v1/intents/{id}")).await.unwrap().body;
    view["evidence"]["tx"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn three_intents_that_no_two_of_them_could_match_fill_each_other() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let service = stack.serve("api,auction,settlement").await.unwrap();
    let _ring = stack.solver("ring", 0, &service.api_url).unwrap();
    let client = Client::new(&service.api_url).unwrap();
    let wanted = [("WETH", 1, "USDC"), ("USDC", 2_500, "DAI"), ("DAI", 2_500, "WETH")];
    let mut posted = Vec::new();
    for (owner, (sell, whole, buy)) in wanted.into_iter().enumerate() {
        let intent = signed(&stack, owner, &order(&stack, sell, whole, buy, 99));
        let answer = client.post("/v1/intents", &intent.body).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        posted.push(intent.id);
    }
    let first = filled_by(&client, posted[0]).await;
    assert_eq!(filled_by(&client, posted[1]).await, first, "one ring is one transaction");
    assert_eq!(filled_by(&client, posted[2]).await, first);
}

#[tokio::test]
async fn several_intents_are_filled_by_one_that_takes_parts() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let service = stack.serve("api,auction,settlement").await.unwrap();
    let client = Client::new(&service.api_url).unwrap();
    let hub = order(&stack, "USDC", 20_000, "WETH", 99);
    let hub = signed(&stack, 0, &Order { partially_fillable: true, ..hub });
    let around = [1, 2].map(|n| signed(&stack, n, &order(&stack, "WETH", n as u64, "USDC", 99)));
    for intent in [&hub, &around[0], &around[1]] {
        let answer = client.post("/v1/intents", &intent.body).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
    }
    // the solver's first auction holds all of them, so its best ring is the one with all of them
    tests::wait::until("an auction of all three", tests::client::PATIENCE, || async {
        let page = client.get("/v1/auctions").await.map_err(|e| e.to_string())?.body;
        let auctions = page["items"].as_array().cloned().unwrap_or_default();
        let full = |auction: &serde_json::Value| {
            auction["intents"].as_array().is_some_and(|intents| intents.len() == 3)
        };
        if auctions.iter().any(full) { Ok(()) } else { Err(format!("{} auctions", auctions.len())) }
    })
    .await
    .unwrap();
    let _ring = stack.solver("ring", 0, &service.api_url).unwrap();
    let first = filled_by(&client, around[0].id).await;
    assert_eq!(filled_by(&client, around[1].id).await, first);
    let view = client.get(&format!("/v1/intents/{}", hub.id)).await.unwrap().body;
    assert_eq!(view["filled"], "7500000000", "{view:#}");
}

#[tokio::test]
async fn a_solver_goes_on_where_it_was_when_the_api_comes_back() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let mut service = stack.serve("api,auction,settlement").await.unwrap();
    let mut solver = stack.solver("inventory", 0, &service.api_url).unwrap();
    let client = Client::new(&service.api_url).unwrap();
    let first = signed(&stack, 0, &order(&stack, "WETH", 1, "USDC", 99));
    client.post("/v1/intents", &first.body).await.unwrap();
    client.wait_for(first.id, "filled").await.unwrap();

    assert!(service.process.stop(Duration::from_secs(15)).unwrap(), "it stops when asked");
    let port = service.api_url.rsplit(':').next().unwrap().parse().unwrap();
    let _service = stack.serve_on("api,auction,settlement", port).await.unwrap();
    let second = signed(&stack, 1, &order(&stack, "USDC", 2_500, "WETH", 99));
    client.post("/v1/intents", &second.body).await.unwrap();
    client.wait_for(second.id, "filled").await.unwrap();
    assert!(solver.ended().is_none());
    assert!(solver.stop(Duration::from_secs(10)).unwrap(), "a solver stops when asked");
}
