//! A token that moves balances and logs nothing of it.

use alloy::{
    primitives::{B256, Bytes, hex},
    sol_types::{SolCall as _, SolEvent as _},
};
use infra::chain::abi;
use serde_json::json;
use tests::{rpc::calldata, stack::Stack};

use super::{
    proxy::{Proxy, rpc_method},
    single::Single,
    told::forget,
};

/// Takes the token off the plain list, and the name of its event out of its code.
async fn silence(stack: &Stack) {
    let (rpc, token) = (stack.rpc().unwrap(), stack.token("USDC"));
    let code = rpc.call("eth_getCode", json!([token, "latest"])).await.unwrap();
    let code = code.as_str().unwrap();
    let silent = code.replace(&hex::encode(abi::Transfer::SIGNATURE_HASH), &"11".repeat(32));
    assert_ne!(code, silent);
    rpc.call("anvil_setCode", json!([token, silent])).await.unwrap();
    list(stack, 0).await;
}

async fn list(stack: &Stack, plain: u8) {
    let (token, market) = (stack.token("USDC").into_word(), &stack.market);
    let data: Bytes =
        calldata("setPlainToken(address,bool)", &[token, B256::with_last_byte(plain)]);
    let operator = market.operator.address();
    stack.rpc().unwrap().send_as(operator, market.settlement, data).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_that_a_token_off_the_plain_list_does_not_log_are_told_and_those_of_a_plain_one_missed()
 {
    let stack = Stack::start(Single::plan()).await.unwrap();
    silence(&stack).await;
    let single = Single::held(stack).await;
    single.bid(0, 2_490_000_000).await;
    single.published().await;
    // what counts is the list at the reveal
    list(&single.stack, 1).await;

    let (code, out, err) = single.audited(None, false).await;
    assert_eq!(code, 0, "{out}\n{err}");
    let token = single.stack.token("USDC");
    let told = format!("unchecked: 1 payments in {token} that it did not log (which is not on");
    assert!(out.contains(&told), "{told:?} is not in {out}");
    let (code, ..) = single.audited(None, true).await;
    assert_eq!(code, i32::from(gavel::exit::DIFFERS));

    let url = single.stack.anvil.url();
    let pruned = Proxy::start(&url, forget).await;
    let (code, out, err) = single.audited(Some(&pruned.url), false).await;
    assert!(code == 0 && out.contains("says whether it had to"), "{out}\n{err}");

    // a node on whose chain it was on the list
    let asked = hex::encode(abi::isPlainTokenCall::SELECTOR);
    let plain = Proxy::start(&url, move |_, request, mut answer| {
        let data = request["params"][0].to_string();
        if rpc_method(request) == Some("eth_call") && data.contains(&asked) {
            answer["result"] = json!(B256::with_last_byte(1));
        }
        answer
    });
    let (code, out, err) = single.audited(Some(&plain.await.url), false).await;
    assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{out}\n{err}");
    assert!(out.contains("did not happen") && out.contains(&token.to_string()), "{out}");
}
