//! Real wallets in their own language. They know nothing but the API's URL, the node's and a key.

use std::process::Command;

use tests::{repo, stack::Plan};

use super::running;

async fn run_wallet(script: &str) {
    let market = running(Plan::default()).await;
    let (api, rpc) = (market.service.api_url.clone(), market.stack.anvil.url());
    let key = market.stack.owner(0).secret_hex();
    let script = format!("clients/{script}");
    let output = tokio::task::spawn_blocking(move || {
        Command::new("node_modules/.bin/tsx")
            .current_dir(repo::root().join("tests"))
            .args([&script, "--api", &api, "--rpc", &rpc, "--key", &key])
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}

#[tokio::test]
async fn a_viem_wallet_signs_posts_follows_the_stream_and_sees_its_fill_on_chain() {
    run_wallet("wallet.ts").await;
}

#[tokio::test]
async fn an_ethers_wallet_signs_posts_follows_the_stream_and_sees_its_fill_on_chain() {
    run_wallet("wallet-ethers.ts").await;
}
