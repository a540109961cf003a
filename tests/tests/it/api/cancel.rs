//! Cancellations are honest: gone for good, or too late and why.

use domain::{IntentId, signature::MAX_OWNER_SIGNATURE};
use serde_json::{Value, json};
use tests::stack::Plan;

use super::edge::{Edge, problem, step};

/// Runtime code that answers every call with ERC-1271's magic value.
const AGREEABLE: &str = "0x631626ba7e60e01b60005260206000f3";
/// Runtime code that answers every call with zero.
const STUBBORN: &str = "0x60206000f3";

fn results(body: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = body["results"].as_array().unwrap();
    results.iter().map(|result| (text(&result["id"]), text(&result["result"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_in_no_auction_is_cancelled_and_stays_so() {
    let edge = Edge::start().await;
    let (mine, kept, foreign) =
        (edge.accepted(0).await, edge.accepted(0).await, edge.accepted(1).await);
    let unknown = IntentId::new(alloy::primitives::B256::repeat_byte(9));
    let answer = edge.cancel(0, &[foreign, mine, unknown]).await;
    assert_eq!(answer.status, 200, "{:#}", answer.body);
    let expected = [
        (foreign.to_string(), "not_owner".to_owned()),
        (mine.to_string(), "cancelled".to_owned()),
        (unknown.to_string(), "unknown".to_owned()),
    ];
    assert_eq!(results(&answer.body), expected);
    let again = edge.cancel(0, &[mine]).await;
    assert_eq!(again.body["results"][0]["result"], "already_final");
    assert_eq!(again.body["results"][0]["status"], "cancelled");
    for (id, status) in [(mine, "cancelled"), (kept, "open"), (foreign, "open")] {
        assert_eq!(edge.client.status(id).await.unwrap(), status);
    }
    // it is cut into nothing
    let (_market, auction) = edge.open().await;
    let cut = edge.client.get(&format!("/v1/auctions/{auction}")).await.unwrap().body;
    let cut: Vec<_> = cut["intents"].as_array().unwrap().iter().map(|i| i["id"].clone()).collect();
    assert!(!cut.contains(&json!(mine)) && cut.contains(&json!(kept)), "{cut:?}");
    let events = "SELECT count(*) FROM event WHERE kind = 'intent.cancelled'";
    assert_eq!(sqlx::query_scalar::<_, i64>(events).fetch_one(&edge.pool).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_an_auction_it_is_too_late_and_applied_when_the_intent_comes_out_unfilled() {
    let edge = Edge::with(Plan { window_ms: 300, ..Plan::default() }, |_| {}).await;
    let id = edge.accepted(0).await;
    let (mut market, auction) = edge.open().await;
    for _ in 0..2 {
        let answer = edge.cancel(0, &[id]).await.body;
        assert_eq!(answer["results"][0]["result"], "too_late");
        assert_eq!(answer["results"][0]["auction_id"], auction);
    }
    let view = edge.client.get(&format!("/v1/intents/{id}")).await.unwrap().body;
    assert_eq!((&view["status"], &view["cancel_requested"]), (&json!("open"), &json!(true)));
    assert_eq!(view["auction_id"], auction);
    step(&mut market).await;
    let view = edge.client.get(&format!("/v1/intents/{id}")).await.unwrap().body;
    assert_eq!(view["status"], "cancelled", "{view:#}");
    assert_eq!(view["auction_id"], Value::Null);
    let timeline = edge.client.get(&format!("/v1/intents/{id}/timeline")).await.unwrap().body;
    let kinds: Vec<_> =
        timeline["items"].as_array().unwrap().iter().map(|i| i["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "cancel_requested").count(), 1, "{kinds:?}");
    assert!(kinds.contains(&json!("cancelled")), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_is_malformed_or_not_the_owners_changes_nothing() {
    let edge = Edge::start().await;
    let id = edge.accepted(0).await;
    let client = &edge.client;
    let post = |body: Value| async move { client.post("/v1/intents/cancel", &body).await.unwrap() };
    let mut foreign = edge.stack.owner(1).cancel(edge.stack.domain(), &[id]);
    foreign["owner"] = json!(edge.stack.owner(0).address().to_checksum(None));
    problem(post(foreign).await, 422, "signature_mismatch");
    let mut widened = edge.stack.owner(0).cancel(edge.stack.domain(), &[id]);
    widened["intents"] = json!([id, id]);
    problem(post(widened).await, 422, "signature_mismatch");
    let refused = problem(post(json!({"intents": [], "x": 1})).await, 422, "cancel_invalid");
    let fields: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, ["owner", "intents", "signature", "x"]);
    let many = vec![id; 101];
    let body = edge.stack.owner(0).cancel(edge.stack.domain(), &many);
    problem(post(body).await, 422, "cancel_invalid");
    assert_eq!(edge.client.status(id).await.unwrap(), "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_a_contract_signs_as_its_contract_says() {
    let edge = Edge::start().await;
    let rpc = edge.stack.rpc().unwrap();
    let owner = edge.stack.owner(2).address();
    let posted = edge.signed(2);
    let mut body = posted.body.clone();
    body["signature"] = json!("0x0102030405");
    let refused =
        problem(edge.client.post("/v1/intents", &body).await.unwrap(), 422, "signature_invalid");
    assert_eq!(refused["errors"][0]["code"], "length", "no contract is there to ask");
    rpc.call("anvil_setCode", json!([owner, STUBBORN])).await.unwrap();
    let refused =
        problem(edge.client.post("/v1/intents", &body).await.unwrap(), 422, "signature_invalid");
    assert_eq!(refused["errors"][0]["code"], "rejected");
    rpc.call("anvil_setCode", json!([owner, AGREEABLE])).await.unwrap();
    assert_eq!(edge.client.post("/v1/intents", &body).await.unwrap().status, 201);
    let cancel =
        json!({"owner": owner.to_checksum(None), "intents": [posted.id], "signature": "0x"});
    let answer = edge.client.post("/v1/intents/cancel", &cancel).await.unwrap();
    assert_eq!(answer.body["results"][0]["result"], "cancelled", "{:#}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_signs_with_as_many_bytes_as_a_batch_may_cost_and_no_more() {
    let edge = Edge::start().await;
    let owner = edge.stack.owner(2).address();
    let rpc = edge.stack.rpc().unwrap();
    rpc.call("anvil_setCode", json!([owner, AGREEABLE])).await.unwrap();
    let signature = |bytes: usize| json!(format!("0x{}", "5a".repeat(bytes)));
    let posted = edge.signed(2);
    let cancel = json!({"owner": owner.to_checksum(None), "intents": [posted.id]});
    for (path, body, code, taken) in [
        ("/v1/intents", posted.body, "intent_invalid", 201),
        ("/v1/intents/cancel", cancel, "cancel_invalid", 200),
    ] {
        let mut body = body;
        body["signature"] = signature(MAX_OWNER_SIGNATURE + 1);
        let refused = problem(edge.client.post(path, &body).await.unwrap(), 422, code);
        let errors = refused["errors"].as_array().unwrap();
        assert_eq!((errors.len(), &errors[0]["field"]), (1, &json!("signature")), "{refused:#}");
        assert_eq!(errors[0]["code"], "too_large");
        body["signature"] = signature(MAX_OWNER_SIGNATURE);
        assert_eq!(edge.client.post(path, &body).await.unwrap().status, taken);
    }
}
