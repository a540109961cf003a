//! What is kept of an auction: pages of bids, proofs, the exported file, and what only their own
//! solver may see.

use domain::auction::PublicRecord;
use serde_json::{Value, json};
use solvers::{
    client::Client,
    wire::{Access, BidProof, Receipt},
};
use tests::{
    client::{Answer, PATIENCE},
    orders::now_s,
    stack::Plan,
    wait,
};

use super::edge::{Edge, problem, step};

const WETH: u128 = 10u128.pow(18);

/// An auction of two solvers' five bids, and the hands that move it.
struct Round {
    edge: Edge,
    market: auction::Market,
    auction: u64,
    receipts: Vec<Receipt>,
}

impl Round {
    async fn open() -> Self {
        let plan = Plan { solvers: 2, window_ms: 2_500, ..Plan::default() };
        let edge = Edge::with(plan, |_| {}).await;
        let intent = edge.accepted(0).await;
        let (market, auction) = edge.open().await;
        let mut receipts = Vec::new();
        for (n, bought) in [(0, 2_480), (1, 2_490), (0, 2_470), (1, 2_485), (0, 2_488)] {
            let (_, body) = edge.sign(n, edge.bid(n, auction, (intent, WETH, bought * 1_000_000)));
            let answer = edge.post_bid(auction, &body).await;
            receipts.push(serde_json::from_value(answer.body["receipt"].clone()).unwrap());
        }
        Self { edge, market, auction, receipts }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/auctions/{}{rest}", self.auction)
    }

    async fn get(&self, rest: &str) -> Answer {
        self.edge.client.get(&self.path(rest)).await.unwrap()
    }

    /// The batch is given up, as its worker would; then everything is public, once the decision is
    /// counted through.
    async fn publish(&mut self) {
        let pool = &self.edge.pool;
        sqlx::query("UPDATE settlement SET status = 'failed'").execute(pool).await.unwrap();
        let number = domain::AuctionId::new(self.auction);
        let published = wait::until("the auction being public", PATIENCE, || async {
            let mut tx = infra::pg::begin(pool).await.unwrap();
            infra::pg::auction::publish_if_settled(&mut tx, 31_337, number).await.unwrap();
            tx.commit().await.unwrap();
            let view = self.get("").await.body;
            if view["status"] == "published" { Ok(()) } else { Err(view["status"].to_string()) }
        });
        published.await.unwrap();
    }

    fn access(&self, n: usize, valid_for_s: i64) -> Access {
        let solver = &self.edge.stack.market.solvers[n].key;
        let valid_until = now_s().saturating_add_signed(valid_for_s);
        Access::sign(solver.address(), valid_until, solver.key(), self.edge.stack.domain())
    }

    async fn own(&self, access: &Access) -> Answer {
        let url = self.edge.client.at(&self.path("/bids/own"));
        let request = access
            .headers()
            .into_iter()
            .fold(self.edge.client.http().get(url), |request, (name, value)| {
                request.header(name, value)
            });
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        Answer { status, body: answer.json().await.unwrap() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_redeemed_for_a_proof_as_soon_as_the_root_is_fixed() {
    let mut round = Round::open().await;
    let bid = round.receipts[3].bid;
    let early = round.get(&format!("/proof?bid={bid}")).await;
    problem(early, 409, "auction_sealed");
    step(&mut round.market).await;
    let view = round.get("").await.body;
    for (index, receipt) in round.receipts.iter().enumerate() {
        let answer = round.get(&format!("/proof?bid={}", receipt.bid)).await;
        let proof: BidProof = serde_json::from_value(answer.body).unwrap();
        assert_eq!(proof.verify(receipt), Ok(()));
        assert_eq!(proof.leaf.index as usize, index);
        assert_eq!(json!(proof.bids_root), view["bids_root"]);
        let mut other = receipt.clone();
        other.seq += 1;
        assert!(proof.verify(&other).is_err(), "a proof is good for its own receipt");
    }
    let unknown = round.get(&format!("/proof?bid=0x{}", "11".repeat(32))).await;
    assert_eq!(problem(unknown, 404, "bid_unknown")["auction_id"], round.auction);
    problem(round.get("/proof?bid=0x11").await, 400, "parameter_invalid");
    let elsewhere = round.edge.client.get(&format!("/v1/auctions/99/proof?bid={bid}")).await;
    problem(elsewhere.unwrap(), 404, "auction_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solver_reads_its_own_bids_and_verdicts_at_once_and_nobody_elses() {
    let mut round = Round::open().await;
    let before = round.own(&round.access(0, 60)).await;
    assert_eq!(before.status, 200, "{:#}", before.body);
    assert_eq!(before.body["items"].as_array().unwrap().len(), 3);
    assert_eq!(before.body["items"][0].get("verdict"), None, "nothing is decided yet");
    step(&mut round.market).await;
    assert_eq!(round.get("").await.body["status"], "decided", "and nothing is published");

    let own = round.own(&round.access(0, 60)).await.body;
    let items = own["items"].as_array().unwrap();
    let ids: Vec<_> = items.iter().map(|bid| bid["id"].clone()).collect();
    let mine = [0, 2, 4].map(|n| json!(round.receipts[n].bid));
    assert_eq!(ids, mine);
    for (bid, code) in items.iter().zip([None, Some("limit_broken"), None]) {
        let verdict = &bid["verdict"];
        if let Some(code) = code {
            assert_eq!(verdict["code"], code, "{verdict:#}");
        } else {
            assert_ne!(verdict["verdict"], "won", "{verdict:#}");
            let sealed = verdict.get("better_bought").is_none_or(|bought| bought == "0");
            assert!(sealed, "what another solver offered is not told: {verdict:#}");
        }
    }
    let winner = round.own(&round.access(1, 60)).await.body;
    assert_eq!(winner["items"][0]["verdict"]["verdict"], "won", "{winner:#}");

    problem(round.own(&round.access(0, -5)).await, 401, "access_expired");
    problem(round.own(&round.access(0, 4_000)).await, 401, "access_expired");
    let others = Access { solver: round.access(1, 60).solver, ..round.access(0, 60) };
    problem(round.own(&others).await, 422, "signature_mismatch");
    problem(round.get("/bids/own").await, 401, "access_missing");
    let sdk = Client::new(&round.edge.url).unwrap();
    let number = domain::AuctionId::new(round.auction);
    let page = sdk.own_bids(number, &round.access(0, 60), None).await.unwrap();
    assert_eq!(page.items.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn published_bids_come_in_pages_in_the_order_of_the_stream() {
    let mut round = Round::open().await;
    step(&mut round.market).await;
    problem(round.get("/bids").await, 409, "auction_sealed");
    round.publish().await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = round.get(&format!("/bids?limit=2{after}")).await.body;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|bid| bid["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let all: Vec<Value> = round.receipts.iter().map(|receipt| json!(receipt.bid)).collect();
    assert_eq!(seen, all);
    let solver = round.edge.stack.market.solvers[1].key.address();
    let theirs = round.get(&format!("/bids?solver={solver}")).await.body;
    assert_eq!(theirs["items"].as_array().unwrap().len(), 2);
    problem(round.get("/bids?limit=101").await, 400, "parameter_invalid");
    problem(round.get("/bids?after=7").await, 400, "parameter_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_is_one_canonical_file_that_grows_with_what_is_public() {
    let mut round = Round::open().await;
    let sdk = Client::new(&round.edge.url).unwrap();
    let number = domain::AuctionId::new(round.auction);
    let open = sdk.export(number).await.unwrap();
    assert_eq!((open.closing, &open.decision, &open.contents), (None, &None, &None));
    assert_eq!(open.verify(), Ok(()));
    step(&mut round.market).await;
    let decided = sdk.export(number).await.unwrap();
    assert_eq!(decided.closing.unwrap().bid_count, 5);
    assert_eq!((decided.decision.as_ref().unwrap().winners.len(), &decided.contents), (1, &None));
    round.publish().await;
    let text = sdk.export_text(number).await.unwrap();
    let record: PublicRecord = serde_json::from_slice(&text).unwrap();
    assert_eq!(record.verify(), Ok(()));
    assert_eq!(record.contents.as_ref().unwrap().bids.len(), 5);
    assert_eq!(
        record.canonical().unwrap().into_bytes(),
        text,
        "the pieces make the canonical text"
    );

    let url = round.edge.client.at(&round.path("/export"));
    let http = round.edge.client.http();
    let first = http.get(&url).send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    assert_eq!(first.bytes().await.unwrap(), text);
    let again = http.get(&url).header("if-none-match", tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.bytes().await.unwrap().len()), (304, 0));
    let changed = http.get(&url).header("if-none-match", "\"other\"").send().await.unwrap();
    assert_eq!(changed.status().as_u16(), 200);
}
