//! A small random order flow: about one intent a second, around the reference price.

use std::{io, time::Duration};

use super::{ACCOUNTS, FLOW, dice, order_near_price};
use crate::stack::Stack;

/// Posts intents until dropped. A refusal is printed and the flow goes on.
pub(super) async fn run(api_url: &str, stack: &Stack) -> io::Result<()> {
    let client = infra::http::client(Duration::from_secs(5)).map_err(io::Error::other)?;
    let url = format!("{api_url}/v1/intents");
    let tokens = stack.market.tokens.len() as u64;
    let (mut posted, mut refused) = (0u64, 0u64);
    let mut opposite = None;
    loop {
        // now and then somebody wants the opposite at once: a match for rings
        let (sell, buy, wei, in_parts) = match opposite.take() {
            Some((sell, buy, wei)) => (buy, sell, wei, true),
            None => {
                tokio::time::sleep(Duration::from_millis(400 + dice(1_200))).await;
                let sell = dice(tokens);
                let buy = (sell + 1 + dice(tokens - 1)) % tokens;
                let wei = u128::from(1 + dice(200)) * 10u128.pow(15);
                opposite = (dice(4) == 0).then_some((sell, buy, wei));
                (sell, buy, wei, false)
            }
        };
        let slack_bps = 20 + u128::from(dice(130));
        let mut order = order_near_price(stack, index(sell), index(buy), wei, slack_bps);
        order.partially_fillable = in_parts;
        let owner = stack.owner(ACCOUNTS + index(dice(FLOW as u64)));
        let body = owner.intent(stack.domain(), &order).body;
        match client.post(&url).json(&body).send().await {
            Ok(answer) if answer.status().is_success() => posted += 1,
            Ok(answer) => {
                refused += 1;
                println!("refused: {}", answer.text().await.unwrap_or_default());
            }
            Err(error) => {
                refused += 1;
                println!("not sent: {error}");
            }
        }
        if (posted + refused) % 30 == 0 {
            println!("order flow: {posted} intents posted, {refused} refused");
        }
    }
}

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(0)
}
