//! The whole way, through real parts, from a signed intent to tokens in the receiver's account.

mod chaos;
mod dev;
mod market;
mod wallets;

use alloy::primitives::{Address, U256};
use tests::{
    client::Client,
    orders::{Order, Posted},
    process::Process,
    stack::{Plan, Service, Stack},
};

/// A stack with one process of all roles and one solver of each strategy.
struct Running {
    client: Client,
    service: Service,
    #[allow(dead_code, reason = "held: dropping it stops the solvers")]
    solvers: Vec<Process>,
    stack: Stack,
}

async fn running(plan: Plan) -> Running {
    let stack = Stack::start(Plan { solvers: 2, ..plan }).await.unwrap();
    let service = stack.serve("api,auction,settlement").await.unwrap();
    let solvers = vec![
        stack.solver("ring", 0, &service.api_url).unwrap(),
        stack.solver("inventory", 1, &service.api_url).unwrap(),
    ];
    let client = Client::new(&service.api_url).unwrap();
    Running { client, service, solvers, stack }
}

/// An order of owner `n` for a whole WETH at one per cent below the reference price of 2,500.
fn one_weth_to_usdc(stack: &Stack) -> Order {
    Order::sell(stack.token("WETH"), 10u128.pow(18), stack.token("USDC"), 2_475_000_000)
}

async fn post(client: &Client, stack: &Stack, owner: usize, order: &Order) -> Posted {
    let posted = stack.owner(owner).intent(stack.domain(), order);
    let answer = client.post("/v1/intents", &posted.body).await.unwrap();
    assert_eq!(answer.status, 201, "{:#}", answer.body);
    assert_eq!(answer.body["id"], posted.id.to_string());
    posted
}

async fn balance(stack: &Stack, token: Address, owner: usize) -> U256 {
    let rpc = stack.rpc().unwrap();
    rpc.token_balance(token, stack.owner(owner).address()).await.unwrap()
}
