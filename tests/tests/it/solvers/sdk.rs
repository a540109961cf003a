use std::time::Duration;

use alloy::primitives::{B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, IntentId, OpenHash,
    bid::{End, Leg, Terms},
    event::{AuctionOpened, BlockRef, Event},
    status::IntentStatus,
};
use solvers::{
    book::Book,
    client::{Client, StreamItem},
    wire::{BidSubmission, IntentSubmission, SubscribeFrom},
};
use tests::{
    market::PENALTY,
    orders::Posted,
    stack::{Plan, Stack},
};

use super::{order, signed};

fn submission(posted: &Posted) -> IntentSubmission {
    let field = |name: &str| posted.body[name].clone();
    IntentSubmission {
        intent: serde_json::from_value(field("intent")).unwrap(),
        signature: serde_json::from_value(field("signature")).unwrap(),
        domain: None,
        replaces: None,
    }
}

/// A bid of the first solver that fills `intent` from its filler for `bought`.
fn bid(stack: &Stack, auction: &AuctionOpened, posted: &Posted, bought: u64) -> BidSubmission {
    let solver = &stack.market.solvers[0];
    let sold: Amount = posted.body["intent"]["sellAmount"].as_str().unwrap().parse().unwrap();
    let intent = End::Intent(posted.id);
    let legs = vec![
        Leg { from: intent, to: End::Filler, amount: sold },
        Leg { from: End::Filler, to: intent, amount: Amount::from(bought) },
    ];
    let terms = Terms {
        auction_id: auction.auction_id,
        solver: solver.key.address(),
        filler: solver.filler,
        gas: 500_000,
        callback_gas: 0,
        penalty: PENALTY,
        valid_until: u32::MAX,
        nonce: Amount::new(U256::from(1)),
        salt: B256::repeat_byte(1),
        client_bid_id: B256::repeat_byte(2),
    };
    let bid = Bid::new(terms, legs, Bytes::new()).unwrap();
    BidSubmission::sign(bid, solver.key.key(), stack.domain())
}

async fn next(source: &mut solvers::client::EventSource) -> StreamItem {
    tokio::time::timeout(Duration::from_secs(40), source.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_solver_written_with_the_sdk_wins_and_can_prove_that_its_bid_was_taken() {
    let stack = Stack::start(Plan { window_ms: 1_500, ..Plan::default() }).await.unwrap();
    let service = stack.serve("api,auction,settlement").await.unwrap();
    let client = Client::new(&service.api_url).unwrap();
    let info = client.chain().await.unwrap();
    assert_eq!(info.signing_domain().separator(), stack.domain().separator());

    let mut source = client.events(SubscribeFrom::Snapshot);
    let mut book = Book::default();
    while !book.is_complete() {
        book.apply(&next(&mut source).await);
    }
    let posted = signed(&stack, 0, &order(&stack, "WETH", 1, "USDC", 99));
    let view = client.post_intent(&submission(&posted)).await.unwrap();
    assert_eq!((view.id, view.status), (posted.id, IntentStatus::Open));

    let auction = loop {
        book.apply(&next(&mut source).await);
        let open = book.auction().filter(|a| a.intents.iter().any(|cut| cut.id == posted.id));
        if let Some(auction) = open {
            break auction.clone();
        }
    };
    let signed = bid(&stack, &auction, &posted, 2_490_000_000);
    let answer = client.submit_bid(&signed).await.unwrap();
    assert_eq!(answer.advice, None);
    let receipt = answer.receipt;
    assert_eq!(receipt.verify(stack.domain(), info.receipt_signer), Ok(()));
    assert_eq!(receipt.open_hash, auction.open_hash);
    let again = client.submit_bid(&signed).await.unwrap();
    assert_eq!(again.receipt, receipt, "repeating it changes nothing");

    let fill = loop {
        let item = next(&mut source).await;
        book.apply(&item);
        if let StreamItem::Event(event) = item
            && let Event::IntentFilled(fill) = event.event
        {
            break fill;
        }
    };
    assert_eq!(fill.bid, signed.id(stack.domain()));
    assert!(!book.intents().contains_key(&posted.id));
    let timeline = client.timeline(posted.id).await.unwrap();
    assert!(timeline.items.iter().any(|entry| entry.kind.contains("filled")), "{timeline:?}");

    let late = client.submit_bid(&bid(&stack, &auction, &posted, 2_491_000_000)).await.unwrap_err();
    let nack = late.nack().expect("a nack");
    assert!(matches!(nack.code.as_str(), "id_reused" | "bid_late"), "{nack:?}");
    let operator = nack.signed.as_ref().expect("a signed nack").signer(stack.domain());
    assert_eq!(operator, Ok(info.receipt_signer), "a refusal is signed like a receipt");
    assert!(!late.retryable());
}

#[tokio::test]
async fn refusals_reach_a_client_of_the_sdk_with_code_and_fields() {
    let stack = Stack::start(Plan::default()).await.unwrap();
    let service = stack.serve("api").await.unwrap();
    let client = Client::new(&service.api_url).unwrap();
    let unknown = client.intent(IntentId::new(B256::repeat_byte(7))).await.unwrap_err();
    assert_eq!(unknown.nack().unwrap().code, "intent_unknown");
    let auction = AuctionOpened {
        auction_id: AuctionId::new(77),
        open_hash: OpenHash::new(B256::ZERO),
        opened_at_ms: 0,
        closes_at_ms: 0,
        block: BlockRef { number: 0, hash: B256::ZERO },
        intents: Vec::new(),
        prices: Vec::new(),
        params: Default::default(),
    };
    let posted = signed(&stack, 0, &order(&stack, "WETH", 1, "USDC", 99));
    let error = client.submit_bid(&bid(&stack, &auction, &posted, 1)).await.unwrap_err();
    assert_eq!(error.nack().unwrap().code, "auction_unknown");
    assert!(!error.retryable(), "{error}");
}
