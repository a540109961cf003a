//! An owner who takes its approval back before the reveal: the bid fails by its fault, and for a while
//! its intents are filled alone. Market and worker are driven by hand.

use alloy::primitives::U256;
use domain::{
    IntentId,
    auction::{DropReason, Ruling, RunnerUp},
    event::Fault,
    status::{IntentStatus as I, SettlementStatus as S},
};
use infra::pg::{auction::Outcome, settlement::Phase};
use serde_json::json;
use tests::{orders::Order, rpc::calldata};

use super::{
    floor::{FAIR, Floor, WETH, house},
    house::{concluded, opened, step},
};

/// What an owner lets the contract take of its WETH.
async fn approve(floor: &Floor, owner: usize, amount: U256) {
    let (stack, rpc) = (&floor.house.stack, floor.rpc().await);
    let account = stack.owner(owner).address();
    rpc.set_balance(account, WETH).await.unwrap();
    let spender = stack.market.settlement.into_word();
    let data = calldata("approve(address,uint256)", &[spender, amount.into()]);
    rpc.send_as(account, stack.token("WETH"), data).await.unwrap();
}

/// An auction whose one winner joined intents of two owners and failed because the first of them had
/// taken its approval back; it has given it again since.
struct Struck {
    floor: Floor,
    /// What failed, of the owner who was short and of the other one.
    failed: [IntentId; 2],
}

impl Struck {
    async fn open(settings: &[(&'static str, &str)]) -> Self {
        let mut floor = Floor::open_in(house(settings).await).await;
        let order = floor.house.one_weth();
        let failed = [floor.house.accept(0, &order).await, floor.house.accept(1, &order).await];
        assert_eq!(step(&mut floor.market).await.unwrap(), opened(1));
        let joined = floor.house.bid(0, 1, &failed.map(|intent| (intent, WETH, FAIR)));
        floor.house.submit(1, &joined).await;
        assert_eq!(step(&mut floor.market).await.unwrap(), concluded(1, None));
        let struck = Self { floor, failed };
        let lease = struck.floor.lease(Phase::Sending).await;
        struck.floor.step_until(lease, S::Committed).await;
        approve(&struck.floor, 0, U256::ZERO).await;
        struck.floor.step_until(lease, S::Revealed).await;
        let results = struck.floor.row(lease.id).await.results.unwrap();
        let failure = results[0].failure.unwrap();
        assert_eq!(failure.fault, Fault::Owner);
        assert_eq!(failure.reason[4..], struck.failed[0].as_bytes()[..28], "it names the intent");
        approve(&struck.floor, 0, U256::MAX).await;
        struck
    }

    /// Those of `intents` that an auction's cut marks.
    async fn marked(&self, auction: u64, intents: &[IntentId]) -> Vec<bool> {
        let opening = self.floor.house.auction(auction).await.opening;
        intents.iter().map(|id| opening.intent(*id).expect("in the cut").alone).collect()
    }

    /// How a bid on some intents at a fair price is ruled in an auction under way, which closes after
    /// it and one on `alone`.
    async fn ruling(&mut self, auction: u64, joined: &[IntentId], alone: IntentId) -> [Ruling; 2] {
        let fills: Vec<_> = joined.iter().map(|intent| (*intent, WETH, FAIR)).collect();
        let joined = self.floor.house.bid(0, auction, &fills);
        let alone = self.floor.house.bid(1, auction, &[(alone, WETH, FAIR)]);
        for bid in [&joined, &alone] {
            self.floor.house.submit(auction, bid).await;
        }
        let concluded = step(&mut self.floor.market).await.unwrap();
        assert!(matches!(concluded, auction::Step::Concluded { .. }), "{concluded:?}");
        let Some(Outcome::Decided { decision, .. }) =
            self.floor.house.auction(auction).await.outcome
        else {
            panic!("not decided");
        };
        [joined, alone].map(|bid| {
            let id = self.floor.id(&bid);
            let mut verdicts = decision.verdicts.iter();
            verdicts.find(|verdict| verdict.bid == id).expect("a verdict").ruling
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_short_is_filled_alone_until_its_strike_is_old() {
    let mut struck = Box::pin(Struck::open(&[])).await;
    let [_, other] = struck.failed;
    assert_eq!(struck.floor.house.count("SELECT count(*) FROM strike").await, 1);
    let another = struck.floor.house.accept(0, &struck.floor.house.one_weth()).await;
    assert_eq!(step(&mut struck.floor.market).await.unwrap(), opened(2));

    let intents = [struck.failed[0], another, other];
    assert_eq!(struck.marked(2, &intents).await, [true, true, false]);
    let latest = "SELECT body FROM event WHERE kind = 'auction.opened' ORDER BY id DESC LIMIT 1";
    let body: serde_json::Value =
        sqlx::query_scalar(latest).fetch_one(&struck.floor.house.pool).await.unwrap();
    let told = body["intents"].as_array().unwrap();
    assert_eq!(told.iter().filter(|entry| entry["alone"] == json!(true)).count(), 2);
    let cut = |lines: Vec<(String, serde_json::Value)>| {
        lines.into_iter().rfind(|(kind, _)| kind == "cut").unwrap().1["alone"].clone()
    };
    assert_eq!(cut(struck.floor.house.timeline(another).await), json!(true));
    assert_eq!(cut(struck.floor.house.timeline(other).await), json!(false));

    let [joined, alone] = struck.ruling(2, &[another, other], another).await;
    assert_eq!(joined, Ruling::Dropped(DropReason::OwnerStruck { intent: another }));
    assert!(matches!(alone, Ruling::Won { .. }), "{alone:?}");
    assert_eq!(struck.floor.status(another).await, I::Matched);

    // an hour later
    assert_eq!(struck.marked(3, &[struck.failed[0]]).await, [true]);
    let aged = "UPDATE strike SET struck_at = struck_at - interval '3600 seconds'";
    sqlx::query(aged).execute(&struck.floor.house.pool).await.unwrap();
    let third = step(&mut struck.floor.market).await.unwrap();
    assert_eq!(third, concluded(3, Some(4)));
    let failed = struck.failed;
    assert_eq!(struck.marked(4, &failed).await, [false, false]);
    let [joined, _] = struck.ruling(4, &failed, failed[1]).await;
    assert!(matches!(joined, Ruling::Won { .. }), "{joined:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_owners_are_not_struck_nobody_is_filled_alone() {
    let mut struck = Box::pin(Struck::open(&[("auction.strike_s", "0")])).await;
    assert_eq!(struck.floor.house.count("SELECT count(*) FROM strike").await, 0);
    assert_eq!(step(&mut struck.floor.market).await.unwrap(), opened(2));
    assert_eq!(struck.marked(2, &struck.failed).await, [false, false]);
    let lines = struck.floor.house.timeline(struck.failed[0]).await;
    assert!(lines.iter().all(|(_, detail)| detail.get("struck").is_none()), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_fills_an_owner_alone_that_the_first_one_struck() {
    let mut floor = Floor::open().await;
    let order = floor.house.one_weth();
    let large = Order {
        sell_amount: 2 * order.sell_amount,
        buy_amount: 2 * order.buy_amount,
        ..order.clone()
    };
    let [short, same, other] = [
        floor.house.accept(0, &large).await,
        floor.house.accept(0, &order).await,
        floor.house.accept(1, &order).await,
    ];
    assert_eq!(step(&mut floor.market).await.unwrap(), opened(1));
    let house = &floor.house;
    let best = FAIR + 5_000_000;
    let first = [
        house.bid(0, 1, &[(short, 2 * WETH, 2 * FAIR)]),
        house.bid(0, 1, &[(same, WETH, best), (other, WETH, best)]),
    ];
    let next = [
        house.bid(1, 1, &[(same, WETH, FAIR), (other, WETH, FAIR)]),
        house.bid(1, 1, &[(same, WETH, FAIR)]),
        house.bid(1, 1, &[(other, WETH, FAIR)]),
    ];
    for bid in first.iter().chain(&next) {
        house.submit(1, bid).await;
    }
    assert_eq!(step(&mut floor.market).await.unwrap(), concluded(1, None));
    // the owner can pay for one of its two intents, the filler for none
    let lease = floor.lease(Phase::Sending).await;
    floor.step_until(lease, S::Committed).await;
    floor.drain(0).await;
    approve(&floor, 0, U256::from(WETH)).await;
    floor.step_until(lease, S::Revealed).await;
    let faults = floor.row(lease.id).await.results.unwrap();
    let mut faults: Vec<Fault> = faults.iter().map(|end| end.failure.unwrap().fault).collect();
    faults.sort_unstable_by_key(|fault| format!("{fault:?}"));
    assert_eq!(faults, [Fault::Owner, Fault::Solver]);

    floor.second.step().await.unwrap();
    let RunnerUp { grounds, decision, .. } = floor.house.auction(1).await.runner_up.unwrap();
    let mut marks: Vec<_> = grounds.intents.iter().map(|entry| (entry.id, entry.alone)).collect();
    marks.sort_unstable_by_key(|(_, alone)| *alone);
    assert_eq!(marks, [(other, false), (same, true)]);
    let [joined, alone, others] = next.map(|bid| floor.id(&bid));
    let ruling = |bid| decision.verdicts.iter().find(|found| found.bid == bid).unwrap().ruling;
    assert_eq!(ruling(joined), Ruling::Dropped(DropReason::OwnerStruck { intent: same }));
    let mut winners = decision.winners.clone();
    winners.sort_unstable();
    let mut wanted = vec![alone, others];
    wanted.sort_unstable();
    assert_eq!(winners, wanted);
    let opening = floor.house.auction(1).await.opening;
    assert!(opening.intents.iter().all(|entry| !entry.alone), "nobody was struck at the cut");
}
