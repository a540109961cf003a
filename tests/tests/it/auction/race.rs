//! Cancellations against cuts.

use std::{sync::Arc, time::Duration};

use domain::{IntentId, status::IntentStatus};
use infra::pg::{self, intent::CancelOutcome};
use tests::{orders::Order, stack::Plan, wait};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::house::House;

const RACERS: usize = 500;
const WAVES: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn of_500_cancellations_racing_with_cuts_none_ends_both_cancelled_and_in_an_auction() {
    let house = House::with(Plan { window_ms: 100, ..Plan::default() }).await;
    let small = Order { sell_amount: 10u128.pow(15), buy_amount: 2_475_000, ..house.one_weth() };
    let mut intents = Vec::with_capacity(RACERS);
    for n in 0..RACERS {
        intents.push((n % 4, house.accept(n % 4, &small).await));
    }
    let mut market = house.lead().await;
    let stop = CancellationToken::new();
    let cutting = tokio::spawn({
        let stop = stop.clone();
        async move {
            while !stop.is_cancelled() {
                market.step(&CancellationToken::new()).await.unwrap();
            }
        }
    });
    let house = Arc::new(house);
    let mut racing = JoinSet::new();
    // each wave begins while another auction is under way
    for (wave, part) in intents.chunks(RACERS / WAVES).enumerate() {
        wait::until("another auction", Duration::from_secs(30), || async {
            let auctions = house.count("SELECT count(*) FROM auction").await;
            if auctions > wave as i64 { Ok(()) } else { Err(auctions.to_string()) }
        })
        .await
        .unwrap();
        for (owner, intent) in part.iter().copied() {
            let house = Arc::clone(&house);
            racing.spawn(async move { (intent, cancel(&house, owner, intent).await) });
        }
    }
    let outcomes = racing.join_all().await;
    stop.cancel();
    cutting.await.unwrap();

    let both = "SELECT count(*) FROM intent WHERE status = 'cancelled' AND auction_id IS NOT NULL";
    assert_eq!(house.count(both).await, 0);
    let (mut cancelled, mut late) = (0, 0);
    for (intent, outcome) in outcomes {
        match outcome {
            CancelOutcome::Cancelled => {
                cancelled += 1;
                assert_eq!(house.intent(intent).await.status, IntentStatus::Cancelled);
                assert_left_before(&house.kinds(intent).await);
            }
            CancelOutcome::TooLate { auction_id, .. } => {
                late += 1;
                assert!(auction_id.is_some());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(cancelled + late, RACERS);
    assert!(late > 0, "no cancellation met a cut: the race did not take place");
}

async fn cancel(house: &House, owner: usize, intent: IntentId) -> CancelOutcome {
    let owner = house.stack.owner(owner).address();
    let mut tx = house.pool.begin().await.unwrap();
    let answer = pg::intent::cancel(&mut tx, house.chain_id(), owner, &[intent]).await.unwrap();
    tx.commit().await.unwrap();
    answer[0]
}

/// Every auction the intent was cut into had let it go before it was cancelled, and none took it
/// after.
fn assert_left_before(kinds: &[String]) {
    let at = kinds.iter().position(|kind| kind == "cancelled").unwrap();
    let count = |kind: &str| kinds[..at].iter().filter(|found| *found == kind).count();
    assert_eq!(count("cut"), count("auction_result"), "{kinds:?}");
    assert!(!kinds[at..].iter().any(|kind| kind == "cut"), "{kinds:?}");
}
