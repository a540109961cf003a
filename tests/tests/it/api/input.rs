//! Bad input: each kind gets its own code, and nothing is kept.

use alloy::primitives::{Address, U256};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use tests::{client::Answer, orders::now_s};

use super::edge::{Edge, checksum, problem};

impl Edge {
    async fn refused(&self, body: &Value, status: u16, code: &str) -> Value {
        problem(self.client.post("/v1/intents", body).await.unwrap(), status, code)
    }

    async fn raw(&self, body: impl Into<reqwest::Body>, kind: &str) -> Answer {
        let request = self.client.http().post(self.client.at("/v1/intents"));
        let response = request.header(CONTENT_TYPE, kind).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        Answer { status, body: response.json().await.unwrap() }
    }

    /// A fresh body whose message is changed after signing.
    fn changed(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut body = self.signed(0).body;
        change(&mut body["intent"]);
        body
    }

    async fn kept(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM intent").fetch_one(&self.pool).await.unwrap()
    }
}

fn errors(problem: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_object_is_refused_before_anything_else() {
    let edge = Edge::start().await;
    for body in ["", "{", "{\"intent\":}", "\u{0}", "{} {}"] {
        problem(edge.raw(body, "application/json").await, 400, "malformed_json");
    }
    for body in ["[]", "1", "\"x\"", "null"] {
        problem(edge.raw(body, "application/json").await, 400, "malformed_json");
    }
    let deep = "[".repeat(200_000);
    problem(edge.raw(deep, "application/json").await, 400, "malformed_json");
    problem(edge.raw("{}", "text/plain").await, 415, "unsupported_media_type");
    let large = format!("{{\"x\":\"{}\"}}", "a".repeat(300 * 1024));
    problem(edge.raw(large, "application/json").await, 413, "body_too_large");
    let chunks =
        futures_util::stream::iter((0..400).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let streamed = reqwest::Body::wrap_stream(chunks);
    problem(edge.raw(streamed, "application/json").await, 413, "body_too_large");
    problem(edge.client.get("/v1/nothing").await.unwrap(), 404, "not_found");
    let deleted = edge.client.http().delete(edge.client.at("/v1/intents")).send().await.unwrap();
    assert_eq!(deleted.headers()["allow"], "GET, POST");
    assert_eq!(deleted.status(), 405);
    assert_eq!(deleted.json::<Value>().await.unwrap()["code"], "method_not_allowed");
    assert_eq!(edge.kept().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named_at_once() {
    let edge = Edge::start().await;
    let mut body = edge.signed(0).body;
    body["intent"]["owner"] = json!(checksum(Address::ZERO));
    body["intent"]["buyToken"] = body["intent"]["sellToken"].clone();
    body["intent"]["sellAmount"] = json!(1_000);
    body["intent"]["buyAmount"] = json!("0");
    body["intent"]["nonce"] = json!((U256::MAX).to_string() + "0");
    body["intent"]["validTo"] = json!(now_s() - 5);
    body["intent"]["kind"] = json!("0");
    body["intent"]["partiallyFillable"] = json!(1);
    body["intent"]["tip"] = json!("1");
    body["signature"] = json!("0x12zz");
    body["memo"] = json!("");
    body["replaces"] = json!("0x12");
    let refused = edge.refused(&body, 422, "intent_invalid").await;
    let expected = [
        ("owner", "zero"),
        ("buyToken", "same_token"),
        ("sellAmount", "wrong_type"),
        ("buyAmount", "zero"),
        ("nonce", "too_large"),
        ("validTo", "expired"),
        ("kind", "wrong_type"),
        ("partiallyFillable", "wrong_type"),
        ("tip", "unknown"),
        ("signature", "invalid_hex"),
        ("replaces", "invalid_hex"),
        ("memo", "unknown"),
    ];
    assert_eq!(errors(&refused), expected.map(|(f, c)| (f.to_owned(), c.to_owned())));

    let far = edge.changed(|message| message["validTo"] = json!(now_s() + 3_600 * 24 * 365));
    assert_eq!(errors(&edge.refused(&far, 422, "intent_invalid").await)[0].1, "too_far");
    let over = edge.changed(|message| message["sellAmount"] = json!("9".repeat(78)));
    assert_eq!(errors(&edge.refused(&over, 422, "intent_invalid").await)[0].1, "too_large");
    let empty = edge.refused(&json!({}), 422, "intent_invalid").await;
    let both = [("intent", "missing"), ("signature", "missing")];
    assert_eq!(errors(&empty), both.map(|(f, c)| (f.to_owned(), c.to_owned())));
    assert_eq!(edge.kept().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_for_elsewhere_malformed_or_of_somebody_else_is_told_apart() {
    let edge = Edge::start().await;
    let (domain, owner) = (edge.stack.domain(), edge.stack.owner(0));
    let mut body = edge.signed(0).body;
    body["domain"] = json!({"chainId": 1, "verifyingContract": checksum(domain.settlement())});
    edge.refused(&body, 422, "wrong_chain").await;
    body["domain"] =
        json!({"chainId": domain.chain_id(), "verifyingContract": checksum(owner.address())});
    edge.refused(&body, 422, "wrong_contract").await;
    body["domain"] = json!({"chainId": 1});
    assert_eq!(errors(&edge.refused(&body, 422, "intent_invalid").await)[0].0, "domain");

    // signed for another chain without saying so: somebody else seems to have signed
    let elsewhere = domain::eip712::SigningDomain::new(1, domain.settlement());
    let foreign = owner.intent(&elsewhere, &edge.one_weth()).body;
    let refused = edge.refused(&foreign, 422, "signature_mismatch").await;
    assert!(refused["recovered"].as_str().unwrap().starts_with("0x"));
    let other =
        edge.changed(|message| message["owner"] = json!(checksum(edge.stack.owner(1).address())));
    edge.refused(&other, 422, "signature_mismatch").await;

    let whole = edge.signed(0).body;
    let bytes = alloy::hex::decode(whole["signature"].as_str().unwrap()).unwrap();
    let with = |bytes: Vec<u8>| {
        let mut body = whole.clone();
        body["signature"] = json!(alloy::hex::encode_prefixed(bytes));
        body
    };
    let cause = |refused: Value| errors(&refused)[0].1.clone();
    let truncated = edge.refused(&with(bytes[..64 - 1].to_vec()), 422, "signature_invalid").await;
    assert_eq!(cause(truncated), "length");
    let order: U256 =
        "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse().unwrap();
    let mut high = bytes.clone();
    let twin = order - U256::from_be_slice(&bytes[32..64]);
    high[32..64].copy_from_slice(&twin.to_be_bytes::<32>());
    high[64] ^= 7;
    assert_eq!(cause(edge.refused(&with(high), 422, "signature_invalid").await), "high_s");
    let mut v = bytes.clone();
    v[64] = 9;
    assert_eq!(cause(edge.refused(&with(v), 422, "signature_invalid").await), "recovery_id");
    let mut r = bytes;
    r[..32].fill(0xff);
    assert_eq!(cause(edge.refused(&with(r), 422, "signature_invalid").await), "unrecoverable");
    assert_eq!(edge.kept().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_without_funds_approval_or_nonce_is_told_what_is_missing() {
    let edge = Edge::start().await;
    let owner = edge.stack.owner(0);
    let rich = tests::orders::Order { sell_amount: 10u128.pow(30), ..edge.one_weth() };
    let body = owner.intent(edge.stack.domain(), &rich).body;
    let refused = edge.refused(&body, 422, "insufficient_balance").await;
    assert_eq!(refused["required"], 10u128.pow(30).to_string());
    assert_eq!(refused["available"], (1_000 * 10u128.pow(18)).to_string());
    assert_eq!(refused["retryable"], true);

    let settlement = edge.stack.domain().settlement();
    let approve = tests::rpc::calldata(
        "approve(address,uint256)",
        &[settlement.into_word(), U256::from(5).into()],
    );
    edge.transact(owner.address(), edge.stack.token("WETH"), approve).await;
    let refused = edge.refused(&edge.signed(0).body, 422, "insufficient_allowance").await;
    assert_eq!(refused["available"], "5");

    let used = edge.signed(1);
    let nonce: U256 = used.body["intent"]["nonce"].as_str().unwrap().parse().unwrap();
    let words = [U256::from(0).into(), (U256::from(1) << nonce).into()];
    let invalidate = tests::rpc::calldata("invalidateNonces(uint256,uint256)", &words);
    edge.transact(edge.stack.owner(1).address(), settlement, invalidate).await;
    edge.refused(&used.body, 409, "nonce_used").await;

    let nobody = tests::orders::Wallet::numbered("stranger", 1);
    edge.refused(
        &nobody.intent(edge.stack.domain(), &edge.one_weth()).body,
        422,
        "insufficient_balance",
    )
    .await;
    assert_eq!(edge.kept().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_are_none_are_refused_by_name() {
    let edge = Edge::start().await;
    for path in [
        "/v1/intents/0x12",
        "/v1/intents?limit=0",
        "/v1/intents?limit=501",
        "/v1/intents?limit=x",
        "/v1/intents?status=lost",
        "/v1/intents?owner=0x12",
        "/v1/intents?after=-1",
        "/v1/intents?colour=red",
        "/v1/auctions/first",
        "/v1/auctions?after=x",
        "/v1/events?after=7",
        "/v1/events?from=yesterday",
    ] {
        problem(edge.client.get(path).await.unwrap(), 400, "parameter_invalid");
    }
    let nowhere = format!("/v1/intents/0x{}", "ab".repeat(32));
    problem(edge.client.get(&nowhere).await.unwrap(), 404, "intent_unknown");
    let timeline = format!("{nowhere}/timeline");
    problem(edge.client.get(&timeline).await.unwrap(), 404, "intent_unknown");
    problem(edge.client.get("/v1/auctions/9").await.unwrap(), 404, "auction_unknown");
    let none = format!("/v1/auctions/{}", u64::MAX);
    problem(edge.client.get(&none).await.unwrap(), 404, "auction_unknown");
    let image = edge.client.http().get(edge.client.at("/v1/events")).header(ACCEPT, "image/png");
    assert_eq!(image.send().await.unwrap().status(), 406);
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_and_permits_are_limits_and_their_refusals_say_when_to_come_again() {
    let edge =
        Edge::with(tests::stack::Plan::default(), |config| config.api.owner_per_second = 1).await;
    edge.accepted(0).await;
    let request = edge.client.http().post(edge.client.at("/v1/intents")).json(&edge.signed(0).body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "rate_limited");
    edge.accepted(1).await;
}
