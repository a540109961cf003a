//! Bids: what is refused at the door, what gets a receipt, what is public when.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use domain::bid::End;
use serde_json::{Value, json};
use solvers::wire::{Receipt, SignedNack};
use tests::{orders::Wallet, rpc::calldata, stack::Plan, wait};

use super::edge::{Edge, checksum, leg, problem, step};

const WETH: u128 = 10u128.pow(18);

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_gets_a_receipt_that_verifies_and_the_same_one_again() {
    let edge = Edge::for_bids().await;
    let intent = edge.accepted(0).await;
    let (_market, auction) = edge.open().await;
    let (id, body) = edge.sign(0, edge.bid(0, auction, (intent, WETH, 2_480_000_000)));
    let first = edge.post_bid(auction, &body).await;
    assert_eq!(first.status, 201, "{:#}", first.body);
    assert_eq!(first.body.get("advice"), None, "{:#}", first.body);
    let receipt: Receipt = serde_json::from_value(first.body["receipt"].clone()).unwrap();
    receipt.verify(edge.stack.domain(), edge.stack.market.receipts.address()).unwrap();
    assert_eq!((receipt.bid, receipt.auction_id.get()), (id, auction));
    let again = edge.post_bid(auction, &body).await;
    assert_eq!((again.status, &again.body), (200, &first.body));

    let (_, other) = {
        let mut draft = edge.bid(0, auction, (intent, WETH, 2_490_000_000));
        let reference = body["bid"]["clientBidId"].as_str().unwrap();
        draft.terms.client_bid_id = reference.parse().unwrap();
        edge.sign(0, draft)
    };
    let refused = problem(edge.post_bid(auction, &other).await, 409, "id_reused");
    assert_eq!(refused["bid"], id.to_string());
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bid").fetch_one(&edge.pool).await.unwrap();
    assert_eq!(kept, 1);
    // nothing of it is public while the window is open
    let view = edge.client.get(&format!("/v1/auctions/{auction}")).await.unwrap().body;
    assert_eq!(view["status"], "open");
    assert!(!view.to_string().contains(&id.to_string()), "{view:#}");
    for hidden in ["bids", "winners", "bid_count", "bids_root"] {
        assert_eq!(view.get(hidden), None, "{hidden}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_attributed_is_refused_by_its_cause() {
    let edge = Edge::for_bids().await;
    let intent = edge.accepted(0).await;
    let (_market, auction) = edge.open().await;
    let fill = (intent, WETH, 2_480_000_000);
    let ours = || edge.bid(0, auction, fill);

    let (_, elsewhere) = edge.sign(0, edge.bid(0, auction + 1, fill));
    let refused = problem(edge.post_bid(auction, &elsewhere).await, 422, "bid_invalid");
    assert_eq!(refused["errors"][0]["field"], "bid.auctionId");
    let refused = problem(edge.post_bid(auction + 1, &elsewhere).await, 404, "auction_unknown");
    assert_eq!(refused["auction_id"], auction + 1);

    let mut draft = ours();
    draft.terms.solver = Wallet::numbered("stranger", 1).address();
    problem(edge.post_bid(auction, &edge.sign(0, draft).1).await, 403, "solver_unknown");
    let (_, signed_by_other) = edge.sign(1, ours());
    problem(edge.post_bid(auction, &signed_by_other).await, 422, "signature_mismatch");
    let mut draft = ours();
    draft.terms.filler = Address::repeat_byte(0x77);
    problem(edge.post_bid(auction, &edge.sign(0, draft).1).await, 403, "filler_unbound");
    let mut draft = ours();
    draft.terms.filler = edge.stack.market.solvers[1].filler;
    problem(edge.post_bid(auction, &edge.sign(0, draft).1).await, 403, "filler_foreign");

    let (_, good) = edge.sign(0, ours());
    let mut broken = good.clone();
    broken["signature"] = json!("0x1234");
    problem(edge.post_bid(auction, &broken).await, 422, "signature_invalid");
    let mut many = good.clone();
    many["bid"]["gas"] = json!("300000");
    many["legs"] = json!([]);
    many["note"] = json!("");
    let refused = problem(edge.post_bid(auction, &many).await, 422, "bid_invalid");
    let fields: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert!(fields.contains(&json!("gas")) && fields.contains(&json!("note")), "{refused:#}");
    let unbodied = json!({});
    problem(edge.post_bid(auction, &unbodied).await, 422, "bid_invalid");

    let settlement = edge.stack.market.settlement;
    let solver = edge.stack.market.solvers[0].key.address();
    let coin = 10u128.pow(18);
    let mut draft = ours();
    draft.terms.penalty = 1_001 * coin;
    let short = problem(edge.post_bid(auction, &edge.sign(0, draft).1).await, 403, "bond_short");
    assert_eq!(short["missing"], coin.to_string());
    assert_eq!(short["available"], (1_000 * coin).to_string());
    assert!(short["signed"].is_object(), "{short:#}");
    let ask_back = |wei: u128| {
        let arguments = [B256::with_last_byte(1), U256::from(wei).into()];
        calldata("requestWithdrawal(uint8,uint128)", &arguments)
    };
    edge.transact(solver, settlement, ask_back(1_000 * coin)).await;
    let short = problem(edge.post_bid(auction, &good).await, 403, "deposit_short");
    assert_eq!(short["available"], "0");
    edge.transact(solver, settlement, ask_back(0)).await;

    let pause = calldata("setPaused(address,bool)", &[solver.into_word(), B256::with_last_byte(1)]);
    edge.transact(edge.stack.market.operator.address(), settlement, pause).await;
    problem(edge.post_bid(auction, &good).await, 403, "solver_paused");
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bid").fetch_one(&edge.pool).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_that_breaks_a_rule_is_taken_and_told_which() {
    let edge = Edge::for_bids().await;
    let (weth, dai) = (edge.accepted(0).await, {
        let (weth, dai) = (edge.stack.token("WETH"), edge.stack.token("DAI"));
        let order = tests::orders::Order::sell(dai, 2_500 * WETH, weth, WETH / 2);
        let posted = edge.stack.owner(1).intent(edge.stack.domain(), &order);
        assert_eq!(edge.client.post("/v1/intents", &posted.body).await.unwrap().status, 201);
        posted.id
    });
    let twin = edge.accepted(1).await;
    let (_market, auction) = edge.open().await;
    let here = &edge;
    let advice = |draft| {
        let (_, body) = here.sign(0, draft);
        async move { here.post_bid(auction, &body).await }
    };

    let limit = advice(edge.bid(0, auction, (weth, WETH, 2_400_000_000))).await;
    assert_eq!(limit.status, 201, "{:#}", limit.body);
    assert_eq!(limit.body["advice"]["code"], "limit_broken");
    assert_eq!(limit.body["advice"]["least"], "2475000000");

    let mut unbalanced = edge.bid(0, auction, (weth, WETH, 2_480_000_000));
    unbalanced.legs.pop();
    let unbalanced = advice(unbalanced).await;
    assert_eq!(
        (unbalanced.status, &unbalanced.body["advice"]["code"]),
        (201, &json!("unbalanced"))
    );

    let mut prices = edge.bid(0, auction, (weth, WETH, 2_480_000_000));
    prices.legs.push(leg(End::Intent(twin), End::Filler, WETH));
    prices.legs.push(leg(End::Filler, End::Intent(twin), 2_490_000_000));
    let prices = advice(prices).await;
    assert_eq!(
        (prices.status, &prices.body["advice"]["code"]),
        (201, &json!("two_prices")),
        "{:#}",
        prices.body
    );

    let mut mismatch = edge.bid(0, auction, (weth, WETH, 2_480_000_000));
    mismatch.legs.push(leg(End::Intent(weth), End::Intent(dai), 5));
    mismatch.legs.push(leg(End::Intent(dai), End::Intent(weth), 5));
    let mismatch = advice(mismatch).await;
    assert_eq!(
        (mismatch.status, &mismatch.body["advice"]["code"]),
        (201, &json!("leg_mismatch")),
        "{:#}",
        mismatch.body
    );
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bid").fetch_one(&edge.pool).await.unwrap();
    assert_eq!(kept, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_bid_is_told_by_how_much_and_a_quota_when_it_is_used_up() {
    let edge = Edge::with(Plan { solvers: 1, window_ms: 1_500, ..Plan::default() }, |config| {
        config.auction.max_bids_per_solver = 2;
    })
    .await;
    let intent = edge.accepted(0).await;
    let (mut market, auction) = edge.open().await;
    let fill = (intent, WETH, 2_480_000_000);
    let bids: Vec<_> = (0..3).map(|_| edge.sign(0, edge.bid(0, auction, fill)).1).collect();
    for bid in &bids[..2] {
        assert_eq!(edge.post_bid(auction, bid).await.status, 201);
    }
    problem(edge.post_bid(auction, &bids[2]).await, 429, "quota_exceeded");
    step(&mut market).await;
    let late = edge.sign(0, edge.bid(0, auction, fill)).1;
    let refused = problem(edge.post_bid(auction, &late).await, 409, "bid_late");
    assert!(refused["late_by_ms"].as_u64().unwrap() < 60_000, "{refused:#}");
    assert_eq!(refused["retryable"], false);
    // signed, so that the operator cannot say later that it was never sent
    let nack: SignedNack = serde_json::from_value(refused["signed"].clone()).unwrap();
    assert_eq!((nack.code.as_str(), nack.auction_id.get()), ("bid_late", auction));
    let signer = nack.signer(edge.stack.domain()).unwrap();
    assert_eq!(signer, edge.stack.market.receipts.address());
    // what was in time is answered with its receipt even now
    let again = edge.post_bid(auction, &bids[0]).await;
    assert_eq!(again.status, 200, "{:#}", again.body);
    // a queue that is long gone is late too, not unknown
    let client = redis::Client::open(edge.stack.redis.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL").exec_async(&mut redis).await.unwrap();
    problem(edge.post_bid(auction, &late).await, 409, "bid_late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_after_the_closing_marker_is_late_even_if_the_window_seems_open() {
    let edge = Edge::for_bids().await;
    let intent = edge.accepted(0).await;
    let (_market, auction) = edge.open().await;
    let (_, bid) = edge.sign(0, edge.bid(0, auction, (intent, WETH, 2_480_000_000)));
    let view = edge.client.get(&format!("/v1/auctions/{auction}")).await.unwrap().body;
    let closes_at_ms = view["closes_at_ms"].as_u64().unwrap();
    // closed by a leader whose clock is far ahead
    assert!(
        edge.queue.close(domain::AuctionId::new(auction), closes_at_ms).await.unwrap().is_some()
    );
    let refused = problem(edge.post_bid(auction, &bid).await, 409, "bid_late");
    assert_eq!(refused["closes_at_ms"], closes_at_ms);
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bid").fetch_one(&edge.pool).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_are_public_only_once_nothing_of_the_auction_can_be_sealed_any_more() {
    let edge = Edge::with(Plan { solvers: 1, window_ms: 1_000, ..Plan::default() }, |_| {}).await;
    let intent = edge.accepted(0).await;
    let (mut market, auction) = edge.open().await;
    let (id, body) = edge.sign(0, edge.bid(0, auction, (intent, WETH, 2_480_000_000)));
    assert_eq!(edge.post_bid(auction, &body).await.status, 201);
    step(&mut market).await;
    let path = format!("/v1/auctions/{auction}");
    let decided = edge.client.get(&path).await.unwrap().body;
    assert_eq!(decided["status"], "decided", "{decided:#}");
    assert_eq!(decided["winners"], json!([id]));
    assert_eq!(decided["bid_count"], 1);
    assert_eq!(decided["settlements"][0]["status"], "planned");
    let sealed = edge.client.get(&format!("{path}/bids")).await.unwrap();
    assert_eq!(problem(sealed, 409, "auction_sealed")["retryable"], true, "until the reveal");
    assert_eq!(decided.get("references"), None, "they say what the others bid");
    assert!(!decided.to_string().contains(body["signature"].as_str().unwrap()));
    // given up by the settlement, as its worker would
    sqlx::query("UPDATE settlement SET status = 'failed'").execute(&edge.pool).await.unwrap();
    let mut tx = infra::pg::begin(&edge.pool).await.unwrap();
    let number = domain::AuctionId::new(auction);
    infra::pg::auction::publish_if_settled(&mut tx, 31_337, number).await.unwrap();
    tx.commit().await.unwrap();
    let published = wait::until("the auction being public", Duration::from_secs(5), || async {
        let view = edge.client.get(&path).await.unwrap().body;
        if view["status"] == "published" { Ok(view) } else { Err(view.to_string()) }
    });
    let published = published.await.unwrap();
    let solver = checksum(edge.stack.market.solvers[0].key.address());
    assert_eq!(published["references"][0]["solver"], solver, "{published:#}");
    assert_eq!(published["references"][0]["score"], "0", "nobody else bid");
    let page = edge.client.get(&format!("{path}/bids")).await.unwrap().body;
    let bid: &Value = &page["items"][0];
    assert_eq!(bid["id"], id.to_string());
    assert_eq!((&bid["bid"], &bid["legs"]), (&body["bid"], &body["legs"]));
    assert_eq!(bid["verdict"]["verdict"], "won", "{bid:#}");
    let page = edge.client.get("/v1/auctions?limit=1").await.unwrap().body;
    assert_eq!(page["items"][0]["id"], auction);
}
