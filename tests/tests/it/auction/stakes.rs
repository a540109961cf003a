//! What answers for a winner answers for nobody else: a second attempt and the next auction are
//! decided beside each other, on the bond of one solver.

use super::{
    floor::{FAIR, Floor, WETH, house},
    gate::Gate,
    house::{House, concluded, opened, step},
};
use alloy::hex;
use auction::{AuctionError, Step};
use domain::{
    Amount, Bid, BidId, IntentId,
    auction::{DropReason, Ruling},
    batch::SignedBid,
    bid::Terms,
    status::IntentStatus as I,
};
use infra::{
    chain::abi::{self, SolCall as _},
    pg::{self, auction::Stakes},
};

/// What the node must not answer: the run of a batch with this bid in it.
fn hold(gate: &Gate, signed: &SignedBid) {
    let mark = hex::encode(&signed.signature.to_rsv()[..32]);
    gate.hold_all(&[&mark, &hex::encode(abi::simulateCall::SELECTOR)]);
}

impl House {
    /// A bid on one intent with other terms than usual.
    fn signed(
        &self,
        n: usize,
        auction: u64,
        intent: IntentId,
        change: impl FnOnce(&mut Terms),
    ) -> SignedBid {
        let usual = self.bid(n, auction, &[(intent, WETH, FAIR)]).bid;
        let mut terms = usual.terms().clone();
        change(&mut terms);
        let bid = Bid::new(terms, usual.legs().to_vec(), usual.callback().clone()).unwrap();
        let key = self.stack.market.solvers[n].key.key();
        let signature = key.sign(bid.id(self.stack.domain()).get());
        SignedBid { bid, signature }
    }

    /// More than half of what the solver has bonded.
    async fn most_of_its_bond(&self, n: usize) -> u128 {
        let solver = self.stack.market.solvers[n].key.address();
        let bond = self.chain.funds_of(solver).await.unwrap().bond.get();
        bond.to::<u128>() * 2 / 3
    }

    async fn stakes(&self) -> Stakes {
        let mut conn = self.pool.acquire().await.unwrap();
        pg::auction::staked(&mut conn, self.chain_id()).await.unwrap()
    }

    async fn penalties_in_flight(&self, n: usize) -> u128 {
        let solver = self.stack.market.solvers[n].key.address();
        let stakes = self.stakes().await;
        stakes.of(solver).map_or(0, |staked| staked.penalties.get().to())
    }

    async fn rulings(&self, auction: u64) -> Vec<(BidId, Ruling)> {
        let auction = self.auction(auction).await;
        let decision = auction.outcome.as_ref().unwrap().decision().unwrap().clone();
        decision.verdicts.into_iter().map(|found| (found.bid, found.ruling)).collect()
    }
}

/// Auction 1 failed on chain and is to be decided over, auction 2 is open; the second solver bids
/// most of its bond in both.
struct Race {
    floor: Floor,
    gate: Gate,
    /// What waits for its second attempt, and the bid on it.
    first: (IntentId, SignedBid),
    /// What is in the open window, and the bid on it.
    second: (IntentId, SignedBid),
}

impl Race {
    async fn at_the_line() -> Self {
        let patient = [
            ("auction.simulation_ms", "60000"),
            ("chain.rpc_timeout_ms", "20000"),
            ("settlement.lease_ms", "60000"),
        ];
        let mut house = house(&patient).await;
        let gate = house.gate().await;
        let mut floor = Floor::open_in(house).await;
        let most = floor.house.most_of_its_bond(1).await;
        let intent = floor.house.accept(0, &floor.house.one_weth()).await;
        assert_eq!(step(&mut floor.market).await.unwrap(), opened(1));
        let better = floor.house.bid(0, 1, &[(intent, WETH, FAIR + 5_000_000)]);
        let next = floor.house.signed(1, 1, intent, |terms| terms.penalty = most);
        for bid in [&better, &next] {
            floor.house.submit(1, bid).await;
        }
        assert_eq!(step(&mut floor.market).await.unwrap(), concluded(1, None));
        floor.reveal(0).await;
        let other = floor.house.accept(1, &floor.house.one_weth()).await;
        assert_eq!(step(&mut floor.market).await.unwrap(), opened(2));
        let bid = floor.house.signed(1, 2, other, |terms| terms.penalty = most);
        floor.house.submit(2, &bid).await;
        Self { floor, gate, first: (intent, next), second: (other, bid) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attempt_looks_again_at_a_bond_that_an_auction_took_meanwhile() {
    let Race { mut floor, gate, first, second } = Box::pin(Race::at_the_line()).await;
    hold(&gate, &first.1);
    let runner_up = floor.second.clone();
    let deciding = tokio::spawn(async move { runner_up.step().await });
    gate.came(1).await;
    assert_eq!(step(&mut floor.market).await.unwrap(), concluded(2, None));
    assert_eq!(floor.status(second.0).await, I::Matched);

    gate.release();
    let error = deciding.await.unwrap().unwrap_err();
    assert!(matches!(error, AuctionError::Moved), "{error}");
    assert_eq!((floor.attempts().await.len(), floor.status(first.0).await), (1, I::Matched));
    // decided again, on what is left of the bond: nobody else bid
    floor.second.step().await.unwrap();
    assert_eq!((floor.attempts().await.len(), floor.status(first.0).await), (1, I::Open));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auction_looks_again_at_a_bond_that_a_second_attempt_took_and_its_record_says_why() {
    let Race { mut floor, gate, first, second } = Box::pin(Race::at_the_line()).await;
    hold(&gate, &second.1);
    let house = floor.house;
    let deciding = tokio::spawn(async move {
        let outcome = step(&mut floor.market).await;
        (floor.market, outcome)
    });
    gate.came(1).await;
    floor.second.step().await.unwrap();
    assert_eq!(house.intent(first.0).await.status, I::Matched);
    let taken = house.penalties_in_flight(1).await;

    gate.release();
    let (mut market, outcome) = deciding.await.unwrap();
    let error = outcome.unwrap_err();
    assert!(error.retryable() && matches!(error, AuctionError::Moved), "{error}");
    assert_eq!(house.penalties_in_flight(1).await, taken, "nothing was written");
    // its root is announced already; it is decided again, not lost
    assert!(matches!(step(&mut market).await.unwrap(), Step::Concluded { .. }));
    let (bid, ruling) = house.rulings(2).await.remove(0);
    assert_eq!(bid, second.1.bid.id(house.stack.domain()));
    let Ruling::Dropped(DropReason::BondShort { free, .. }) = ruling else { panic!("{ruling:?}") };
    let auction = house.auction(2).await;
    let pg::auction::Outcome::Decided { standings, .. } = auction.outcome.unwrap() else {
        panic!("void")
    };
    let solver = house.stack.market.solvers[1].key.address();
    assert_eq!(standings.solvers[&solver].bond, free, "as it is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transactions_that_race_for_one_bond_one_is_written() {
    let Race { mut floor, gate, .. } = Box::pin(Race::at_the_line()).await;
    let most = floor.house.most_of_its_bond(1).await;
    gate.hold(&hex::encode(abi::simulateCall::SELECTOR));
    let runner_up = floor.second.clone();
    let one = tokio::spawn(async move { runner_up.step().await });
    let house = floor.house;
    let other = tokio::spawn(async move { step(&mut floor.market).await.map(drop) });
    gate.came(2).await;
    gate.release();
    let outcomes = [one.await.unwrap(), other.await.unwrap()];
    let moved = |outcome: &&Result<(), AuctionError>| matches!(outcome, Err(AuctionError::Moved));
    assert_eq!(outcomes.iter().filter(moved).count(), 1, "{outcomes:?}");
    assert_eq!(house.penalties_in_flight(1).await, most, "of one, not of both");
    let planned = "SELECT count(*) FROM settlement WHERE status = 'planned'";
    assert_eq!(house.count(planned).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nonce_of_a_winner_in_flight_wins_nothing_and_the_record_names_its_auction() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let nonce = Amount::from(7_000_u64);
    let won = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    house.submit(1, &house.signed(0, 1, won, |terms| terms.nonce = nonce)).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    assert_eq!(house.intent(won).await.status, I::Matched);

    let other = house.accept(1, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(2));
    let again = house.signed(0, 2, other, |terms| terms.nonce = nonce);
    house.submit(2, &again).await;
    step(&mut market).await.unwrap();
    assert_eq!(house.rulings(2).await[0].1, Ruling::Dropped(DropReason::NonceUsed { nonce }));
    let outcome = house.auction(2).await.outcome.unwrap();
    let pg::auction::Outcome::Decided { standings, .. } = outcome else { panic!("void") };
    let standing = &standings.solvers[&again.bid.terms().solver];
    assert!(standing.used_nonces.is_empty(), "the chain does not show it yet");
    assert_eq!(standing.nonces_in_flight, [(nonce, domain::AuctionId::new(1))].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_first_attempt_used_up_the_second_one_finds_on_chain_and_not_in_flight() {
    let mut floor = Floor::open().await;
    let intent = floor.house.accept(0, &floor.house.one_weth()).await;
    assert_eq!(step(&mut floor.market).await.unwrap(), opened(1));
    let better = floor.house.bid(0, 1, &[(intent, WETH, FAIR + 5_000_000)]);
    let nonce = better.bid.terms().nonce;
    let same = floor.house.signed(0, 1, intent, |terms| terms.nonce = nonce);
    let next = floor.house.bid(1, 1, &[(intent, WETH, FAIR)]);
    for bid in [&better, &same, &next] {
        floor.house.submit(1, bid).await;
    }
    assert_eq!(step(&mut floor.market).await.unwrap(), concluded(1, None));
    floor.reveal(0).await;
    floor.second.step().await.unwrap();
    let second = floor.house.auction(1).await.runner_up.unwrap();
    let standing = &second.grounds.standings.solvers[&better.bid.terms().solver];
    assert_eq!(standing.used_nonces, [nonce].into());
    assert!(standing.nonces_in_flight.is_empty(), "{standing:?}");
    assert_eq!(second.decision.winners, [floor.id(&next)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_is_free_again_when_its_bid_can_settle_no_more() {
    let house = House::start().await;
    let mut market = house.lead().await;
    let nonce = Amount::from(7_000_u64);
    let won = house.accept(0, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(1));
    let covers = house.auction(1).await.opening;
    let last_s = covers.params.latest_settlement_s(covers.closes_at_ms);
    let valid_until = u32::try_from(last_s).unwrap();
    let bid = house.signed(0, 1, won, |terms| {
        (terms.nonce, terms.valid_until) = (nonce, valid_until);
    });
    house.submit(1, &bid).await;
    assert_eq!(step(&mut market).await.unwrap(), concluded(1, None));
    // no settlement role is there to give the batch up
    let rpc = house.stack.rpc().unwrap();
    rpc.call("evm_setNextBlockTimestamp", serde_json::json!([last_s + 1])).await.unwrap();
    rpc.mine(1).await.unwrap();
    let other = house.accept(1, &house.one_weth()).await;
    assert_eq!(step(&mut market).await.unwrap(), opened(2));
    house.submit(2, &house.signed(0, 2, other, |terms| terms.nonce = nonce)).await;
    step(&mut market).await.unwrap();
    assert_eq!(house.intent(other).await.status, I::Matched);
}
