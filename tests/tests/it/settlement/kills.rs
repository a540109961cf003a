//! A real process, killed with -9 at each call by which a settlement goes on.

use std::time::Duration;

use domain::{
    AuctionId,
    status::{IntentStatus as I, SettlementStatus as S},
};
use serde_json::Value;
use tests::stack::Plan;
use tokio::sync::mpsc;

use super::{
    proxy::{Fate, Proxy, is},
    scene::{Scene, WETH},
};

/// Where it is killed: at the call of this method that is its so-many-th, before or after the node
/// has got it.
#[derive(Clone, Copy, Debug)]
struct Point {
    method: &'static str,
    nth: usize,
    /// Whether the node got it.
    reached: bool,
}

const fn at(method: &'static str, nth: usize, reached: bool) -> Point {
    Point { method, nth, reached }
}

const POINTS: [Point; 13] = [
    // looking for a lane
    at("eth_getBalance", 1, false),
    at("eth_call", 1, true),
    // the commit is written, and not sent; sent, and not noted
    at("eth_sendRawTransaction", 1, false),
    at("eth_sendRawTransaction", 1, true),
    // its fate is looked for
    at("eth_getTransactionCount", 1, true),
    at("eth_getTransactionReceipt", 1, true),
    // seen, and not recorded; recorded, and nothing done yet
    at("eth_call", 2, true),
    at("eth_getTransactionCount", 3, false),
    // the reveal is written, and not sent; sent, and not noted
    at("eth_sendRawTransaction", 2, false),
    at("eth_sendRawTransaction", 2, true),
    // its fate is looked for; seen, and not recorded
    at("eth_getTransactionReceipt", 5, true),
    at("eth_call", 3, false),
    at("eth_call", 3, true),
];

/// Holds the call, and everything after it, until somebody is there to kill the process.
fn hold(proxy: &Proxy, point: Point) -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel(1);
    let mut seen = 0;
    proxy.script(move |request: &Value| {
        seen += usize::from(is(request, point.method));
        if seen < point.nth {
            return Fate::Pass;
        }
        let held =
            if point.reached && tell.try_send(()).is_ok() { Fate::Mute } else { Fate::Swallow };
        let _ = tell.try_send(());
        held
    });
    told
}

#[tokio::test]
async fn killed_at_any_call_a_settlement_is_finished_by_the_next_process_and_filled_once() {
    // in front of the node, before the stack is there whose services ask it
    let proxy = Proxy::start("").await;
    let settings = vec![
        ("chain.rpc_url", format!("\"{}\"", proxy.url)),
        ("chain.rpc_timeout_ms", "300".to_owned()),
        ("settlement.lease_ms", "1000".to_owned()),
    ];
    let scene = Scene::start_as(Plan { settings, ..Plan::default() }).await;
    proxy.set_upstream(&scene.stack.anvil.url());
    for (n, point) in (1..).zip(POINTS) {
        proxy.honest();
        let mut service = scene.stack.serve("settlement").await.unwrap();
        let swap = scene.swap(0, WETH / 10);
        let before = scene.usdc(0).await;
        let mut reached = hold(&proxy, point);
        scene.queue(n, &[&swap]).await;
        let held = tokio::time::timeout(Duration::from_secs(30), reached.recv());
        held.await.unwrap_or_else(|_| panic!("{point:?} was never reached"));
        service.process.kill9().unwrap();
        proxy.honest();
        let _next = scene.stack.serve("settlement").await.unwrap();
        scene.until(AuctionId::new(n), &[S::Revealed, S::Final]).await;
        assert_eq!(scene.stands(&swap).await, I::Filled, "{point:?}");
        assert_eq!(scene.usdc(0).await - before, swap.bought, "{point:?}");
    }
    let kinds: Vec<String> = scene.attempts().await.into_iter().map(|a| a.0).collect();
    assert_eq!(kinds.len(), 2 * POINTS.len(), "two transactions for each: {kinds:?}");
}
