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
    // the first wave is in the book before the first cut; the others come and go while cuts are made
    let mut early = Vec::with_capacity(RACERS / WAVES);
    for n in 0..RACERS / WAVES {
        early.push(house.accept(n % 4, &small).await);
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
    wait::until("the first wave being cut", Duration::from_secs(30), || async {
        let auctions = house.count("SELECT count(*) FROM auction").await;
        if auctions > 0 { Ok(()) } else { Err(auctions.to_string()) }
    })
    .await
    .unwrap();
    for wave in 0..WAVES {
        for (n, first) in early.iter().copied().enumerate() {
            let (house, small) = (Arc::clone(&house), small.clone());
            let known = (wave == 0).then_some(first);
            racing.spawn(async move {
                let intent = match known {
                    Some(intent) => intent,
                    None => house.accept(n % 4, &small).await,
                };
                (intent, cancel(&house, n % 4, intent).await)
            });
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
    assert!(cancelled > 0, "no cancellation met an open book: half of the race is not tested");
    assert!(late > 0, "no cancellation met a cut: the race did not take place");
}

async fn cancel(house: &House, owner: usize, intent: IntentId) -> CancelOutcome {
    let owner = house.stack.owner(owner).address();
    let mut tx = pg::begin(&house.pool).await.unwrap();
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
