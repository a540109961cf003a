//! Winners are run before they are published: who is dropped, on what evidence, and what happens
//! when the node does not say.

use std::{collections::BTreeMap, time::Duration};

use alloy::primitives::U256;
use auction::Market;
use domain::{
    AuctionId, BidId, IntentId,
    auction::{Cut, DropReason, LeftOut, Ruling, Shares, Simulation, SimulationDrop},
    batch::{self, BatchBid, SignedBid, SignedIntent},
    commitment::BatchHeader,
    signature::EcdsaSignature,
    status::{AuctionStatus, IntentStatus},
};
use infra::{
    chain::abi::{self, SolCall as _},
    pg::{self, auction::Outcome},
};
use tests::{rpc::calldata, stack::Plan, wait};

use super::{
    gate::Gate,
    house::{House, concluded, opened, step},
};

const WETH: u128 = 10u128.pow(18);
/// What a filler pays for one WETH in these tests.
const FAIR: u128 = 2_490_000_000;

async fn house() -> House {
    House::with(Plan { window_ms: 1_000, solvers: 2, ..Plan::default() }).await
}

/// A house that waits for its node as long as a test does.
async fn patient() -> (House, Gate) {
    let settings = [
        ("auction.simulation_ms", "60000"),
        ("chain.rpc_timeout_ms", "20000"),
        ("settlement.lease_ms", "60000"),
    ];
    let settings = settings.map(|(key, value)| (key, value.to_owned())).to_vec();
    let mut house = House::with(Plan { window_ms: 1_000, settings, ..Plan::default() }).await;
    let gate = house.gate().await;
    (house, gate)
}

/// Until root and count of auction 1 are announced.
async fn closed(house: &House) -> pg::auction::StoredAuction {
    wait::until("the close being announced", Duration::from_secs(10), || async {
        let auction = house.auction(1).await;
        if auction.closing.is_some() { Ok(auction) } else { Err("no root yet".to_owned()) }
    })
    .await
    .unwrap()
}

/// Takes USDC out of the filler of solver `n` until `left` is there.
async fn drain(house: &House, n: usize, left: u128) {
    let (rpc, usdc) = (house.stack.rpc().unwrap(), house.stack.token("USDC"));
    let filler = house.stack.market.solvers[n].filler;
    let there = rpc.token_balance(usdc, filler).await.unwrap();
    let to = house.stack.owner(3).address().into_word();
    let amount = (there - U256::from(left)).into();
    rpc.set_balance(filler, WETH).await.unwrap();
    rpc.send_as(filler, usdc, calldata("transfer(address,uint256)", &[to, amount])).await.unwrap();
}

async fn outcome(house: &House, id: u64) -> (domain::auction::Decision, Option<Simulation>) {
    match house.auction(id).await.outcome.unwrap() {
        Outcome::Decided { decision, simulation, .. } => (decision, simulation),
        Outcome::Void { reason } => panic!("{reason}"),
    }
}

async fn drops_of(house: &House, n: usize) -> u64 {
    let solver = house.stack.market.solvers[n].key.address();
    let mut tx = pg::begin(&house.pool).await.unwrap();
    let sealed = pg::bid::simulation_drops(&mut tx, house.chain_id(), solver).await.unwrap();
    assert_eq!(sealed, 0, "nobody is told before the auction is published");
    sqlx::query("UPDATE auction SET status = 'published'").execute(&mut *tx).await.unwrap();
    pg::bid::simulation_drops(&mut tx, house.chain_id(), solver).await.unwrap()
}

/// The recorded call, made again from the rows.
async fn again(
    house: &House,
    bids: &[&SignedBid],
    block: domain::event::BlockRef,
    drop: &SimulationDrop,
) -> alloy::primitives::Bytes {
    let auction = house.auction(1).await;
    let closing = auction.closing.unwrap();
    let header = BatchHeader {
        auction: AuctionId::new(1),
        attempt: 1,
        open_hash: auction.open_hash,
        bids_root: closing.bids_root,
        bid_count: closing.bid_count,
    };
    let domain = house.stack.domain();
    let by_id: BTreeMap<BidId, &SignedBid> =
        bids.iter().map(|signed| (signed.bid.id(domain), *signed)).collect();
    let messages = auction.opening.intents.iter().map(|entry| house.intent(entry.id));
    let messages = futures_util::future::join_all(messages).await;
    let messages = messages.into_iter().map(|row| (row.id, row.intent)).collect();
    let cut = Cut::new(auction.opening.clone(), messages).unwrap();
    let shares = Shares::of(&cut);
    let batch: Vec<BatchBid> = drop.batch.iter().map(|id| shares.in_batch(by_id[id])).collect();
    let mut intents = BTreeMap::<IntentId, SignedIntent>::new();
    for entry in &auction.opening.intents {
        let stored = house.intent(entry.id).await;
        let signature = EcdsaSignature::parse(&stored.signature).unwrap();
        let signature = batch::OwnerSignature::Ecdsa(signature);
        intents.insert(entry.id, SignedIntent { intent: stored.intent, signature });
    }
    let bytes = batch::encode(&header, &batch, &intents).unwrap();
    let run = house.chain.simulate(bytes, Some(drop.gas), block.hash.into()).await.unwrap();
    run.returned
}

const DROPPED: Ruling = Ruling::Dropped(DropReason::LeftOut { because: LeftOut::Simulation });

#[tokio::test(flavor = "multi_thread")]
async fn a_winner_that_does_not_settle_is_dropped_with_evidence_and_the_next_best_set_wins() {
    let house = house().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    let other = house.accept(1, &house.one_weth()).await;
    drain(&house, 0, 0).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let best = house.bid(0, 1, &[(intent, WETH, FAIR + 5_000_000)]);
    let second = house.bid(1, 1, &[(intent, WETH, FAIR)]);
    let beside = house.bid(1, 1, &[(other, WETH, FAIR)]);
    for bid in [&best, &second, &beside] {
        house.submit(1, bid).await;
    }
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));

    let id = |signed: &SignedBid| signed.bid.id(house.stack.domain());
    let (decision, simulation) = outcome(&house, 1).await;
    assert_eq!(decision.verdicts[0].ruling, DROPPED);
    assert_eq!(decision.winners.len(), 2);
    assert!(!decision.winners.contains(&id(&best)));
    let Simulation { block, rounds, complete, drops } = simulation.unwrap();
    assert_eq!((rounds, complete, drops.len()), (2, true, 1));
    let [dropped] = drops.as_slice() else { panic!("{drops:?}") };
    assert_eq!(dropped.bid, id(&best));
    assert_eq!(dropped.batch, [id(&best)], "it fails by itself");
    assert_eq!(dropped.fault, 1, "the filler is short: its solver's fault");
    // whoever makes the same call at the same block gets the same bytes, also later
    house.stack.rpc().unwrap().mine(3).await.unwrap();
    assert_eq!(again(&house, &[&best], block, dropped).await, dropped.returned);

    assert_eq!((drops_of(&house, 0).await, drops_of(&house, 1).await), (1, 0));
    assert_eq!(house.intent(intent).await.status, IntentStatus::Matched);
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_made_to_fail_one_after_the_other_use_up_one_round() {
    let house = house().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    let other = house.accept(1, &house.one_weth()).await;
    drain(&house, 0, 0).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let bids = (1..=5).map(|n| house.bid(0, 1, &[(intent, WETH, FAIR + n * 1_000_000)]));
    let mut bids: Vec<SignedBid> = bids.collect();
    let honest = house.bid(1, 1, &[(intent, WETH, FAIR)]);
    // on another intent, and no better there than another solver's
    let elsewhere = house.bid(0, 1, &[(other, WETH, FAIR)]);
    let beside = house.bid(1, 1, &[(other, WETH, FAIR + 1_000_000)]);
    bids.extend([honest.clone(), elsewhere.clone(), beside.clone()]);
    for bid in &bids {
        house.submit(1, bid).await;
    }
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));

    let id = |signed: &SignedBid| signed.bid.id(house.stack.domain());
    let (decision, simulation) = outcome(&house, 1).await;
    let Simulation { rounds, complete, drops, .. } = simulation.unwrap();
    assert_eq!((rounds, complete, drops.len()), (2, true, 1));
    assert_eq!((drops[0].bid, drops[0].round), (id(&bids[4]), 1), "the best of them");
    let ruling = |bid| decision.verdicts.iter().find(|verdict| verdict.bid == bid).unwrap().ruling;
    let because = LeftOut::Discredited;
    for bid in &bids[..4] {
        assert_eq!(ruling(id(bid)), Ruling::Dropped(DropReason::LeftOut { because }));
    }
    assert_eq!(drops_of(&house, 0).await, 1, "only what was run counts against its solver");
    assert_eq!(decision.winners.len(), 2);
    assert!(decision.winners.contains(&id(&honest)) && decision.winners.contains(&id(&beside)));
    let left_out = decision.left_out();
    assert!(!left_out.contains_key(&id(&elsewhere)), "where nothing of it failed it is judged");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_cannot_pay_any_more_uses_up_one_round_whoever_bids() {
    let house = house().await;
    let mut market = house.lead().await;
    let [intent, other] =
        [house.accept(0, &house.one_weth()).await, house.accept(1, &house.one_weth()).await];
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let bids = [0, 1].map(|n| {
        let better = 1_000_000 * (n as u128);
        [intent, other].map(|intent| house.bid(n, 1, &[(intent, WETH, FAIR + better)]))
    });
    for bid in bids.iter().flatten() {
        house.submit(1, bid).await;
    }
    let (rpc, weth) = (house.stack.rpc().unwrap(), house.stack.token("WETH"));
    let owner = house.stack.owner(0).address();
    let there = rpc.token_balance(weth, owner).await.unwrap();
    let to = house.stack.owner(3).address().into_word();
    rpc.set_balance(owner, WETH).await.unwrap();
    let data = calldata("transfer(address,uint256)", &[to, there.into()]);
    rpc.send_as(owner, weth, data).await.unwrap();
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));

    let (decision, simulation) = outcome(&house, 1).await;
    let Simulation { rounds, complete, drops, .. } = simulation.unwrap();
    assert_eq!((rounds, complete, drops.len(), drops[0].fault), (2, true, 1, 2));
    let winner = bids[1][1].bid.id(house.stack.domain());
    assert_eq!(decision.winners, [winner], "the other owner's intent is filled as ever");
    let left_out = decision.left_out();
    let discredited = bids[0][0].bid.id(house.stack.domain());
    assert_eq!(left_out.get(&discredited), Some(&LeftOut::Discredited));
    assert_eq!((drops_of(&house, 0).await, drops_of(&house, 1).await), (0, 0), "nobody's fault");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_that_fails_only_beside_another_is_dropped_and_nobody_is_blamed() {
    let house = house().await;
    let mut market = house.lead().await;
    let first = house.accept(0, &house.one_weth()).await;
    let second = house.accept(1, &house.one_weth()).await;
    // enough for either of the two, not for both
    drain(&house, 0, FAIR + 1_000_000).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let bids = [house.bid(0, 1, &[(first, WETH, FAIR)]), house.bid(0, 1, &[(second, WETH, FAIR)])];
    for bid in &bids {
        house.submit(1, bid).await;
    }
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, Some(2)));

    let ids = bids.each_ref().map(|signed| signed.bid.id(house.stack.domain()));
    let (decision, simulation) = outcome(&house, 1).await;
    assert_eq!(decision.winners, [ids[0]], "the one before it in the order of settlement stays");
    assert_eq!(decision.verdicts[1].ruling, DROPPED);
    let Simulation { block, complete, drops, .. } = simulation.unwrap();
    assert!(complete);
    assert_eq!((drops.len(), drops[0].bid, drops[0].batch.as_slice()), (1, ids[1], ids.as_slice()));
    let [a, b] = &bids;
    assert_eq!(again(&house, &[a, b], block, &drops[0]).await, drops[0].returned);
    assert_eq!(drops_of(&house, 0).await, 0);
    assert_eq!(house.intent(second).await.auction_id.unwrap().get(), 2, "back, and cut again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_the_last_round_is_left_out_and_what_takes_its_place_is_said_to_be_untried() {
    let settings = vec![("auction.simulation_rounds", "1".to_owned())];
    let plan = Plan { window_ms: 1_000, solvers: 2, settings, ..Plan::default() };
    let house = House::with(plan).await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    drain(&house, 0, 0).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let best = house.bid(0, 1, &[(intent, WETH, FAIR + 5_000_000)]);
    let next = house.bid(1, 1, &[(intent, WETH, FAIR)]);
    house.submit(1, &best).await;
    house.submit(1, &next).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    let (decision, simulation) = outcome(&house, 1).await;
    assert_eq!(decision.winners, [next.bid.id(house.stack.domain())]);
    let simulation = simulation.unwrap();
    assert_eq!((simulation.rounds, simulation.complete, simulation.drops.len()), (1, false, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_silent_about_the_winners_delays_the_decision_by_the_box_and_no_more() {
    let settings = vec![("auction.simulation_ms", "150".to_owned())];
    let plan = Plan { window_ms: 1_000, solvers: 2, settings, ..Plan::default() };
    let mut house = House::with(plan).await;
    let gate = house.gate().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    drain(&house, 0, 0).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let best = house.bid(0, 1, &[(intent, WETH, FAIR)]);
    house.submit(1, &best).await;
    gate.hold(&simulate());
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    let auction = house.auction(1).await;
    assert_eq!(auction.status, AuctionStatus::Decided);
    let (decision, simulation) = outcome(&house, 1).await;
    assert_eq!(decision.winners, [best.bid.id(house.stack.domain())], "nothing speaks against it");
    let simulation = simulation.unwrap();
    assert_eq!((simulation.rounds, simulation.complete), (0, false));
    assert!(simulation.drops.is_empty());
    assert_eq!(drops_of(&house, 0).await, 0);
}

/// Three bids on two intents: the best of the first fails alone, the second best is the other
/// solver's, and so is the one beside it.
async fn one_bad_and_two_good(house: &House) -> (Market, [SignedBid; 3]) {
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    let other = house.accept(1, &house.one_weth()).await;
    drain(house, 0, 0).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let best = house.bid(0, 1, &[(intent, WETH, FAIR + 5_000_000)]);
    let second = house.bid(1, 1, &[(intent, WETH, FAIR)]);
    let beside = house.bid(1, 1, &[(other, WETH, FAIR)]);
    for bid in [&best, &second, &beside] {
        house.submit(1, bid).await;
    }
    (market, [best, second, beside])
}

/// A bid's salt and nonce tell nothing apart in a batch's bytes; what its solver signed does.
fn mark(signed: &SignedBid) -> String {
    alloy::hex::encode(&signed.signature.to_rsv()[..32])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_the_node_does_not_run_in_time_does_not_save_a_bid_that_fails_alone() {
    let settings = vec![("auction.simulation_ms", "8000".to_owned())];
    let plan = Plan { window_ms: 1_000, solvers: 2, settings, ..Plan::default() };
    let mut house = House::with(plan).await;
    let gate = house.gate().await;
    let (mut market, [best, second, beside]) = one_bad_and_two_good(&house).await;
    // both of the first winners in one call hang, either of them alone does not
    gate.hold_all(&[&mark(&best), &mark(&beside)]);
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    gate.came(1).await;
    let id = |signed: &SignedBid| signed.bid.id(house.stack.domain());
    let (decision, simulation) = outcome(&house, 1).await;
    assert_eq!(decision.verdicts[0].ruling, DROPPED);
    assert!(decision.winners.contains(&id(&second)) && decision.winners.contains(&id(&beside)));
    let Simulation { rounds, complete, drops, .. } = simulation.unwrap();
    let [dropped] = drops.as_slice() else { panic!("{drops:?}") };
    assert_eq!((dropped.bid, dropped.batch.as_slice()), (id(&best), [id(&best)].as_slice()));
    assert_eq!((rounds, complete), (2, true), "without it the batch was run as it is published");
    assert_eq!(drops_of(&house, 0).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_that_no_node_can_run_in_time_switches_the_simulation_off_for_nobody_else() {
    let settings = vec![("auction.simulation_ms", "3000".to_owned())];
    let plan = Plan { window_ms: 1_000, solvers: 2, settings, ..Plan::default() };
    let mut house = House::with(plan).await;
    let gate = house.gate().await;
    let (mut market, [best, second, beside]) = one_bad_and_two_good(&house).await;
    gate.hold_all(&[&mark(&beside), &simulate()]);
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    let id = |signed: &SignedBid| signed.bid.id(house.stack.domain());
    let (decision, simulation) = outcome(&house, 1).await;
    assert!(decision.winners.contains(&id(&second)) && decision.winners.contains(&id(&beside)));
    let Simulation { rounds, complete, drops, .. } = simulation.unwrap();
    let dropped: Vec<BidId> = drops.iter().map(|drop| drop.bid).collect();
    assert_eq!((dropped, rounds, complete), (vec![id(&best)], 1, false));
    assert_eq!((drops_of(&house, 0).await, drops_of(&house, 1).await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn root_and_count_are_announced_before_anything_is_decided_and_survive_the_leader_and_redis()
{
    let (house, gate) = patient().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.bid(0, 1, &[(intent, WETH, FAIR)])).await;
    house.queue(1, &house.bid(0, 1, &[(intent, WETH, FAIR - 1_000_000)])).await;
    gate.hold(&simulate());
    let leading = tokio::spawn(async move { step(&mut market).await });
    gate.came(1).await;
    let closed = closed(&house).await;
    assert_eq!((closed.status, closed.outcome), (AuctionStatus::Open, None));
    assert_eq!(closed.closing.unwrap().bid_count, 2);
    assert_eq!(house.events().await, ["auction.opened", "auction.closed"]);
    assert_eq!(house.count("SELECT count(*) FROM bid").await, 2, "every bid of it has a row");

    // the leader dies, and so does all of Redis' data
    leading.abort();
    let _ = leading.await;
    gate.release();
    house.forget_queue().await;
    let mut successor = house.lead().await;
    assert_eq!(step(&mut successor).await.unwrap(), concluded(1, None));
    let auction = house.auction(1).await;
    assert_eq!(auction.closing, closed.closing);
    let (decision, simulation) = outcome(&house, 1).await;
    assert_eq!((decision.winners.len(), simulation.unwrap().complete), (1, true));
    assert_eq!(house.events().await, ["auction.opened", "auction.closed", "auction.decided"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_not_those_whose_root_was_announced_void_the_auction() {
    let (house, gate) = patient().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let bids = [FAIR, FAIR - 1_000_000].map(|bought| house.bid(0, 1, &[(intent, WETH, bought)]));
    house.submit(1, &bids[0]).await;
    house.submit(1, &bids[1]).await;
    gate.hold(&simulate());
    let leading = tokio::spawn(async move { step(&mut market).await });
    gate.came(1).await;
    closed(&house).await;
    leading.abort();
    let _ = leading.await;
    gate.release();
    let unwanted = bids[0].bid.id(house.stack.domain());
    let lose = sqlx::query("DELETE FROM bid WHERE id = $1").bind(unwanted.as_bytes().to_vec());
    lose.execute(&house.pool).await.unwrap();
    step(&mut house.lead().await).await.unwrap();
    match house.auction(1).await.outcome.unwrap() {
        Outcome::Void { reason } => assert_eq!(reason, "bids_disagree"),
        Outcome::Decided { .. } => panic!("decided over other bids than were announced"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bidders_are_judged_at_one_recorded_block_and_anybody_can_ask_again() {
    let house = house().await;
    let mut market = house.lead().await;
    let intent = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    for n in [0, 1] {
        house.submit(1, &house.bid(n, 1, &[(intent, WETH, FAIR)])).await;
    }
    step(&mut market).await.unwrap();
    let Outcome::Decided { standings, simulation, .. } = house.auction(1).await.outcome.unwrap()
    else {
        panic!("void")
    };
    let block = standings.block.unwrap();
    assert_eq!(simulation.unwrap().block, block);
    assert_eq!(standings.solvers.len(), 2);
    // paused since: the record is about that block, not about now
    let (rpc, market) = (house.stack.rpc().unwrap(), &house.stack.market);
    let solver = market.solvers[0].key.address();
    let call = abi::setPausedCall { solver, paused: true };
    rpc.send_as(market.operator.address(), market.settlement, call.abi_encode().into())
        .await
        .unwrap();
    let mut conn = house.pool.acquire().await.unwrap();
    let rows = pg::bid::of_auction(&mut conn, house.chain_id(), AuctionId::new(1)).await.unwrap();
    let bids: Vec<_> = rows.into_iter().map(|row| row.placed).collect();
    let header = house.chain.block_by_hash(block.hash).await.unwrap().unwrap();
    let again = auction::bidders(&house.chain, &header, &bids).await.unwrap();
    assert_eq!(again.standings, standings);
    assert!(again.unauthorised.is_empty());
    let now = house.chain.block_latest().await.unwrap();
    let later = auction::bidders(&house.chain, &now, &bids).await.unwrap();
    assert!(later.standings.solvers[&solver].paused);
}

/// The selector of `simulate`, as it stands in a request.
fn simulate() -> String {
    alloy::hex::encode(abi::simulateCall::SELECTOR)
}
