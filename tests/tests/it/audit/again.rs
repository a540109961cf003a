//! A batch that was revealed again: what a reorg can bring about passes, what only a settler can who
//! wants it fails.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall as _,
};
use domain::{
    auction::PublicRecord,
    commitment::{BatchHeader, CommitPlace, commitment},
};
use infra::chain::abi;
use serde_json::json;
use tests::{client::PATIENCE, rpc::calldata, stack::Stack, wait};

use super::single::{Single, WETH};

/// A second settler of the same operator.
const OTHER: Address = Address::repeat_byte(0x5b);

impl Single {
    /// The first reveal: its commitment and its call.
    async fn revealed(&self) -> (B256, abi::revealCall) {
        let settlement = &self.view().await["settlements"][0];
        let hash = &settlement["reveal_tx"];
        let tx = self.rpc().call("eth_getTransactionByHash", json!([hash])).await.unwrap();
        let input: Bytes = serde_json::from_value(tx["input"].clone()).unwrap();
        let commitment = serde_json::from_value(settlement["commitment"].clone()).unwrap();
        (commitment, abi::revealCall::abi_decode(&input).unwrap())
    }

    async fn send(&self, from: Address, call: impl Into<Bytes>) -> B256 {
        let market = &self.stack.market;
        self.rpc().send_as(from, market.settlement, call.into()).await.unwrap()
    }

    /// The same, until it is in a block of its own and did its work.
    async fn mined(&self, from: Address, call: impl Into<Bytes>) -> B256 {
        let (rpc, tx) = (self.rpc(), self.send(from, call).await);
        let receipt = wait::until("a transaction being mined", PATIENCE, || async {
            let receipt = rpc.call("eth_getTransactionReceipt", json!([tx])).await;
            let receipt = receipt.map_err(|error| error.to_string())?;
            if receipt.is_null() { Err("it is not mined".to_owned()) } else { Ok(receipt) }
        });
        assert_eq!(receipt.await.unwrap()["status"], "0x1");
        tx
    }

    async fn commit_and_reveal(
        &self,
        from: Address,
        commitment: B256,
        call: &abi::revealCall,
    ) -> B256 {
        let made = abi::commitToCall { lane: call.lane, commitment };
        self.mined(from, made.abi_encode()).await;
        self.mined(from, call.abi_encode()).await
    }

    /// Another settler reveals the same batch with a salt of its own, as after a reorg that took the
    /// first reveal back and brought it again.
    async fn reveal_by_another(&self, record: &PublicRecord) -> B256 {
        let (_, first) = self.revealed().await;
        let closing = record.closing.unwrap();
        let header = BatchHeader {
            auction: record.opening.auction_id,
            attempt: 1,
            open_hash: record.open_hash,
            bids_root: closing.bids_root,
            bid_count: closing.bid_count,
        };
        let (lane, salt) = (U256::ZERO, B256::repeat_byte(0x77));
        let place = CommitPlace { settler: OTHER, lane };
        let made = commitment(self.stack.domain(), place, &header, &first.batch, salt);
        self.rpc().set_balance(OTHER, WETH).await.unwrap();
        let open = calldata("openLane(address,uint256)", &[OTHER.into_word(), lane.into()]);
        self.mined(self.stack.market.operator.address(), open).await;
        self.commit_and_reveal(OTHER, made, &abi::revealCall { lane, batch: first.batch, salt })
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_that_came_again_without_effect_passes_and_the_same_commitment_revealed_twice_does_not()
 {
    let single = Single::held(Stack::start(Single::plan()).await.unwrap()).await;
    single.bid(0, 2_490_000_000).await;
    let record = single.published().await;
    let again = single.reveal_by_another(&record).await;
    let (code, out, err) = single.audited(None, true).await;
    assert_eq!(code, 0, "{out}\n{err}");
    assert!(out.contains(&format!("revealed again in {again}")), "{out}");

    let (commitment, first) = single.revealed().await;
    let settler = single.stack.market.settler.address();
    let twice = single.commit_and_reveal(settler, commitment, &first).await;
    let (code, out, err) = single.audited(None, false).await;
    assert_eq!(code, i32::from(gavel::exit::DIFFERS), "{out}\n{err}");
    assert!(
        out.contains("one commitment was revealed twice") && out.contains(&twice.to_string()),
        "{out}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_that_had_its_chance_in_a_later_reveal_only_is_told() {
    let single = Single::held(Stack::start(Single::plan()).await.unwrap()).await;
    single.bid(0, 2_490_000_000).await;
    let rpc = single.rpc();
    rpc.call("evm_setAutomine", json!([false])).await.unwrap();
    single.pending("the commit waiting in the pool", 1).await;
    let solver = single.stack.market.solvers[0].key.address().into_word();
    let pause =
        |paused| calldata("setPaused(address,bool)", &[solver, B256::with_last_byte(paused)]);
    let operator = single.stack.market.operator.address();
    single.send(operator, pause(1)).await;
    rpc.mine(1).await.unwrap();
    single.pending("the reveal waiting in the pool", 1).await;
    rpc.mine(1).await.unwrap();
    rpc.call("evm_setAutomine", json!([true])).await.unwrap();
    let record = single.published().await;
    let (code, out, err) = single.audited(None, true).await;
    assert!(code == 0 && out.contains("1 failed on chain"), "{out}\n{err}");

    single.mined(operator, pause(0)).await;
    let again = single.reveal_by_another(&record).await;
    single.client.wait_for(single.intent, "filled").await.unwrap();
    let (code, out, err) = single.audited(None, false).await;
    assert_eq!(code, 0, "a reorg can do that too: {out}\n{err}");
    let told = format!("why 1 bids had a second chance, when reveal {again} came again");
    assert!(out.contains(&told), "{told:?} is not in {out}");
    let (code, ..) = single.audited(None, true).await;
    assert_eq!(code, i32::from(gavel::exit::DIFFERS));
}
