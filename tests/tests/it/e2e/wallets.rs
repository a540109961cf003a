//! Real wallets in their own language. They know nothing but the API's URL, the node's and a key.

use std::process::Command;

use tests::{
    client::Client,
    repo,
    stack::{Plan, Stack},
};

use super::{one_weth_to_usdc, post, running};

async fn script(name: &str, arguments: &[String]) {
    let mut command = Command::new("node_modules/.bin/tsx");
    command.current_dir(repo::root().join("tests")).arg(format!("clients/{name}")).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}:\n{out}\n{err}");
}

fn arguments(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()]).collect()
}

async fn run_wallet(name: &str) {
    let market = running(Plan::default()).await;
    let (api, rpc) = (&market.service.api_url, market.stack.anvil.url());
    let key = market.stack.owner(0).secret_hex();
    script(name, &arguments(&[("api", api), ("rpc", &rpc), ("key", &key)])).await;
}

#[tokio::test]
async fn a_viem_wallet_signs_posts_follows_the_stream_and_sees_its_fill_on_chain() {
    run_wallet("wallet.ts").await;
}

#[tokio::test]
async fn an_ethers_wallet_signs_posts_follows_the_stream_and_sees_its_fill_on_chain() {
    run_wallet("wallet-ethers.ts").await;
}

#[tokio::test]
async fn a_third_party_solver_over_websocket_wins_and_verifies_its_receipt() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let service = stack.serve("api,auction,settlement").await.unwrap();
    let client = Client::new(&service.api_url).unwrap();
    let solver = &stack.market.solvers[0];
    let (key, filler) = (solver.key.secret_hex(), solver.filler.to_checksum(None));
    let mut line = arguments(&[
        ("api", &service.api_url),
        ("key", &key),
        ("filler", &filler),
        ("until", "published"),
    ]);
    line.push("--inventory".to_owned());
    let solving = tokio::spawn(async move { script("solver.ts", &line).await });
    let posted = post(&client, &stack, 0, &one_weth_to_usdc(&stack)).await;
    client.wait_for(posted.id, "filled").await.unwrap();
    solving.await.unwrap();
}

#[tokio::test]
async fn the_served_openapi_document_is_valid_and_its_generated_types_compile() {
    let stack = Stack::start(Plan { owners: 0, solvers: 0, ..Plan::default() }).await.unwrap();
    let service = stack.serve("api").await.unwrap();
    script("openapi.ts", &arguments(&[("api", &service.api_url)])).await;
}
