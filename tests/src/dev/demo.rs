//! One intent from its signature to the tokens in its owner's account, printed live.

use std::{
    io,
    time::{Duration, Instant},
};

use alloy::primitives::{Address, U256};
use serde_json::Value;

use super::{bill, order_near_price};
use crate::{market::Token, rpc::Rpc, stack::Stack};

const PATIENCE: Duration = Duration::from_secs(60);

/// Signs, posts, follows and checks one intent.
pub(super) async fn follow_one_intent(api_url: &str, stack: &Stack) -> io::Result<()> {
    let client = infra::http::client(Duration::from_secs(5)).map_err(io::Error::other)?;
    let rpc = stack.rpc()?;
    let owner = stack.owner(0);
    let (sell, buy) = (&stack.market.tokens[0], &stack.market.tokens[1]);
    let before = balances(&rpc, owner.address(), sell, buy).await?;
    let order = order_near_price(stack, 0, 1, 10u128.pow(18), 100);
    let posted = owner.intent(stack.domain(), &order);
    println!(
        "\nintent {}\n  sell {} {} for at least {} {}",
        posted.id,
        units(U256::from(order.sell_amount), sell),
        sell.symbol,
        units(U256::from(order.buy_amount), buy),
        buy.symbol
    );
    let begun = Instant::now();
    let answer = client.post(format!("{api_url}/v1/intents")).json(&posted.body).send().await;
    let answer = answer.map_err(io::Error::other)?;
    if !answer.status().is_success() {
        return Err(io::Error::other(answer.text().await.unwrap_or_default()));
    }
    let url = format!("{api_url}/v1/intents/{}", posted.id);
    let mut shown = 0;
    loop {
        shown = show_timeline(&client, &url, shown, begun).await?;
        let view = get(&client, &url).await?;
        match view["status"].as_str() {
            Some("filled") => break,
            Some("expired" | "cancelled") => {
                return Err(io::Error::other(format!("the intent ended {}", view["status"])));
            }
            _ if begun.elapsed() > PATIENCE => {
                return Err(io::Error::other(format!("not filled after {PATIENCE:?}: {view}")));
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    show_timeline(&client, &url, shown, begun).await?;
    let after = balances(&rpc, owner.address(), sell, buy).await?;
    println!("\n  balances            before              after");
    for (token, was, is) in [(sell, before.0, after.0), (buy, before.1, after.1)] {
        println!("  {:<6} {:>20} {:>20}", token.symbol, units(was, token), units(is, token));
    }
    let paid = before.0.checked_sub(after.0) == Some(U256::from(order.sell_amount));
    let gained = after.1.saturating_sub(before.1) >= U256::from(order.buy_amount);
    if !(paid && gained) {
        return Err(io::Error::other("the chain does not show what the timeline says"));
    }
    let bought = after.1.saturating_sub(before.1);
    println!(
        "\n  gained over the limit  {} {}",
        units(bought.saturating_sub(U256::from(order.buy_amount)), buy),
        buy.symbol
    );
    bill::show(&client, &url, &rpc, posted.id).await?;
    println!("\nfilled after {:.1} s", begun.elapsed().as_secs_f32());
    Ok(())
}

async fn show_timeline(
    client: &reqwest::Client,
    url: &str,
    shown: usize,
    begun: Instant,
) -> io::Result<usize> {
    let timeline = get(client, &format!("{url}/timeline")).await?;
    let items = timeline["items"].as_array().cloned().unwrap_or_default();
    for item in items.iter().skip(shown) {
        let kind = item["kind"].as_str().unwrap_or("?");
        println!("  {:5.1} s  {kind:<20} {}", begun.elapsed().as_secs_f32(), item["detail"]);
    }
    Ok(items.len())
}

pub(super) async fn get(client: &reqwest::Client, url: &str) -> io::Result<Value> {
    let answer = client.get(url).send().await.map_err(io::Error::other)?;
    answer.json().await.map_err(io::Error::other)
}

async fn balances(
    rpc: &Rpc,
    owner: Address,
    sell: &Token,
    buy: &Token,
) -> io::Result<(U256, U256)> {
    let sold = rpc.token_balance(sell.address, owner).await.map_err(io::Error::other)?;
    let bought = rpc.token_balance(buy.address, owner).await.map_err(io::Error::other)?;
    Ok((sold, bought))
}

/// Atoms as whole tokens with decimals, without floats.
fn units(atoms: U256, token: &Token) -> String {
    let unit = U256::from(token.unit());
    let places = usize::from(token.decimals);
    let fraction = format!("{:0>places$}", (atoms % unit).to_string());
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        (atoms / unit).to_string()
    } else {
        format!("{}.{fraction}", atoms / unit)
    }
}
