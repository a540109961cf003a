//! `.dev/stack.json`, and the page of text that says where everything is.

use std::{io, path::Path};

use serde_json::json;

use super::{ACCOUNTS, Dev, order_near_price};
use crate::stack::Stack;

/// Writes what programs need to use the stack.
pub(super) fn write(folder: &Path, api_url: &str, stack: &Stack) -> io::Result<()> {
    let market = &stack.market;
    let tokens: Vec<_> = market
        .tokens
        .iter()
        .map(|t| json!({"symbol": t.symbol, "address": t.address.to_checksum(None), "decimals": t.decimals}))
        .collect();
    let accounts: Vec<_> = market
        .owners
        .iter()
        .take(ACCOUNTS)
        .map(|o| json!({"address": o.address().to_checksum(None), "private_key": o.secret_hex()}))
        .collect();
    let solvers: Vec<_> = market
        .solvers
        .iter()
        .map(|s| {
            json!({
                "address": s.key.address().to_checksum(None),
                "private_key": s.key.secret_hex(),
                "filler": s.filler.to_checksum(None),
            })
        })
        .collect();
    let operator = &market.operator;
    let manifest = json!({
        "api_url": api_url,
        "rpc_url": stack.anvil.url(),
        "chain_id": crate::anvil::CHAIN_ID,
        "settlement": market.settlement.to_checksum(None),
        "postgres_url": stack.postgres_url,
        "redis_url": stack.redis.url(),
        "tokens": tokens,
        "accounts": accounts,
        "solvers": solvers,
        "operator": {
            "address": operator.address().to_checksum(None),
            "private_key": operator.secret_hex(),
        },
    });
    std::fs::write(folder.join("stack.json"), format!("{manifest:#}\n"))
}

/// Prints where everything is and a curl that works as it stands.
pub(super) fn explain(dev: &Dev) {
    let (api, stack) = (&dev.service.api_url, &dev.stack);
    let order = order_near_price(stack, 0, 1, 10u128.pow(17), 100);
    let posted = stack.owner(ACCOUNTS).intent(stack.domain(), &order);
    println!(
        "
  API         {api}          Swagger UI {api}/docs
  stream      curl -N '{api}/v1/events?from=now'
  node        {}   Settlement {}
  manifest    .dev/stack.json         logs .dev/*.log

  post an intent (signed, valid for ten minutes):

curl -s {api}/v1/intents -H 'content-type: application/json' -d '{}'

  and watch it:  curl -s {api}/v1/intents/{}/timeline

  make every decision again, and hold it against the chain:

target/debug/gavel audit --api {api} --rpc {}

  an order flow is running; Ctrl-C stops everything
",
        stack.anvil.url(),
        stack.market.settlement,
        posted.body,
        posted.id,
        stack.anvil.url(),
    );
}
