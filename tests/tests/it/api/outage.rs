//! A store that does not answer is a 503 that says when to come again; nothing accepted is lost,
//! and everything goes on when it is back.

use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use tests::wait;

use super::{
    edge::{Edge, step},
    sse::Reader,
};

impl Edge {
    /// Posts and expects to hear which dependency is out.
    async fn unavailable(&self, path: &str, body: &Value, dependency: &str) {
        let begun = Instant::now();
        let request = self.client.http().post(self.client.at(path)).json(body);
        let response = request.send().await.unwrap();
        let (status, retry) = (response.status(), response.headers().get(RETRY_AFTER).cloned());
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, 503, "{body:#}");
        assert_eq!(body["code"], "dependency_unavailable", "{body:#}");
        assert_eq!(body["dependency"], dependency);
        assert_eq!(body["retryable"], true);
        assert_eq!(retry.unwrap(), "1");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        let text = body.to_string();
        for inner in ["127.0.0.1", "sqlx", "postgres://", "Connection", "os error"] {
            assert!(!text.contains(inner), "{text} gives away {inner}");
        }
    }

    async fn not_ready(&self, dependency: &str) {
        let ready = self.client.get("/health/ready").await.unwrap();
        assert_eq!((ready.status, &ready.body["ready"]), (503, &json!(false)));
        assert_eq!(ready.body[dependency], "down", "{:#}", ready.body);
        assert_eq!(self.client.get("/health/live").await.unwrap().status, 200);
    }

    async fn accepted_in_time(&self, body: &Value) {
        wait::until("the intent being accepted", Duration::from_secs(20), || async {
            let answer = self.client.post("/v1/intents", body).await.unwrap();
            if [200, 201].contains(&answer.status) { Ok(()) } else { Err(answer.body.to_string()) }
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_nothing_is_promised_and_what_was_promised_is_there_afterwards() {
    let edge = Edge::start().await;
    let kept = edge.accepted(0).await;
    edge.history(1).await;
    let mut reader = Reader::open(&edge, "", None).await;
    reader.expect("hello").await;
    let next = edge.signed(1);
    edge.cables.postgres.cut();
    edge.unavailable("/v1/intents", &next.body, "postgres").await;
    let cancel = edge.stack.owner(0).cancel(edge.stack.domain(), &[kept]);
    edge.unavailable("/v1/intents/cancel", &cancel, "postgres").await;
    edge.not_ready("postgres").await;
    edge.cables.postgres.mend();
    edge.until_ready().await;
    assert_eq!(edge.client.status(kept).await.unwrap(), "open");
    edge.accepted_in_time(&next.body).await;
    // the stream goes on where it was
    assert_eq!(reader.expect("intent.opened").await["data"]["id"], next.id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_intents_are_accepted_bids_are_not_and_the_stream_catches_up() {
    let edge = Edge::for_bids().await;
    let first = edge.accepted(0).await;
    let (_market, auction) = edge.open().await;
    edge.history(2).await;
    let mut reader = Reader::open(&edge, "", None).await;
    reader.expect("hello").await;
    let (_, bid) = edge.sign(0, edge.bid(0, auction, (first, 10u128.pow(18), 2_480_000_000)));
    edge.cables.redis.cut();
    edge.unavailable(&format!("/v1/auctions/{auction}/bids"), &bid, "redis").await;
    edge.not_ready("redis").await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(edge.accepted(n).await.to_string());
    }
    edge.cables.redis.mend();
    edge.until_ready().await;
    for id in ids {
        assert_eq!(reader.expect("intent.opened").await["data"]["id"], id);
    }
    let answer = wait::until("the bid being taken", Duration::from_secs(10), || async {
        let answer = edge.post_bid(auction, &bid).await;
        if [200, 201].contains(&answer.status) { Ok(answer) } else { Err(answer.body.to_string()) }
    });
    assert!(answer.await.unwrap().body["receipt"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_node_new_intents_wait_and_known_ones_are_still_answered() {
    let edge = Edge::start().await;
    let posted = edge.signed(0);
    assert_eq!(edge.client.post("/v1/intents", &posted.body).await.unwrap().status, 201);
    let next = edge.signed(1);
    edge.cables.chain.cut();
    edge.unavailable("/v1/intents", &next.body, "chain").await;
    edge.not_ready("chain").await;
    let again = edge.client.post("/v1/intents", &posted.body).await.unwrap();
    assert_eq!(again.status, 200, "a repeat needs no chain: {:#}", again.body);
    assert_eq!(edge.cancel(0, &[posted.id]).await.body["results"][0]["result"], "cancelled");
    edge.cables.chain.mend();
    edge.until_ready().await;
    edge.accepted_in_time(&next.body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lost_everything_loses_no_event_to_readers() {
    let edge = Edge::start().await;
    let mut reader = Reader::open(&edge, "", None).await;
    reader.expect("hello").await;
    let first = edge.accepted(0).await.to_string();
    assert_eq!(reader.expect("intent.opened").await["data"]["id"], first);
    let client = redis::Client::open(edge.stack.redis.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    for n in 0..4 {
        redis::cmd("FLUSHALL").exec_async(&mut redis).await.unwrap();
        let id = edge.accepted(n).await.to_string();
        assert_eq!(reader.expect("intent.opened").await["data"]["id"], id);
    }
    let (mut market, auction) = edge.open().await;
    assert_eq!(reader.expect("auction.opened").await["data"]["auction_id"], auction);
    step(&mut market).await;
}
