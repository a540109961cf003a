//! A solver that signs the nonce of a winning bid again before that bid is settled: the second one
//! wins nothing, the record says which auction's winner has the nonce, and who audits looks there.

use alloy::primitives::{B256, Bytes, U256};
use domain::{
    Amount, AuctionId, Bid, IntentId,
    auction::{DropReason, PublicRecord, RecordedBid, Ruling, SolverStanding},
    batch::SignedBid,
    bid::{End, Leg, Terms},
    signature::SigningKey,
};
use serde_json::{Value, json};
use tests::{
    client::{Client, PATIENCE},
    market::{DevKey, PENALTY},
    orders::{Order, now_s},
    rpc::calldata,
    stack::{Plan, Service, Stack},
    wait,
};

use super::{audit, forge::decide_again, line, line_of, proxy::Proxy};

const WETH: u128 = 10u128.pow(18);
/// The nonce that is signed twice, one that is signed once, and one that is signed twice and loses.
const TWICE: u64 = 7;
const ONCE: u64 = 8;
const LOST: u64 = 9;

struct Reuse {
    stack: Stack,
    service: Service,
    client: Client,
    /// The auction that the nonce won, and the one that it was signed for again.
    auctions: [u64; 2],
    /// The intent that each of them is about.
    intents: [IntentId; 2],
    /// A key that signs for the third solver, besides its account.
    named: DevKey,
}

impl Reuse {
    async fn play() -> Self {
        let plan = Plan { solvers: 3, window_ms: 2_000, ..Plan::default() };
        let stack = Stack::start(plan).await.unwrap();
        let service = stack.serve("api,auction,settlement").await.unwrap();
        let client = Client::new(&service.api_url).unwrap();
        let (auctions, intents) = ([0; 2], [IntentId::new(B256::ZERO); 2]);
        let named = DevKey::named("another key").unwrap();
        let mut reuse = Self { stack, service, client, auctions, intents, named };
        let rpc = reuse.stack.rpc().unwrap();
        let arguments = [reuse.named.address().into_word(), B256::with_last_byte(1)];
        let (market, set_key) = (&reuse.stack.market, calldata("setKey(address,bool)", &arguments));
        let account = market.solvers[2].key.address();
        rpc.send_as(account, market.settlement, set_key).await.unwrap();
        // nothing is mined, so nothing is settled
        rpc.call("evm_setAutomine", json!([false])).await.unwrap();
        let (first, auction) = reuse.auctioned(0).await;
        reuse.bid(0, auction, first, (TWICE, 2_490_000_000)).await;
        reuse.bid(2, auction, first, (LOST, 2_480_000_000)).await;
        reuse.reaches(auction, "decided").await;
        let (second, next) = reuse.auctioned(1).await;
        reuse.bid(0, next, second, (TWICE, 2_498_000_000)).await;
        reuse.bid(1, next, second, (ONCE, 2_490_000_000)).await;
        reuse.bid(2, next, second, (LOST, 2_480_000_000)).await;
        reuse.reaches(next, "decided").await;
        rpc.call("evm_setAutomine", json!([true])).await.unwrap();
        rpc.mine(1).await.unwrap();
        (reuse.auctions, reuse.intents) = ([auction, next], [first, second]);
        for auction in reuse.auctions {
            reuse.reaches(auction, "published").await;
        }
        reuse
    }

    /// An intent of this owner, and the auction that it is in.
    async fn auctioned(&self, owner: usize) -> (IntentId, u64) {
        let (weth, usdc) = (self.stack.token("WETH"), self.stack.token("USDC"));
        let order = Order::sell(weth, WETH, usdc, 2_475_000_000);
        let posted = self.stack.owner(owner).intent(self.stack.domain(), &order);
        let answer = self.client.post("/v1/intents", &posted.body).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
        let path = format!("/v1/intents/{}", posted.id);
        let held = wait::until("the intent being in an auction", PATIENCE, || async {
            let view = self.client.get(&path).await.map_err(|error| error.to_string())?.body;
            view["auction_id"].as_u64().ok_or_else(|| view.to_string())
        });
        (posted.id, held.await.unwrap())
    }

    async fn reaches(&self, auction: u64, status: &str) {
        let path = format!("/v1/auctions/{auction}");
        wait::until(status, PATIENCE, || async {
            let view = self.client.get(&path).await.map_err(|error| error.to_string())?.body;
            if view["status"] == status { Ok(()) } else { Err(view["status"].to_string()) }
        })
        .await
        .unwrap();
    }

    async fn bid(&self, n: usize, auction: u64, intent: IntentId, terms: (u64, u128)) {
        let key = self.stack.market.solvers[n].key.key();
        let signed = self.signed(n, auction, intent, terms, key);
        let path = format!("/v1/auctions/{auction}/bids");
        let answer = self.client.post(&path, &json!(signed)).await.unwrap();
        assert_eq!(answer.status, 201, "{:#}", answer.body);
    }

    /// A bid of this solver, whoever signs it.
    fn signed(
        &self,
        n: usize,
        auction: u64,
        intent: IntentId,
        (nonce, bought): (u64, u128),
        key: &SigningKey,
    ) -> SignedBid {
        let solver = &self.stack.market.solvers[n];
        let terms = Terms {
            auction_id: AuctionId::new(auction),
            solver: solver.key.address(),
            filler: solver.filler,
            gas: 500_000,
            callback_gas: 0,
            penalty: PENALTY,
            valid_until: u32::try_from(now_s() + 900).unwrap(),
            nonce: Amount::from(nonce),
            salt: B256::repeat_byte(3),
            client_bid_id: B256::from(U256::from(n)),
        };
        let leg =
            |from, to, amount: u128| Leg { from, to, amount: amount.to_string().parse().unwrap() };
        let end = End::Intent(intent);
        let legs = vec![leg(end, End::Filler, WETH), leg(End::Filler, end, bought)];
        let bid = Bid::new(terms, legs, Bytes::new()).unwrap();
        let signature = key.sign(bid.id(self.stack.domain()).get());
        SignedBid { bid, signature }
    }

    async fn export(&self, auction: u64) -> PublicRecord {
        let client = solvers::client::Client::new(&self.service.api_url).unwrap();
        client.export(AuctionId::new(auction)).await.unwrap()
    }

    /// The first auction's record as if this bid had won there as well.
    async fn as_if_won(&self, signed: SignedBid) -> PublicRecord {
        let mut forged = self.export(self.auctions[0]).await;
        let id = signed.bid.id(self.stack.domain());
        let bids = &mut forged.contents.as_mut().unwrap().bids;
        let RecordedBid { ms, seq, .. } = bids[0].clone();
        bids.push(RecordedBid { id, ms, seq: seq + 100, signed });
        forged.decision.as_mut().unwrap().winners.push(id);
        forged
    }

    /// The audit of the second auction where the API answers with these exports instead.
    async fn audited(&self, exports: Vec<(u64, Value)>) -> (i32, String, String) {
        let proxy = Proxy::start(&self.service.api_url, move |asked, _, answer| {
            let of = |(id, _): &&(u64, Value)| asked == format!("/v1/auctions/{id}/export");
            exports.iter().find(of).map_or(answer, |(_, other)| other.clone())
        });
        let (proxy, auction) = (proxy.await, self.auctions[1].to_string());
        let rpc = self.stack.anvil.url();
        audit(line(&[("api", &proxy.url), ("rpc", &rpc), ("auction", &auction)])).await
    }

    /// The second auction as if this had been recorded of one of its solvers.
    fn as_if(
        &self,
        record: &PublicRecord,
        solver: usize,
        change: impl FnOnce(&mut SolverStanding),
    ) -> PublicRecord {
        let mut forged = record.clone();
        let standings = &mut forged.contents.as_mut().unwrap().standings;
        let solver = self.stack.market.solvers[solver].key.address();
        change(standings.solvers.get_mut(&solver).unwrap());
        let forged = decide_again(forged);
        assert_eq!(forged.verify(), Ok(()), "by itself nothing is wrong with it");
        forged
    }

    /// The second auction as if the first one's winner had the nonce that lost in both.
    fn counting_the_lost(&self, record: &PublicRecord) -> PublicRecord {
        let auction = AuctionId::new(self.auctions[0]);
        self.as_if(record, 2, |standing| {
            standing.nonces_in_flight.insert(Amount::from(LOST), auction);
        })
    }

    async fn fails(&self, forged: &PublicRecord, word: &str) {
        self.fails_beside(forged, None, word).await;
    }

    async fn fails_beside(&self, forged: &PublicRecord, other: Option<&PublicRecord>, word: &str) {
        let (code, out, err) = self.beside(forged, other).await;
        assert!(out.contains("FAILED") && out.contains(word), "{word:?} is not in\n{out}\n{err}");
        assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{out}\n{err}");
    }

    /// The audit of the second auction's record, where the first one's is this.
    async fn beside(
        &self,
        forged: &PublicRecord,
        other: Option<&PublicRecord>,
    ) -> (i32, String, String) {
        let other = other.map(|other| (self.auctions[0], json!(other)));
        let exports = other.into_iter().chain([(self.auctions[1], json!(forged))]);
        self.audited(exports.collect()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_in_flight_is_looked_up_in_the_record_of_its_auction() {
    let reuse = Reuse::play().await;
    let record = reuse.export(reuse.auctions[1]).await;
    honest(&reuse, &record).await;
    sealed(&reuse, &record).await;
    invented(&reuse, &record).await;
    doctored(&reuse, &record).await;
    taken_back(&reuse, &record).await;
}

async fn honest(reuse: &Reuse, record: &PublicRecord) {
    let [auction, _] = reuse.auctions;
    let contents = record.contents.as_ref().unwrap();
    let used = DropReason::NonceUsed { nonce: Amount::from(TWICE) };
    assert_eq!(contents.verdicts[0].ruling, Ruling::Dropped(used));
    let solver = reuse.stack.market.solvers[0].key.address();
    let claims = &contents.standings.solvers[&solver].nonces_in_flight;
    assert_eq!(*claims, [(Amount::from(TWICE), AuctionId::new(auction))].into());
    let mut flags = line(&[("api", &reuse.service.api_url), ("rpc", &reuse.stack.anvil.url())]);
    flags.push("--strict".to_owned());
    let (code, out, err) = audit(flags).await;
    assert_eq!(code, 0, "{out}\n{err}");
    for auction in reuse.auctions {
        assert!(line_of(&out, auction).unwrap().contains("settled in 0x"), "{out}");
    }
}

/// As long as the other auction is sealed, or its record not at hand, the operator has only given
/// its word.
async fn sealed(reuse: &Reuse, record: &PublicRecord) {
    let [auction, _] = reuse.auctions;
    let told = "unchecked: 1 nonces in flight";
    let path = format!("/v1/auctions/{auction}/export");
    let mut other = reuse.client.get(&path).await.unwrap().body;
    other["contents"] = Value::Null;
    let (code, out, err) = reuse.audited(vec![(auction, other)]).await;
    assert!(code == 0 && out.contains(told), "{out}\n{err}");

    let file = reuse.stack.folder().join("reuse.json");
    std::fs::write(&file, record.canonical().unwrap()).unwrap();
    let (file, rpc) = (file.display().to_string(), reuse.stack.anvil.url());
    let (code, out, err) = audit(line(&[("file", &file), ("rpc", &rpc)])).await;
    assert!(code == 0 && out.contains(told), "{out}\n{err}");
    let other = reuse.stack.folder().join("other.json");
    let text = reuse.client.get(&path).await.unwrap().body.to_string();
    std::fs::write(&other, text).unwrap();
    let other = other.display().to_string();
    let (code, out, err) = audit(line(&[("file", &file), ("file", &other), ("rpc", &rpc)])).await;
    assert!(code == 0 && !out.contains("unchecked"), "{out}\n{err}");
}

/// An operator that keeps a bid from winning by saying that its nonce is in flight.
async fn invented(reuse: &Reuse, record: &PublicRecord) {
    let [auction, this] = reuse.auctions.map(AuctionId::new);
    let (once, twice) = (Amount::from(ONCE), Amount::from(TWICE));
    let word = format!("counts as used by a winner of auction {auction}, and no such winner");
    let censored = reuse.as_if(record, 1, |standing| {
        standing.nonces_in_flight.insert(once, auction);
    });
    let winners = |record: &PublicRecord| record.decision.as_ref().unwrap().winners.clone();
    assert_ne!(winners(&censored), winners(record));
    reuse.fails(&censored, &word).await;
    // nor by this auction itself, one that is not there, or one that came later
    for named in [this, AuctionId::new(0), AuctionId::new(1_000)] {
        let forged = reuse.as_if(record, 0, |standing| {
            standing.nonces_in_flight.insert(twice, named);
        });
        reuse.fails(&forged, &format!("counts as used by a winner of auction {named}, and")).await;
    }
    // as if the chain showed it
    let forged = reuse.as_if(record, 1, |standing| {
        standing.used_nonces.insert(once);
    });
    reuse.fails(&forged, "what the registry says of the bidders").await;
    // of a bid that is not there
    let padded = reuse.as_if(record, 1, |standing| {
        standing.nonces_in_flight.insert(Amount::from(99_u64), auction);
    });
    reuse.fails(&padded, "what the registry says of the bidders").await;
}

/// An operator that doctors the other auction's record as well, so that a winner there has the nonce.
async fn doctored(reuse: &Reuse, record: &PublicRecord) {
    let ([auction, next], [intent, other]) = (reuse.auctions, reuse.intents);
    let named = AuctionId::new(auction);
    let word = format!("counts as used by a winner of auction {named}, and no such winner");
    let censored = reuse.as_if(record, 1, |standing| {
        standing.nonces_in_flight.insert(Amount::from(ONCE), named);
    });
    let terms = (ONCE, 2_490_000_000);
    let solvers = &reuse.stack.market.solvers;
    // signed by nobody who may, and by the solver for another auction
    let foreign = reuse.signed(1, auction, intent, terms, solvers[0].key.key());
    let elsewhere = reuse.signed(1, next, other, terms, solvers[1].key.key());
    for invented in [foreign, elsewhere] {
        let lie = reuse.as_if_won(invented).await;
        reuse.fails_beside(&censored, Some(&lie), &word).await;
    }
    // the signature of a key counts if the chain says that it was the solver's
    let (counted, terms) = (reuse.counting_the_lost(record), (LOST, 2_490_000_000));
    let by_key = reuse.signed(2, auction, intent, terms, reuse.named.key());
    let mut won = reuse.as_if_won(by_key).await;
    let (code, out, err) = reuse.beside(&counted, Some(&won)).await;
    assert!(code == 0 && !out.contains("unchecked"), "{out}\n{err}");
    won.contents.as_mut().unwrap().standings.block.as_mut().unwrap().hash = B256::repeat_byte(1);
    let (code, out, err) = reuse.beside(&counted, Some(&won)).await;
    let told = "unchecked: 1 nonces in flight (who signed for the solver there cannot be asked)";
    assert!(code == 0 && out.contains(told), "{out}\n{err}");
}

/// A losing bid of the other auction may have won a second attempt of it that a reorg took back, and
/// of which no record is left: its operator is not accused.
async fn taken_back(reuse: &Reuse, record: &PublicRecord) {
    let (code, out, err) = reuse.beside(&reuse.counting_the_lost(record), None).await;
    let told =
        "unchecked: 1 nonces in flight (of bids that lost, unless a second attempt was taken";
    assert!(code == 0 && out.contains(told), "{out}\n{err}");
}
