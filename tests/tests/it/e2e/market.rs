//! One market: intents are filled from inventories and with each other.

use alloy::primitives::U256;
use tests::{
    client::Client,
    orders::Order,
    stack::{Plan, Stack},
};

use super::{balance, one_weth_to_usdc, post, running};

#[tokio::test]
async fn a_signed_intent_ends_as_tokens_in_its_owners_account() {
    let market = running(Plan::default()).await;
    let (usdc, weth) = (market.stack.token("USDC"), market.stack.token("WETH"));
    let before = (balance(&market.stack, weth, 0).await, balance(&market.stack, usdc, 0).await);
    let order = one_weth_to_usdc(&market.stack);
    let posted = post(&market.client, &market.stack, 0, &order).await;
    market.client.wait_for(posted.id, "filled").await.unwrap();
    let after = (balance(&market.stack, weth, 0).await, balance(&market.stack, usdc, 0).await);
    assert_eq!(before.0 - after.0, U256::from(order.sell_amount));
    assert!(after.1 - before.1 >= U256::from(order.buy_amount));
    let view = market.client.get(&format!("/v1/intents/{}", posted.id)).await.unwrap().body;
    assert!(view["evidence"]["tx"].is_string(), "a filled intent names its transaction: {view:#}");
}

#[tokio::test]
async fn two_opposite_intents_are_matched_with_each_other() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let service = stack.serve("api,auction,settlement").await.unwrap();
    let _ring = stack.solver("ring", 0, &service.api_url).unwrap();
    let client = Client::new(&service.api_url).unwrap();
    let (weth, usdc) = (stack.token("WETH"), stack.token("USDC"));
    let sell = post(&client, &stack, 0, &one_weth_to_usdc(&stack)).await;
    let buy = Order::sell(usdc, 2_500_000_000, weth, 99 * 10u128.pow(16));
    let buy = post(&client, &stack, 1, &Order { partially_fillable: true, ..buy }).await;
    client.wait_for(sell.id, "filled").await.unwrap();
    let filler = stack.market.solvers[0].filler;
    let rpc = stack.rpc().unwrap();
    let view = client.get(&format!("/v1/intents/{}", buy.id)).await.unwrap().body;
    assert_ne!(view["filled"], "0", "{view:#}");
    for (token, worth) in [(weth, 100_000u64), (usdc, 250_000_000)] {
        let unit = if token == weth { U256::from(10u64.pow(18)) } else { U256::from(10u64.pow(6)) };
        let held = rpc.token_balance(token, filler).await.unwrap();
        assert_eq!(held, U256::from(worth) * unit, "a ring takes nothing from the filler");
    }
}

#[tokio::test]
async fn two_api_processes_on_the_same_stores_serve_one_market() {
    let stack = Stack::start(Plan { solvers: 1, ..Plan::default() }).await.unwrap();
    let first = stack.serve("api,auction").await.unwrap();
    let second = stack.serve("api,settlement").await.unwrap();
    let _solver = stack.solver("inventory", 0, &second.api_url).unwrap();
    let (one, two) = (Client::new(&first.api_url).unwrap(), Client::new(&second.api_url).unwrap());
    let at_first = post(&one, &stack, 0, &one_weth_to_usdc(&stack)).await;
    let at_second = post(&two, &stack, 1, &one_weth_to_usdc(&stack)).await;
    one.wait_for(at_second.id, "filled").await.unwrap();
    two.wait_for(at_first.id, "filled").await.unwrap();
    let events = "/v1/events?limit=200";
    let (first_page, mut second_page) =
        (events_of(&one, events).await, events_of(&two, events).await);
    assert!(first_page.iter().any(|event| event.contains("intent.filled")), "{first_page:#?}");
    // the market goes on between the two requests
    second_page.truncate(first_page.len());
    assert_eq!(first_page, second_page, "both tell the same story in the same order");
}

async fn events_of(client: &Client, path: &str) -> Vec<String> {
    let request = client.http().get(client.at(path)).header("accept", "application/json");
    let page: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| format!("{} {}", item["cursor"], item["kind"])).collect()
}
