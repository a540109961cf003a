//! The book's rows: what releases, fills, reorgs and the clock do to them.

use alloy::primitives::{Address, B256, Bytes};
use domain::{
    Amount, AuctionId, Intent, IntentId,
    eip712::SigningDomain,
    event::{BlockRef, TxRef},
    status::{IntentEvent, IntentStatus},
};
use infra::{
    config::PostgresConfig,
    pg::{
        self, Pool,
        intent::{self, CancelOutcome, Change, Fill, NewIntent, StoredIntent, Transition},
    },
};
use serde_json::json;
use tests::fixture;

const CHAIN: u64 = 31_337;
const AUCTION: AuctionId = AuctionId::new(7);
/// `validTo` of every intent here, Unix seconds.
const VALID_TO: u64 = 2_000;

struct Book(Pool);

impl Book {
    async fn new() -> Self {
        let url = fixture::database().await.unwrap();
        Self(pg::connect(&PostgresConfig::for_url(url)).unwrap())
    }

    /// An open intent to sell 1,000 for 900, told from others by its nonce.
    async fn open(&self, nonce: u64, partially_fillable: bool) -> IntentId {
        let message = json!({
            "owner": "0x1111111111111111111111111111111111111111",
            "sellToken": "0x2222222222222222222222222222222222222222",
            "buyToken": "0x3333333333333333333333333333333333333333",
            "sellAmount": "1000", "buyAmount": "900", "nonce": nonce.to_string(),
            "validTo": VALID_TO, "kind": 0, "partiallyFillable": partially_fillable,
        });
        let intent: Intent = serde_json::from_value(message).unwrap();
        let id = intent.id(&SigningDomain::new(CHAIN, Address::repeat_byte(9)));
        let signature = Bytes::from_static(&[1; 65]);
        let new = NewIntent { id, intent, signature, erc1271: false, created_at_ms: 5 };
        let mut conn = self.0.acquire().await.unwrap();
        intent::insert(&mut conn, CHAIN, &[new]).await.unwrap();
        id
    }

    /// An open intent that was cut, and won.
    async fn matched(&self, nonce: u64, partially_fillable: bool) -> IntentId {
        let id = self.open(nonce, partially_fillable).await;
        let mut tx = pg::begin(&self.0).await.unwrap();
        assert_eq!(intent::mark_cut(&mut tx, CHAIN, AUCTION, &[id]).await.unwrap(), [id]);
        assert_eq!(intent::mark_matched(&mut tx, CHAIN, AUCTION, &[id]).await.unwrap(), [id]);
        tx.commit().await.unwrap();
        id
    }

    async fn get(&self, id: IntentId) -> StoredIntent {
        let mut conn = self.0.acquire().await.unwrap();
        intent::get(&mut conn, CHAIN, id).await.unwrap().unwrap()
    }

    async fn apply(&self, id: IntentId, event: IntentEvent, now_s: u64) -> Transition {
        let mut tx = pg::begin(&self.0).await.unwrap();
        let change = Change { intents: &[id], event, evidence: Some(evidence(1)), now_s };
        let answer = intent::apply(&mut tx, CHAIN, change).await.unwrap();
        tx.commit().await.unwrap();
        answer[0].1
    }

    async fn fill(&self, id: IntentId, sold: u64, back: bool) -> Transition {
        let (sold, bought) = (Amount::from(sold), Amount::from(sold));
        let fill = Fill { intent: id, sold, bought, evidence: evidence(2), now_s: 1_000 };
        let mut tx = pg::begin(&self.0).await.unwrap();
        let moved = if back {
            intent::unfill(&mut tx, CHAIN, fill).await
        } else {
            intent::fill(&mut tx, CHAIN, fill).await
        };
        tx.commit().await.unwrap();
        moved.unwrap()
    }

    async fn release(&self, id: IntentId, now_s: u64) -> Vec<(IntentId, IntentStatus)> {
        let mut tx = pg::begin(&self.0).await.unwrap();
        let landed = intent::release(&mut tx, CHAIN, AUCTION, &[id], now_s).await.unwrap();
        tx.commit().await.unwrap();
        landed
    }

    async fn cancel(&self, id: IntentId) -> CancelOutcome {
        let mut tx = pg::begin(&self.0).await.unwrap();
        let owner = Address::repeat_byte(0x11);
        let outcome = intent::cancel(&mut tx, CHAIN, owner, &[id]).await.unwrap();
        tx.commit().await.unwrap();
        outcome[0]
    }

    async fn events(&self) -> Vec<String> {
        let query = "SELECT kind FROM event ORDER BY id";
        sqlx::query_scalar(query).fetch_all(&self.0).await.unwrap()
    }
}

fn evidence(number: u64) -> TxRef {
    let block = BlockRef { number, hash: B256::repeat_byte(2) };
    TxRef { tx: B256::repeat_byte(1), block }
}

#[tokio::test]
async fn what_an_auction_lets_go_is_open_again_once_and_only_by_that_auction() {
    let book = Book::new().await;
    let id = book.matched(1, false).await;
    let mut tx = pg::begin(&book.0).await.unwrap();
    let other = AuctionId::new(8);
    assert_eq!(intent::release(&mut tx, CHAIN, other, &[id], 1_000).await.unwrap(), []);
    assert_eq!(intent::mark_cut(&mut tx, CHAIN, other, &[id]).await.unwrap(), []);
    tx.rollback().await.unwrap();
    assert_eq!(book.release(id, 1_000).await, [(id, IntentStatus::Open)]);
    assert_eq!(book.release(id, 1_000).await, []);
    assert_eq!(book.get(id).await.auction_id, None);
    assert_eq!(book.events().await, ["intent.opened", "intent.opened"]);
}

#[tokio::test]
async fn a_released_intent_lands_where_its_owner_or_the_clock_wants_it() {
    let book = Book::new().await;
    let (asked, late, cut) =
        (book.matched(1, false).await, book.matched(2, false).await, book.open(3, false).await);
    assert!(matches!(
        book.cancel(asked).await,
        CancelOutcome::TooLate { auction_id: Some(AUCTION), .. }
    ));
    assert_eq!(book.release(asked, 1_000).await, [(asked, IntentStatus::Cancelled)]);
    assert_eq!(book.release(late, VALID_TO + 1).await, [(late, IntentStatus::Expired)]);
    let mut tx = pg::begin(&book.0).await.unwrap();
    intent::mark_cut(&mut tx, CHAIN, AUCTION, &[cut]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(book.release(cut, VALID_TO + 1).await, [(cut, IntentStatus::Expired)]);
    let gone = ["intent.cancelled", "intent.expired", "intent.expired"];
    assert_eq!(book.events().await[3..], gone);
    assert_eq!(book.cancel(asked).await, CancelOutcome::AlreadyFinal(IntentStatus::Cancelled));
}

#[tokio::test]
async fn a_commit_and_its_reorg_move_an_intent_there_and_back_and_repeats_change_nothing() {
    let book = Book::new().await;
    let id = book.matched(1, false).await;
    assert_eq!(
        book.apply(id, IntentEvent::Commit, 1_000).await,
        Transition::Applied(IntentStatus::Committed)
    );
    assert_eq!(book.apply(id, IntentEvent::Commit, 1_000).await, Transition::AlreadyApplied);
    assert_eq!(book.get(id).await.evidence, Some(evidence(1)));
    assert_eq!(
        book.apply(id, IntentEvent::CommitReorged, 1_000).await,
        Transition::Applied(IntentStatus::Matched)
    );
    assert_eq!(book.get(id).await.auction_id, Some(AUCTION), "still in its batch");
    assert_eq!(
        book.apply(id, IntentEvent::Expire, 9_000).await,
        Transition::Refused(IntentStatus::Matched)
    );
    assert_eq!(book.events().await, ["intent.opened"], "the settlement tells of the rest");
}

#[tokio::test]
async fn partial_fills_add_up_reopen_the_rest_and_can_be_taken_back() {
    let book = Book::new().await;
    let id = book.matched(1, true).await;
    assert_eq!(book.fill(id, 400, false).await, Transition::Applied(IntentStatus::Open));
    let row = book.get(id).await;
    assert_eq!((row.filled, row.auction_id), (Amount::from(400u64), None));
    assert_eq!(book.events().await, ["intent.opened", "intent.opened"]);
    let mut tx = pg::begin(&book.0).await.unwrap();
    intent::mark_cut(&mut tx, CHAIN, AUCTION, &[id]).await.unwrap();
    intent::mark_matched(&mut tx, CHAIN, AUCTION, &[id]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(book.fill(id, 600, false).await, Transition::Applied(IntentStatus::Filled));
    assert_eq!(book.get(id).await.evidence, Some(evidence(2)));
    assert_eq!(book.fill(id, 600, true).await, Transition::Applied(IntentStatus::Committed));
    assert_eq!(book.get(id).await.filled, Amount::from(400u64));
}

#[tokio::test]
async fn a_cancelled_intent_that_the_chain_shows_filled_is_filled() {
    let book = Book::new().await;
    let id = book.open(1, false).await;
    assert_eq!(book.cancel(id).await, CancelOutcome::Cancelled);
    assert_eq!(book.fill(id, 1_000, false).await, Transition::Applied(IntentStatus::Filled));
}

#[tokio::test]
async fn the_sweep_ends_only_what_is_open_in_no_auction_and_past_its_time() {
    let book = Book::new().await;
    let (due, held) = (book.open(1, false).await, book.matched(2, false).await);
    for (now_s, expected) in [(VALID_TO, vec![]), (VALID_TO + 1, vec![due]), (VALID_TO + 1, vec![])]
    {
        let mut tx = pg::begin(&book.0).await.unwrap();
        assert_eq!(intent::expire_due(&mut tx, CHAIN, now_s, 10).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(book.get(due).await.status, IntentStatus::Expired);
    assert_eq!(book.get(held).await.status, IntentStatus::Matched);
}

#[tokio::test]
async fn a_nonce_is_free_again_when_its_intent_has_ended() {
    let book = Book::new().await;
    let id = book.open(1, false).await;
    book.cancel(id).await;
    let twin = book.open(1, true).await;
    assert_eq!(book.get(twin).await.status, IntentStatus::Open);
}
