//! Accepting, repeating, replacing, listing; CORS and the documents.

use domain::IntentId;
use serde_json::{Value, json};
use tests::stack::Plan;

use super::edge::{Edge, checksum, problem, step};

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_posted_again_is_the_same_row_with_the_same_body() {
    let edge = Edge::start().await;
    let posted = edge.signed(0);
    let first = edge.client.post("/v1/intents", &posted.body).await.unwrap();
    let again = edge.client.post("/v1/intents", &posted.body).await.unwrap();
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.body, again.body);
    assert_eq!(first.body["id"], posted.id.to_string());
    assert_eq!(first.body["status"], "open");
    assert_eq!(first.body["intent"]["owner"], checksum(edge.stack.owner(0).address()));
    // the compact form of the signature is the same consent
    let rsv = alloy::hex::decode(posted.body["signature"].as_str().unwrap()).unwrap();
    let compact = domain::signature::EcdsaSignature::parse(&rsv).unwrap().to_compact();
    let mut body = posted.body.clone();
    body["signature"] = json!(alloy::hex::encode_prefixed(compact));
    assert_eq!(edge.client.post("/v1/intents", &body).await.unwrap().status, 200);
    // many at once are still one row and one event
    let fresh = edge.signed(1);
    let answers = futures_util::future::join_all(
        (0..16).map(|_| edge.client.post("/v1/intents", &fresh.body)),
    );
    let statuses: Vec<u16> = answers.await.into_iter().map(|a| a.unwrap().status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 201].contains(status)), "{statuses:?}");
    let events = "SELECT count(*) FROM event WHERE kind = 'intent.opened'";
    let events: i64 = sqlx::query_scalar(events).fetch_one(&edge.pool).await.unwrap();
    assert_eq!(events, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_of_a_live_intent_is_taken_until_that_one_is_replaced() {
    let edge = Edge::start().await;
    let owner = edge.stack.owner(0);
    let first = edge.accepted(0).await;
    let mut message =
        edge.client.get(&format!("/v1/intents/{first}")).await.unwrap().body["intent"].take();
    message["buyAmount"] = json!("2480000000");
    let mut second = owner.sign(edge.stack.domain(), &message);
    let refused =
        problem(edge.client.post("/v1/intents", &second.body).await.unwrap(), 409, "nonce_taken");
    assert_eq!(refused["holder"], first.to_string());

    second.body["replaces"] = json!(IntentId::new(alloy::primitives::B256::repeat_byte(9)));
    problem(edge.client.post("/v1/intents", &second.body).await.unwrap(), 409, "replace_mismatch");
    second.body["replaces"] = json!(edge.accepted(1).await);
    problem(edge.client.post("/v1/intents", &second.body).await.unwrap(), 409, "replace_mismatch");
    second.body["replaces"] = json!(first);
    let replaced = edge.client.post("/v1/intents", &second.body).await.unwrap();
    assert_eq!(replaced.status, 201, "{:#}", replaced.body);
    assert_eq!(edge.client.post("/v1/intents", &second.body).await.unwrap().status, 200);
    assert_eq!(edge.client.status(first).await.unwrap(), "cancelled");
    assert_eq!(edge.client.status(second.id).await.unwrap(), "open");

    // in an auction it is too late, and nothing changes
    let (_market, auction) = edge.open().await;
    message["buyAmount"] = json!("2481000000");
    let mut third = owner.sign(edge.stack.domain(), &message);
    third.body["replaces"] = json!(second.id);
    let refused =
        problem(edge.client.post("/v1/intents", &third.body).await.unwrap(), 409, "too_late");
    assert_eq!(refused["auction_id"], auction);
    assert_eq!(edge.client.status(second.id).await.unwrap(), "open");
    problem(
        edge.client.get(&format!("/v1/intents/{}", third.id)).await.unwrap(),
        404,
        "intent_unknown",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_intents_with_one_nonce_one_is_accepted_and_the_rest_of_their_group_is_unharmed() {
    let edge = Edge::start().await;
    let owner = edge.stack.owner(0);
    let message = owner.message(&edge.one_weth());
    let rivals = (0..12).map(|n| {
        let mut message = message.clone();
        message["buyAmount"] = json!((2_475_000_000u64 + n).to_string());
        owner.sign(edge.stack.domain(), &message).body
    });
    let others = (0..12).map(|_| edge.signed(1).body);
    let bodies: Vec<Value> = rivals.chain(others).collect();
    let posts = bodies.iter().map(|body| edge.client.post("/v1/intents", body));
    let answers: Vec<_> =
        futures_util::future::join_all(posts).await.into_iter().map(Result::unwrap).collect();
    let (rivals, others) = answers.split_at(12);
    assert_eq!(rivals.iter().filter(|answer| answer.status == 201).count(), 1);
    let winner = rivals.iter().find(|answer| answer.status == 201).unwrap().body["id"].clone();
    for loser in rivals.iter().filter(|answer| answer.status != 201) {
        let refused = problem(loser.clone(), 409, "nonce_taken");
        assert_eq!(refused["holder"], winner);
    }
    assert!(others.iter().all(|answer| answer.status == 201));
    let written: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM intent), (SELECT count(*) FROM event WHERE kind = 'intent.opened')",
    )
    .fetch_one(&edge.pool)
    .await
    .unwrap();
    assert_eq!(written, (13, 13));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_one_another_without_gap_or_repeat() {
    let edge = Edge::start().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(edge.accepted(n % 2).await.to_string());
    }
    let mut seen = Vec::new();
    let mut path = "/v1/intents?limit=3".to_owned();
    loop {
        let page = edge.client.get(&path).await.unwrap().body;
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/intents?limit=3&after={next}");
    }
    assert_eq!(seen, ids);
    let owner = edge.stack.owner(1).address();
    let mine = edge
        .client
        .get(&format!("/v1/intents?owner={owner:#x}&status=open&limit=3"))
        .await
        .unwrap()
        .body;
    assert_eq!(mine["items"].as_array().unwrap().len(), 3);
    assert_eq!(mine["next"], Value::Null, "exactly full is the end");
    let none = edge.client.get("/v1/intents?status=filled").await.unwrap().body;
    assert_eq!(none, json!({"items": [], "next": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_tells_what_happened_in_pages() {
    let edge = Edge::with(Plan { window_ms: 200, ..Plan::default() }, |_| {}).await;
    let id = edge.accepted(0).await;
    let (mut market, _) = edge.open().await;
    step(&mut market).await;
    let path = format!("/v1/intents/{id}/timeline");
    let all = edge.client.get(&path).await.unwrap().body;
    let items = all["items"].as_array().unwrap();
    assert_eq!(items[0]["kind"], "opened");
    assert!(items.len() > 1, "{all:#}");
    let first = edge.client.get(&format!("{path}?limit=1")).await.unwrap().body;
    assert_eq!(first["items"], json!([items[0]]));
    let next = first["next"].as_str().unwrap();
    let second = edge.client.get(&format!("{path}?limit=1&after={next}")).await.unwrap().body;
    assert_eq!(second["items"], json!([items[1]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn frontends_may_call_from_the_origins_that_are_configured() {
    let edge = Edge::start().await;
    let preflight = |edge: &Edge, origin: &'static str| {
        let url = edge.client.at("/v1/intents");
        edge.client
            .http()
            .request(reqwest::Method::OPTIONS, url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
    };
    let answer = preflight(&edge, "https://wallet.example").await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    // errors carry the headers too, or a browser would hide them
    let refused = edge
        .client
        .http()
        .post(edge.client.at("/v1/intents"))
        .header("origin", "https://x.example");
    let refused = refused.json(&json!({})).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");

    let edge = Edge::with(Plan::default(), |config| {
        config.api.cors_origins = vec!["https://wallet.example".to_owned()];
    })
    .await;
    let ours = preflight(&edge, "https://wallet.example").await.unwrap();
    assert_eq!(ours.headers()["access-control-allow-origin"], "https://wallet.example");
    let foreign = preflight(&edge, "https://evil.example").await.unwrap();
    assert!(!foreign.headers().contains_key("access-control-allow-origin"), "{foreign:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_health_and_metrics_are_served() {
    let edge = Edge::start().await;
    edge.accepted(0).await;
    let document = edge.client.get("/openapi.json").await.unwrap().body;
    assert_eq!(document, serde_json::to_value(api::openapi()).unwrap());
    assert_eq!(edge.client.get("/asyncapi.json").await.unwrap().body["asyncapi"], "3.0.0");
    let docs = edge.client.http().get(edge.client.at("/docs")).send().await.unwrap();
    assert!(docs.status().is_success());
    assert!(docs.text().await.unwrap().contains("swagger"));
    let page = edge.client.http().get(edge.client.at("/")).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("'none'"));
    assert!(page.text().await.unwrap().contains("/v1/events?from=snapshot"));
    assert_eq!(edge.client.get("/health/live").await.unwrap().body["status"], "live");
    let ready = edge.client.get("/health/ready").await.unwrap().body;
    assert_eq!(ready, json!({"ready": true, "postgres": "up", "redis": "up", "chain": "up"}));
    let metrics = edge.client.http().get(edge.client.at("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("gavel_api_requests_total{route=\"/v1/intents\",status=\"201\"}"),
        "{metrics}"
    );
    let chain = edge.client.get("/v1/chain").await.unwrap().body;
    assert_eq!(chain["chain_id"], 31_337);
    assert_eq!(chain["receipt_signer"], checksum(edge.stack.market.receipts.address()));
    assert_eq!(
        chain["eip712"]["domain"]["verifyingContract"],
        checksum(edge.stack.domain().settlement())
    );
    assert_eq!(chain["eip712"]["types"]["Intent"][0], json!({"name": "owner", "type": "address"}));
    assert_eq!(chain["tokens"].as_array().unwrap().len(), edge.stack.market.tokens.len());
}
