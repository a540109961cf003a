//! Windows follow what waits to be settled.

use domain::status::SettlementStatus as S;
use infra::pg::settlement::{self as store, LONGEST, Phase};
use tests::orders::Order;

use super::{
    floor::{FAIR, Floor, WETH, house},
    house::step,
};
use auction::Step;

impl Floor {
    /// As if the only settler at work had so many lanes.
    async fn lanes(&self, lanes: u32) {
        let mut conn = self.house.pool.acquire().await.unwrap();
        sqlx::query("DELETE FROM settler").execute(&mut *conn).await.unwrap();
        let settler = self.house.stack.market.settler.address();
        store::report_settler(&mut conn, self.house.chain_id(), settler, lanes).await.unwrap();
    }

    /// An auction of this owner's intent that somebody wins; how long its window was, milliseconds.
    async fn won(&mut self, auction: u64, owner: usize) -> u64 {
        let intent = self.house.accept(owner, &self.house.one_weth()).await;
        let step_opened = step(&mut self.market).await.unwrap();
        assert!(matches!(step_opened, Step::Opened(_)), "{step_opened:?}");
        self.house.submit(auction, &self.house.bid(0, auction, &[(intent, WETH, FAIR)])).await;
        step(&mut self.market).await.unwrap();
        let opening = self.house.auction(auction).await.opening;
        let decided = self.house.auction(auction).await.outcome.unwrap();
        assert_eq!(decided.decision().unwrap().winners.len(), 1);
        opening.closes_at_ms - opening.opened_at_ms
    }

    async fn settle_one(&self) {
        let lease = self.worker.claim(Phase::Sending, 1).await.unwrap()[0];
        self.step_until(lease, S::Revealed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_longer_while_batches_wait_for_a_lane_and_as_configured_when_none_does() {
    let mut floor = Floor::open_in(house(&[("chain.block_time_ms", "700")]).await).await;
    let configured = floor.house.config.auction.window_ms;
    floor.lanes(1).await;
    assert_eq!(floor.won(1, 0).await, configured);
    assert_eq!(floor.won(2, 1).await, configured, "the first finds the lane free");
    let params = floor.house.auction(2).await.opening.params;
    // one waits for the other: three blocks
    assert_eq!(floor.won(3, 2).await, 2_100);
    assert_eq!(floor.house.auction(2).await.opening.params, params, "nothing else changed");

    // with two waiting, intents that a window of 4.2 seconds would outlive are not cut into it
    let opening = floor.house.auction(3).await.opening;
    let covered = params.latest_settlement_s(0);
    let valid_to = opening.closes_at_ms / 1_000 + covered + 3;
    let short = Order { valid_to, ..floor.house.one_weth() };
    let short = floor.house.accept(3, &short).await;
    assert_eq!(step(&mut floor.market).await.unwrap(), Step::Idle);
    let told = floor.house.timeline(short).await;
    assert_eq!(told.last().unwrap().1["reason"], "expires_too_soon", "{told:?}");
    assert!(told.last().unwrap().1["needed"].as_u64().unwrap() > valid_to);

    for _ in 0..3 {
        floor.settle_one().await;
    }
    assert_eq!(floor.won(4, 0).await, configured, "nothing waits any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_settler_windows_grow_no_further_than_to_the_longest() {
    let mut floor = Floor::open_in(house(&[("auction.window_ms", "300")]).await).await;
    sqlx::query("DELETE FROM settler").execute(&floor.house.pool).await.unwrap();
    assert_eq!(floor.won(1, 0).await, 300, "nothing is planned yet");
    assert_eq!(floor.won(2, 1).await, 300 * u64::from(LONGEST));
    floor.lanes(1).await;
    assert_eq!(floor.won(3, 2).await, 300 * u64::from(LONGEST), "two wait, three seconds each");
}
